"""Bills of gateways, kept as they were read, and held against the ledger as it is whenever somebody looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from lib.bills.line import Bill, BillForm, BillLine
from lib.bills.matching import Entry, Match, match
from lib.errors import BadInput, NotFound
from lib.ids import id_at, ms_of, new_id, new_public_id, now_ms
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.database import Database
from lib.store.encoding import bounded, from_json, storable, to_json
from lib.store.gateways import require_gateway

_b, _l, _u = schema.bill.c, schema.bill_line.c, schema.usage_event.c
_MARGIN_MS = 26 * 3_600_000
"""A bill's clock may be that of another zone, and a request may last."""


class KeptBill(Struct, frozen=True):
    """An imported bill. `n_paired` of its lines belonged to a ledger row when it was last held against the ledger."""

    public_id: str
    gateway_id: int
    name: str
    form: BillForm
    at_ms: int
    from_ms: int | None
    to_ms: int | None
    n_lines: int
    n_troubles: int
    n_skipped: int
    n_paired: int = 0


KeptBills = list[KeptBill]


class Bills:
    """The imported bills of every owner; each function sees those of one."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, owner: int, gateway_id: int, bill: Bill, name: str = "") -> KeptBill:
        """Keep what could be read of a bill, with the ledger rows that its lines belong to.

        Raises NotFound for the gateway, BadInput('no_lines').
        """
        if not bill.lines:
            raise BadInput("no_lines")
        row = _bill_row(owner, gateway_id, bill, name)

        def work(connection: Connection) -> KeptBill:
            require_gateway(connection, owner, gateway_id)
            connection.execute(insert(schema.bill), row)
            lines = [_line_row(owner, row["id"], line) for line in bill.lines]
            connection.execute(insert(schema.bill_line), lines)
            found = _one(connection, owner, row["public_id"])
            _mark(connection, owner, found, _matched(connection, owner, found))
            return _kept(_one(connection, owner, row["public_id"]))

        return self._db.write(work)

    def list(self, owner: int) -> KeptBills:
        """The newest first."""
        return self._db.read(
            lambda connection: [_kept(row) for row in connection.execute(_bills(owner).order_by(_b.id.desc()))]
        )

    def get(self, owner: int, public_id: str) -> KeptBill:
        """Raises NotFound."""
        return self._db.read(lambda connection: _kept(_one(connection, owner, public_id)))

    def matched(self, owner: int, public_id: str) -> Match:
        """The bill held against the ledger with the costs in force now: pairs, differences, what one side lacks.

        Raises NotFound.
        """
        return self._db.read(lambda connection: _matched(connection, owner, _one(connection, owner, public_id)))

    def rematch(self, owner: int, public_id: str) -> KeptBill:
        """Note the pairs anew, after the ledger has grown. Raises NotFound."""

        def work(connection: Connection) -> KeptBill:
            found = _one(connection, owner, public_id)
            _mark(connection, owner, found, _matched(connection, owner, found))
            return _kept(_one(connection, owner, public_id))

        return self._db.write(work)

    def remove(self, owner: int, public_id: str) -> None:
        """Forget an import; the ledger never knew of it. Raises NotFound."""

        def work(connection: Connection) -> None:
            found = _one(connection, owner, public_id)
            connection.execute(delete(schema.bill_line).where(_l.bill_id == found.id, _l.owner_id == owner))
            connection.execute(delete(schema.bill).where(_b.id == found.id, _b.owner_id == owner))

        self._db.write(work)

    def billed(self, owner: int, event_id: int) -> tuple[BillLine, ...]:
        """The lines that bill one request, for its page."""
        query = select(schema.bill_line).where(_l.event_id == event_id, _l.owner_id == owner).order_by(_l.bill_id)
        return self._db.read(lambda connection: tuple(_line(row) for row in connection.execute(query)))


def _bills(owner: int) -> Any:
    paired = select(func.count(_l.event_id)).where(_l.bill_id == _b.id, _l.owner_id == owner).scalar_subquery()
    return select(schema.bill, paired.label("n_paired")).where(_b.owner_id == owner)


def _one(connection: Connection, owner: int, public_id: str) -> Row[Any]:
    row: Row[Any] | None = connection.execute(_bills(owner).where(_b.public_id == storable(public_id))).one_or_none()
    if row is None:
        raise NotFound("bill")
    return row


def _matched(connection: Connection, owner: int, bill: Row[Any]) -> Match:
    query = select(schema.bill_line).where(_l.bill_id == bill.id, _l.owner_id == owner).order_by(_l.line)
    lines = [_line(row) for row in connection.execute(query)]
    return match(lines, _entries(connection, owner, bill))


def _entries(connection: Connection, owner: int, bill: Row[Any]) -> Iterable[Entry]:
    """The gateway's real requests around the period of the bill (all of them when it names no times)."""
    cost = latest_costs(owner)
    query = (
        select(schema.usage_event, cost.c.nano, cost.c.currency)
        .join(cost, cost.c.event_id == _u.id)
        .where(_u.owner_id == owner, _u.gateway_id == bill.gateway_id, _u.demo == 0)
        .order_by(_u.id)
    )
    if bill.from_ms is not None:
        query = query.where(_u.id >= id_at(bill.from_ms - _MARGIN_MS), _u.id < id_at(bill.to_ms + _MARGIN_MS))
    return [_entry(row) for row in connection.execute(query)]


def _entry(row: Row[Any]) -> Entry:
    ids = tuple(one for one in (row.response_id, row.request_id) if one)
    ended = ms_of(row.id) + (row.duration_ms or 0)
    inputs = (row.in_uncached, row.in_cache_read, row.in_cache_write_5m, row.in_cache_write_1h)
    outputs = (row.out_visible, row.out_reasoning)
    counts = (_sum(inputs), _sum(outputs))
    return Entry(row.id, ms_of(row.id), row.model, *counts, row.nano, row.currency, ids, ended, row.base)


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _mark(connection: Connection, owner: int, bill: Row[Any], found: Match) -> None:
    """Write down which line belongs to which row."""
    mine = (_l.bill_id == bill.id, _l.owner_id == owner)
    connection.execute(update(schema.bill_line).where(*mine).values(event_id=None, how=None))
    pairs = {pair.line.line: pair for pair in found.pairs}
    if pairs:
        query = update(schema.bill_line).where(*mine, _l.line == bindparam("at_line"))
        rows = [{"at_line": at, "event": pair.entry.id, "found": pair.how} for at, pair in pairs.items()]
        values: dict[str, Any] = {"event_id": bindparam("event"), "how": bindparam("found")}
        connection.execute(query.values(**values), rows)


def _bill_row(owner: int, gateway_id: int, bill: Bill, name: str) -> dict[str, Any]:
    times = [line.at_ms for line in bill.lines if line.at_ms is not None]
    # Of a bill with a line that names no time the whole ledger is looked through: only its id can tell.
    known = len(times) == len(bill.lines)
    return {
        "id": new_id(),
        "owner_id": owner,
        "gateway_id": gateway_id,
        "at_ms": now_ms(),
        "n_lines": len(bill.lines),
        "n_troubles": len(bill.troubles),
        "n_skipped": bill.skipped,
        "public_id": new_public_id(),
        "name": storable(name)[:200],
        "form": bill.form,
        "from_ms": min(times) if known else None,
        "to_ms": max(times) if known else None,
    }


def _line_row(owner: int, bill_id: int, line: BillLine) -> dict[str, Any]:
    row = structs.asdict(line) | {"bill_id": bill_id, "owner_id": owner, "event_id": None, "how": None}
    texts = {"model": storable(line.model), "currency": storable(line.currency), "ids": to_json(line.ids)}
    return row | texts | {name: bounded(row[name]) for name in ("tokens_in", "tokens_out", "tokens_cached")}


def _line(row: Row[Any]) -> BillLine:
    counts = (row.tokens_in, row.tokens_out, row.nano, row.currency)
    return BillLine(row.line, row.at_ms, row.model, *counts, from_json(row.ids, tuple[str, ...]), row.tokens_cached)


def _kept(row: Row[Any]) -> KeptBill:
    return KeptBill(*(getattr(row, name) for name in KeptBill.__struct_fields__))
