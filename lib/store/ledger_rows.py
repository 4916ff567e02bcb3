"""Rows of the ledger as lists, exports and the request explorer show them."""

from __future__ import annotations

from typing import Any

from msgspec import structs
from sqlalchemy import Row, select

from lib.ids import ms_of
from lib.ledger import Cost, LedgerRow
from lib.store import schema
from lib.store.costs import AMOUNTS
from lib.tokens import TokenCount

_u = schema.usage_event.c
_COUNTS = TokenCount.__struct_fields__
MADE_UP_GATEWAY = -1
"""Where made-up requests were sent to: no gateway has this id."""
MADE_UP = {MADE_UP_GATEWAY: "Demo data"}


def ledger_query(cost: Any) -> Any:
    """Usage events with the cost in force (`latest_costs`) and the names of what they belong to."""
    c, m, g = schema.conversation.c, schema.message.c, schema.gateway.c
    return (
        select(
            schema.usage_event,
            *(cost.c[name].label(f"cost_{name}") for name in _COST),
            c.public_id.label("conversation"),
            m.public_id.label("message"),
            g.name.label("gateway_name"),
        )
        .join(cost, cost.c.event_id == _u.id)
        .outerjoin(schema.conversation, (c.id == _u.conversation_id) & c.deleted_ms.is_(None))
        .outerjoin(schema.message, (m.id == _u.message_id) & m.deleted_ms.is_(None))
        .outerjoin(schema.gateway, g.id == _u.gateway_id)
    )


_COST = (*AMOUNTS, "currency", "source", "price_version_id", "cache_price_assumed")


def ledger_row(row: Row[Any]) -> LedgerRow:
    """What such a row says."""
    cost = {name: getattr(row, f"cost_{name}") for name in _COST}
    return LedgerRow(
        id=row.id,
        at_ms=ms_of(row.id),
        conversation=row.conversation,
        message=row.message if row.conversation else None,
        gateway_id=row.gateway_id,
        gateway_name=row.gateway_name or MADE_UP.get(row.gateway_id, ""),
        model=row.model,
        base=row.base,
        family=row.family,
        variant=row.variant,
        dialect=row.dialect,
        purpose=row.purpose,
        outcome=row.outcome,
        error_kind=row.error_kind,
        count=TokenCount(*(getattr(row, name) for name in _COUNTS)),
        usage_source=row.usage_source,
        cost=structs.replace(Cost(**cost), cache_price_assumed=bool(row.cost_cache_price_assumed)),
        first_visible_ms=row.first_visible_ms,
        duration_ms=row.duration_ms,
        demo=bool(row.demo),
    )
