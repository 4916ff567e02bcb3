"""What leaves and what comes in: conversations as documents, imports that can be undone.

Own exports bring their ledger rows along: with their own times, marked as imported, and only those the ledger does
not have, so that importing twice, or into where they came from, never counts anything twice. Conversations of other
programs bring none: what they cost is not known here.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from lib.errors import NotFound
from lib.ids import ms_of, new_id, new_public_id, now_ms
from lib.store import schema
from lib.store.database import Database
from lib.store.encoding import storable
from lib.store.parts import Media
from lib.store.rollup import counting
from lib.store.rows import ImportRun
from lib.store.transfer_gateways import Gates
from lib.store.transfer_in import Taken, standing_of, take_in
from lib.store.transfer_ledger import take_attempts, untake_events
from lib.store.transfer_out import read_copy, read_loose_spend
from lib.store.trash import Trash
from lib.transfer.document import AttemptCopy, ConversationCopy, Found
from lib.transfer.planning import Standing

_c, _m, _u = schema.conversation.c, schema.message.c, schema.usage_event.c
_r, _ic, _ie = schema.import_run.c, schema.imported_conversation.c, schema.imported_event.c
_UNDONE_MS = 1
"""The time of deletion that marks what an undone import leaves to the trash's purge: no clock says it."""
Runs = list[ImportRun]
Ids = list[str]


class Transfers:
    """Exports and imports of one owner's conversations."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- out --------------------------------------------------------------------------------------------------------

    def ids(self, owner: int) -> Ids:
        """The public ids of all conversations that are neither in the trash nor in a batch, the oldest first."""
        query = select(_c.public_id).where(_c.owner_id == owner, _c.deleted_ms.is_(None), _c.batch_id.is_(None))
        return self._db.read(lambda connection: list(connection.scalars(query.order_by(_c.created_ms, _c.id))))

    def copy(self, owner: int, conversation: str, *, media: tuple[Media, ...] = ("image", "video")) -> ConversationCopy:
        """The whole conversation as a document, with the bytes of these media. Raises NotFound."""
        return self._db.read(lambda connection: read_copy(connection, owner, conversation, media))

    def loose_spend(self, owner: int, after: int = -1, limit: int = 2_000) -> tuple[list[AttemptCopy], int]:
        """Ledger rows that belong to no conversation that is there, after the event `after`; and the last one's id."""
        return self._db.read(lambda connection: read_loose_spend(connection, owner, after, limit))

    # --- in ---------------------------------------------------------------------------------------------------------

    def standing(self, owner: int, found: Found) -> Standing:
        """Whether this conversation is new, here, or here in the trash."""
        return self._db.read(lambda connection: standing_of(connection, owner, found))

    def begin_import(self, owner: int, source: str, file_name: str) -> str:
        """Note that an import begins; its public id, for `take` and `undo`."""
        row = {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "at_ms": now_ms()}
        row |= {"source": storable(source), "file_name": storable(file_name[:200])}
        row |= {"n_conversations": 0, "n_messages": 0, "n_attempts": 0}
        self._db.write(lambda connection: connection.execute(insert(schema.import_run), row) and None)
        return str(row["public_id"])

    def take(self, owner: int, run: str, found: Found) -> Taken:
        """Write one conversation, whole or not at all; nothing when it is here already. Raises NotFound."""

        def work(connection: Connection) -> Taken:
            import_id = _run(connection, owner, run).id
            taken = take_in(connection, owner, import_id, found)
            if taken.standing == "new":
                _count(connection, owner, import_id, 1, taken.n_messages, taken.n_attempts)
            return taken

        return self._db.write(work)

    def take_spend(self, owner: int, run: str, attempts: tuple[AttemptCopy, ...]) -> int:
        """Ledger rows without a conversation: those that are not here; how many. Raises NotFound."""

        def work(connection: Connection) -> int:
            import_id = _run(connection, owner, run).id
            change = counting(connection, owner)
            count = take_attempts(connection, owner, import_id, attempts, Gates(connection, owner), change)
            change.apply(connection, owner)
            _count(connection, owner, import_id, 0, 0, count)
            return count

        return self._db.write(work, idempotent=True)

    def imports(self, owner: int) -> Runs:
        """The imports that brought something, the newest first."""
        kept = select(func.count()).select_from(schema.imported_conversation)
        kept = kept.where(_ic.import_id == _r.id, _ic.owner_id == owner)
        query = select(schema.import_run, kept.scalar_subquery().label("n_kept")).where(_r.owner_id == owner)
        query = query.where(_r.n_conversations + _r.n_attempts > 0).order_by(_r.id.desc())
        return self._db.read(lambda connection: [_import_run(row) for row in connection.execute(query)])

    def undo(self, owner: int, run: str) -> int:
        """Destroy what an import made, ledger rows too; how many conversations stay because they were gone on with.

        Their rows stay as well. Raises NotFound.
        """

        def work(connection: Connection) -> int:
            import_id = _run(connection, owner, run).id
            touched, untouched = _sorted_out(connection, owner, import_id)
            _forget_spend(connection, owner, import_id, touched)
            gone = and_(_c.id.in_(untouched), _c.owner_id == owner)
            connection.execute(update(schema.conversation).where(gone).values(deleted_ms=_UNDONE_MS))
            for sums in (schema.conversation_total, schema.conversation_month):
                empty = and_(
                    sums.c.conversation_id.in_(untouched), sums.c.n == 0
                )  # a title may have been paid for here
                connection.execute(delete(sums).where(empty, sums.c.owner_id == owner))
            if not touched:
                connection.execute(delete(schema.import_run).where(_r.id == import_id, _r.owner_id == owner))
            return len(touched)

        kept = self._db.write(work, idempotent=True)
        Trash(self._db).purge(owner, _UNDONE_MS, 0)
        return kept


def _run(connection: Connection, owner: int, public_id: str) -> Row[Any]:
    query = select(schema.import_run).where(_r.public_id == storable(public_id), _r.owner_id == owner)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("import")
    return row


def _count(
    connection: Connection, owner: int, import_id: int, conversations: int, messages: int, attempts: int
) -> None:
    more = {"n_conversations": _r.n_conversations + conversations, "n_messages": _r.n_messages + messages}
    mine = and_(_r.id == import_id, _r.owner_id == owner)
    connection.execute(update(schema.import_run).where(mine).values(**more, n_attempts=_r.n_attempts + attempts))


def _import_run(row: Row[Any]) -> ImportRun:
    return ImportRun(**{name: getattr(row, name) for name in ImportRun.__struct_fields__})


def _sorted_out(connection: Connection, owner: int, import_id: int) -> tuple[list[int], list[int]]:
    """(conversations that were gone on with since the import, the others): they have fewer messages, or newer ones."""
    inside = and_(_m.conversation_id == _ic.conversation_id, _m.owner_id == owner)
    count, newest = (select(what).where(inside).scalar_subquery() for what in (func.count(_m.id), func.max(_m.id)))
    query = select(_ic.conversation_id, _ic.n_messages, _ic.at_ms, count.label("n"), newest.label("newest"))
    rows = connection.execute(query.where(_ic.import_id == import_id, _ic.owner_id == owner)).all()
    touched = {row.conversation_id for row in rows if row.n != row.n_messages or ms_of(row.newest or 0) > row.at_ms}
    return sorted(touched), [row.conversation_id for row in rows if row.conversation_id not in touched]


def _forget_spend(connection: Connection, owner: int, import_id: int, touched: list[int]) -> None:
    """Take this import's ledger rows back, but not those of conversations that stay or that another import brought."""
    _hand_over(connection, owner, import_id)
    query = select(schema.usage_event).join(schema.imported_event, _ie.event_id == _u.id)
    query = query.where(_ie.import_id == import_id, _ie.owner_id == owner, _u.owner_id == owner)
    query = query.with_for_update(of=schema.usage_event)  # nobody corrects a cost meanwhile
    events = [event for event in connection.execute(query) if event.conversation_id not in set(touched)]
    change = counting(connection, owner)
    untake_events(connection, owner, events, change)
    change.apply(connection, owner)


def _hand_over(connection: Connection, owner: int, import_id: int) -> None:
    """Ledger rows that came before their conversation did belong to the import that brought the conversation."""
    brought = select(_ic.import_id).join(schema.usage_event, _u.conversation_id == _ic.conversation_id)
    brought = brought.where(_u.id == _ie.event_id, _ic.owner_id == owner, _ic.import_id != import_id)
    mine = and_(_ie.import_id == import_id, _ie.owner_id == owner, brought.exists())
    heir = brought.scalar_subquery()
    connection.execute(update(schema.imported_event).where(mine).values(import_id=heir))
