"""Bytes of attachments: once per content and owner, in pieces, so that no read or write holds more than it must."""

from __future__ import annotations

import hashlib
import io

from sqlalchemy import Connection, delete, func, insert, select, text

from lib.errors import NotFound
from lib.ids import now_ms
from lib.store import schema
from lib.store.encoding import insert_new

PIECE_BYTES = 1 << 20
_b, _p = schema.blob.c, schema.blob_piece.c
_BATCH = 500


def put(connection: Connection, owner: int, data: bytes) -> str:
    """Keep `data` unless the owner has it; its digest."""
    digest = hashlib.sha256(data).hexdigest()
    row = {"owner_id": owner, "sha256": digest, "size": len(data), "created_ms": now_ms()}
    if insert_new(connection, schema.blob, row):
        for number, start in enumerate(range(0, len(data), PIECE_BYTES)):
            piece = {"owner_id": owner, "sha256": digest, "number": number, "data": data[start : start + PIECE_BYTES]}
            connection.execute(insert(schema.blob_piece), piece)
    return digest


def held(connection: Connection, owner: int, digest: str) -> int:
    """Bytes of a blob that a row written now is going to point at. Raises NotFound, also for another owner's.

    Until this transaction ends nobody can drop the blob.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(text("LOCK TABLE blob IN ROW EXCLUSIVE MODE"))
    return size_of(connection, owner, digest)


def size_of(connection: Connection, owner: int, digest: str) -> int:
    """Bytes of a blob. Raises NotFound, also for another owner's."""
    found = connection.scalar(select(_b.size).where(_b.owner_id == owner, _b.sha256 == digest))
    if found is None:
        raise NotFound("file")
    return int(found)


def lock(connection: Connection) -> None:
    """Nobody else may begin to point at a blob until this transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("LOCK TABLE blob IN SHARE ROW EXCLUSIVE MODE"))


def read(connection: Connection, owner: int, digest: str) -> bytes | None:
    """The whole blob, in one buffer that is filled piece by piece; None when the owner has no such blob."""
    size = connection.scalar(select(_b.size).where(_b.owner_id == owner, _b.sha256 == digest))
    if size is None:
        return None
    buffer = io.BytesIO()  # grows once, and gives its content away without a copy
    buffer.seek(max(0, int(size) - 1))
    buffer.write(b"\0" * min(1, int(size)))
    buffer.seek(0)
    for number in range(-(-int(size) // PIECE_BYTES)):
        buffer.write(_piece(connection, owner, digest, number))
    return buffer.getvalue()


def read_range(connection: Connection, owner: int, digest: str, offset: int, length: int) -> bytes:
    """At most `length` bytes from `offset` on; fewer at the end, none beyond it."""
    found, end = [], offset + length
    for number in range(offset // PIECE_BYTES, -(-end // PIECE_BYTES)):
        start = number * PIECE_BYTES
        piece = _piece(connection, owner, digest, number)
        found.append(piece[max(0, offset - start) : end - start])
        if len(piece) < PIECE_BYTES:
            break
    return b"".join(found)


def _piece(connection: Connection, owner: int, digest: str, number: int) -> bytes:
    here = (_p.owner_id == owner, _p.sha256 == digest, _p.number == number)
    return bytes(connection.scalar(select(_p.data).where(*here)) or b"")


def used_bytes(connection: Connection, owner: int) -> int:
    """What the owner's blobs take together."""
    return int(connection.scalar(select(func.coalesce(func.sum(_b.size), 0)).where(_b.owner_id == owner)) or 0)


def drop(connection: Connection, owner: int, digests: list[str]) -> None:
    """Remove these blobs."""
    for at in range(0, len(digests), _BATCH):
        some = digests[at : at + _BATCH]
        connection.execute(delete(schema.blob_piece).where(_p.sha256.in_(some), _p.owner_id == owner))
        connection.execute(delete(schema.blob).where(_b.sha256.in_(some), _b.owner_id == owner))
