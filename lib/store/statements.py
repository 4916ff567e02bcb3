"""Closed months: each a document that is never made again; what changes later is an adjustment in the next one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, FromClause, Row, select

from lib.errors import BadInput, NotFound
from lib.ids import id_at, ms_of, new_id, new_public_id, now_ms
from lib.ledger import LedgerRow
from lib.local_time import month_window, next_month, zone_of
from lib.statements.document import Adjustment, Statement
from lib.statements.papers import csv, html, rows_csv
from lib.statements.statement import adjustments_of, decoded, differences, encoded, is_closable, statement, verify
from lib.store import schema
from lib.store.costs import cost_of
from lib.store.database import Database
from lib.store.encoding import from_json, insert_new, storable
from lib.store.ledger_rows import ledger_query, ledger_row
from lib.store.prices import version_of
from lib.store.rollup import recounting
from lib.store.rows import PriceVersion

_s, _u, _k, _v = schema.statement.c, schema.usage_event.c, schema.cost_event.c, schema.price_version.c
_AT_ONCE = 2_000


class Closed(Struct, frozen=True):
    """A closed month in the list."""

    public_id: str
    month: str
    zone: str
    closed_ms: int
    n_rows: int
    hash: str


class _Corrected(Struct, frozen=True):
    """A cost row as adjustments are made of it. `created_ms` is when this ledger got it: an imported one is older."""

    seq: int
    kind: str
    reason: str
    created_ms: int
    cost: Any


ClosedMonths = list[Closed]


class Statements:
    """The statements of every owner; demo requests are in none."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def close(self, owner: int, month: str, zone: str) -> Closed:
        """Close a month such as "2026-10", in all its currencies. Once closed it stays as it is.

        Raises BadInput 'month', 'zone', 'month_open' (it is not over), 'month_closed' (it was closed before).
        """
        at_ms = self._cut(owner)
        if not is_closable(month, zone, at_ms):
            raise BadInput("month_open")
        known = self.list(owner)
        if any(one.month == month for one in known):
            raise BadInput("month_closed")
        made = self._db.read(lambda connection: _made(connection, owner, month, zone, at_ms))
        row = {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "closed_ms": at_ms}
        row |= {"month": month, "zone": zone, "hash": made.hash, "n_rows": made.n_rows}
        row |= {"document": encoded(made).decode()}

        def keep(connection: Connection) -> bool:
            recounting(connection, owner)
            found = list(reversed(_closed(connection, owner)))
            return found == known and insert_new(connection, schema.statement, row)

        if not self._db.write(keep):  # another month was closed meanwhile, perhaps with the same adjustments
            return self.close(owner, month, zone)
        return self._one(owner, str(row["public_id"]))[0]

    def _cut(self, owner: int) -> int:
        """A moment that divides the costs: what is written before it can be read now, what comes later is after it."""

        def work(connection: Connection) -> int:
            recounting(connection, owner)  # costs are written in turns with this: nobody is half-way
            cut = now_ms() + 1
            while now_ms() < cut:
                time.sleep(0.001)
            return cut

        return self._db.write(work)

    def list(self, owner: int) -> ClosedMonths:
        """The newest month first."""
        return self._db.read(lambda connection: list(reversed(_closed(connection, owner))))

    def get(self, owner: int, public_id: str) -> Statement:
        """The document. Raises NotFound."""
        return self._one(owner, public_id)[1]

    def html(self, owner: int, public_id: str) -> str:
        """A page that needs nothing else. Raises NotFound."""
        return html(self.get(owner, public_id))

    def csv(self, owner: int, public_id: str) -> str:
        """Its sums, adjustments and prices. Raises NotFound."""
        return csv(self.get(owner, public_id))

    def rows_csv(self, owner: int, public_id: str) -> Iterator[str]:
        """The ledger rows behind it, as they were when it was closed; pieces of CSV. Raises NotFound."""
        closed, found = self._one(owner, public_id)
        return rows_csv(_streamed(self._db, owner, found.from_ms, found.to_ms, closed.closed_ms), found.zone)

    def verify(self, owner: int, public_id: str) -> tuple[str, ...]:
        """Which parts of the document the ledger does not confirm any more; empty when all of it holds.

        'hash' when the document itself is not what its hash says. Raises NotFound.
        """

        def work(connection: Connection) -> tuple[str, ...]:
            closed, found = _read(connection, owner, public_id)
            if not verify(found, closed.hash):
                return ("hash",)
            earlier = [one for one in _closed(connection, owner) if one.closed_ms < closed.closed_ms]
            adjustments = _adjustments(connection, owner, earlier, closed.closed_ms)
            rows = _rows(connection, owner, found.from_ms, found.to_ms, closed.closed_ms)
            return differences(found, rows, adjustments, _versions(connection, owner))

        return self._db.read(work)

    def pending(self, owner: int) -> tuple[Adjustment, ...]:
        """The corrections of closed months that the next statement will hold."""

        def work(connection: Connection) -> tuple[Adjustment, ...]:
            return tuple(_adjustments(connection, owner, _closed(connection, owner), now_ms() + 1))

        return self._db.read(work)

    def _one(self, owner: int, public_id: str) -> tuple[Closed, Statement]:
        return self._db.read(lambda connection: _read(connection, owner, public_id))


def _read(connection: Connection, owner: int, public_id: str) -> tuple[Closed, Statement]:
    query = select(schema.statement).where(_s.public_id == storable(public_id), _s.owner_id == owner)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("statement")
    return _listed(row), decoded(row.document.encode())


def _closed(connection: Connection, owner: int) -> ClosedMonths:
    names = [_s[name] for name in Closed.__struct_fields__]
    query = select(*names).where(_s.owner_id == owner).order_by(_s.month)
    return [_listed(row) for row in connection.execute(query)]


def _listed(row: Row[Any]) -> Closed:
    return Closed(*(getattr(row, name) for name in Closed.__struct_fields__))


def _made(connection: Connection, owner: int, month: str, zone: str, at_ms: int) -> Statement:
    window = _window(month, zone, _windows(connection, owner))
    adjustments = _adjustments(connection, owner, _closed(connection, owner), at_ms)
    rows = _rows(connection, owner, *window, at_ms)
    return statement(month, zone, rows, adjustments, _versions(connection, owner), window)


class _Window(Struct):
    """What of a document says which rows are in it."""

    from_ms: int
    to_ms: int


def _windows(connection: Connection, owner: int) -> dict[str, tuple[int, int]]:
    """The UTC ms [start, end) of the closed months."""
    rows = connection.execute(select(_s.month, _s.document).where(_s.owner_id == owner))
    found = {row.month: from_json(row.document, _Window) for row in rows}
    return {month: (window.from_ms, window.to_ms) for month, window in found.items()}


def _window(month: str, zone: str, closed: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """The same of one that is being closed. It joins on to its neighbours, whatever zone they were closed in: no
    request may be in two statements, or in none."""
    from_ms, to_ms = month_window(month, zone_of(zone))
    first = date.fromisoformat(f"{month}-01")
    before, after = (first - timedelta(days=1)).isoformat()[:7], next_month(first).isoformat()[:7]
    return closed[before][1] if before in closed else from_ms, closed[after][0] if after in closed else to_ms


def _costs_at(owner: int, at_ms: int) -> FromClause:
    """The cost rows that were in force at a moment, to be joined on `event_id`; by their ids, which are made when a row
    is: what an import brings names the time of its first life."""
    later, end = schema.cost_event.alias("later"), id_at(at_ms)
    superseded = select(later.c.id).where(later.c.event_id == _k.event_id, later.c.seq > _k.seq, later.c.id < end)
    query = select(schema.cost_event).where(_k.owner_id + 0 == owner, _k.id < end, ~superseded.exists())
    return query.subquery("cost")


def _rows(
    connection: Connection, owner: int, from_ms: int, to_ms: int, at_ms: int, after: int = 0, limit: int | None = None
) -> Iterator[LedgerRow]:
    """Real requests of a stretch of time with the cost they had at `at_ms`, by ascending id."""
    query = ledger_query(_costs_at(owner, at_ms)).where(_u.owner_id == owner, _u.demo == 0)
    query = query.where(_u.id >= max(id_at(from_ms), after), _u.id < id_at(to_ms)).order_by(_u.id).limit(limit)
    for row in connection.execute(query.execution_options(yield_per=_AT_ONCE)):
        yield ledger_row(row)


def _streamed(database: Database, owner: int, from_ms: int, to_ms: int, at_ms: int) -> Iterator[LedgerRow]:
    """The same outside a transaction: such rows never change, so it may be read in several."""
    after = 0
    while True:

        def work(connection: Connection, after: int = after) -> list[LedgerRow]:
            return list(_rows(connection, owner, from_ms, to_ms, at_ms, after, _AT_ONCE))

        found = database.read(work)
        yield from found
        if len(found) < _AT_ONCE:
            return
        after = found[-1].id + 1


def _adjustments(connection: Connection, owner: int, earlier: Sequence[Closed], until_ms: int) -> list[Adjustment]:
    """What changed in closed months since the last closing, whichever month that was, and before `until_ms`."""
    if not earlier:
        return []
    since = max(one.closed_ms for one in earlier)
    windows = _windows(connection, owner)
    found: list[Adjustment] = []
    for closed in earlier:
        for row, costs in _changed(connection, owner, *windows[closed.month], since, until_ms):
            found += adjustments_of(row, costs, since, until_ms, closed.month)
    return found


def _changed(
    connection: Connection, owner: int, from_ms: int, to_ms: int, since: int, until_ms: int
) -> Iterator[tuple[LedgerRow, list[_Corrected]]]:
    """Real requests of a stretch of time that got a cost row in [since, until), with all of theirs."""
    query = (
        select(_k.event_id)
        .where(_k.owner_id + 0 == owner, _k.id >= id_at(since), _k.id < id_at(until_ms))
        .where(_k.event_id >= id_at(from_ms), _k.event_id < id_at(to_ms))
        .distinct()
        .order_by(_k.event_id)
    )
    ids = list(connection.scalars(query))
    for at in range(0, len(ids), 500):
        some = ids[at : at + 500]
        costs: dict[int, list[_Corrected]] = {}
        for row in connection.execute(select(schema.cost_event).where(_k.event_id.in_(some), _k.owner_id == owner)):
            one = _Corrected(row.seq, row.kind, row.reason, ms_of(row.id), cost_of(row))
            costs.setdefault(row.event_id, []).append(one)
        rows = ledger_query(_costs_at(owner, until_ms)).where(_u.id.in_(some), _u.owner_id == owner, _u.demo == 0)
        for row in connection.execute(rows.order_by(_u.id)):
            yield ledger_row(row), costs[row.id]


def _versions(connection: Connection, owner: int) -> Iterator[PriceVersion]:
    for row in connection.execute(select(schema.price_version).where(_v.owner_id == owner)):
        yield version_of(row)
