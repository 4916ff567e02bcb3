"""Many conversations at once: pinned, archived, moved, tagged, deleted, each in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update

from lib.errors import BadInput
from lib.ids import now_ms
from lib.store import schema
from lib.store.conversations import one_line
from lib.store.database import Database
from lib.store.encoding import insert_missing, storable
from lib.store.folders import folder_id_of
from lib.store.placing import folded
from lib.store.rows import Tag
from lib.store.shares import end_links

_a, _c, _t = schema.answer.c, schema.conversation.c, schema.conversation_tag.c
_TAG_CHARS = 40
_BATCH = 500


class Organising:
    """Deeds on several conversations, named by public ids. Unknown and foreign ones are passed over."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def pin(self, owner: int, chats: Sequence[str], *, on: bool = True) -> int:
        """Keep them at the top, or no longer; how many there were."""
        return self._set(owner, chats, pinned_ms=now_ms() if on else None)

    def archive(self, owner: int, chats: Sequence[str], *, on: bool = True) -> int:
        """Out of the list but not out of search, or back; how many there were. An archived one is not pinned."""
        values: dict[str, Any] = {"archived_ms": now_ms(), "pinned_ms": None} if on else {"archived_ms": None}
        return self._set(owner, chats, **values)

    def move(self, owner: int, chats: Sequence[str], folder: str | None) -> int:
        """Into a folder, or out of any; how many there were. Raises NotFound for an unknown folder."""

        def work(connection: Connection) -> int:
            folder_id = None if folder is None else folder_id_of(connection, owner, folder)
            return _change(connection, owner, chats, deleted=False, folder_id=folder_id)

        return self._db.write(work, idempotent=True)

    def tag(self, owner: int, chats: Sequence[str], name: str, *, on: bool = True) -> int:
        """Give them a tag, or take it off; how many there were. Raises BadInput for an empty name."""
        name = one_line(name.lstrip("# "), _TAG_CHARS)
        if not name:
            raise BadInput("empty_name", "a tag needs a name")

        def work(connection: Connection) -> int:
            ids = _ids(connection, owner, chats, deleted=False)
            rows = [{"conversation_id": id, "folded": folded(name), "owner_id": owner, "name": name} for id in ids]
            if on and rows:
                insert_missing(connection, schema.conversation_tag, rows)
            elif rows:
                worn = and_(_t.conversation_id.in_(ids), _t.owner_id == owner, _t.folded == folded(name))
                connection.execute(delete(schema.conversation_tag).where(worn))
            return len(ids)

        return self._db.write(work, idempotent=True)

    def delete(self, owner: int, chats: Sequence[str]) -> int:
        """Into the trash, and their running answers are asked to stop; how many there were. Their spend stays."""

        def work(connection: Connection) -> int:
            ids = _ids(connection, owner, chats, deleted=False)
            running = and_(_a.conversation_id.in_(ids), _a.owner_id == owner, schema.IS_RUNNING)
            connection.execute(update(schema.answer).where(running).values(stop_requested=1))
            end_links(connection, owner, ids)
            return _change(connection, owner, chats, deleted=False, deleted_ms=now_ms())

        return self._db.write(work, idempotent=True)

    def restore(self, owner: int, chats: Sequence[str]) -> int:
        """Out of the trash; how many there were."""
        return self._db.write(
            lambda connection: _change(connection, owner, chats, deleted=True, deleted_ms=None), idempotent=True
        )

    def tags(self, owner: int) -> list[Tag]:
        """All tags in use, by name."""
        there = and_(_c.id == _t.conversation_id, _c.deleted_ms.is_(None), _c.batch_id.is_(None))
        query = select(func.min(_t.name).label("name"), func.count().label("n")).join(schema.conversation, there)
        query = query.where(_t.owner_id == owner).group_by(_t.folded).order_by(_t.folded)
        return [Tag(row.name, row.n) for row in self._db.read(lambda connection: connection.execute(query).all())]

    def _set(self, owner: int, chats: Sequence[str], **values: Any) -> int:
        return self._db.write(
            lambda connection: _change(connection, owner, chats, deleted=False, **values), idempotent=True
        )


def _change(connection: Connection, owner: int, chats: Sequence[str], *, deleted: bool, **values: Any) -> int:
    ids = _ids(connection, owner, chats, deleted=deleted)
    for at in range(0, len(ids), _BATCH):
        these = and_(_c.id.in_(ids[at : at + _BATCH]), _c.owner_id == owner)
        connection.execute(update(schema.conversation).where(these).values(**values))
    return len(ids)


def _ids(connection: Connection, owner: int, chats: Sequence[str], *, deleted: bool) -> list[int]:
    """The rows of those that are the owner's and in (or not in) the trash."""
    state = _c.deleted_ms.is_not(None) if deleted else _c.deleted_ms.is_(None)
    names = [storable(chat) for chat in chats]
    found: list[int] = []
    for at in range(0, len(names), _BATCH):
        query = select(_c.id).where(_c.public_id.in_(names[at : at + _BATCH]), _c.owner_id == owner, state)
        found += connection.scalars(query)
    return found
