"""The engine and the only two ways to use it: `read` and `write`, each one transaction.

SQLite: WAL, synchronous=FULL, five seconds of patience. Writers start with BEGIN IMMEDIATE, because a deferred
transaction that reads and then writes fails at once when another one wrote in between, whatever the timeout.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.engine import URL

from lib.errors import SettingsError, StoreBusy, StoreGone, StoreUnwritable
from lib.store.faults import translated, was_cut

T = TypeVar("T")
_WAIT_S = 15.0
PRAGMAS = (
    "PRAGMA busy_timeout=5000",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA journal_size_limit=67108864",
)
APPLICATION_ID = 0x5041524C
"""'PARL', in the header of every SQLite file that is ours."""


class Database:
    """One engine. `path` is the SQLite file, None on PostgreSQL."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self.engine = engine
        self.path = path
        self.sqlite = path is not None
        self._file = _identity(path) if path else None
        self._writer = threading.Lock()
        options: dict[str, Any] = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reading = engine.execution_options(**options)
        self._writing = engine.execution_options(parlour_write=True)

    def read(self, work: Callable[[Connection], T]) -> T:
        """`work` in one consistent snapshot; tried twice when the database is busy."""
        return self._twice(self._reading, work, again_when_cut=True)

    def write(self, work: Callable[[Connection], T], *, idempotent: bool = False) -> T:
        """`work` in one transaction, tried twice when the database is busy.

        A connection lost during COMMIT leaves its fate unknown: only `idempotent` work is then run again.
        """
        with self._turn_to_write():
            return self._twice(self._writing, work, again_when_cut=idempotent)

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        """SQLite has one writer: threads wait here, in turn, and not in its unfair busy handler.

        Commits and checkpoints then never overlap either, which SQLite before 3.51.3 could not always bear.
        """
        if not self.sqlite:
            yield
            return
        if not self._writer.acquire(timeout=_WAIT_S):
            raise StoreBusy("another thread keeps writing")
        try:
            self._require_the_file()
            yield
        finally:
            self._writer.release()

    def _require_the_file(self) -> None:
        """What is committed to a file that has been deleted goes with this process, and SQLite does not say so."""
        assert self.path is not None
        try:
            found = _identity(self.path)
        except FileNotFoundError:
            found = None
        except OSError as error:
            raise StoreUnwritable(f"the database file cannot be seen: {error.strerror}") from error
        if found != self._file:
            raise StoreGone("the database file was moved, deleted or replaced", path=str(self.path))

    def close(self) -> None:
        self.engine.dispose()

    def _twice(self, engine: Engine, work: Callable[[Connection], T], *, again_when_cut: bool) -> T:
        try:
            return _once(engine, work)
        except exc.SQLAlchemyError as error:
            fault = translated(error)
            if not isinstance(fault, StoreBusy) or (was_cut(error) and not again_when_cut):
                raise fault from error
        try:
            return _once(engine, work)
        except exc.SQLAlchemyError as error:
            raise translated(error) from error


def _once(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.connect() as connection, connection.begin():
        return work(connection)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def sqlite_database(path: Path) -> Database:
    """The database in the file `path`, which is never made here: an empty one would hide that ours is gone.

    Raises OSError when there is none.
    """
    engine = create_engine(
        URL.create("sqlite", database=path.absolute().as_uri(), query={"mode": "rw", "uri": "true"}),
        hide_parameters=True,
        pool_size=8,
        max_overflow=24,
        pool_timeout=10,
        connect_args={"check_same_thread": False, "timeout": 5.0},
    )
    event.listen(engine, "connect", _tune_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return Database(engine, path)


def postgres_database(url: str) -> Database:
    """The PostgreSQL database at `url`. Raises SettingsError when the URL is not one."""
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    except exc.ArgumentError as error:
        raise SettingsError("database", "not a database URL") from error
    if parsed.get_backend_name() != "postgresql":
        raise SettingsError("database", "only SQLite and PostgreSQL are known")
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=24,
        pool_timeout=10,
    )
    event.listen(engine, "connect", _tune_postgres)
    return Database(engine, None)


def _tune_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin by itself
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("parlour_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _tune_postgres(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'; SET timezone = 'UTC'; SET statement_timeout = '120s'")
    connection.commit()
