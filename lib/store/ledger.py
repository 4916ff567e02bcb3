"""Reading the ledger, correcting it (by new rows only), and keeping its rollup honest."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, delete, insert, select

from lib.budgets import Verdict
from lib.errors import BadInput, NotFound
from lib.ids import id_at, new_id
from lib.ledger import Attempt, Cost, LedgerRow, ModelRef, Tally
from lib.store import schema
from lib.store.budget_rows import Charge
from lib.store.checking import mismatches
from lib.store.conversations import find, totals_of
from lib.store.costs import cost_of, cost_row, current_cost, latest_costs
from lib.store.database import Database
from lib.store.days import zone_of
from lib.store.encoding import insert_new, storable
from lib.store.ledger_rows import ledger_query, ledger_row
from lib.store.open_requests import OpenRequest, close_in, end_in, end_orphans, go_on_in, open_in
from lib.store.rebuilding import rebuild_kinds
from lib.store.recording import Place, add_to_total, record
from lib.store.reserving import Wanted, reserve, settle_unstored
from lib.store.rollup import KINDS, ZONE_KINDS, counting, fact, recounting, zones_of
from lib.store.rows import Mismatch, Speed, Total
from lib.store.tallies import Dimension, read_speeds, read_tallies
from lib.tokens import TokenCount

_u, _z = schema.usage_event.c, schema.zone.c
OPEN_MS = 6 * 3_600_000
"""No request without a stored answer is open longer than this."""
_COUNTS = TokenCount.__struct_fields__


class Ledger:
    """Usage and cost events. Days are local days of an IANA zone, ranges half-open, currencies never added."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def tallies(
        self,
        owner: int,
        start: date,
        end: date,
        zone: str,
        by: tuple[Dimension, ...] = (),
        *,
        demo: bool = False,
    ) -> list[Tally]:
        """Sums over the local days [start, end), one Tally per combination of `by` and per currency.

        `demo=True` gives the demo's rows instead of the real ones. Days without rows are absent. In a configured
        zone the rollup serves this, in any other the ledger does, exactly but slower. Raises BadInput for an
        unknown zone or dimension.
        """
        return self._db.read(lambda connection: read_tallies(connection, owner, start, end, zone, by, demo))

    def speeds(self, owner: int, start: date, end: date, *, demo: bool = False) -> list[Speed]:
        """Histograms of the time to the first visible token per model and day of the reporting zone."""
        return self._db.read(lambda connection: read_speeds(connection, owner, start, end, demo))

    def latest(
        self, owner: int, limit: int = 50, *, before_id: int | None = None, demo: bool | None = False
    ) -> list[LedgerRow]:
        """The newest usage events, with the cost in force; `before_id` continues. `demo=None` gives both sorts."""
        cost = latest_costs(owner)
        query = ledger_query(cost).where(_u.owner_id == owner)
        query = query if before_id is None else query.where(_u.id < before_id)
        query = query if demo is None else query.where(_u.demo == int(demo))
        query = query.order_by(_u.id.desc()).limit(limit)
        return self._db.read(lambda connection: [ledger_row(row) for row in connection.execute(query)])

    def event(self, owner: int, event_id: int) -> LedgerRow:
        """One usage event. Raises NotFound."""
        query = ledger_query(latest_costs(owner)).where(_u.owner_id == owner, _u.id == event_id)
        row = self._db.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            raise NotFound("usage_event")
        return ledger_row(row)

    def raw_usage(self, owner: int, event_id: int) -> str:
        """The usage exactly as the gateway sent it (untrusted JSON text), empty when it sent none."""
        raw = schema.usage_raw.c
        query = select(raw.usage_json).where(raw.event_id == event_id, raw.owner_id == owner)
        return self._db.read(lambda connection: connection.scalar(query)) or ""

    def costs(self, owner: int, event_id: int) -> list[Cost]:
        """Every cost an event ever had, the first first; the last one is in force."""
        k = schema.cost_event.c
        query = select(schema.cost_event).where(k.event_id == event_id, k.owner_id == owner).order_by(k.seq)
        return self._db.read(lambda connection: [cost_of(row) for row in connection.execute(query)])

    def total_of_conversation(self, owner: int, conversation: str) -> tuple[Total, ...]:
        """What a conversation used, one Total per currency, also when it is deleted. Raises NotFound."""

        def work(connection: Connection) -> tuple[Total, ...]:
            row = find(connection, owner, conversation, also_deleted=True)
            return totals_of(connection, owner, [row.id]).get(row.id, ())

        return self._db.read(work)

    def add_cost(self, owner: int, event_id: int, kind: str, cost: Cost, reason: str) -> None:
        """Append a cost that supersedes the one in force; rollup and totals move by the difference.

        `kind` is 'reprice', 'reconcile' or 'manual'. Raises NotFound.
        """

        def work(connection: Connection) -> None:
            query = select(schema.usage_event).where(_u.id == event_id, _u.owner_id == owner)
            event = connection.execute(query.with_for_update()).one_or_none()  # two corrections take turns
            old = current_cost(connection, owner, event_id)
            if event is None or old is None:
                raise NotFound("usage_event")
            change, columns = counting(connection, owner), event._mapping  # before the row takes its time: see closing
            new = cost_row(owner, event_id, old.seq + 1, kind, cost, reason)
            insert_new(connection, schema.cost_event, new)
            change.add(fact(columns, old._mapping), -1)
            change.add(fact(columns, new), 1)
            add_to_total(connection, columns, old.currency, old.nano, -1)
            add_to_total(connection, columns, new["currency"], new["nano"], 1)
            change.apply(connection, owner)

        self._db.write(work)

    def record(
        self,
        owner: int,
        ref: ModelRef,
        attempts: tuple[Attempt, ...],
        *,
        conversation: str | None = None,
        settles: int | None = None,
        then: tuple[int, int] | None = None,
    ) -> None:
        """Write attempts that belong to no stored answer: of a temporary conversation, or for a title.

        Those the ledger has already are left alone. With `conversation` they count into its totals, while it exists.
        `settles` is the attempt that money was reserved for: it has ended. `then` is the next attempt (id, number) of
        the same request, which is about to leave.
        """

        def work(connection: Connection) -> None:
            change = counting(connection, owner)
            place = Place(owner, ref, conversation_id=_id_of(connection, owner, conversation))
            for attempt in attempts:
                record(connection, place, attempt, change)
            change.apply(connection, owner)
            if then is not None and attempts:
                go_on_in(connection, owner, attempts[-1].id, *then)
            close_in(connection, owner, tuple(attempt.id for attempt in attempts))
            if settles is not None:
                settle_unstored(connection, owner, settles, attempts)
                end_in(connection, owner, settles)

        self._db.write(work, idempotent=True)

    def open(
        self,
        owner: int,
        request: OpenRequest,
        *,
        epoch: str,
        conversation: str | None = None,
        charge: Charge | None = None,
    ) -> Verdict | None:
        """Note, before it leaves, a request without a stored answer, and hold what it may cost (`charge`), or neither.

        `record` closes it, or `sweep` after a crash. Raises OverBudget.
        """

        def work(connection: Connection) -> Verdict | None:
            conversation_id = _id_of(connection, owner, conversation)
            wanted = Wanted(owner, request.id, request.ref, charge or Charge(), epoch, conversation_id=conversation_id)
            found = reserve(connection, wanted) if charge else None
            open_in(connection, owner, request, epoch, conversation_id)
            return found

        return self._db.write(work, idempotent=charge is None)

    def sweep(self, owner: int, *, epoch: str, now_ms: int) -> int:
        """Write down the open requests of dead processes, as of unknown outcome and cost. How many.

        On SQLite those of every other `epoch`; on PostgreSQL the ones that are older than any request lives.
        """
        before = None if self._db.sqlite else id_at(now_ms - OPEN_MS)
        return self._db.write(lambda connection: end_orphans(connection, owner, epoch, before), idempotent=True)

    def zones(self, owner: int) -> tuple[str, ...]:
        """The configured zones; the first is the reporting zone."""
        return self._db.read(lambda connection: tuple(zone.name for zone in zones_of(connection, owner)))

    def set_zones(self, owner: int, names: tuple[str, ...]) -> None:
        """Configure the zones, the reporting zone first, and rebuild what depends on them. Raises BadInput."""
        wanted = tuple(dict.fromkeys(names))
        if not wanted:
            raise BadInput("zone", "at least one zone")
        for name in wanted:
            zone_of(name)

        def work(connection: Connection) -> None:
            recounting(connection, owner)
            if tuple(zone.name for zone in zones_of(connection, owner)) == wanted:
                return
            connection.execute(delete(schema.zone).where(_z.owner_id == owner))
            rows = [
                {"id": new_id(), "owner_id": owner, "position": position, "name": name}
                for position, name in enumerate(wanted)
            ]
            connection.execute(insert(schema.zone), rows)
            rebuild_kinds(connection, owner, ZONE_KINDS)

        self._db.write(work)

    def verify(self, owner: int) -> list[Mismatch]:
        """Where the rollup's sums are not the ledger's: an empty list when all is well."""
        return self._db.read(lambda connection: mismatches(connection, owner))

    def rebuild(self, owner: int, kinds: tuple[str, ...] = KINDS) -> None:
        """Make rollup kinds anew from the ledger."""
        self._db.write(lambda connection: rebuild_kinds(connection, owner, kinds))


def _id_of(connection: Connection, owner: int, conversation: str | None) -> int | None:
    c = schema.conversation.c
    query = select(c.id).where(c.public_id == storable(conversation or ""), c.owner_id == owner)
    return connection.scalar(query)
