"""How values become columns: text a database can hold, parts with their bytes set aside, structs as JSON."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import structs
from sqlalchemy import Connection, Executable, Insert, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from lib.errors import BadInput
from lib.ids import now_ms
from lib.messages import ImagePart, Part, TextPart, VideoPart
from lib.store import schema

T = TypeVar("T")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BLOB_URL = "stored:"
_MOST = 10**15
_PARTS = msgspec.json.Decoder(tuple[Part, ...])


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


def store_parts(connection: Connection, owner: int, parts: tuple[Part, ...]) -> str:
    """The parts as JSON; bytes go to the blob table, once per content and owner, and leave their hash."""
    return to_json([_without_bytes(connection, owner, part) for part in parts])


def _without_bytes(connection: Connection, owner: int, part: Part) -> Part:
    if not isinstance(part, ImagePart | VideoPart) or not part.data:
        return part
    digest = hashlib.sha256(part.data).hexdigest()
    row = {"owner_id": owner, "sha256": digest, "size": len(part.data), "created_ms": now_ms(), "data": part.data}
    insert_new(connection, schema.blob, row)
    return structs.replace(part, data=b"", url=_BLOB_URL + digest)


def reworded(column: str, content: tuple[Part, ...] | str) -> tuple[Part, ...]:
    """Stored parts with other words: a text takes the place of the text and leaves the rest. Raises BadInput."""
    if isinstance(content, str):
        others = tuple(part for part in _PARTS.decode(column) if not isinstance(part, TextPart))
        content = (*others, TextPart(content)) if content.strip() else others
    if not any(not isinstance(part, TextPart) or part.text.strip() for part in content):
        raise BadInput("empty_message")
    return content


def blobs_named(column: str) -> set[str]:
    """The digests of the blobs that stored parts point at."""
    return {digest for part in _PARTS.decode(column) if (digest := _digest(part))}


def load_parts(connection: Connection, owner: int, columns: Iterable[str]) -> list[tuple[Part, ...]]:
    """The parts of several messages, with their bytes, in at most one query."""
    lists = [_PARTS.decode(column) for column in columns]
    wanted = {digest for parts in lists for part in parts if (digest := _digest(part))}
    bytes_of = _blobs(connection, owner, wanted) if wanted else {}
    return [tuple(_with_bytes(part, bytes_of) for part in parts) for parts in lists]


def _digest(part: Part) -> str | None:
    if isinstance(part, ImagePart | VideoPart) and part.url and part.url.startswith(_BLOB_URL):
        return part.url.removeprefix(_BLOB_URL)
    return None


def _blobs(connection: Connection, owner: int, wanted: set[str]) -> dict[str, bytes]:
    blob = schema.blob.c
    query = select(blob.sha256, blob.data).where(blob.owner_id == owner, blob.sha256.in_(wanted))
    return {row.sha256: bytes(row.data) for row in connection.execute(query)}


def _with_bytes(part: Part, bytes_of: dict[str, bytes]) -> Part:
    digest = _digest(part)
    if digest is None or not isinstance(part, ImagePart | VideoPart) or digest not in bytes_of:
        return part
    return structs.replace(part, data=bytes_of[digest], url=None)
