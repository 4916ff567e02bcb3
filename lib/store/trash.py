"""What was deleted and can be restored for 30 days; after that it is gone, except for what it cost."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, func, literal, select, union_all

from lib.ids import now_ms as clock_ms
from lib.store import schema
from lib.store.attachments import drop_forgotten
from lib.store.conversations import one_line
from lib.store.database import Database
from lib.store.parts import drop_unused, named
from lib.store.rows import Trashed
from lib.store.search_index import forget_messages

_a, _c, _m, _t = (
    schema.answer.c,
    schema.conversation.c,
    schema.message.c,
    schema.answer_attempt.c,
)
KEPT_DAYS = 30
_DAY_MS = 86_400_000
_EXCERPT_CHARS = 120
_BATCH = 500
_SUMS = frozenset({"usage_event", "conversation_total", "conversation_month"})
_BUDGETS = frozenset({"reservation", "budget_override", "open_request"})
_STAYS = _SUMS | _BUDGETS | {"batch_row", "batch_result", "batch_try"}
"""Tables that name a conversation and stay when it is gone: numbers, what budgets know, and the files of a batch."""
Listed = list[Trashed]


class Trash:
    """Deleted conversations and messages. `Conversations.restore` and `Messages.restore` bring them back."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def list(self, owner: int, *, now_ms: int | None = None, limit: int = 500) -> Listed:
        """What can be restored, the last deleted first."""
        at_ms = clock_ms() if now_ms is None else now_ms
        query = union_all(_conversations(owner), _messages(owner)).subquery("trashed")
        newest = select(query).order_by(query.c.deleted_ms.desc(), query.c.id.desc()).limit(limit)
        return self._db.read(lambda connection: [_trashed(row, at_ms) for row in connection.execute(newest)])

    def purge(self, owner: int, now_ms: int, older_than_days: int = KEPT_DAYS) -> int:
        """Destroy what was deleted that long ago, with its files and drafts; how many messages.

        0 days empties the trash. The ledger stays as it is, and so does anything whose answer is still being written.
        Attachments that have waited for 30 days go with it, whatever `older_than_days` says.
        """
        before_ms = now_ms - older_than_days * _DAY_MS

        def work(connection: Connection) -> int:
            forgotten = drop_forgotten(connection, owner, now_ms)
            return _purge(connection, owner, before_ms, forgotten)

        return self._db.write(work, idempotent=True)


def _conversations(owner: int) -> Select[Any]:
    return select(
        _c.id,
        _c.public_id.label("conversation"),
        literal(None).label("message"),
        _c.title,
        _c.title.label("excerpt"),
        _c.n_messages.label("n"),
        _c.deleted_ms,
    ).where(_c.owner_id == owner, _c.deleted_ms.is_not(None), _c.batch_id.is_(None))


def _messages(owner: int) -> Select[Any]:
    """The topmost message of every deletion, in conversations that are there."""
    above, same = schema.message.alias("above"), schema.message.alias("same")
    inside = exists().where(above.c.id == _m.parent_id, above.c.deletion_id == _m.deletion_id)
    together = select(func.count()).select_from(same)
    together = together.where(same.c.owner_id == owner, same.c.deletion_id == _m.deletion_id)
    return (
        select(
            _m.id,
            _c.public_id,
            _m.public_id,
            _c.title,
            func.substr(_m.text, 1, 4 * _EXCERPT_CHARS),
            together.scalar_subquery(),
            _m.deleted_ms,
        )
        .join(schema.conversation, _c.id == _m.conversation_id)
        .where(_m.owner_id == owner, _m.deletion_id.is_not(None), ~inside)
        .where(_c.deleted_ms.is_(None), _c.batch_id.is_(None))
    )


def _trashed(row: Row[Any], at_ms: int) -> Trashed:
    left_ms = row.deleted_ms + KEPT_DAYS * _DAY_MS - at_ms
    days_left = min(KEPT_DAYS, max(0, -(-left_ms // _DAY_MS)))
    excerpt = one_line(row.excerpt, _EXCERPT_CHARS)
    return Trashed(row.conversation, row.message, row.title, excerpt, row.n, row.deleted_ms, days_left)


def _purge(connection: Connection, owner: int, before_ms: int, suspects: set[str]) -> int:
    """Messages with all that hangs below them, then conversations and batches, then blobs nothing points at."""
    busy = exists().where(_a.conversation_id == _c.id, schema.IS_RUNNING)
    old = select(_c.id).where(_c.owner_id == owner, _c.deleted_ms <= before_ms, ~busy)
    conversations = list(connection.scalars(old))
    messages = _doomed(connection, owner, conversations, before_ms)
    suspects |= _blobs_of(connection, owner, conversations, messages)
    forget_messages(connection, owner, messages)
    for ids in _batches(messages):
        answers = select(_a.id).where(_a.message_id.in_(ids), _a.owner_id == owner)
        connection.execute(delete(schema.answer_attempt).where(_t.answer_id.in_(answers)))
        _clear(connection, owner, "message_id", ids)
        connection.execute(delete(schema.message).where(_m.id.in_(ids), _m.owner_id == owner))
    for ids in _batches(conversations):
        _clear(connection, owner, "conversation_id", ids)
        connection.execute(delete(schema.conversation).where(_c.id.in_(ids), _c.owner_id == owner))
    suspects |= _purge_batches(connection, owner, before_ms)
    drop_unused(connection, owner, suspects)
    return len(messages)


def _doomed(connection: Connection, owner: int, conversations: list[int], before_ms: int) -> list[int]:
    """The messages of these conversations, and those deleted before `before_ms` with everything below them."""
    busy = exists().where(_a.conversation_id == _m.conversation_id, schema.IS_RUNNING)
    below = schema.message.alias("below")
    tree = select(_m.id).where(_m.owner_id == owner, _m.deletion_id.is_not(None), _m.deleted_ms <= before_ms, ~busy)
    walk = tree.cte("walk", recursive=True)
    walk = walk.union(select(below.c.id).where(below.c.parent_id == walk.c.id, below.c.owner_id == owner))
    found = set(connection.scalars(select(walk.c.id)))
    for ids in _batches(conversations):
        found |= set(connection.scalars(select(_m.id).where(_m.conversation_id.in_(ids), _m.owner_id == owner)))
    return sorted(found)


def _clear(connection: Connection, owner: int, column: str, ids: list[int]) -> None:
    """Remove what belongs to these messages or conversations from every table that does not outlive them."""
    for table in schema.metadata.sorted_tables:
        if column in table.c and "owner_id" in table.c and table.name not in _STAYS:
            connection.execute(delete(table).where(table.c[column].in_(ids), table.c.owner_id == owner))


def _blobs_of(connection: Connection, owner: int, conversations: list[int], messages: list[int]) -> set[str]:
    """The blobs that what is destroyed points at."""
    found: set[str] = set()
    for ids in _batches(messages):
        found |= named(connection, schema.message, _m.id.in_(ids), _m.owner_id == owner)
    for ids in _batches(conversations):
        for table in (schema.queue_item, schema.attachment):
            found |= named(connection, table, table.c.conversation_id.in_(ids), table.c.owner_id == owner)
    return found


def _purge_batches(connection: Connection, owner: int, before_ms: int) -> set[str]:
    """Batches whose conversations are gone; the blobs that their rows point at."""
    b, r = schema.batch.c, schema.batch_row.c
    left = exists().where(_c.batch_id == b.id)
    old = select(b.id).where(b.owner_id == owner, b.deleted_ms <= before_ms, ~left)
    found: set[str] = set()
    for ids in _batches(list(connection.scalars(old))):
        found |= named(connection, schema.batch_row, r.batch_id.in_(ids), r.owner_id == owner)
        for table in (schema.batch_try, schema.batch_result, schema.batch_run, schema.batch_row):
            connection.execute(delete(table).where(table.c.batch_id.in_(ids), table.c.owner_id == owner))
        connection.execute(delete(schema.batch).where(b.id.in_(ids), b.owner_id == owner))
    return found


def _batches(values: list[Any]) -> list[list[Any]]:
    return [values[at : at + _BATCH] for at in range(0, len(values), _BATCH)]
