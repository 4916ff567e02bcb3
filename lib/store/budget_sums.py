"""What a budget's window has used: from the rollup and the reservations, in one look at the database.

Both are read by one statement, because on PostgreSQL an answer may end between two: its reservation would be gone and
its cost not yet seen.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, Subquery, and_, bindparam, case, func, null, or_, select, true

from lib.budgets import Budget, window
from lib.insight_words import Filter
from lib.ledger import ESTIMATED_SOURCES
from lib.local_time import day_of, next_month, zone_of
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.days import month_bucket
from lib.store.insight_sums import sums_of
from lib.store.measuring import total
from lib.store.rollup import QUARTER_MS

_r, _i, _v, _k = schema.usage_rollup.c, schema.usage_item.c, schema.reservation.c, schema.cost_event.c
_u, _t = schema.usage_event.c, schema.conversation_total.c
_EVER = 1 << 40
_LAST = (1 << 63) - 1


class Used(Struct, frozen=True):
    """`spent` includes `uncertain`; nano-units."""

    spent: int
    held: int
    uncertain: int
    n_unpriced: int


def used(connection: Connection, owner: int, row: Row[Any], budget: Budget, at_ms: int) -> Used:
    """What the window of `budget` at `at_ms` has used; `row` is its row with the `zone_id` of its zone, if any."""
    given = {"owner": owner, "currency": budget.currency, "target": row.target_id, **_ids(budget, at_ms)}
    if budget.scope == "conversation":
        return _of_conversation(connection, owner, given)
    given |= _buckets(budget, at_ms, owner, row.zone_id)
    if "kind" in given:
        found = connection.execute(_GATEWAY if budget.scope == "gateway" else _WHOLE, given).one()
        return _used(*found)
    # In this order: what ends between the two is counted twice, and never not at all.
    held, uncertain = connection.execute(_HELD_GATEWAY, given).one()
    spent, unpriced = _by_filter(connection, owner, row.target_id, budget, at_ms)
    return _used(spent, unpriced, held, uncertain)


def _used(spent: int, unpriced: int, held: int, uncertain: int) -> Used:
    return Used(spent + uncertain, held, uncertain, unpriced)


def _ids(budget: Budget, at_ms: int) -> dict[str, int]:
    """The window as ids: a request counts where its own id lies, like its row in the ledger."""
    from_ms, to_ms = window(budget, at_ms)
    return {"first": from_ms << 20, "end": _LAST if to_ms is None else to_ms << 20}


def _buckets(budget: Budget, at_ms: int, owner: int, zone_id: int | None) -> dict[str, Any]:
    """Which rows of the rollup make up the window; nothing when it has none for one gateway in this zone."""
    by_gateway = budget.scope == "gateway"
    if zone_id is None:
        if by_gateway:
            return {}
        from_ms, to_ms = window(budget, at_ms)
        high = _EVER if to_ms is None else -(-to_ms // QUARTER_MS)
        return {"kind": "q", "scope": owner, "low": from_ms // QUARTER_MS, "high": high}
    if budget.window == "always":
        return {"kind": "m" if by_gateway else "w", "scope": zone_id, "low": 0, "high": _EVER}
    day = day_of(at_ms, zone_of(budget.zone))
    if by_gateway and budget.window == "month":
        return {"kind": "m", "scope": zone_id, "low": month_bucket(day), "high": month_bucket(day) + 1}
    start, end = _days(budget, day)
    return {"kind": "g" if by_gateway else "w", "scope": zone_id, "low": start.toordinal(), "high": end.toordinal()}


def _days(budget: Budget, day: date) -> tuple[date, date]:
    """The local days of the window that `day` is in, half-open; always: from long before this program."""
    if budget.window == "day":
        return day, day + timedelta(days=1)
    return (date(2000, 1, 1) if budget.window == "always" else day.replace(day=1)), next_month(day)


def _by_filter(connection: Connection, owner: int, gateway_id: int, budget: Budget, at_ms: int) -> tuple[int, int]:
    """One gateway in a zone that has no sums of its own."""
    start, end = _days(budget, day_of(at_ms, zone_of(budget.zone)))
    tallies = sums_of(connection, owner, Filter(start, end, budget.zone, gateways=(gateway_id,)), ())
    known = (one for one in tallies if one.currency == budget.currency)
    spent = sum(one.cost_nano - one.est_cost_nano + one.est_high_nano for one in known)
    return spent, sum(one.n_unpriced for one in tallies)


def _of_conversation(connection: Connection, owner: int, given: dict[str, Any]) -> Used:
    spent, unpriced, estimated, held, uncertain = connection.execute(_CHAT, given).one()
    if estimated:
        more = _estimated_more(owner).where(_u.conversation_id == given["target"])
        spent += connection.scalar(more, {"currency": given["currency"]}) or 0
    return _used(spent, unpriced, held, uncertain)


def _estimated_more(owner: int) -> Any:
    """By how much the high ends of estimated costs are above what the totals say."""
    cost = latest_costs(owner)
    more = func.coalesce(cost.c.high_nano, cost.c.nano) - cost.c.nano
    return (
        select(total(more))
        .select_from(schema.usage_event)
        .join(cost, cost.c.event_id == _u.id)
        .where(_u.owner_id == owner, _u.demo == 0, _u.usage_source.in_(ESTIMATED_SOURCES))
        .where(cost.c.nano.is_not(None), cost.c.currency == bindparam("currency"))
    )


def _spent(*, by_gateway: bool) -> Subquery:
    high_end = _r.cost_nano - _r.est_cost_nano + _r.est_high_nano
    query = (
        select(
            total(case((_i.currency == bindparam("currency"), high_end), else_=0)).label("spent"),
            total(_r.n_unpriced).label("unpriced"),
        )
        .select_from(schema.usage_rollup)
        .join(schema.usage_item, _i.id == _r.item_id)
        .where(_r.kind == bindparam("kind"), _r.scope_id == bindparam("scope"))
        .where(_r.bucket >= bindparam("low"), _r.bucket < bindparam("high"))
        .where(_r.owner_id == bindparam("owner"), _i.demo == 0)
    )
    query = query.where(_i.gateway_id == bindparam("target")) if by_gateway else query
    return query.subquery("used")


def _held(column: Any = None) -> Subquery:
    """What running requests reserve, and what those that ended without a known cost had reserved."""
    known = select(_k.id).where(_k.event_id == _v.event_id, _k.nano.is_not(None)).exists()
    still = and_(_v.state == "uncertain", or_(_v.event_id.is_(null()), ~known))
    query = (
        select(
            total(case((_v.state == "held", _v.hold_nano), else_=0)).label("held"),
            total(case((still, _v.hold_nano), else_=0)).label("uncertain"),
        )
        .where(_v.owner_id == bindparam("owner"), _v.currency == bindparam("currency"))
        .where(_v.id >= bindparam("first"), _v.id < bindparam("end"))
    )
    query = query if column is None else query.where(column == bindparam("target"))
    return query.subquery("reserved")


def _both(spent: Subquery, held: Subquery) -> Any:
    return select(spent.c.spent, spent.c.unpriced, held.c.held, held.c.uncertain).select_from(spent.join(held, _TRUE))


_TRUE = true()
_WHOLE = _both(_spent(by_gateway=False), _held())
_GATEWAY = _both(_spent(by_gateway=True), _held(_v.gateway_id))
_HELD_GATEWAY = select(_held(_v.gateway_id))
_OF_CHAT = (
    select(
        total(case((_t.currency == bindparam("currency"), _t.cost_nano), else_=0)).label("spent"),
        total(_t.n_unpriced).label("unpriced"),
        total(_t.n_estimated).label("estimated"),
    )
    .where(_t.conversation_id == bindparam("target"), _t.owner_id == bindparam("owner"), _t.demo == 0)
    .subquery("used")
)
_HELD_CHAT = _held(_v.conversation_id)
_CHAT = select(
    _OF_CHAT.c.spent, _OF_CHAT.c.unpriced, _OF_CHAT.c.estimated, _HELD_CHAT.c.held, _HELD_CHAT.c.uncertain
).select_from(_OF_CHAT.join(_HELD_CHAT, _TRUE))
