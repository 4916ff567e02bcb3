"""How values become columns: text a database can hold, structs as JSON, and the inserts that know conflicts."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Executable, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MOST = 10**15


def storable(text: str) -> str:
    """`text` with NUL shown as ␀ (PostgreSQL refuses it) and lone surrogates as � (not UTF-8)."""
    return _UNSTORABLE.sub(lambda found: "␀" if found[0] == "\x00" else "\ufffd", text)


def storable_or_none(text: str | None) -> str | None:
    return None if text is None else storable(text)


def bounded(number: int | None) -> int | None:
    """A count within ±10^15: what a gateway reports must not overflow the sum of a column."""
    return None if number is None else max(-_MOST, min(_MOST, number))


def to_json(value: Any) -> str:
    return msgspec.json.encode(_clean(value)).decode()


def from_json(text: str, type: type[T]) -> T:
    return msgspec.json.decode(text, type=type)


def _clean(value: Any) -> Any:
    """`value` with every text in it storable; JSON itself escapes NUL, so only surrogates can be a trouble."""
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        return _scrubbed(msgspec.to_builtins(value, str_keys=True))
    return value


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _scrubbed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(item) for item in value]
    return value


def insert_or(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT, in the spelling of this engine."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def add_up(connection: Connection, table: Table, keys: tuple[str, ...], sums: tuple[str, ...]) -> Executable:
    """An INSERT that adds the `sums` columns to those of a row with the same `keys`."""
    return _add_up(connection.dialect.name, table, keys, sums)


@cache
def _add_up(engine: str, table: Table, keys: tuple[str, ...], sums: tuple[str, ...]) -> Executable:
    """Built once: putting such a statement together costs more than running it."""
    insert = sqlite.insert(table) if engine == "sqlite" else postgresql.insert(table)
    added = {name: table.c[name] + insert.excluded[name] for name in sums}
    return insert.on_conflict_do_update(index_elements=list(keys), set_=added)


@cache
def _insert_new(engine: str, table: Table) -> Insert:
    insert = sqlite.insert(table) if engine == "sqlite" else postgresql.insert(table)
    return insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def insert_new(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert `row` unless its key is taken; whether it was inserted."""
    return connection.execute(_insert_new(connection.dialect.name, table), row).rowcount == 1


def insert_missing(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert those of `rows` whose keys are not taken."""
    connection.execute(_insert_new(connection.dialect.name, table), rows)
