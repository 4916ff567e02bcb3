"""Parts as JSON columns: their bytes lie in the blobs, and the column points at them with `stored:<digest>`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from msgspec import structs
from sqlalchemy import ColumnElement, Connection, Select, Table, literal_column, select

from lib.errors import BadInput
from lib.messages import ImagePart, Part, TextPart, VideoPart
from lib.store import blobs, schema
from lib.store.encoding import to_json

_STORED = "stored:"
_PARTS = msgspec.json.Decoder(tuple[Part, ...])
Parts = tuple[Part, ...]
Media = Literal["image", "video"]
_KINDS: dict[Media, type] = {"image": ImagePart, "video": VideoPart}


def store_parts(connection: Connection, owner: int, parts: Parts) -> str:
    """The parts as JSON; bytes go to the blobs, once per content and owner, and leave their digest.

    Parts that already point at stored bytes stay as they are. Raises NotFound when the owner has no such bytes.
    """
    return to_json([_kept(connection, owner, part) for part in parts])


def stored_part(connection: Connection, owner: int, part: Part) -> Part:
    """One part as `store_parts` keeps it: without bytes, pointing at them."""
    return _kept(connection, owner, part)


def _kept(connection: Connection, owner: int, part: Part) -> Part:
    if not isinstance(part, ImagePart | VideoPart):
        return part
    if part.data:
        url = _STORED + blobs.put(connection, owner, part.data)
        return structs.replace(part, data=b"", url=url, size=len(part.data))
    digest = digest_of(part)
    return part if digest is None else structs.replace(part, size=blobs.held(connection, owner, digest))


def reworded(column: str, content: Parts | str) -> Parts:
    """Stored parts with other words: a text takes the place of the text and leaves the rest. Raises BadInput."""
    if isinstance(content, str):
        others = tuple(part for part in _PARTS.decode(column) if not isinstance(part, TextPart))
        content = (*others, TextPart(content)) if content.strip() else others
    if not any(not isinstance(part, TextPart) or part.text.strip() for part in content):
        raise BadInput("empty_message")
    return content


def read_parts(column: str) -> Parts:
    """Parts as they are stored: pictures and video without bytes, with `url` "stored:…" and `size`."""
    return _PARTS.decode(column)


def filled(
    connection: Connection, owner: int, lists: Iterable[Parts], media: tuple[Media, ...] = ("image", "video")
) -> list[Parts]:
    """Stored parts of these media with their bytes, and without `url`; the same content is in memory once.

    A part whose bytes are not there (an import that left them out) stays as it is.
    """
    lists = list(lists)
    kinds = tuple(_KINDS[each] for each in media)
    wanted = {digest for parts in lists for part in parts if isinstance(part, kinds) and (digest := digest_of(part))}
    bytes_of = {digest: blobs.read(connection, owner, digest) for digest in sorted(wanted)}
    return [tuple(_with_bytes(part, bytes_of) for part in parts) for parts in lists]


def _with_bytes(part: Part, bytes_of: dict[str, bytes | None]) -> Part:
    data = bytes_of.get(digest_of(part) or "")
    if data is None or not isinstance(part, ImagePart | VideoPart):
        return part
    return structs.replace(part, data=data, url=None, size=len(data))


def digest_of(part: Part | None) -> str | None:
    """The digest of the stored bytes that a part points at."""
    if isinstance(part, ImagePart | VideoPart) and part.url and part.url.startswith(_STORED):
        return part.url.removeprefix(_STORED)
    return None


# --- which bytes are in use -----------------------------------------------------------------------------------------


def named_in(column: str) -> set[str]:
    """The digests that a column of parts points at."""
    return {digest for part in _PARTS.decode(column) if (digest := digest_of(part))}


def named(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> set[str]:
    """The digests that the parts of these rows point at."""
    query: Select[Any] = select(table.c.parts).where(
        *conditions, literal_column(schema.STORED[connection.dialect.name])
    )
    return {digest for column in connection.scalars(query) for digest in named_in(column)}


def drop_unused(connection: Connection, owner: int, suspects: set[str]) -> None:
    """Remove those of these blobs that nothing points at any more; nobody may begin to while we look."""
    if not suspects:
        return
    blobs.lock(connection)
    for table in _with_parts():
        if suspects:
            suspects = suspects - named(connection, table, table.c.owner_id == owner)
    blobs.drop(connection, owner, sorted(suspects))


def _with_parts() -> list[Table]:
    return [table for table in schema.metadata.sorted_tables if "parts" in table.c and "owner_id" in table.c]
