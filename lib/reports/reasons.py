"""Why the spending differs, where it is heading and what it would have been, as frames of `lib.insight`'s findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from lib.insight.forecast import Forecast
from lib.insight.waterfall import Waterfall
from lib.insight.what_if import Option, WhatIf


def steps(found: Waterfall) -> pd.DataFrame:
    """The bars of the waterfall from left to right; steps of nothing are left out.

    Columns: name ("before", the steps, "after"), kind (whole, more, less), from_nano, to_nano, nano (int64). Each
    step begins where the one before ended; the last bar ends where the steps do.
    """
    rows: list[dict[str, Any]] = [_bar("before", "whole", 0, found.before)]
    level = found.before
    for step in found.steps:
        if step.nano:
            rows.append(_bar(step.name, "more" if step.nano > 0 else "less", level, level + step.nano))
            level += step.nano
    rows.append(_bar("after", "whole", 0, found.after))
    return pd.DataFrame(rows)


def _bar(name: str, kind: str, start: int, end: int) -> dict[str, Any]:
    return {"name": name, "kind": kind, "from_nano": start, "to_nano": end, "nano": end - start}


def forecast_days(found: Forecast) -> pd.DataFrame:
    """One row per day. Columns: day (text), spent, low, middle, high (Int64, cumulated nano-units)."""
    columns = ("spent", "low", "middle", "high")
    frame = pd.DataFrame({"day": pd.Series([day.day.isoformat() for day in found.days], dtype="object")})
    for name in columns:
        frame[name] = pd.array([getattr(day, name) for day in found.days], dtype="Int64")
    return frame


def _best_first(option: Option) -> tuple[bool, int, str]:
    return option.saving is None, -(option.saving or 0), option.variant


def options(found: Sequence[WhatIf]) -> pd.DataFrame:
    """One row per base model and variant it could have run on, the largest saving first, unknown ones last.

    Columns: gateway (int), base, variant, label, model, missing (text); requests, left_out, estimated (int64);
    now_nano, nano, saving (Int64); current (Float64, the part that ran there); assumed (bool).
    """
    rows = [
        {
            "gateway": base.gateway_id,
            "base": base.base,
            "variant": option.variant,
            "label": option.label,
            "model": option.model,
            "requests": base.compared,
            "left_out": base.left_out,
            "estimated": base.estimated,
            "now_nano": base.now_nano if base.compared else None,
            "nano": option.nano,
            "saving": option.saving,
            "missing": option.missing or "",
            "current": option.current_share / 1000,
            "assumed": option.cache_assumed,
        }
        for base in found
        for option in sorted(base.options, key=_best_first)
    ]
    columns = (
        "gateway base variant label model requests left_out estimated now_nano nano saving missing current assumed"
    )
    frame = pd.DataFrame(rows, columns=columns.split())
    return frame.astype(dict.fromkeys(("now_nano", "nano", "saving"), "Int64") | {"current": "Float64"})
