"""What of the requests looks wrong: figures that do not add up, and answers by another model than was asked for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from lib.insight_words import Filter
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.insight_scope import cost_conditions, event_conditions

_u = schema.usage_event.c
_MOST = 500
"""Groups that are read: what a gateway says is its own choice, so there may be one for each request."""


def anomaly_counts(connection: Connection, owner: int, filter: Filter) -> list[tuple[str, int]]:
    """See `Insight.anomalies`."""
    return [(code, n) for code, n in _counted(connection, owner, filter, (_u.anomaly,), _u.anomaly.is_not(None))]


def reported_models(connection: Connection, owner: int, filter: Filter) -> list[tuple[str, str | None, str, int]]:
    """See `Insight.reported_models`."""
    columns = (_u.model, _u.model_reported, _u.base)
    rows = _counted(connection, owner, filter, columns, _u.model_reported != _u.model)
    return [(model, reported, base, n) for model, reported, base, n in rows]


def _counted(
    connection: Connection, owner: int, filter: Filter, columns: tuple[Any, ...], condition: Any
) -> list[tuple[Any, ...]]:
    """The columns' values with how many requests have them, the most frequent first."""
    query = select(*columns, func.count().label("n")).select_from(schema.usage_event)
    if filter.currency is not None or filter.only == "unpriced":
        cost = latest_costs(owner)
        query = query.join(cost, cost.c.event_id == _u.id).where(*cost_conditions(cost.c, filter))
    query = query.where(*event_conditions(owner, filter), condition).group_by(*columns)
    rows = connection.execute(query.order_by(func.count().desc(), *columns).limit(_MOST))
    return [tuple(row) for row in rows]
