"""Opening a database: what is made, what is refused, what survives a death."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from lib.errors import SettingsError, StoreBusy, StoreDamaged, StoreLocked, StoreNewer, StoreUnwritable
from lib.ids import now_ms
from lib.store import Store, open_store
from lib.store.migrations import STEPS, Step, run
from lib.store.schema import metadata
from tests.store.acts import answered
from tests.store.conftest import Place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def reopened(folder: Path, *steps: Step) -> Store:
    return open_store("", folder, steps=(*STEPS, *steps))


def add_a_column(connection: Connection) -> None:
    run(connection, "ALTER TABLE conversation ADD COLUMN pinned bigint")


def fail_halfway(connection: Connection) -> None:
    add_a_column(connection)
    raise RuntimeError("power cut")


NEXT = STEPS[-1].number + 1


def test_the_migrations_lead_to_the_schema_the_program_knows(place: Place) -> None:
    database = place.open()._db
    found = inspect(database.engine)
    for table in metadata.tables.values():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: bool(column.nullable) for column in table.columns}, table.name
        assert found.get_pk_constraint(table.name)["constrained_columns"] == [c.name for c in table.primary_key]
        indexes = {index["name"] for index in found.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes, table.name
    assert {name for name in found.get_table_names() if name in metadata.tables} == set(metadata.tables)


def test_the_owner_is_made_once(place: Place) -> None:
    owner = place.open().owner()
    place.close()
    assert owner and place.open().owner() == owner


def test_sqlite_is_opened_for_safety(folder: Path) -> None:
    with closing(reopened(folder)) as store:
        pragmas = {
            name: _pragma(store, name) for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    assert (folder / "parlour.db").stat().st_mode & 0o077 == 0


def _pragma(store: Store, name: str) -> object:
    return store._db.read(lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar())


def test_a_second_opener_is_told_who_holds_the_folder(folder: Path) -> None:
    with closing(reopened(folder)), pytest.raises(StoreLocked) as refused:
        reopened(folder)
    assert refused.value.facts["pid"] == os.getpid()
    reopened(folder).close()


def test_a_second_process_is_refused(folder: Path) -> None:
    program = "import sys, pathlib; from lib.store import open_store; open_store('', pathlib.Path(sys.argv[1]))"
    with closing(reopened(folder)):
        done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True)
    assert done.returncode != 0 and "StoreLocked" in done.stderr


def test_a_newer_schema_is_refused(place: Place) -> None:
    place.open()._db.write(
        lambda connection: connection.execute(text(f"INSERT INTO schema_step VALUES ({NEXT}, 'later', 0)"))
    )
    place.close()
    with pytest.raises(StoreNewer) as refused:
        place.open()
    assert refused.value.facts == {"found": NEXT, "known": NEXT - 1}


def test_a_copy_is_made_before_a_migration(folder: Path) -> None:
    with closing(reopened(folder)) as store:
        begun = answered(store)
    with closing(reopened(folder, Step(NEXT, "pinned", add_a_column))) as store:
        assert store.conversations.get(store.owner(), begun.conversation).title == "hello"
    (copy,) = (folder / "backups").glob("before-migration-*.db")
    with closing(sqlite3.connect(copy)) as old:
        assert "pinned" not in {row[1] for row in old.execute("PRAGMA table_info(conversation)")}
        assert old.execute("SELECT count(*) FROM message").fetchone() == (2,)


def test_a_new_database_needs_no_copy(folder: Path) -> None:
    reopened(folder).close()
    reopened(folder).close()
    assert not (folder / "backups").exists()


def test_only_the_last_copies_are_kept(folder: Path) -> None:
    reopened(folder).close()
    steps: list[Step] = []
    for number in range(NEXT, NEXT + 7):
        steps.append(Step(number, "nothing", lambda connection: None))
        reopened(folder, *steps).close()
    assert len(list((folder / "backups").iterdir())) == 5


def test_a_migration_that_fails_changes_nothing(place: Place, tmp_path: Path) -> None:
    store = place.open()
    answered(store)
    place.close()
    with pytest.raises(RuntimeError):
        open_store(place.url, place.folder, steps=(*STEPS, Step(NEXT, "bad", fail_halfway)))
    store = place.open()
    assert len(store.conversations.list(store.owner())) == 1
    assert "pinned" not in {column["name"] for column in inspect(store._db.engine).get_columns("conversation")}


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\x00" + b"\x00" * 84, os.urandom(5000)])
def test_a_file_that_is_no_database_is_refused_and_left_alone(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "parlour.db").write_bytes(content)
    with pytest.raises(StoreDamaged):
        reopened(folder)
    assert (folder / "parlour.db").read_bytes() == content


def test_another_programs_database_is_refused(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "parlour.db")) as other:
        other.execute("CREATE TABLE bookmarks (url)")
    with pytest.raises(StoreDamaged):
        reopened(folder)


@pytest.mark.parametrize("harm", ["truncate", "scribble"])
def test_a_damaged_database_is_refused(folder: Path, harm: str) -> None:
    with closing(reopened(folder)) as store:
        for number in range(20):
            answered(store, answer=f"{number} " * 2000)
    path = folder / "parlour.db"
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] if harm == "truncate" else whole[:half] + b"\xff" * (len(whole) - half))
    with pytest.raises(StoreDamaged):
        reopened(folder)


def test_a_log_without_its_database_is_damage(folder: Path) -> None:
    folder.mkdir()
    (folder / "parlour.db-wal").write_bytes(b"frames")
    with pytest.raises(StoreDamaged):
        reopened(folder)


def test_a_first_start_that_died_halfway_is_simply_repeated(folder: Path) -> None:
    folder.mkdir()
    for left_over in ("parlour.db.new", "parlour.db.new-wal", "parlour.db.new-shm"):
        (folder / left_over).write_bytes(b"half")
    with closing(reopened(folder)) as store:
        answered(store)
    assert {path.name for path in folder.iterdir()} == {"parlour.db", "parlour.db.lock"}


def test_a_folder_that_cannot_be_made_is_unwritable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritable):
        open_store("", tmp_path / "file" / "data")


def test_a_full_disk_is_said_and_loses_nothing(folder: Path) -> None:
    with closing(reopened(folder)) as store:
        begun = answered(store)
        pages = _pragma(store, "page_count")
        store._db.engine.pool.dispose()
        from sqlalchemy import event

        event.listen(store._db.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={pages}"))
        with pytest.raises(StoreUnwritable):
            answered(store, answer="x" * 10**6)
        assert store.answers.get(store.owner(), begun.message).text == "an answer"


def test_a_database_that_stays_locked_is_busy(folder: Path) -> None:
    with closing(reopened(folder)) as store, closing(sqlite3.connect(folder / "parlour.db")) as other:
        from sqlalchemy import event

        store._db.engine.pool.dispose()
        event.listen(store._db.engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=10"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            store.conversations.create(store.owner())
        assert store.conversations.list(store.owner()) == []
        other.rollback()
        store.conversations.create(store.owner())


@pytest.mark.parametrize("url", ["mysql://x/y", "://", "http://[bad"])
def test_an_unknown_database_url_is_a_setting_that_cannot_be_used(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError):
        open_store(url, tmp_path)


def test_a_server_that_is_not_there_is_busy(tmp_path: Path) -> None:
    with pytest.raises(StoreBusy) as refused:
        open_store(f"postgresql://me:hunter2hunter2@/none?host={tmp_path}", tmp_path)
    assert "hunter2" not in str(refused.value)


def test_a_backup_of_a_live_database_is_whole(folder: Path) -> None:
    with closing(reopened(folder)) as store:
        begun = answered(store)
        store.backup(folder / "backups" / "mine.db")
        store.check()
    with closing(open_store(str(folder / "backups" / "mine.db"), folder)) as copy:
        assert copy.answers.get(copy.owner(), begun.message).text == "an answer"
        assert copy.ledger.verify(copy.owner()) == []


_PRODUCER = """
import sys, pathlib
from lib.store import open_store
from tests.store.acts import answered, begin
store = open_store("", pathlib.Path(sys.argv[1]))
done = answered(store)
begun = begin(store, "second", conversation=done.conversation, parent=done.message)
print(begun.conversation, begun.message, flush=True)
for number in range(10**6):
    store.answers.checkpoint(begun.answer_id, f"{number} " * 200)
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 40])
def test_kill_9_loses_nothing_that_was_checkpointed(folder: Path, after: int) -> None:
    producer = subprocess.Popen([sys.executable, "-c", _PRODUCER, folder], stdout=subprocess.PIPE, text=True)
    assert producer.stdout
    conversation, message = producer.stdout.readline().split()
    said = [int(producer.stdout.readline()) for _ in range(after)][-1]
    producer.send_signal(signal.SIGKILL)
    producer.wait()
    said = max([said, *(int(line) for line in producer.stdout.read().split("\n")[:-1])])
    producer.stdout.close()
    with closing(reopened(folder)) as store:
        store.check()
        (swept,) = store.answers.sweep(epoch="after", now_ms=now_ms(), stale_ms=15_000)
        row = store.answers.get(store.owner(), message)
        assert (swept.message, swept.conversation, row.state) == (message, conversation, "interrupted")
        assert int(row.text.split()[0]) >= said
        assert [event.outcome for event in store.ledger.latest(store.owner())] == ["unknown", "ok"]
        assert len(store.conversations.transcript(store.owner(), conversation).messages) == 4
        assert store.ledger.verify(store.owner()) == []
