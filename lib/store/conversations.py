"""Conversations: made, found, listed, renamed, deleted and restored; which branch is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, exists, insert, literal, or_, select, update

from lib.errors import NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.messages import Params
from lib.store import schema
from lib.store.database import Database
from lib.store.encoding import from_json, storable, storable_or_none, to_json
from lib.store.placing import placed, tags_of
from lib.store.rows import Conversation, Only, Settings, Total, Transcript
from lib.store.shares import end_links
from lib.store.transcript import message_row, read_transcript

_c, _m, _a, _f = schema.conversation.c, schema.message.c, schema.answer.c, schema.folder.c
_TITLE_CHARS = 200
_ANY = Only()
Page = list[Conversation]


class Conversations:
    """The conversations of every owner; each function sees those of one."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(
        self, owner: int, *, title: str = "", settings: Settings | None = None, public_id: str | None = None
    ) -> Conversation:
        """A new, empty conversation."""
        public_id = public_id or new_public_id()
        row = new_row(owner, public_id, title, settings or Settings())

        def work(connection: Connection) -> Conversation:
            connection.execute(insert(schema.conversation), row)
            return _one(connection, owner, public_id)

        return self._db.write(work)

    def get(self, owner: int, public_id: str) -> Conversation:
        """Raises NotFound, also for a deleted one."""
        return self._db.read(lambda connection: _one(connection, owner, public_id))

    def list(
        self,
        owner: int,
        *,
        query: str = "",
        limit: int = 100,
        before: str | None = None,
        deleted: bool = False,
        only: Only = _ANY,
    ) -> Page:
        """The newest first. `query` is looked for in titles, whatever its case; `before` continues after that one."""
        return self._db.read(lambda connection: _listed(connection, owner, query, limit, before, deleted, only))

    def rename(self, owner: int, public_id: str, title: str) -> None:
        """Give it a name that no model's suggestion replaces."""
        title = one_line(title, _TITLE_CHARS)
        self._change(owner, public_id, title=title, title_folded=title.casefold(), title_source="user")

    def suggest_title(self, owner: int, public_id: str, title: str) -> bool:
        """Take a model's title for one that was only made of first words; False when a person's or another's is there.

        Nothing happens, and nothing is raised, when the conversation is gone.
        """
        title = one_line(title, _TITLE_CHARS)
        mine = and_(_c.public_id == storable(public_id), _c.owner_id == owner, _c.deleted_ms.is_(None))
        query = update(schema.conversation).where(mine, _c.title_source == "")
        query = query.values(title=title, title_folded=title.casefold(), title_source="model")
        return bool(title) and self._db.write(lambda connection: bool(connection.execute(query).rowcount))

    def save_settings(self, owner: int, public_id: str, settings: Settings) -> None:
        """What the next answer of this conversation is asked with."""
        self._change(owner, public_id, **settings_columns(settings))

    def mark_read(self, owner: int, public_id: str) -> None:
        self._change(owner, public_id, read_ms=now_ms())

    def delete(self, owner: int, public_id: str) -> None:
        """Out of sight, and a running answer is asked to stop. Its spend stays; `restore` undoes it.

        Links to snapshots of it are revoked for good.
        """

        def work(connection: Connection) -> None:
            conversation_id = change(connection, owner, public_id, deleted_ms=now_ms())
            running = and_(_a.conversation_id == conversation_id, _a.owner_id == owner, schema.IS_RUNNING)
            connection.execute(update(schema.answer).where(running).values(stop_requested=1))
            end_links(connection, owner, [conversation_id])

        self._db.write(work, idempotent=True)

    def restore(self, owner: int, public_id: str) -> Conversation:
        def work(connection: Connection) -> Conversation:
            change(connection, owner, public_id, also_deleted=True, deleted_ms=None)
            return _one(connection, owner, public_id)

        return self._db.write(work, idempotent=True)

    def transcript(self, owner: int, public_id: str, *, leaf: str | None = None, last: int | None = None) -> Transcript:
        """The branch that ends in `leaf` (default: the active one), all of it or its `last` turns."""

        def work(connection: Connection) -> Transcript:
            row = find(connection, owner, public_id)
            leaf_id = message_row(connection, owner, row.id, leaf).id if leaf else row.active_id
            return read_transcript(connection, owner, row.id, leaf_id, last)

        return self._db.read(work)

    def choose(self, owner: int, public_id: str, message: str) -> str:
        """Show the branch through `message`: down to where it was last left. Returns the new leaf's public id."""

        def work(connection: Connection) -> str:
            conversation_id = find(connection, owner, public_id).id
            chosen = message_row(connection, owner, conversation_id, message)
            set_active_child(connection, owner, chosen.parent_id, chosen.id)
            leaf = remembered_leaf(connection, owner, chosen)
            change(connection, owner, public_id, active_id=leaf.id)
            return str(leaf.public_id)

        return self._db.write(work, idempotent=True)

    def _change(self, owner: int, public_id: str, **values: Any) -> None:
        self._db.write(lambda connection: change(connection, owner, public_id, **values), idempotent=True)


def new_row(owner: int, public_id: str, title: str, settings: Settings) -> dict[str, Any]:
    """The columns of a fresh conversation."""
    at_ms, title, public_id = now_ms(), one_line(title, _TITLE_CHARS), storable(public_id)
    row = {"id": new_id(), "owner_id": owner, "public_id": public_id, "title": title, "title_folded": title.casefold()}
    counters = {"created_ms": at_ms, "last_ms": at_ms, "answered_ms": 0, "read_ms": 0, "n_messages": 0}
    return row | counters | {"queue_paused": 0} | settings_columns(settings)


def settings_columns(settings: Settings) -> dict[str, Any]:
    return {
        "gateway_id": settings.gateway_id,
        "model": storable_or_none(settings.model),
        "dialect": settings.dialect,
        "params": to_json(settings.params),
        "system": storable(settings.system),
    }


def one_line(text: str, most: int) -> str:
    """`text` as one line of at most `most` characters, cut at a word where there is one, with an ellipsis."""
    line = " ".join(storable(text[: most * 8]).split())
    if len(line) <= most:
        return line
    head = line[: most - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[most // 2 :] else head).rstrip(" ,;:") + "…"


def find(connection: Connection, owner: int, public_id: str, *, also_deleted: bool = False) -> Row[Any]:
    """The conversation's row. Raises NotFound."""
    query = select(schema.conversation).where(_c.public_id == storable(public_id), _c.owner_id == owner)
    row = connection.execute(query if also_deleted else query.where(_c.deleted_ms.is_(None))).one_or_none()
    if row is None:
        raise NotFound("conversation")
    return row


def change(connection: Connection, owner: int, public_id: str, *, also_deleted: bool = False, **values: Any) -> int:
    """Set columns of a conversation and return its id. Raises NotFound."""
    where = and_(_c.public_id == storable(public_id), _c.owner_id == owner)
    where = where if also_deleted else and_(where, _c.deleted_ms.is_(None))
    found = connection.execute(update(schema.conversation).where(where).values(**values).returning(_c.id)).scalar()
    if found is None:
        raise NotFound("conversation")
    return int(found)


def set_active_child(connection: Connection, owner: int, parent_id: int | None, child_id: int) -> None:
    """Remember which child of `parent_id` is shown."""
    where = and_(_m.id == parent_id, _m.owner_id == owner)
    connection.execute(update(schema.message).where(where).values(active_child_id=child_id))


def remembered_leaf(connection: Connection, owner: int, start: Row[Any]) -> Row[Any]:
    """From `start` down the remembered children, as far as they go."""
    child = schema.message.alias("child")
    path = select(_m.id, _m.active_child_id, literal(0).label("depth")).where(_m.id == start.id, _m.owner_id == owner)
    walk = path.cte("path", recursive=True)
    walk = walk.union_all(
        select(child.c.id, child.c.active_child_id, walk.c.depth + 1).where(
            child.c.id == walk.c.active_child_id, child.c.owner_id == owner, child.c.deleted_ms.is_(None)
        )
    )
    leaf = select(schema.message).join(walk, walk.c.id == _m.id).order_by(walk.c.depth.desc()).limit(1)
    return connection.execute(leaf).one()


def _conversation_query(owner: int) -> Select[Any]:
    running = exists().where(_a.conversation_id == _c.id, schema.IS_RUNNING, _a.owner_id == owner)
    leaf = select(_m.public_id).where(_m.id == _c.active_id).scalar_subquery().label("leaf")
    folder = select(_f.public_id).where(_f.id == _c.folder_id).scalar_subquery().label("folder")
    return select(schema.conversation, running.label("running"), leaf, folder).where(_c.owner_id == owner)


def read_conversations(connection: Connection, owner: int, ids: Iterable[int]) -> dict[int, Conversation]:
    """These conversations of the owner, deleted ones too, by id."""
    query = _conversation_query(owner).where(_c.id.in_(list(ids)))
    return {found.id: found for found in _with_totals(connection, owner, connection.execute(query))}


def _one(connection: Connection, owner: int, public_id: str) -> Conversation:
    query = _conversation_query(owner).where(_c.public_id == storable(public_id), _c.deleted_ms.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("conversation")
    return _with_totals(connection, owner, [row])[0]


def _listed(
    connection: Connection, owner: int, query: str, limit: int, before: str | None, deleted: bool, only: Only
) -> list[Conversation]:
    found = _conversation_query(owner).where(_c.deleted_ms.is_not(None) if deleted else _c.deleted_ms.is_(None))
    found = found.where(_c.batch_id.is_(None), *placed(owner, only))
    if query.strip():
        found = found.where(_c.title_folded.contains(storable(query.strip()).casefold(), autoescape=True))
    if before is not None:
        last = find(connection, owner, before, also_deleted=True)
        found = found.where(or_(_c.last_ms < last.last_ms, and_(_c.last_ms == last.last_ms, _c.id < last.id)))
    rows = connection.execute(found.order_by(_c.last_ms.desc(), _c.id.desc()).limit(limit)).all()
    return _with_totals(connection, owner, rows)


def _with_totals(connection: Connection, owner: int, rows: Iterable[Row[Any]]) -> list[Conversation]:
    rows = list(rows)
    ids = [row.id for row in rows]
    totals, tags = totals_of(connection, owner, ids), tags_of(connection, owner, ids)
    return [_conversation(row, totals.get(row.id, ()), tags.get(row.id, ())) for row in rows]


def totals_of(connection: Connection, owner: int, ids: list[int]) -> dict[int, tuple[Total, ...]]:
    """What each of these conversations used, one Total per currency."""
    t = schema.conversation_total.c
    query = select(schema.conversation_total).where(t.owner_id == owner, t.conversation_id.in_(ids))
    found: dict[int, tuple[Total, ...]] = {}
    for row in connection.execute(query.order_by(t.demo, t.currency)) if ids else ():
        total = Total(
            row.currency,
            bool(row.demo),
            row.n,
            row.n_unpriced,
            row.n_estimated,
            row.cost_nano,
            row.in_tokens,
            row.out_tokens,
        )
        found[row.conversation_id] = (*found.get(row.conversation_id, ()), total)
    return found


def _conversation(row: Row[Any], totals: tuple[Total, ...], tags: tuple[str, ...]) -> Conversation:
    params = from_json(row.params, Params)
    return Conversation(
        id=row.id,
        public_id=row.public_id,
        title=row.title,
        created_ms=row.created_ms,
        last_ms=row.last_ms,
        settings=Settings(row.gateway_id, row.model, row.dialect, params, row.system),
        active_leaf=row.leaf,
        n_messages=row.n_messages,
        running=bool(row.running),
        unread=row.answered_ms > row.read_ms,
        queue_paused=bool(row.queue_paused),
        deleted_ms=row.deleted_ms,
        totals=totals,
        title_source=row.title_source,
        pinned=row.pinned_ms is not None,
        archived=row.archived_ms is not None,
        folder=row.folder,
        tags=tags,
    )
