"""Where conversations are: conditions on pins, archive, folders and tags, for lists and for search."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, false, or_, select

from lib.store import schema
from lib.store.encoding import storable
from lib.store.rows import Only

_c, _f, _t = schema.conversation.c, schema.folder.c, schema.conversation_tag.c
Condition = ColumnElement[bool]


def folded(name: str) -> str:
    """A name as it is compared: one line, whatever its case."""
    return " ".join(storable(name).split()).casefold()


def placed(owner: int, only: Only) -> list[Condition]:
    """The conditions of `only`."""
    found: list[Condition] = []
    if only.pinned is not None:
        found.append(_c.pinned_ms.is_not(None) if only.pinned else _c.pinned_ms.is_(None))
    if only.archived is not None:
        found.append(_c.archived_ms.is_not(None) if only.archived else _c.archived_ms.is_(None))
    if only.folder is not None:
        found.append(_c.folder_id == _folder_id(owner, only.folder) if only.folder else _c.folder_id.is_(None))
    if only.tag is not None:
        found.append(wears(owner, only.tag))
    return found


def _folder_id(owner: int, public_id: str) -> Any:
    return select(_f.id).where(_f.public_id == storable(public_id), _f.owner_id == owner).scalar_subquery()


def wears(owner: int, tag: str) -> Condition:
    """The conversation has this tag."""
    return exists().where(_t.conversation_id == _c.id, _t.owner_id == owner, _t.folded == folded(tag))


def lies_in(owner: int, name: str) -> Condition:
    """The conversation is in a folder whose name starts with `name`, whatever its case."""
    start = folded(name)
    named = select(_f.id).where(_f.owner_id == owner, _f.folded.startswith(start, autoescape=True))
    return _c.folder_id.in_(named) if start else false()


def unread() -> Condition:
    """It holds an answer that has not been seen."""
    return or_(_c.answered_ms > _c.read_ms)


def tags_of(connection: Connection, owner: int, ids: list[int]) -> dict[int, tuple[str, ...]]:
    """The tags of these conversations, in alphabetical order."""
    found: dict[int, tuple[str, ...]] = {}
    query = select(schema.conversation_tag).where(_t.owner_id == owner, _t.conversation_id.in_(ids))
    for row in connection.execute(query.order_by(_t.folded)) if ids else ():
        found[row.conversation_id] = (*found.get(row.conversation_id, ()), row.name)
    return found
