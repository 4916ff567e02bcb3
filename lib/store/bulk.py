"""Many rows at once, as fast as the driver takes them."""

from __future__ import annotations

from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Executable


def insert_many(connection: Connection, statement: Executable, names: tuple[str, ...], rows: list[Any]) -> None:
    """Run an INSERT of all columns for rows that are tuples of `names`."""
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])
        return
    words, order = _spelt(statement, connection.dialect)
    places = [names.index(name) for name in order]
    pick = itemgetter(*places)
    connection.exec_driver_sql(words, rows if places == [*range(len(names))] else [pick(row) for row in rows])


@cache
def _spelt(statement: Any, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    """A statement as the driver takes it, and its parameters in order: putting it together costs more than a row."""
    compiled = statement.compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup or ())
