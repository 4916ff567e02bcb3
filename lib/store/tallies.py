"""Sums of the ledger for reports by day, and the histograms of the reporting zone."""

from __future__ import annotations

from datetime import date
from typing import Literal, get_args

from sqlalchemy import Connection, select

from lib.errors import BadInput
from lib.insight_words import Filter
from lib.ledger import Tally
from lib.store import schema
from lib.store.days import zone_of
from lib.store.insight_sums import sums_of
from lib.store.rollup import zones_of
from lib.store.rows import Speed
from lib.store.steps import step_bounds

Dimension = Literal["day", "model", "variant", "family", "base", "gateway", "purpose", "outcome"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
_s, _i = schema.usage_speed.c, schema.usage_item.c


def read_tallies(
    connection: Connection, owner: int, start: date, end: date, zone: str, by: tuple[Dimension, ...], demo: bool
) -> list[Tally]:
    """See `Ledger.tallies`."""
    if set(by) - set(DIMENSIONS):
        raise BadInput("dimension", ", ".join(sorted(set(by) - set(DIMENSIONS))))
    zone_of(zone)
    groups = tuple(name for name in by if name != "day")
    return sums_of(connection, owner, Filter(start, end, zone, demo=demo), groups, "day" if "day" in by else None)


def read_speeds(connection: Connection, owner: int, start: date, end: date, demo: bool) -> list[Speed]:
    """See `Ledger.speeds`."""
    zones = zones_of(connection, owner)
    if not zones:
        return []
    query = (
        select(_s.bucket, _s.step, _s.n, schema.usage_item)
        .join(schema.usage_item, _i.id == _s.item_id)
        .where(_s.kind == "fd", _s.zone_id == zones[0].id, _s.owner_id == owner, _i.demo == int(demo), _s.n > 0)
        .where(_s.bucket >= start.toordinal(), _s.bucket < end.toordinal())
        .order_by(_s.bucket, _s.item_id, _s.step)
    )
    return [
        Speed(
            date.fromordinal(row.bucket),
            row.gateway_id,
            row.model,
            row.base,
            row.family,
            row.variant,
            *step_bounds(row.step),
            row.n,
        )
        for row in connection.execute(query)
    ]
