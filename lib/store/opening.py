"""Open the database, or say exactly why not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import func, insert, select, text

from lib.errors import StoreDamaged, StoreUnwritable
from lib.ids import new_id
from lib.store import schema
from lib.store.accounts import Accounts
from lib.store.answers import Answers
from lib.store.attachments import Attachments
from lib.store.batches import Batches
from lib.store.bills import Bills
from lib.store.budgets import Budgets
from lib.store.conversations import Conversations
from lib.store.database import APPLICATION_ID, Database, postgres_database, sqlite_database
from lib.store.days import zone_of
from lib.store.drafts import Drafts
from lib.store.files import FILE_NAME, FileLock, check_file, copy_database, make_folder
from lib.store.folders import Folders
from lib.store.gateways import Gateways
from lib.store.insight import Insight
from lib.store.ledger import Ledger
from lib.store.measures import Measures
from lib.store.messages import Messages
from lib.store.migrating import migrate
from lib.store.migrations import STEPS, Step
from lib.store.models import Models
from lib.store.organising import Organising
from lib.store.preferences import Preferences
from lib.store.presets import Presets
from lib.store.price_rules import PriceRules
from lib.store.prices import PriceBook
from lib.store.queue import Queue
from lib.store.rebuilding import rebuild_emptied
from lib.store.repricing import Repricing
from lib.store.search import Search
from lib.store.shares import Shares
from lib.store.statements import Statements
from lib.store.transfers import Transfers
from lib.store.trash import Trash


class Store:
    """An open database. Close it to let another process write."""

    def __init__(self, database: Database, lock: FileLock | None) -> None:
        self._db = database
        self._lock = lock
        self.accounts = Accounts(database)
        self.conversations = Conversations(database)
        self.answers = Answers(database)
        self.queue = Queue(database)
        self.gateways = Gateways(database)
        self.models = Models(database)
        self.prices = PriceBook(database)
        self.ledger = Ledger(database)
        self.insight = Insight(database)
        self.preferences = Preferences(database)
        self.messages = Messages(database)
        self.measures = Measures(database)
        self.drafts = Drafts(database)
        self.presets = Presets(database)
        self.trash = Trash(database)
        self.folders = Folders(database)
        self.organising = Organising(database)
        self.search = Search(database)
        self.transfers = Transfers(database)
        self.shares = Shares(database)
        self.attachments = Attachments(database)
        self.batches = Batches(database)
        self.budgets = Budgets(database)
        self.price_rules = PriceRules(database)
        self.repricing = Repricing(database)
        self.statements = Statements(database)
        self.bills = Bills(database)

    @property
    def engine(self) -> str:
        """'sqlite' or 'postgresql'."""
        return self._db.engine.dialect.name

    def owner(self) -> int:
        """The first owner, made when the database was."""
        query = select(func.min(schema.owner.c.id))
        return int(self._db.read(lambda connection: connection.scalar(query)) or 0)

    def owners(self) -> list[int]:
        """Every owner, the first one first."""
        query = select(schema.owner.c.id).order_by(schema.owner.c.id)
        return self._db.read(lambda connection: list(connection.scalars(query)))

    def owners_at_work(self) -> list[int]:
        """The owners with an answer, a batch or a request in progress, in whatever process; after a crash, in none."""
        answers = select(schema.answer.c.owner_id).where(schema.IS_RUNNING)
        runs = select(schema.batch_run.c.owner_id).where(schema.batch_run.c.state == "running")
        requests = select(schema.open_request.c.owner_id)
        return self._db.read(lambda connection: sorted(connection.scalars(answers.union(runs, requests))))

    def check(self) -> None:
        """The database's own integrity check (seconds on a big file). Raises StoreDamaged."""
        if not self._db.sqlite:
            self._db.read(lambda connection: connection.scalar(text("SELECT 1")))
            return
        found = self._db.read(
            lambda connection: connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars().all()
        )
        if found != ["ok"]:
            raise StoreDamaged("; ".join(str(line) for line in found))

    def backup(self, to: Path) -> None:
        """A consistent copy of the live SQLite database. Raises StoreUnwritable (always on PostgreSQL: use pg_dump)."""
        if self._db.path is None:
            raise StoreUnwritable("a PostgreSQL database is backed up with pg_dump")
        copy_database(self._db.path, to)

    def close(self) -> None:
        self._db.close()
        if self._lock:
            self._lock.release()


def open_store(url_or_path: str, data_dir: Path, *, zone: str = "UTC", steps: tuple[Step, ...] = STEPS) -> Store:
    """The store at a PostgreSQL URL, or in a SQLite file (default: `parlour.db` in `data_dir`).

    `zone` is the reporting time zone of a database that is made now. Missing migrations are run, after a copy into
    `data_dir/backups`. Raises StoreLocked, StoreNewer, StoreDamaged, StoreUnwritable, StoreBusy, SettingsError.
    """
    try:
        return _open(url_or_path, data_dir, zone, steps)
    except OSError as error:
        raise StoreUnwritable(f"cannot open the database: {error.strerror}") from error


def _open(url_or_path: str, data_dir: Path, zone: str, steps: tuple[Step, ...]) -> Store:
    make_folder(data_dir)
    path = _sqlite_path(url_or_path, data_dir)
    with ExitStack() as undo:
        lock = None
        if path is not None:
            make_folder(path.parent)
            lock = FileLock(path.with_name(path.name + ".lock"))
            undo.callback(lock.release)
            database = _open_sqlite(path, data_dir, zone, steps)
        else:
            database = postgres_database(url_or_path)
        undo.callback(database.close)
        _prepare(database, steps, data_dir / "backups", zone)
        undo.pop_all()
    return Store(database, lock)


def _sqlite_path(url_or_path: str, data_dir: Path) -> Path | None:
    """The SQLite file, None for another database's URL."""
    if not url_or_path:
        return data_dir / FILE_NAME
    if url_or_path.startswith("sqlite:///"):
        return Path(url_or_path.removeprefix("sqlite:///"))
    return None if "://" in url_or_path else Path(url_or_path)


def _open_sqlite(path: Path, data_dir: Path, zone: str, steps: tuple[Step, ...]) -> Database:
    """The database in `path`. A new one is made aside and moved into place whole: an empty file is always damage."""
    if not check_file(path, APPLICATION_ID):
        aside = path.with_name(path.name + ".new")
        for left_over in (aside, Path(f"{aside}-wal"), Path(f"{aside}-shm")):
            left_over.unlink(missing_ok=True)
        aside.touch(0o600)
        _closing(sqlite_database(aside), lambda database: _prepare(database, steps, None, zone))
        aside.chmod(0o600)
        aside.replace(path)
    return sqlite_database(path)


def _closing(database: Database, work: Callable[[Database], None]) -> None:
    try:
        work(database)
    finally:
        database.close()


def _prepare(database: Database, steps: tuple[Step, ...], backups: Path | None, zone: str) -> None:
    zone_of(zone)
    migrate(database, steps, backups)
    _first_zone(database, zone)
    if steps is STEPS:  # an older schema, as tests make it, has no rollup that this program could fill
        rebuild_emptied(database)


def _first_zone(database: Database, name: str) -> None:
    """Every owner has a reporting zone before the first row is counted."""
    without = select(schema.owner.c.id).where(schema.owner.c.id.not_in(select(schema.zone.c.owner_id)))
    owners = database.read(lambda connection: connection.scalars(without).all())
    rows = [{"id": new_id(), "owner_id": owner, "position": 0, "name": name} for owner in owners]
    if rows:
        database.write(lambda connection: connection.execute(insert(schema.zone), rows) and None)
