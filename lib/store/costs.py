"""Cost rows: append-only, the one with the highest `seq` of an event is in force."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, FromClause, Row, select

from lib.ids import new_id, now_ms
from lib.ledger import Cost
from lib.store import schema
from lib.store.encoding import bounded, storable

_k = schema.cost_event.c


@lru_cache(maxsize=64)
def latest_costs(owner: int, *, by_amount: bool = False) -> FromClause:
    """The cost rows in force, to be joined on `event_id`, which is how they are to be found: by no index on owners.

    With `by_amount` they are to be found by the index of an owner's amounts. Built once for each owner, because that
    takes longer than many a query.
    """
    later = schema.cost_event.alias("later")
    superseded = select(later.c.id).where(later.c.event_id == _k.event_id, later.c.seq > _k.seq).exists()
    mine = (_k.owner_id if by_amount else _k.owner_id + 0) == owner
    return select(schema.cost_event).where(mine, ~superseded).subquery("cost")


def current_cost(connection: Connection, owner: int, event_id: int) -> Row[Any] | None:
    """The cost row in force for one event."""
    query = select(schema.cost_event).where(_k.owner_id == owner, _k.event_id == event_id)
    return connection.execute(query.order_by(_k.seq.desc()).limit(1)).one_or_none()


def cost_row(owner: int, event_id: int, seq: int, kind: str, cost: Cost, reason: str = "") -> dict[str, Any]:
    """The columns of a cost, fit to be stored."""
    row = {
        "id": new_id(),
        "owner_id": owner,
        "event_id": event_id,
        "seq": seq,
        "kind": storable(kind),
        "reason": storable(reason),
        "created_ms": now_ms(),
        "currency": storable(cost.currency),
        "source": cost.source,
        "price_version_id": cost.price_version_id,
        "cache_price_assumed": int(cost.cache_price_assumed),
    }
    return row | {name: bounded(getattr(cost, name)) for name in AMOUNTS}


AMOUNTS = (
    "nano",
    "input_nano",
    "cache_read_nano",
    "cache_write_nano",
    "output_nano",
    "other_nano",
    "reported_nano",
    "low_nano",
    "high_nano",
)


def cost_of(row: Row[Any]) -> Cost:
    """The Cost a cost row holds."""
    return Cost(
        **{name: getattr(row, name) for name in AMOUNTS},
        source=row.source,
        currency=row.currency,
        price_version_id=row.price_version_id,
        cache_price_assumed=bool(row.cache_price_assumed),
    )
