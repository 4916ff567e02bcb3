"""Versions of messages: edited beside the original, deleted with what followed, restored, forked.

Nothing is ever overwritten.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, and_, func, literal, select, update

from lib.errors import AnswerRunning, BadInput, NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.messages import Message, Part
from lib.store import schema
from lib.store.conversations import find, remembered_leaf, set_active_child
from lib.store.database import Database
from lib.store.encoding import insert_new, storable
from lib.store.forking import ForkIds, fork_in
from lib.store.parts import reworded, store_parts
from lib.store.rows import StoredMessage
from lib.store.search_index import index_messages
from lib.store.transcript import message_row, read_message, read_versions

_a, _c, _m = schema.answer.c, schema.conversation.c, schema.message.c
_BATCH = 500
Versions = tuple[StoredMessage, ...]


class Messages:
    """Single messages of a conversation's tree, by public ids."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, owner: int, message: str, *, conversation: str | None = None) -> StoredMessage:
        """One message, of that conversation or of any, with its versions and cost. Raises NotFound, also if deleted."""
        return self._db.read(lambda connection: read_message(connection, owner, message, conversation))

    def versions(self, owner: int, conversation: str, message: str) -> Versions:
        """The message and its siblings, oldest first: with their models and costs. Raises NotFound."""

        def work(connection: Connection) -> Versions:
            conversation_id = find(connection, owner, conversation).id
            row = message_row(connection, owner, conversation_id, message)
            return tuple(read_versions(connection, owner, conversation_id, row))

        return self._db.read(work)

    def edit(self, owner: int, conversation: str, message: str, content: str | tuple[Part, ...]) -> str:
        """A new version with other words, shown from now on; what followed stays with the old one.

        A mere text leaves a user message its attachments. An edited answer keeps the name of its model, and has
        neither reasoning nor cost of its own. Returns the new version's public id. Raises NotFound, BadInput for an
        empty text, AnswerRunning for an answer that is still being written.
        """
        message_id, public_id, at_ms = new_id(), new_public_id(), now_ms()

        def work(connection: Connection) -> str:
            here = _locked(connection, owner, conversation)
            old = message_row(connection, owner, here.id, message)
            row = _edited(connection, old, content)
            row |= {"id": message_id, "public_id": public_id, "created_ms": at_ms, "changed_ms": at_ms}
            if insert_new(connection, schema.message, row):
                index_messages(connection, owner, [(message_id, row["text"])])
                set_active_child(connection, owner, old.parent_id, message_id)
                _show(connection, here, message_id, 1, last_ms=at_ms)
            return public_id

        return self._db.write(work, idempotent=True)

    def delete(self, owner: int, conversation: str, message: str) -> int:
        """Put a message and everything that followed it into the trash; how many messages that is.

        The next newest version is shown in its place, else the branch ends before it. A running answer among them is
        asked to stop. What they cost stays. Raises NotFound.
        """
        deletion_id, at_ms = new_id(), now_ms()

        def work(connection: Connection) -> int:
            here = _locked(connection, owner, conversation)
            row = message_row(connection, owner, here.id, message)
            ids = _below(connection, owner, row.id)
            _set(connection, owner, ids, deleted_ms=at_ms, deletion_id=deletion_id)
            _stop(connection, owner, ids)
            _show_beside(connection, here, row, set(ids))
            return len(ids)

        return self._db.write(work)

    def restore(self, owner: int, conversation: str, message: str) -> str:
        """Undo a deletion and show the branch again; the new leaf's public id.

        What was deleted together comes back together, with everything above it. Raises NotFound, also once the trash
        has been emptied of it.
        """

        def work(connection: Connection) -> str:
            here = _locked(connection, owner, conversation)
            row = _also_deleted(connection, owner, here.id, message)
            count = _undelete(connection, owner, here.id, _deletions_above(connection, owner, row.id))
            set_active_child(connection, owner, row.parent_id, row.id)
            leaf = remembered_leaf(connection, owner, row)
            _show(connection, here, leaf.id, count)
            return str(leaf.public_id)

        return self._db.write(work, idempotent=True)

    def fork(self, owner: int, conversation: str, message: str, *, title: str | None = None) -> str:
        """A new conversation with the branch up to `message`; its public id.

        Attachments are shared, not copied. The copied answers have no cost here: it is counted where it arose.
        Raises NotFound, and AnswerRunning while the branch's last answer is being written.
        """
        ids = ForkIds()

        def work(connection: Connection) -> str:
            here = find(connection, owner, conversation)
            last = message_row(connection, owner, here.id, message)
            return fork_in(connection, here, last, title, ids)

        return self._db.write(work, idempotent=True)


def _locked(connection: Connection, owner: int, conversation: str) -> Row[Any]:
    """The conversation, kept from others until this transaction ends: its tree is changed by one at a time."""
    query = select(_c.id).where(_c.public_id == storable(conversation), _c.owner_id == owner)
    connection.execute(query.with_for_update())
    return find(connection, owner, conversation)


def _edited(connection: Connection, old: Row[Any], content: str | tuple[Part, ...]) -> dict[str, Any]:
    """The columns of the new version."""
    row: dict[str, Any] = {name: getattr(old, name) for name in _AS_BEFORE} | {"reasoning": "", "repaired": "[]"}
    if old.role == "user":
        parts = reworded(old.parts, content)
        text = storable(Message("user", parts).text)
        return row | {"edited": 1, "parts": store_parts(connection, old.owner_id, parts), "text": text}
    if old.state == "running":
        raise AnswerRunning("the answer is still being written")
    text = content if isinstance(content, str) else Message("assistant", content).text
    if not text.strip():
        raise BadInput("empty_message")
    return row | {"edited": 1, "parts": "[]", "text": storable(text), "state": "done"}


_AS_BEFORE = ("owner_id", "conversation_id", "parent_id", "role", "ref")


def _show(connection: Connection, here: Row[Any], leaf_id: int | None, more: int, **columns: Any) -> None:
    """The branch that ends in `leaf_id` is shown now; the conversation has `more` messages."""
    values = {"active_id": leaf_id, "n_messages": _c.n_messages + more, **columns}
    mine = and_(_c.id == here.id, _c.owner_id == here.owner_id)
    connection.execute(update(schema.conversation).where(mine).values(**values))


def _show_beside(connection: Connection, here: Row[Any], gone: Row[Any], ids: set[int]) -> None:
    """Show what stands beside or above a deleted message, if it was shown; remember it there in any case."""
    beside = _m.parent_id.is_(None) if gone.parent_id is None else _m.parent_id == gone.parent_id
    visible = and_(_m.conversation_id == here.id, _m.owner_id == here.owner_id, _m.deleted_ms.is_(None), beside)
    heir = connection.execute(select(schema.message).where(visible).order_by(_m.id.desc()).limit(1)).one_or_none()
    parent = and_(_m.id == gone.parent_id, _m.owner_id == here.owner_id, _m.active_child_id == gone.id)
    connection.execute(update(schema.message).where(parent).values(active_child_id=heir.id if heir else None))
    leaf_id = here.active_id
    if leaf_id in ids:
        leaf_id = remembered_leaf(connection, here.owner_id, heir).id if heir else gone.parent_id
    _show(connection, here, leaf_id, -len(ids))


def _below(connection: Connection, owner: int, message_id: int) -> list[int]:
    """A message and all its visible descendants."""
    child = schema.message.alias("child")
    tree = select(_m.id).where(_m.id == message_id, _m.owner_id == owner).cte("tree", recursive=True)
    visible = and_(child.c.owner_id == owner, child.c.conversation_id == _conversation_of(message_id))
    tree = tree.union_all(
        select(child.c.id).where(visible, child.c.parent_id == tree.c.id, child.c.deleted_ms.is_(None))
    )
    return list(connection.scalars(select(tree.c.id)))


def _conversation_of(message_id: int) -> Any:
    """Named beside the parent, because the index over the tree begins with the conversation."""
    of = schema.message.alias("of")
    return select(of.c.conversation_id).where(of.c.id == message_id).scalar_subquery()


def _set(connection: Connection, owner: int, ids: list[int], **values: Any) -> None:
    for at in range(0, len(ids), _BATCH):
        these = and_(_m.id.in_(ids[at : at + _BATCH]), _m.owner_id == owner)
        connection.execute(update(schema.message).where(these).values(**values))


def _stop(connection: Connection, owner: int, ids: list[int]) -> None:
    for at in range(0, len(ids), _BATCH):
        running = and_(_a.message_id.in_(ids[at : at + _BATCH]), _a.owner_id == owner, schema.IS_RUNNING)
        connection.execute(update(schema.answer).where(running).values(stop_requested=1))


def _also_deleted(connection: Connection, owner: int, conversation_id: int, message: str) -> Row[Any]:
    mine = (_m.public_id == storable(message), _m.owner_id == owner, _m.conversation_id == conversation_id)
    row = connection.execute(select(schema.message).where(*mine)).one_or_none()
    if row is None:
        raise NotFound("message")
    return row


def _deletions_above(connection: Connection, owner: int, message_id: int) -> list[int]:
    """The deletions that hide a message: its own, and those of what stands above it."""
    start = select(_m.id, _m.parent_id, _m.deletion_id, literal(1).label("depth"))
    above = schema.message.alias("above")
    walk = start.where(_m.id == message_id, _m.owner_id == owner).cte("walk", recursive=True)
    columns = (above.c.id, above.c.parent_id, above.c.deletion_id, walk.c.depth + 1)
    walk = walk.union_all(select(*columns).where(above.c.id == walk.c.parent_id, above.c.owner_id == owner))
    return list(connection.scalars(select(walk.c.deletion_id).where(walk.c.deletion_id.is_not(None)).distinct()))


def _undelete(connection: Connection, owner: int, conversation_id: int, deletions: list[int]) -> int:
    """Take deletions back; how many messages came with them."""
    these = and_(_m.deletion_id.in_(deletions), _m.owner_id == owner, _m.conversation_id == conversation_id)
    count = int(connection.scalar(select(func.count()).select_from(schema.message).where(these)) or 0)
    connection.execute(update(schema.message).where(these).values(deleted_ms=None, deletion_id=None))
    return count
