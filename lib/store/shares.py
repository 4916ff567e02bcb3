"""Links to snapshots: a finished page under a 128-bit token of which only the hash is kept.

A snapshot never changes. It ends when it expires, is revoked, or its conversation is deleted; whoever asks then gets
the same answer as for a link that never was.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, select

from lib.errors import BadInput, NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.store import schema
from lib.store.database import Database
from lib.store.encoding import storable
from lib.store.rows import Share

_s, _c = schema.share.c, schema.conversation.c
MOST_BYTES = 30 << 20
Listed = list[Share]


class Shares:
    """The links of every owner; each function but `page` sees those of one."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, owner: int, conversation: str, page: bytes, *, lives_ms: int, with_costs: bool) -> tuple[Share, str]:
        """Keep a snapshot of a conversation for `lives_ms`; its link and the token, which is not kept.

        Raises NotFound, and BadInput for a page beyond 30 MB.
        """
        if len(page) > MOST_BYTES:
            raise BadInput("share_too_large")
        token, at_ms = secrets.token_urlsafe(16), now_ms()
        row: dict[str, Any] = {"id": new_id(), "owner_id": owner, "public_id": new_public_id()}
        row |= {"token_hash": _hash(token), "page": zlib.compress(page), "with_costs": int(with_costs)}
        row |= {"created_ms": at_ms, "expires_ms": at_ms + lives_ms}

        def work(connection: Connection) -> Share:
            here = (_c.public_id == storable(conversation), _c.owner_id == owner, _c.deleted_ms.is_(None))
            there = connection.execute(select(_c.id, _c.title).where(*here)).one_or_none()
            if there is None:
                raise NotFound("conversation")
            connection.execute(insert(schema.share), row | {"conversation_id": there.id, "title": there.title})
            return _share(connection.execute(_query(owner).where(_s.id == row["id"])).one())

        return self._db.write(work, idempotent=True), token

    def list(self, owner: int, conversation: str | None = None) -> Listed:
        """The links that still lead somewhere, of one conversation or of all, the newest first."""
        query = _query(owner).where(_s.expires_ms > now_ms(), _c.deleted_ms.is_(None)).order_by(_s.id.desc())
        if conversation is not None:
            query = query.where(_c.public_id == storable(conversation))
        return self._db.read(lambda connection: [_share(row) for row in connection.execute(query)])

    def revoke(self, owner: int, share: str) -> None:
        """The link leads nowhere from now on, and the snapshot is gone. Raises NotFound."""
        mine = and_(_s.public_id == storable(share), _s.owner_id == owner)

        def work(connection: Connection) -> None:
            if connection.execute(delete(schema.share).where(mine)).rowcount != 1:
                raise NotFound("share")

        self._db.write(work)

    def page(self, token: str) -> bytes:
        """The snapshot behind a token, for anybody who has it. Raises NotFound, whatever the reason."""
        query = select(_s.page).join(schema.conversation, (_c.id == _s.conversation_id) & (_c.owner_id == _s.owner_id))
        alive = (_s.token_hash == _hash(token), _s.expires_ms > now_ms(), _c.deleted_ms.is_(None))
        page = self._db.read(lambda connection: connection.scalar(query.where(*alive)))
        if page is None:
            raise NotFound("share")
        return zlib.decompress(bytes(page))

    def sweep(self, owner: int) -> int:
        """Destroy the snapshots that have expired; how many."""
        query = delete(schema.share).where(_s.owner_id == owner, _s.expires_ms <= now_ms())
        return self._db.write(lambda connection: connection.execute(query).rowcount, idempotent=True)


def end_links(connection: Connection, owner: int, conversation_ids: Iterable[int]) -> None:
    """Revoke every link to these conversations for good; called where a conversation is deleted."""
    theirs = _s.conversation_id.in_(list(conversation_ids))
    connection.execute(delete(schema.share).where(theirs, _s.owner_id == owner))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _query(owner: int) -> Any:
    columns = (_s.public_id, _s.title, _s.created_ms, _s.expires_ms, _s.with_costs, _c.public_id.label("conversation"))
    return select(*columns).join(schema.conversation, _c.id == _s.conversation_id).where(_s.owner_id == owner)


def _share(row: Row[Any]) -> Share:
    return Share(row.public_id, row.conversation, row.title, row.created_ms, row.expires_ms, bool(row.with_costs))
