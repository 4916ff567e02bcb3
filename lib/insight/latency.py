"""Quantiles from histograms of times with logarithmic buckets.

Buckets add up over days and models, averages and percentiles do not. Inside a bucket values are taken to lie evenly on
a logarithmic scale, which keeps a quantile within a few percent; a high one of few values says nothing, so is None.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

from msgspec import Struct

FEWEST_FOR_P95 = 50
FEWEST_FOR_P99 = 200


class Bin(Struct, frozen=True):
    """`n` values of at least `low` and below `high` milliseconds."""

    low: float
    high: float
    n: int


class Quantiles(Struct, frozen=True):
    """Milliseconds; None where there are too few values (`n`) to say."""

    n: int = 0
    p50: int | None = None
    p95: int | None = None
    p99: int | None = None


def quantiles(bins: Iterable[Bin]) -> Quantiles:
    """The median, and p95 and p99 as far as the number of values carries them; bins in any order, also twice."""
    ordered = sorted((found for found in bins if found.n > 0), key=lambda found: found.low)
    n = sum(found.n for found in ordered)
    if not n:
        return Quantiles()
    return Quantiles(
        n,
        quantile(ordered, Fraction(1, 2)),
        quantile(ordered, Fraction(95, 100)) if n >= FEWEST_FOR_P95 else None,
        quantile(ordered, Fraction(99, 100)) if n >= FEWEST_FOR_P99 else None,
    )


def quantile(bins: Sequence[Bin], part: Fraction) -> int | None:
    """The time that `part` of the values do not exceed, in ms; `bins` in ascending order. None without values."""
    total = sum(found.n for found in bins)
    if not total:
        return None
    wanted, passed = part * total, 0
    for found in bins:
        if found.n and passed + found.n >= wanted:
            return round(_inside(found, (wanted - passed) / found.n))
        passed += found.n
    return round(bins[-1].high)


def _inside(found: Bin, part: Fraction) -> float:
    """The point at `part` of a bin, on a logarithmic scale; the first bin starts at nothing and is linear."""
    if found.low <= 0:
        return found.high * float(part)
    return found.low * math.pow(found.high / found.low, float(part))
