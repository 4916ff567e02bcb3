"""What is measured of a usage event and the cost in force, twice: in Python for one row, in SQL for many."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, func

from lib.ledger import ESTIMATED_SOURCES
from lib.store import schema

MEASURES = tuple(schema.MEASURES.split())
COMPONENTS = ("input_nano", "cache_read_nano", "cache_write_nano", "output_nano")
_GOOD = ("ok", "stopped")
_INPUTS = ("in_uncached", "in_cache_read", "in_cache_write_5m", "in_cache_write_1h")
_OUTPUTS = ("out_visible", "out_reasoning")
Fields = Any
"""Columns by name: a dict, or the mapping of a row."""


def measured(event: Fields, cost: Fields) -> tuple[int, ...]:
    """The measures of one event, in the order of MEASURES. Unknown tokens and costs add nothing but are counted."""
    found = _counted(event) | _spent(event, cost)
    return tuple(found[name] for name in MEASURES)


def _counted(event: Fields) -> dict[str, int]:
    outcome, first, duration = event["outcome"], event["first_visible_ms"], event["duration_ms"]
    ms = _paced_ms(event)
    return {
        "n": 1,
        "n_error": int(outcome not in _GOOD),
        "n_stopped": int(outcome == "stopped"),
        "n_anomaly": int(event["anomaly"] is not None),
        "n_in_unknown": int(all(event[name] is None for name in _INPUTS)),
        "n_out_unknown": int(all(event[name] is None for name in _OUTPUTS)),
        "in_uncached": event["in_uncached"] or 0,
        "in_cache_read": event["in_cache_read"] or 0,
        "in_cache_write": (event["in_cache_write_5m"] or 0) + (event["in_cache_write_1h"] or 0),
        "in_cache_write_1h": event["in_cache_write_1h"] or 0,
        "out_visible": event["out_visible"] or 0,
        "out_reasoning": event["out_reasoning"] or 0,
        "duration_ms": duration or 0,
        "n_duration": int(duration is not None),
        "first_visible_ms": first or 0,
        "n_first_visible": int(first is not None),
        "paced_tokens": (event["out_visible"] or 0) + (event["out_reasoning"] or 0) if ms else 0,
        "paced_ms": ms,
    }


def _paced_ms(event: Fields) -> int:
    """How long the tokens of a whole, reported answer came; 0 for every other request."""
    whole = event["outcome"] == "ok" and event["usage_source"] == "reported" and event["out_visible"] is not None
    return max(0, (event["duration_ms"] or 0) - (event["first_byte_ms"] or 0)) if whole else 0


def _spent(event: Fields, cost: Fields) -> dict[str, int]:
    nano = cost["nano"]
    parts = {name: (cost[name] or 0) if nano is not None else 0 for name in COMPONENTS}
    estimated = event["usage_source"] in ESTIMATED_SOURCES
    guessed = estimated and nano is not None
    low, high = cost["low_nano"], cost["high_nano"]
    return parts | {
        "n_unpriced": int(nano is None),
        "n_estimated": int(estimated),
        "n_reported_cost": int(cost["reported_nano"] is not None),
        "cost_nano": nano or 0,
        "other_nano": (nano or 0) - sum(parts.values()),
        "est_cost_nano": nano if guessed else 0,
        "est_low_nano": (nano if low is None else low) if guessed else 0,
        "est_high_nano": (nano if high is None else high) if guessed else 0,
    }


def ledger_sums(u: Any, k: Any) -> list[ColumnElement[int]]:
    """The sums of the measures over usage events `u` joined with their cost `k` (column collections)."""
    expressions = _counted_sql(u) | _spent_sql(u, k)
    return [(func.count() if name == "n" else total(expressions[name])).label(name) for name in MEASURES]


def _counted_sql(u: Any) -> dict[str, Any]:
    written = func.coalesce(u.in_cache_write_5m, 0) + func.coalesce(u.in_cache_write_1h, 0)
    whole = and_(u.outcome == "ok", u.usage_source == "reported", u.out_visible.is_not(None))
    ms = func.coalesce(u.duration_ms, 0) - func.coalesce(u.first_byte_ms, 0)
    paced = and_(whole, ms > 0)
    same = (*_OUTPUTS, "in_uncached", "in_cache_read", "in_cache_write_1h", "duration_ms", "first_visible_ms")
    return {name: u[name] for name in same} | {
        "n_error": _one(u.outcome.not_in(_GOOD)),
        "n_stopped": _one(u.outcome == "stopped"),
        "n_anomaly": _one(u.anomaly.is_not(None)),
        "n_in_unknown": _one(and_(*(u[name].is_(None) for name in _INPUTS))),
        "n_out_unknown": _one(and_(*(u[name].is_(None) for name in _OUTPUTS))),
        "in_cache_write": written,
        "n_duration": _one(u.duration_ms.is_not(None)),
        "n_first_visible": _one(u.first_visible_ms.is_not(None)),
        "paced_tokens": case((paced, u.out_visible + func.coalesce(u.out_reasoning, 0)), else_=0),
        "paced_ms": case((paced, ms), else_=0),
    }


def _spent_sql(u: Any, k: Any) -> dict[str, Any]:
    estimated = u.usage_source.in_(ESTIMATED_SOURCES)
    priced = k.nano.is_not(None)
    parts = {name: case((priced, func.coalesce(k[name], 0)), else_=0) for name in COMPONENTS}
    known = sum((func.coalesce(k[name], 0) for name in COMPONENTS[1:]), func.coalesce(k[COMPONENTS[0]], 0))
    return parts | {
        "n_unpriced": _one(k.nano.is_(None)),
        "n_estimated": _one(estimated),
        "n_reported_cost": _one(k.reported_nano.is_not(None)),
        "cost_nano": k.nano,
        "other_nano": case((priced, k.nano - known), else_=0),
        "est_cost_nano": case((estimated, k.nano), else_=0),
        "est_low_nano": case((and_(estimated, priced), func.coalesce(k.low_nano, k.nano)), else_=0),
        "est_high_nano": case((and_(estimated, priced), func.coalesce(k.high_nano, k.nano)), else_=0),
    }


def _one(condition: Any) -> Any:
    return case((condition, 1), else_=0)


def total(column: Any) -> ColumnElement[int]:
    """A sum that is 0 over nothing, and an integer on PostgreSQL too (its sum of bigint is numeric)."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)
