"""A Filter as conditions on the ledger and on the rollup's items, and what of the rollup can serve it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, or_, select

from lib.errors import BadInput
from lib.ids import id_at
from lib.insight_words import DIMENSIONS, Dimension, Filter
from lib.ledger import ESTIMATED_SOURCES
from lib.store import schema
from lib.store.days import start_of, zone_of
from lib.store.encoding import storable
from lib.store.placing import folded
from lib.store.wall import clock_shifts, hour_sql, weekday_sql, whole

_u, _c = schema.usage_event.c, schema.conversation.c
_f, _t = schema.folder.c, schema.conversation_tag.c
Condition = ColumnElement[bool]
_ATTRIBUTES = {
    "gateway_id": "gateways",
    "model": "models",
    "base": "bases",
    "family": "families",
    "variant": "variants",
    "purpose": "purposes",
    "outcome": "outcomes",
}


def column_of(dimension: Dimension) -> str:
    """The column a dimension is kept in."""
    return "gateway_id" if dimension == "gateway" else dimension


def columns_of(by: tuple[Dimension, ...]) -> tuple[str, ...]:
    """The columns to group by, without the currency, which always is one. Raises BadInput."""
    if wrong := set(by) - set(DIMENSIONS):
        raise BadInput("dimension", ", ".join(sorted(wrong))[:80])
    return tuple(dict.fromkeys(column_of(name) for name in by if name != "currency"))


def asked_columns(filter: Filter) -> frozenset[str]:
    """The item columns that the filter looks at, besides the currency and the demo."""
    found = {column for column, field in _ATTRIBUTES.items() if getattr(filter, field)}
    found |= {"estimated": {"usage_source"}, "unpriced": {"priced"}}.get(filter.only, set())
    return frozenset(found)


def is_rolled(filter: Filter) -> bool:
    """Whether the rollup's items tell all that the filter asks for."""
    narrow = (filter.folder, filter.tag, filter.conversation, filter.from_ms, filter.to_ms, filter.weekday, filter.hour)
    return filter.only != "odd" and all(value is None for value in narrow)


def attribute_conditions(columns: Any, filter: Filter) -> list[Condition]:
    """What the filter asks of gateway, model and so on, as the usage event and the rollup's item name them."""
    found: list[Condition] = [columns.demo == int(filter.demo)]
    for column, field in _ATTRIBUTES.items():
        if values := getattr(filter, field):
            found.append(columns[column].in_([storable(one) if isinstance(one, str) else one for one in values]))
    if filter.only == "estimated":
        found.append(columns.usage_source.in_(ESTIMATED_SOURCES))
    return found


def item_conditions(item: Any, filter: Filter) -> list[Condition]:
    """On the rollup's items."""
    found = attribute_conditions(item, filter)
    found += [item.currency == storable(filter.currency)] if filter.currency is not None else []
    return found + ([item.priced == 0] if filter.only == "unpriced" else [])


def span_ms(filter: Filter) -> tuple[int, int]:
    """[from, to) of the filter in UTC epoch ms. Raises BadInput for an unknown zone."""
    zone = zone_of(filter.zone)
    low, high = start_of(filter.start, zone), start_of(filter.end, zone)
    low = low if filter.from_ms is None else max(low, filter.from_ms)
    return low, high if filter.to_ms is None else min(high, filter.to_ms)


def event_conditions(owner: int, filter: Filter, *, by_conversation: bool = False) -> list[Condition]:
    """On usage events, all but those on the cost.

    The owner is compared in a way no index serves, because the range of ids is the index that should be used; with
    `by_conversation` neither does the range.
    """
    low, high = span_ms(filter)
    id_ = _u.id + 0 if by_conversation else _u.id
    found = [id_ >= id_at(low), id_ < id_at(high), _u.owner_id + 0 == owner]
    return found + attribute_conditions(_u, filter) + _clock_conditions(filter) + _places(owner, filter)


def cost_conditions(cost: Any, filter: Filter) -> list[Condition]:
    """On the cost in force."""
    found = [cost.currency == storable(filter.currency)] if filter.currency is not None else []
    return found + ([cost.nano.is_(None)] if filter.only == "unpriced" else [])


def _clock_conditions(filter: Filter) -> list[Condition]:
    if filter.weekday is None and filter.hour is None:
        return []
    shifts = clock_shifts(filter.start, filter.end, zone_of(filter.zone))
    found = [] if filter.weekday is None else [weekday_sql(at_ms(), shifts) == filter.weekday]
    return found + ([] if filter.hour is None else [hour_sql(at_ms(), shifts) == filter.hour])


def at_ms() -> ColumnElement[Any]:
    """When a usage event was, in SQL."""
    return _u.id // whole(1 << 20)


def _places(owner: int, filter: Filter) -> list[Condition]:
    found: list[Condition] = []
    if filter.only == "odd":
        found.append(_u.anomaly.is_not(None))
    if filter.conversation is not None:
        one = select(_c.id).where(_c.public_id == storable(filter.conversation), _c.owner_id == owner)
        found.append(_u.conversation_id.in_(one))
    if filter.tag is not None:
        worn = select(_t.conversation_id).where(_t.owner_id == owner, _t.folded == folded(filter.tag))
        found.append(_u.conversation_id.in_(worn))
    if filter.folder is not None:
        folders = select(_f.id).where(_f.owner_id == owner)
        if filter.folder:
            folders = folders.where(_f.public_id == storable(filter.folder))
        here = folders.subquery("folders")
        chats = select(_c.id).join(here, here.c.id == _c.folder_id).where(_c.owner_id + 0 == owner)
        inside = _u.conversation_id.in_(chats)
        found.append(inside if filter.folder else or_(_u.conversation_id.is_(None), ~inside))
    return found
