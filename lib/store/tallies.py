"""Sums of the ledger for reports: from the rollup in a configured zone, from the ledger itself in any other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Connection, Executable, and_, bindparam, case, cast, func, or_, select

from lib.errors import BadInput
from lib.ids import id_at, ms_of
from lib.ledger import ESTIMATED_SOURCES, Tally
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.days import day_of, first_of, month_bucket, start_of, zone_of
from lib.store.rollup import MEASURES, speed_bounds, zones_of
from lib.store.rows import Speed

Dimension = Literal["day", "model", "variant", "family", "base", "gateway", "purpose", "outcome"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
_MONTHS_BEYOND_DAYS = 92
_u, _r, _i = schema.usage_event.c, schema.usage_rollup.c, schema.usage_item.c


def read_tallies(
    connection: Connection, owner: int, start: date, end: date, zone: str, by: tuple[Dimension, ...], demo: bool
) -> list[Tally]:
    """See `Ledger.tallies`."""
    if set(by) - set(DIMENSIONS):
        raise BadInput("dimension", ", ".join(sorted(set(by) - set(DIMENSIONS))))
    zone_info = zone_of(zone)
    if start >= end:
        return []
    configured = next((known.id for known in zones_of(connection, owner) if known.name == zone), None)
    if configured is not None:
        return list(_from_rollup(connection, owner, start, end, configured, by, demo))
    return list(_from_ledger(connection, owner, start, end, zone_info, by, demo))


def _from_rollup(
    connection: Connection, owner: int, start: date, end: date, zone_id: int, by: tuple[Dimension, ...], demo: bool
) -> Iterator[Tally]:
    keys: list[ColumnElement[Any]] = [_i[_column(name)] for name in by if name != "day"]
    if "day" in by:
        keys.append(_r.bucket)
    sums = [_total(_r[name]).label(name) for name in MEASURES]
    query = (
        select(*keys, _i.currency, *sums)
        .join(schema.usage_item, _i.id == _r.item_id)
        .where(_buckets(start, end, whole_months="day" not in by))
        .where(_r.scope_id == zone_id, _r.owner_id == owner, _i.owner_id == owner, _i.demo == int(demo))
        .group_by(*keys, _i.currency)
        .order_by(*(_r.bucket,) * ("day" in by), *keys, _i.currency)
    )
    names = _names(by)
    for row in connection.execute(query):
        fields = dict(zip(names, row, strict=True))
        if "day" in by:
            fields["day"] = date.fromordinal(fields["day"])
        if fields["n"]:
            yield Tally(demo=demo, **fields)


def _buckets(start: date, end: date, *, whole_months: bool) -> ColumnElement[bool]:
    """Day rows; for a long stretch month rows and the ragged days at both ends."""
    first, last = month_bucket(start) + (start.day > 1), month_bucket(end)
    if not whole_months or (end - start).days <= _MONTHS_BEYOND_DAYS:
        return _day_rows(start, end)
    months = and_(_r.kind == "m", _r.bucket >= first, _r.bucket < last)
    return or_(months, _day_rows(start, first_of(first)), _day_rows(first_of(last), end))


def _day_rows(start: date, end: date) -> ColumnElement[bool]:
    return and_(_r.kind == "d", _r.bucket >= start.toordinal(), _r.bucket < end.toordinal())


def _from_ledger(
    connection: Connection, owner: int, start: date, end: date, zone: ZoneInfo, by: tuple[Dimension, ...], demo: bool
) -> Iterator[Tally]:
    """One statement, run for the whole range or for every day of it: a day is a range of ids."""
    query = _ledger_query(owner, by, demo)
    names = _names(tuple(name for name in by if name != "day"))
    for first, last in _spans(connection, owner, start, end, zone) if "day" in by else [(start, end)]:
        span = {"low": id_at(start_of(first, zone)), "high": id_at(start_of(last, zone))}
        for row in connection.execute(query, span):
            fields = dict(zip(names, row, strict=True))
            yield Tally(demo=demo, day=first if "day" in by else None, **fields)


def _ledger_query(owner: int, by: tuple[Dimension, ...], demo: bool) -> Executable:
    cost = latest_costs(owner)
    keys: list[ColumnElement[Any]] = [_u[_column(name)] for name in by if name != "day"]
    return (
        select(*keys, cost.c.currency, *ledger_sums(cost))
        .join(cost, cost.c.event_id == _u.id)
        .where(_u.owner_id == owner, _u.demo == int(demo))
        .where(_u.id >= bindparam("low", type_=BigInteger), _u.id < bindparam("high", type_=BigInteger))
        .group_by(*keys, cost.c.currency)
        .order_by(*keys, cost.c.currency)
    )


def _spans(connection: Connection, owner: int, start: date, end: date, zone: ZoneInfo) -> list[tuple[date, date]]:
    """The days of the range that can hold rows, each with the day after it."""
    low, high = connection.execute(select(func.min(_u.id), func.max(_u.id)).where(_u.owner_id == owner)).one()
    if low is None:
        return []
    first, last = max(start, day_of(ms_of(low), zone)), min(end, day_of(ms_of(high), zone) + timedelta(days=1))
    days = [first + timedelta(days=at) for at in range((last - first).days)]
    return [(day, day + timedelta(days=1)) for day in days]


def ledger_sums(cost: Any) -> list[ColumnElement[int]]:
    """The measures of the rollup, as SQL over the joined ledger; the other definition is `rollup.fact`."""
    estimated = _u.usage_source.in_(ESTIMATED_SOURCES)
    nano = cost.c.nano
    measures: dict[str, ColumnElement[Any]] = {
        "n": func.count(),
        "n_error": _total(case((_u.outcome.not_in(("ok", "stopped")), 1), else_=0)),
        "n_unpriced": _total(case((nano.is_(None), 1), else_=0)),
        "n_estimated": _total(case((estimated, 1), else_=0)),
        "n_reported_cost": func.count(cost.c.reported_nano),
        "cost_nano": _total(nano),
        "est_cost_nano": _total(case((estimated, nano), else_=0)),
        "in_cache_write": _total(func.coalesce(_u.in_cache_write_5m, 0) + func.coalesce(_u.in_cache_write_1h, 0)),
        "n_first_visible": func.count(_u.first_visible_ms),
    }
    return [(measures[name] if name in measures else _total(_u[name])).label(name) for name in MEASURES]


def _total(column: Any) -> ColumnElement[int]:
    """A sum that is 0 over nothing, and an integer on PostgreSQL too (its sum of bigint is numeric)."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _column(dimension: Dimension) -> str:
    return "gateway_id" if dimension == "gateway" else dimension


def _names(by: tuple[Dimension, ...]) -> tuple[str, ...]:
    """The fields of a Tally in the order the queries select them; the day, if any, is `day`."""
    dimensions = [_column(name) for name in by if name != "day"]
    return (*dimensions, *("day",) * ("day" in by), "currency", *MEASURES)


def read_speeds(connection: Connection, owner: int, start: date, end: date, demo: bool) -> list[Speed]:
    """See `Ledger.speeds`."""
    query = (
        select(_r.bucket, _r.item_id, _r.n, schema.usage_item)
        .join(schema.usage_item, _i.id == _r.scope_id)
        .where(_r.kind == "s", _r.owner_id == owner, _i.owner_id == owner, _i.demo == int(demo), _r.n > 0)
        .where(_r.scope_id.in_(select(_i.id).where(_i.owner_id == owner, _i.currency == "")))
        .where(_r.bucket >= start.toordinal(), _r.bucket < end.toordinal())
        .order_by(_r.bucket, _r.scope_id, _r.item_id)
    )
    return [
        Speed(
            date.fromordinal(row.bucket),
            row.gateway_id,
            row.model,
            row.base,
            row.family,
            row.variant,
            *speed_bounds(row.item_id),
            row.n,
        )
        for row in connection.execute(query)
    ]
