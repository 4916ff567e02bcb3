"""Messages that wait their turn in a conversation whose answer still runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from lib.errors import NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.ledger import ModelRef
from lib.messages import Params, Part
from lib.store import blobs, schema
from lib.store.attachments import stop_waiting
from lib.store.conversations import change, find
from lib.store.database import Database
from lib.store.drafts import clear_draft
from lib.store.encoding import from_json, storable, to_json
from lib.store.parts import drop_unused, named_in, read_parts, reworded, store_parts
from lib.store.rows import QueueItem

_q = schema.queue_item.c
Items = list[QueueItem]


class Queue:
    """The queue of each conversation, in order. Hand an item to `Answers.begin(from_queue=…)` so it is never lost."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(
        self,
        owner: int,
        conversation: str,
        parts: tuple[Part, ...],
        ref: ModelRef,
        params: Params | None = None,
        system: str = "",
        clears_draft: bool = False,
        attached: tuple[str, ...] = (),
        key: str | None = None,
    ) -> QueueItem:
        """Append a message, and clear the draft that became it; the `attached` attachments stop waiting for it.

        `key` becomes the item's id, and later the key of its turn; while it waits, the same key again adds nothing.
        Raises NotFound.
        """
        public_id, at_ms = storable(key or new_public_id()), now_ms()

        def work(connection: Connection) -> QueueItem:
            conversation_id = find(connection, owner, conversation).id
            if found := _waiting(connection, owner, conversation_id, public_id):
                return found
            last = select(func.max(_q.position)).where(_q.conversation_id == conversation_id, _q.owner_id == owner)
            freed = stop_waiting(connection, owner, attached)
            row = {
                "id": new_id(),
                "owner_id": owner,
                "conversation_id": conversation_id,
                "position": int(connection.scalar(last) or 0) + 1,
                "public_id": public_id,
                "created_ms": at_ms,
                "parts": store_parts(connection, owner, parts),
                "ref": to_json(ref),
                "params": to_json(params or Params()),
                "system": storable(system),
            }
            connection.execute(insert(schema.queue_item), row)
            drop_unused(connection, owner, freed)
            if clears_draft:
                clear_draft(connection, owner, conversation_id)
            return _items(connection, owner, conversation_id)[-1]

        return self._db.write(work, idempotent=True)

    def has(self, owner: int, item: str) -> bool:
        """Whether it waits still."""
        query = select(_q.id).where(_mine(owner, item))
        return self._db.read(lambda connection: connection.scalar(query)) is not None

    def list(self, owner: int, conversation: str) -> Items:
        """What waits, the next first."""
        return self._db.read(lambda connection: _items(connection, owner, find(connection, owner, conversation).id))

    def peek(self, owner: int, conversation: str) -> QueueItem | None:
        """The next one, or None when nothing waits or the queue is paused. It stays until `begin` takes it."""

        def work(connection: Connection) -> QueueItem | None:
            row = find(connection, owner, conversation)
            items = [] if row.queue_paused else _items(connection, owner, row.id)
            return items[0] if items else None

        return self._db.read(work)

    def pop_next(self, owner: int, conversation: str) -> QueueItem | None:
        """Take the next one out, atomically; None when nothing waits or the queue is paused."""

        def work(connection: Connection) -> QueueItem | None:
            row = find(connection, owner, conversation)
            items = [] if row.queue_paused else _items(connection, owner, row.id)
            for item in items:  # the first that no other process has just taken
                if connection.execute(delete(schema.queue_item).where(_mine(owner, item.public_id))).rowcount:
                    return item
            return None

        return self._db.write(work)

    def remove(self, owner: int, item: str) -> None:
        """Its bytes are freed unless something else holds them. Raises NotFound."""

        def work(connection: Connection) -> None:
            taken = delete(schema.queue_item).where(_mine(owner, item)).returning(_q.parts)
            column = connection.execute(taken).scalar()
            if column is None:
                raise NotFound("queue_item")
            drop_unused(connection, owner, named_in(column))

        self._db.write(work)

    def update(self, owner: int, item: str, parts: tuple[Part, ...] | str) -> None:
        """Replace what an item says; a mere text keeps its attachments. Raises NotFound, BadInput for nothing."""

        def work(connection: Connection) -> None:
            old = connection.scalar(select(_q.parts).where(_mine(owner, item)).with_for_update()) or "[]"
            blobs.lock(connection)
            values = {"parts": store_parts(connection, owner, reworded(old, parts))}
            query = update(schema.queue_item).where(_mine(owner, item)).values(**values)
            _expect_one(connection.execute(query).rowcount)
            drop_unused(connection, owner, named_in(old) - named_in(values["parts"]))

        self._db.write(work, idempotent=True)

    def move(self, owner: int, item: str, index: int) -> None:
        """Put an item at place `index` (0 is next). Raises NotFound."""

        def work(connection: Connection) -> None:
            query = select(_q.conversation_id).where(_mine(owner, item))
            conversation_id = connection.scalar(query)
            if conversation_id is None:
                raise NotFound("queue_item")
            order = [other.public_id for other in _items(connection, owner, conversation_id)]
            order.remove(item)
            order.insert(max(0, index), item)
            for position, public_id in enumerate(order, 1):
                place = update(schema.queue_item).where(_mine(owner, public_id)).values(position=position)
                connection.execute(place)

        self._db.write(work, idempotent=True)

    def pause(self, owner: int, conversation: str, paused: bool) -> None:
        """Hold the queue (after a failed or stopped answer), or let it go on."""
        self._db.write(
            lambda connection: change(connection, owner, conversation, queue_paused=int(paused)), idempotent=True
        )


def _mine(owner: int, public_id: str) -> Any:
    return (_q.public_id == storable(public_id)) & (_q.owner_id == owner)


def _expect_one(count: int) -> None:
    if count != 1:
        raise NotFound("queue_item")


def _items(connection: Connection, owner: int, conversation_id: int) -> Items:
    query = select(schema.queue_item).where(_q.conversation_id == conversation_id, _q.owner_id == owner)
    rows = connection.execute(query.order_by(_q.position, _q.id)).all()
    return [_item(row) for row in rows]


def _waiting(connection: Connection, owner: int, conversation_id: int, public_id: str) -> QueueItem | None:
    here = _mine(owner, public_id) & (_q.conversation_id == conversation_id)
    row = connection.execute(select(schema.queue_item).where(here)).one_or_none()
    return _item(row) if row else None


def _item(row: Row[Any]) -> QueueItem:
    ref, params = from_json(row.ref, ModelRef), from_json(row.params, Params)
    return QueueItem(row.public_id, read_parts(row.parts), ref, params, row.system, row.created_ms)
