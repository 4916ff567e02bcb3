"""Hours of the week and of the day, as the wall clock of any zone shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Label, literal_column, select

from lib.insight_words import Filter, HeatCell, HourOfVariant
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.days import zone_of
from lib.store.insight_scope import asked_columns, at_ms, cost_conditions, event_conditions, is_rolled, item_conditions
from lib.store.insight_sums import level_of, quarters
from lib.store.measuring import ledger_sums, total
from lib.store.rollup import HOUR_KINDS, QUARTER, zones_of
from lib.store.wall import aligned, clock_shifts, hour_sql, weekday_sql

_u, _r, _i = schema.usage_event.c, schema.usage_rollup.c, schema.usage_item.c
_HEAT = ("n", "n_error", "first_visible_ms", "n_first_visible")
_PACE = ("n", "n_error", "n_stopped", "first_visible_ms", "n_first_visible", "paced_tokens", "paced_ms")


def heat_cells(connection: Connection, owner: int, filter: Filter) -> list[HeatCell]:
    """See `Insight.heat`."""
    return [HeatCell(day, hour, *sums) for _, day, hour, *sums in _read(connection, owner, filter, _HEAT, "")]


def hours_of_variants(connection: Connection, owner: int, filter: Filter) -> list[HourOfVariant]:
    """See `Insight.hours`."""
    rows = _read(connection, owner, filter, _PACE, "variant")
    return [HourOfVariant(variant, hour, *sums) for variant, _, hour, *sums in rows]


def _read(
    connection: Connection, owner: int, filter: Filter, measures: tuple[str, ...], column: str
) -> list[tuple[Any, ...]]:
    """(variant or '', weekday or -1, hour, the sums), in that order; weekdays only without a column."""
    if filter.start >= filter.end:
        return []
    found = _kind(connection, owner, filter, column)
    query = (
        _in_ledger(owner, filter, measures, column)
        if found is None
        else _in_rollup(owner, filter, measures, column, *found)
    )
    return sorted(tuple(row) for row in connection.execute(query) if row[3])


def _kind(connection: Connection, owner: int, filter: Filter, column: str) -> tuple[str, int] | None:
    """The kind and scope with these columns: quarter hours anywhere, else hours that begin with the zone's own."""
    if not is_rolled(filter):
        return None
    needs = asked_columns(filter) | ({column} if column else set())
    if not needs:
        return "q", owner
    kind, info = level_of(HOUR_KINDS, needs), zone_of(filter.zone)
    same = (zone.id for zone in zones_of(connection, owner) if aligned(filter.start, filter.end, info, zone.info))
    scope = next(same, None)
    return None if kind is None or scope is None else (kind, scope)


def _in_rollup(owner: int, filter: Filter, measures: tuple[str, ...], column: str, kind: str, scope: int) -> Any:
    low, high = quarters(filter.start, filter.end, zone_of(filter.zone))
    keys = list(_keys(_r.bucket * QUARTER, filter, _i[column] if column else None))
    query = select(*keys, *(total(_r[name]) for name in measures))
    query = query.join_from(schema.usage_rollup, schema.usage_item, _i.id == _r.item_id)
    query = query.where(_r.kind == kind, _r.scope_id == scope, _r.bucket >= low, _r.bucket < high)
    return query.where(_r.owner_id == owner, *item_conditions(_i, filter)).group_by(*(key.name for key in keys))


def _in_ledger(owner: int, filter: Filter, measures: tuple[str, ...], column: str) -> Any:
    cost = latest_costs(owner)
    sums = {one.name: one for one in ledger_sums(_u, cost.c)}
    keys = list(_keys(at_ms(), filter, _u[column] if column else None))
    query = select(*keys, *(sums[name] for name in measures))
    query = query.join_from(schema.usage_event, cost, cost.c.event_id == _u.id)
    return query.where(*event_conditions(owner, filter), *cost_conditions(cost.c, filter)).group_by(
        *(key.name for key in keys)
    )


def _keys(ms: ColumnElement[Any], filter: Filter, column: ColumnElement[Any] | None) -> Iterator[Label[Any]]:
    shifts = clock_shifts(filter.start, filter.end, zone_of(filter.zone))
    yield (literal_column("''") if column is None else column).label("key_0")
    yield (literal_column("-1") if column is not None else weekday_sql(ms, shifts)).label("key_1")
    yield hour_sql(ms, shifts).label("key_2")
