"""What a filter can ask for, and when prices changed."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select

from lib.cards import Prices, PriceSource
from lib.insight_words import Choices, Filter, PriceChange
from lib.store import schema
from lib.store.encoding import storable
from lib.store.insight_scope import span_ms
from lib.store.prices import version_of
from lib.store.rollup import zones_of

_i, _r, _v, _g = schema.usage_item.c, schema.usage_rollup.c, schema.price_version.c, schema.gateway.c
_FIELDS = {
    "gateways": "gateway_id",
    "models": "model",
    "bases": "base",
    "families": "family",
    "variants": "variant",
    "purposes": "purpose",
    "outcomes": "outcome",
    "currencies": "currency",
}


def found_choices(connection: Connection, owner: int, demo: bool) -> Choices:
    """See `Insight.choices`."""
    query = select(schema.usage_item).where(_i.owner_id == owner, _i.demo == int(demo))
    rows = connection.execute(query.where(_i.outcome != "", _i.usage_source != "", _i.model != "")).all()
    first, last = _first_and_last(connection, owner, demo)
    values: dict[str, Any] = {
        field: tuple(sorted({getattr(row, column) for row in rows})) for field, column in _FIELDS.items()
    }
    return Choices(**values, first=first, last=last)


def _first_and_last(connection: Connection, owner: int, demo: bool) -> tuple[date | None, date | None]:
    """The first and the last local day of the reporting zone that has requests."""
    zones = zones_of(connection, owner)
    if not zones:
        return None, None
    query = select(func.min(_r.bucket), func.max(_r.bucket)).join(schema.usage_item, _i.id == _r.item_id)
    query = query.where(
        _r.kind == "w", _r.scope_id == zones[0].id, _r.owner_id == owner, _r.n > 0, _i.demo == int(demo)
    )
    low, high = connection.execute(query).one()
    return (None, None) if low is None else (date.fromordinal(low), date.fromordinal(high))


def found_price_changes(connection: Connection, owner: int, filter: Filter) -> list[PriceChange]:
    """See `Insight.price_changes`."""
    low, high = span_ms(filter)
    query = select(schema.price_version, _g.name).outerjoin(schema.gateway, _g.id == _v.gateway_id)
    query = query.where(_v.owner_id == owner, _v.valid_from_ms < high)
    query = query.where(_v.source == "demo" if filter.demo else _v.source != "demo")
    if filter.gateways:
        query = query.where(_v.gateway_id.in_(filter.gateways))
    if filter.models:
        query = query.where(_v.model.in_([storable(model) for model in filter.models]))
    known: dict[tuple[int, str, PriceSource], Prices] = {}
    found = []
    for row in connection.execute(query.order_by(_v.valid_from_ms, _v.id)):
        change = _change(row, known)
        if change.at_ms >= low and change.before != change.after:
            found.append(change)
    return found


def _change(row: Row[Any], known: dict[tuple[int, str, PriceSource], Prices]) -> PriceChange:
    version = version_of(row)
    key = (version.gateway_id, version.model, version.source)
    before = known.get(key)
    known[key] = version.prices
    return PriceChange(
        version.valid_from_ms,
        version.gateway_id,
        row.name or "",
        version.model,
        version.source,
        before,
        version.prices,
    )
