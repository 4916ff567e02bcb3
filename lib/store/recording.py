"""Write one upstream attempt into the ledger: event, raw usage, cost, the conversation's totals, the rollup."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from lib.ledger import ESTIMATED_SOURCES, Attempt, ModelRef
from lib.store import schema
from lib.store.costs import cost_row
from lib.store.encoding import add_up, bounded, insert_new, storable, storable_or_none
from lib.store.rollup import Change, fact

_COUNTS = ("in_uncached", "in_cache_read", "in_cache_write_5m", "in_cache_write_1h", "out_visible", "out_reasoning")
_INTS = (
    "number",
    "started_ms",
    "ended_ms",
    "http_status",
    "first_byte_ms",
    "first_visible_ms",
    "duration_ms",
    "chars_in",
    "chars_out",
    "chars_reasoning",
    "max_out_cap",
    "media_in",
)
_TEXTS = ("purpose", "dialect", "outcome", "usage_source", "semantic")
_TEXTS_OR_NONE = (
    "model_reported",
    "response_id",
    "request_id",
    "error_kind",
    "error_message",
    "finish_reason",
    "anomaly",
)


class Place(Struct, frozen=True):
    """Where an attempt belongs. The ids are kept in the ledger, without any constraint that they still exist."""

    owner: int
    ref: ModelRef
    answer_id: int | None = None
    conversation_id: int | None = None
    message_id: int | None = None


def record(connection: Connection, place: Place, attempt: Attempt, change: Change) -> bool:
    """Write `attempt` and count it in `change`; False, and nothing written, when the ledger has it already."""
    row = event_row(place, attempt)
    if not insert_new(connection, schema.usage_event, row):
        return False
    if attempt.usage_raw:
        raw = {"event_id": attempt.id, "owner_id": place.owner, "usage_json": storable(attempt.usage_raw)}
        insert_new(connection, schema.usage_raw, raw)
    cost = cost_row(place.owner, attempt.id, 1, "initial", attempt.cost)
    insert_new(connection, schema.cost_event, cost)
    change.add(fact(row, cost))
    add_to_total(connection, row, cost["currency"], cost["nano"], 1)
    return True


def event_row(place: Place, attempt: Attempt) -> dict[str, Any]:
    """The columns of the usage event; the model's name is the one that was asked for."""
    ref = place.ref
    row: dict[str, Any] = {
        "id": attempt.id,
        "owner_id": place.owner,
        "answer_id": place.answer_id,
        "conversation_id": place.conversation_id,
        "message_id": place.message_id,
        "gateway_id": ref.gateway_id,
        "model": storable(attempt.model_requested),
        "base": storable(ref.base),
        "family": storable(ref.family),
        "variant": storable(ref.variant),
        "effort": storable_or_none(ref.effort),
        "demo": int(ref.demo),
    }
    row |= {name: bounded(getattr(attempt.count, name)) for name in _COUNTS}
    row |= {name: bounded(getattr(attempt, name)) for name in _INTS}
    row |= {name: storable(getattr(attempt, name)) for name in _TEXTS}
    return row | {name: storable_or_none(getattr(attempt, name)) for name in _TEXTS_OR_NONE}


def add_to_total(connection: Connection, event: Any, currency: str, nano: int | None, sign: int) -> None:
    """Count one event into (+1) or out of (-1) its conversation's totals."""
    if event["conversation_id"] is None:
        return
    row = {
        "conversation_id": event["conversation_id"],
        "currency": currency,
        "demo": event["demo"],
        "owner_id": event["owner_id"],
        "n": sign,
        "n_unpriced": sign * (nano is None),
        "n_estimated": sign * (event["usage_source"] in ESTIMATED_SOURCES),
        "cost_nano": sign * (nano or 0),
        "in_tokens": sign * sum(event[name] or 0 for name in _COUNTS[:4]),
        "out_tokens": sign * sum(event[name] or 0 for name in _COUNTS[4:]),
    }
    connection.execute(add_up(connection, schema.conversation_total, _TOTAL_KEY, _SUMS), row)


_TOTAL_KEY = ("conversation_id", "currency", "demo")
_SUMS = ("n", "n_unpriced", "n_estimated", "cost_nano", "in_tokens", "out_tokens")
