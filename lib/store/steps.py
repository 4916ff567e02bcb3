"""Histograms of times: logarithmic steps of 15 %, so that quantiles are within a few percent, and that add up."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, case

from lib.insight_words import Quantiles
from lib.store.wall import whole

_LONGEST_MS = 10 * 86_400_000


def _bounds() -> tuple[int, ...]:
    """The least whole millisecond of every step but the first, which is 0 ms; the last step has no end."""
    found, at = [1], 1.0
    while found[-1] < _LONGEST_MS:
        at *= 1.15
        found += [int(at)] if int(at) > found[-1] else []
    return tuple(found)


BOUNDS = _bounds()


def step_of(ms: int) -> int:
    """The step a time falls into."""
    return bisect_right(BOUNDS, ms)


def step_bounds(step: int) -> tuple[float, float]:
    """The milliseconds a step spans, [low, high)."""
    low = BOUNDS[step - 1] if step else 0
    return float(low), float(BOUNDS[step] if step < len(BOUNDS) else 2 * low)


def step_sql(ms: ColumnElement[Any]) -> ColumnElement[Any]:
    """`step_of` as SQL: a search by halves, for neither engine is sure to have a logarithm."""
    return _search(ms, 0, len(BOUNDS))


def _search(ms: ColumnElement[Any], low: int, high: int) -> ColumnElement[Any]:
    if low == high:
        return whole(low)
    middle = (low + high) // 2
    below = ms < whole(BOUNDS[middle])
    return case((below, _search(ms, low, middle)), else_=_search(ms, middle + 1, high))


def quantiles(counts: Mapping[int, int]) -> Quantiles:
    """The median and the 95th percentile of a histogram (step → how often)."""
    steps = sorted((step, n) for step, n in counts.items() if n > 0)
    total = sum(n for _, n in steps)
    return Quantiles(total, _quantile(steps, total, 0.5), _quantile(steps, total, 0.95)) if total else Quantiles()


def _quantile(steps: list[tuple[int, int]], total: int, part: float) -> float:
    """The value at rank `part` × (total − 1), rounded down, with the values of a step spread evenly over it."""
    rank, before = int(part * (total - 1)), 0
    for step, n in steps:
        if rank < before + n:
            low, high = step_bounds(step)
            # The last whole millisecond of a step is the one before the next step's first.
            return low + (rank - before + 0.5) / n * max(0.0, high - 1 - low)
        before += n
    return step_bounds(steps[-1][0])[1]
