"""Quantiles of the times to the first visible token and of whole requests, per model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from msgspec import structs
from sqlalchemy import BigInteger, Connection, cast, func, select

from lib.insight_words import Filter, Quantiles, VariantRow
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.insight_scope import asked_columns, cost_conditions, event_conditions, is_rolled, item_conditions
from lib.store.insight_sums import Piece, named, pieces_for, sums_of
from lib.store.rollup import LEVELS, zones_of
from lib.store.steps import quantiles, step_sql

_u, _s, _i = schema.usage_event.c, schema.usage_speed.c, schema.usage_item.c
_PACE = LEVELS["pace"]
_TIMES = {"f": "first_visible_ms", "a": "duration_ms"}
Model = tuple[Any, ...]
Histograms = dict[Model, dict[int, int]]


def variant_rows(connection: Connection, owner: int, filter: Filter) -> list[VariantRow]:
    """See `Insight.variants`."""
    tallies = sums_of(connection, owner, filter, ("gateway", "model", "base", "family", "variant"))
    tallies.sort(key=attrgetter("cost_nano", "n"), reverse=True)
    if not tallies:
        return []
    first, whole = (_quantiles(connection, owner, filter, name) for name in _TIMES)
    none = Quantiles()
    models = [tuple(getattr(tally, name) for name in _PACE) for tally in tallies]
    return [
        VariantRow(tally, first.get(model, none), whole.get(model, none))
        for tally, model in zip(tallies, models, strict=True)
    ]


def first_visible(connection: Connection, owner: int, filter: Filter) -> Quantiles:
    """See `Insight.first_visible`."""
    found: dict[int, int] = defaultdict(int)
    for _, step, n in _counts(connection, owner, filter, "f"):
        found[step] += n
    return quantiles(found)


def _quantiles(connection: Connection, owner: int, filter: Filter, name: str) -> dict[Model, Quantiles]:
    found: Histograms = defaultdict(lambda: defaultdict(int))
    for model, step, n in _counts(connection, owner, filter, name):
        found[model][step] += n
    return {model: quantiles(counts) for model, counts in found.items()}


def _counts(connection: Connection, owner: int, filter: Filter, name: str) -> Iterator[tuple[Model, int, int]]:
    """(model, step, how often), a step may come several times."""
    pieces = _pieces(connection, owner, filter)
    if pieces is None:
        yield from _from_ledger(connection, owner, filter, _TIMES[name])
        return
    for piece in pieces:
        yield from _from_histograms(connection, owner, filter, piece, name)


def _pieces(connection: Connection, owner: int, filter: Filter) -> list[Piece] | None:
    """The days and months of the histograms, which know models only, and no zone but the configured ones."""
    if not is_rolled(filter) or not asked_columns(filter) <= set(_PACE):
        return None
    zones = zones_of(connection, owner)
    if filter.zone not in {zone.name for zone in zones}:
        return None
    return pieces_for(filter, frozenset(_PACE), None, zones)


def _from_histograms(
    connection: Connection, owner: int, filter: Filter, piece: Piece, name: str
) -> Iterator[tuple[Model, int, int]]:
    """Without a join: a hundred thousand rows have a hundred models."""
    query = select(_s.item_id, _s.step, cast(func.sum(_s.n), BigInteger))
    query = query.where(_s.kind == f"{name}{'m' if piece.kind == 'm' else 'd'}", _s.zone_id == piece.scope)
    query = query.where(_s.bucket >= piece.low, _s.bucket < piece.high, _s.owner_id == owner)
    models = _models(connection, owner, filter)
    for item, step, n in connection.execute(query.group_by(_s.item_id, _s.step)):
        if item in models:
            yield models[item], step, n


def _models(connection: Connection, owner: int, filter: Filter) -> dict[int, Model]:
    """The filter's models by the ids of their histograms."""
    query = select(_i.id, *(_i[column] for column in _PACE)).where(_i.owner_id == owner, _i.currency == "")
    rows = connection.execute(query.where(*item_conditions(_i, _without_currency(filter))))
    return {row.id: tuple(row)[1:] for row in rows}


def _from_ledger(connection: Connection, owner: int, filter: Filter, column: str) -> Iterator[tuple[Model, int, int]]:
    step, *columns = named([step_sql(_u[column]), *(_u[name] for name in _PACE)])
    query = select(step, func.count(), *columns).select_from(schema.usage_event)
    if filter.only == "unpriced":
        cost = latest_costs(owner)
        query = query.join(cost, cost.c.event_id == _u.id)
        query = query.where(*cost_conditions(cost.c, _without_currency(filter)))
    query = query.where(*event_conditions(owner, filter), _u[column].is_not(None))
    for found, n, *model in connection.execute(query.group_by(*(one.name for one in (step, *columns)))):
        yield tuple(model), found, n


def _without_currency(filter: Filter) -> Filter:
    """A time has no currency."""
    return structs.replace(filter, currency=None)
