"""Proof that the rollup is the ledger: over everything, or over some days."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, cast, func, select

from lib.ids import id_at
from lib.insight_words import Filter
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.days import start_of, zone_of
from lib.store.measuring import MEASURES, ledger_sums
from lib.store.rollup import CHAT_MEASURES, DAY_KINDS, HOUR_KINDS, QUARTER_MS, zones_of
from lib.store.rows import Mismatch

_u, _r, _s, _i = schema.usage_event.c, schema.usage_rollup.c, schema.usage_speed.c, schema.usage_item.c
_m = schema.conversation_month.c
Sums = dict[str, int]
_TIMES = {"f": "n_first_visible", "a": "n_duration"}


def mismatches(connection: Connection, owner: int) -> list[Mismatch]:
    """Every (kind, zone, currency, measure) whose sum over everything differs from the ledger's."""
    truth = _ledger_sums(connection, owner)
    found = _compare(connection, owner, "q", owner, "", truth)
    for zone in zones_of(connection, owner):
        for kind in (*DAY_KINDS, "m", *HOUR_KINDS):
            found += _compare(connection, owner, kind, zone.id, zone.name, truth)
        for name, measure in _TIMES.items():
            for kind in (f"{name}d", f"{name}m"):
                found += _compare_speeds(connection, owner, kind, zone.id, zone.name, measure, truth)
    return found + _compare_chats(connection, owner)


def mismatches_between(connection: Connection, owner: int, filter: Filter) -> list[Mismatch]:
    """The same over the local days of a filter; in a zone that is not configured only the quarter hours are there."""
    info = zone_of(filter.zone)
    low, high = start_of(filter.start, info), start_of(filter.end, info)
    truth = _ledger_sums(connection, owner, _u.id >= id_at(low), _u.id < id_at(high))
    quarters = (_r.bucket >= low // QUARTER_MS, _r.bucket < high // QUARTER_MS)
    found = _compare(connection, owner, "q", owner, "", truth, *quarters)
    for zone in zones_of(connection, owner):
        if zone.name == filter.zone:
            for kind in HOUR_KINDS:
                found += _compare(connection, owner, kind, zone.id, zone.name, truth, *quarters)
            for kind in DAY_KINDS:
                found += _compare(connection, owner, kind, zone.id, zone.name, truth, *_days(_r.bucket, filter))
            for name, measure in _TIMES.items():
                within = _days(_s.bucket, filter)
                found += _compare_speeds(connection, owner, f"{name}d", zone.id, zone.name, measure, truth, *within)
    return found


def _days(bucket: ColumnElement[Any], filter: Filter) -> tuple[ColumnElement[bool], ...]:
    return bucket >= filter.start.toordinal(), bucket < filter.end.toordinal()


def _compare(
    connection: Connection,
    owner: int,
    kind: str,
    scope: int,
    zone: str,
    truth: dict[tuple[str, int], Sums],
    *within: ColumnElement[bool],
) -> list[Mismatch]:
    sums = _rollup_sums(connection, owner, kind, scope, *within)
    return [
        wrong
        for key in truth.keys() | sums.keys()
        for wrong in _differences(kind, zone, truth.get(key, {}), sums.get(key, {}))
    ]


def _differences(kind: str, zone: str, ledger: Sums, rollup: Sums, names: tuple[str, ...] = MEASURES) -> list[Mismatch]:
    pairs = ((name, ledger.get(name, 0), rollup.get(name, 0)) for name in names)
    return [Mismatch(kind, zone, name, true, kept) for name, true, kept in pairs if true != kept]


def _compare_speeds(
    connection: Connection,
    owner: int,
    kind: str,
    zone_id: int,
    zone: str,
    measure: str,
    truth: dict[tuple[str, int], Sums],
    *within: ColumnElement[bool],
) -> list[Mismatch]:
    query = select(cast(func.coalesce(func.sum(_s.n), 0), BigInteger))
    query = query.where(_s.kind == kind, _s.zone_id == zone_id, _s.owner_id == owner, *within)
    true, kept = sum(sums[measure] for sums in truth.values()), connection.scalar(query) or 0
    return [] if true == kept else [Mismatch(kind, zone, measure, true, kept)]


def _compare_chats(connection: Connection, owner: int) -> list[Mismatch]:
    """The months of conversations; requests without a conversation are in none."""
    truth = _ledger_sums(connection, owner, _u.conversation_id.is_not(None))
    for sums in truth.values():
        sums["in_tokens"] = sums["in_uncached"] + sums["in_cache_read"] + sums["in_cache_write"]
        sums["out_tokens"] = sums["out_visible"] + sums["out_reasoning"]
    kept = [cast(func.sum(_m[name]), BigInteger).label(name) for name in CHAT_MEASURES]
    query = select(_m.currency, _m.demo, *kept).where(_m.owner_id == owner).group_by(_m.currency, _m.demo)
    months = _by_currency(connection, query, CHAT_MEASURES)
    return [
        wrong
        for key in truth.keys() | months.keys()
        for wrong in _differences("c", "", truth.get(key, {}), months.get(key, {}), CHAT_MEASURES)
    ]


def _ledger_sums(connection: Connection, owner: int, *within: ColumnElement[bool]) -> dict[tuple[str, int], Sums]:
    cost = latest_costs(owner)
    query = (
        select(cost.c.currency, _u.demo, *ledger_sums(_u, cost.c))
        .join_from(schema.usage_event, cost, cost.c.event_id == _u.id)
        .where(_u.owner_id + 0 == owner, *within)
        .group_by(cost.c.currency, _u.demo)
    )
    return _by_currency(connection, query)


def _rollup_sums(
    connection: Connection, owner: int, kind: str, scope: int, *within: ColumnElement[bool]
) -> dict[tuple[str, int], Sums]:
    sums = [cast(func.sum(_r[name]), BigInteger).label(name) for name in MEASURES]
    query = (
        select(_i.currency, _i.demo, *sums)
        .join_from(schema.usage_rollup, schema.usage_item, _i.id == _r.item_id)
        .where(_r.kind == kind, _r.scope_id == scope, _r.owner_id == owner, *within)
        .group_by(_i.currency, _i.demo)
    )
    return _by_currency(connection, query)


def _by_currency(connection: Connection, query: Any, names: tuple[str, ...] = MEASURES) -> dict[tuple[str, int], Sums]:
    return {(row.currency, row.demo): {name: getattr(row, name) for name in names} for row in connection.execute(query)}
