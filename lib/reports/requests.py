"""Requests one by one: as a table, and as the files a person takes away (CSV, Parquet, JSON)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from lib.cells import guarded
from lib.ledger import LedgerRow
from lib.money import money_exact


def latest(rows: Sequence[LedgerRow], zone: str) -> pd.DataFrame:
    """One row per request, in the order given.

    Columns: at (datetime in `zone`), gateway, model, base, variant, purpose, outcome, usage_source, currency,
    source, conversation (text); tokens_in, tokens_out, cost_nano, first_visible_ms, duration_ms (Int64).
    """
    whole = {
        "tokens_in": [row.count.input for row in rows],
        "tokens_out": [row.count.output for row in rows],
        "cost_nano": [row.cost.nano for row in rows],
        "first_visible_ms": [row.first_visible_ms for row in rows],
        "duration_ms": [row.duration_ms for row in rows],
    }
    return pd.DataFrame(
        {
            "at": pd.to_datetime([row.at_ms for row in rows], unit="ms", utc=True).tz_convert(zone),
            "gateway": [row.gateway_name for row in rows],
            "model": [row.model for row in rows],
            "base": [row.base or row.model for row in rows],
            "variant": [row.variant for row in rows],
            "purpose": [row.purpose for row in rows],
            "outcome": [row.outcome for row in rows],
            "usage_source": [row.usage_source for row in rows],
            "currency": [row.cost.currency for row in rows],
            "source": [row.cost.source or "" for row in rows],
            "conversation": [row.conversation or "" for row in rows],
            **{name: pd.array(values, dtype="Int64") for name, values in whole.items()},
        }
    )


def requests_csv(rows: Iterable[LedgerRow], zone: str) -> str:
    """One line per request: time in `zone` with its offset, token buckets, amounts as exact decimals.

    Unknown is an empty cell. See `csv_text` for what is done to text.
    """
    texts = [csv_text(_exported(some, zone)) for some in _batches(rows)]
    heading = f"{texts[0].partition(_LINE)[0]}{_LINE}"
    return "".join([heading, *(text.removeprefix(heading) for text in texts)])


def requests_parquet(rows: Iterable[LedgerRow], zone: str) -> bytes:
    """The same as Parquet: whole numbers as int64, amounts in nano-units besides the exact decimals."""
    whole = pd.concat([_exported(some, zone, nano=True) for some in _batches(rows)], ignore_index=True)
    file = io.BytesIO()
    whole.to_parquet(file, engine="pyarrow", index=False)
    return file.getvalue()


def requests_json(rows: Iterable[LedgerRow], zone: str, about: Mapping[str, object]) -> str:
    """The same as JSON: `about` says what was asked for, `requests` has one object each, null for unknown."""
    found: list[dict[Any, Any]] = []
    for some in _batches(rows):
        frame = _exported(some, zone).astype("object")
        found += frame.where(frame.notna(), None).to_dict("records")
    for row in found:
        for name in _AMOUNTS.values():
            row[name] = row[name] or None
    return json.dumps({"about": about, "requests": found}, ensure_ascii=False, indent=1)


_LINE = "\r\n"
_BATCH = 5_000
_AMOUNTS = {"nano": "cost", "reported_nano": "reported_cost", "low_nano": "low_cost", "high_nano": "high_cost"}
_COUNTS = ("in_uncached", "in_cache_read", "in_cache_write_5m", "in_cache_write_1h", "out_visible", "out_reasoning")


def _batches(rows: Iterable[LedgerRow]) -> Iterator[list[LedgerRow]]:
    """Some at a time, so that a year of requests is never held twice; one empty batch when there are none."""
    some: list[LedgerRow] = []
    for row in rows:
        some.append(row)
        if len(some) == _BATCH:
            yield some
            some = []
    yield some


def _exported(rows: Sequence[LedgerRow], zone: str, *, nano: bool = False) -> pd.DataFrame:
    frame = latest(rows, zone)[
        ["at", "gateway", "model", "base", "variant", "purpose", "outcome", "usage_source", "currency", "source"]
    ]
    frame["at"] = pd.Series([moment.isoformat(timespec="milliseconds") for moment in frame["at"]], dtype="object")
    for name in _COUNTS:
        frame[name] = pd.array([getattr(row.count, name) for row in rows], dtype="Int64")
    for name, shown in _AMOUNTS.items():
        frame[shown] = pd.Series([money_exact(getattr(row.cost, name)) for row in rows], dtype="object")
        if nano:
            frame[f"{shown}_nano"] = pd.array([getattr(row.cost, name) for row in rows], dtype="Int64")
    frame["first_visible_ms"] = pd.array([row.first_visible_ms for row in rows], dtype="Int64")
    frame["duration_ms"] = pd.array([row.duration_ms for row in rows], dtype="Int64")
    frame["error"] = pd.Series([row.error_kind or "" for row in rows], dtype="object")
    frame["conversation"] = pd.Series([row.conversation or "" for row in rows], dtype="object")
    frame["request"] = pd.Series([str(row.id) for row in rows], dtype="object")
    return frame.rename(columns={"at": "time", "outcome": "status", "source": "price_source"})


def csv_text(frame: pd.DataFrame) -> str:
    """`frame` as CSV (RFC 4180) with a header line.

    A text cell that a spreadsheet could run as a formula gets an apostrophe in front (OWASP, "CSV injection"): model
    and gateway names come from outside. Plain numbers are left alone.
    """
    safe = frame.copy()
    for name in frame.select_dtypes(exclude=["number", "datetime", "datetimetz"]).columns:
        safe[name] = [_guarded(value) for value in frame[name]]
    return safe.to_csv(index=False, lineterminator="\r\n")


def _guarded(value: Any) -> Any:
    return guarded(value) if isinstance(value, str) else value
