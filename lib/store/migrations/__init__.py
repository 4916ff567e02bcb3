"""The numbered steps that bring a database to the schema of `lib/store/schema.py`.

A step is frozen once released: it is a list of SQL statements, or a function of a connection, never an import of
the current tables. Add `step_NNNN.py`, and one line to STEPS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct
from sqlalchemy import Connection

from lib.store.migrations import (
    step_0001,
    step_0002,
    step_0003,
    step_0004,
    step_0005,
    step_0006,
    step_0007,
    step_0008,
    step_0009,
)


class Step(Struct, frozen=True):
    """`run` changes the schema inside the caller's transaction."""

    number: int
    name: str
    run: Callable[[Connection], None]


def create(connection: Connection, tables: dict[str, str], indexes: tuple[str, ...], clustered: frozenset[str]) -> None:
    """Make tables and indexes from DDL in PostgreSQL's spelling, STRICT where SQLite reads it."""
    for statement in _statements(tables, indexes, clustered, sqlite=connection.dialect.name == "sqlite"):
        connection.exec_driver_sql(statement)


def run(connection: Connection, statement: str) -> None:
    """Run a statement in PostgreSQL's spelling of types, on either engine."""
    connection.exec_driver_sql(_in_sqlite(statement) if connection.dialect.name == "sqlite" else statement)


def _in_sqlite(statement: str) -> str:
    """STRICT tables know these types only by their own names."""
    return re.sub(r"\bbigint\b", "integer", re.sub(r"\bbytea\b", "blob", statement))


def _statements(
    tables: dict[str, str], indexes: tuple[str, ...], clustered: frozenset[str], *, sqlite: bool
) -> Iterator[str]:
    for name, columns in tables.items():
        columns = _in_sqlite(columns) if sqlite else columns
        options = (" STRICT, WITHOUT ROWID" if name in clustered else " STRICT") if sqlite else ""
        yield f"CREATE TABLE {name} ({columns}){options}"
    yield from indexes


def _first(connection: Connection) -> None:
    create(connection, step_0001.TABLES, step_0001.INDEXES, step_0001.CLUSTERED)


def _second(connection: Connection) -> None:
    for statement in step_0002.COLUMNS:
        run(connection, statement)
    create(connection, step_0002.TABLES, step_0002.INDEXES, frozenset())


def _third(connection: Connection) -> None:
    for statement in step_0003.COLUMNS:
        run(connection, statement)
    create(connection, step_0003.TABLES, step_0003.INDEXES, frozenset())
    step_0003.make_index(connection)


def _fourth(connection: Connection) -> None:
    create(connection, step_0004.TABLES, step_0004.INDEXES, frozenset())


def _fifth(connection: Connection) -> None:
    for statement in step_0005.COLUMNS:
        run(connection, statement)
    create(connection, step_0005.TABLES, step_0005.INDEXES, frozenset())
    step_0005.fill(connection)


def _sixth(connection: Connection) -> None:
    for table in step_0006.DROPPED:
        run(connection, f"DROP TABLE {table}")
    create(connection, step_0006.TABLES, step_0006.INDEXES, step_0006.CLUSTERED)


def _seventh(connection: Connection) -> None:
    create(connection, step_0007.TABLES, step_0007.INDEXES, step_0007.CLUSTERED)


def _eighth(connection: Connection) -> None:
    create(connection, step_0008.TABLES, step_0008.INDEXES, frozenset())


def _ninth(connection: Connection) -> None:
    create(connection, step_0009.TABLES, (), frozenset())


STEPS: tuple[Step, ...] = (
    Step(1, "the first schema", _first),
    Step(2, "versions, trash, drafts, presets", _second),
    Step(3, "folders, tags, search", _third),
    Step(4, "imports, links to snapshots", _fourth),
    Step(5, "bytes in pieces, attachments, batches", _fifth),
    Step(6, "a rollup for every view of the usage page", _sixth),
    Step(7, "budgets, rules for prices, statements, bills", _seventh),
    Step(8, "accounts", _eighth),
    Step(9, "requests without a stored answer", _ninth),
)
