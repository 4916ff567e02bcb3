"""When it was fast, slow or broken: hours of the day by variant, hours of the week, and how requests ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from lib.insight_words import HeatCell, HourOfVariant
from lib.ledger import Tally

HEAT_HOURS = range(24)
_COLUMNS = ["key", "hour", "requests", "errors", "stops", "first_ms", "rate", "error_share"]


def hour_heat(cells: Iterable[HourOfVariant]) -> pd.DataFrame:
    """One row per variant and hour of the day; hours without requests are there, with nothing known.

    Columns: key (text), hour, requests, errors, stops (int64), first_ms, rate (tokens per second), error_share
    (Float64).
    """
    found = {(cell.variant, cell.hour): _cell(cell) for cell in cells}
    counts: dict[str, int] = {}
    for (variant, _), row in found.items():
        counts[variant] = counts.get(variant, 0) + row["requests"]
    names = sorted(counts, key=lambda name: (-counts[name], name))
    rows = [
        {"key": name, "hour": hour, "requests": 0, "errors": 0, "stops": 0} | found.get((name, hour), {})
        for name in names
        for hour in HEAT_HOURS
    ]
    return _frame(rows, _COLUMNS)


def _cell(cell: HourOfVariant) -> dict[str, Any]:
    return {
        "requests": cell.n,
        "errors": cell.n_error,
        "stops": cell.n_stopped,
        "first_ms": cell.first_visible_ms / cell.n_first_visible if cell.n_first_visible else None,
        "rate": 1000 * cell.paced_tokens / cell.paced_ms if cell.paced_ms else None,
        "error_share": cell.n_error / cell.n if cell.n else None,
    }


def week_heat(cells: Sequence[HeatCell]) -> pd.DataFrame:
    """One row per hour of the week, all 168. Columns: weekday, hour, requests, errors (int64), first_ms (Float64)."""
    found = {(cell.weekday, cell.hour): cell for cell in cells}
    rows = []
    for weekday in range(7):
        for hour in HEAT_HOURS:
            cell = found.get((weekday, hour), HeatCell(weekday, hour, 0, 0, 0, 0))
            first = cell.first_visible_ms / cell.n_first_visible if cell.n_first_visible else None
            rows.append(
                {"weekday": weekday, "hour": hour, "requests": cell.n, "errors": cell.n_error, "first_ms": first}
            )
    return _frame(rows, ["weekday", "hour", "requests", "errors", "first_ms"])


def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns)
    shares = [name for name in ("first_ms", "rate", "error_share") if name in columns]
    return frame.astype(dict.fromkeys(shares, "Float64"))


def outcomes(tallies: Iterable[Tally], currency: str) -> pd.DataFrame:
    """How the requests of each variant ended, of tallies by variant and outcome, the busiest first.

    Columns: key (text); requests, ok, stopped, cut, failed, refused, unknown (int64); error_share (Float64);
    lost_nano (int64: what requests that went wrong cost).
    """
    kinds = ("ok", "stopped", "cut", "failed", "refused", "unknown")
    rows: dict[str, dict[str, Any]] = {}
    for tally in tallies:
        if tally.currency == currency:
            row = rows.setdefault(
                tally.variant, {"key": tally.variant, "requests": 0, "lost_nano": 0} | dict.fromkeys(kinds, 0)
            )
            row["requests"] += tally.n
            row[tally.outcome if tally.outcome in kinds else "unknown"] += tally.n
            row["lost_nano"] += tally.cost_nano if tally.outcome not in ("ok", "stopped") else 0
    for row in rows.values():
        row["error_share"] = 1 - (row["ok"] + row["stopped"]) / row["requests"] if row["requests"] else None
    ordered = sorted(rows.values(), key=lambda row: (-row["requests"], row["key"]))
    frame = pd.DataFrame(ordered, columns=["key", "requests", *kinds, "error_share", "lost_nano"])
    return frame.astype({"error_share": "Float64"})
