"""The few figures of a period: what it cost, how much was asked, how well that is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from lib.insight.trust import CostQuality
from lib.ledger import Tally

NOT_BILLED = ("refused", "failed")
"""Outcomes of requests that never reached a model; they say nothing about how well the rest is known."""


class Totals(Struct, frozen=True):
    """Sums of a period in one currency. `cost_nano` is None when there were requests and none has a known cost.

    `uncertain`: some of the costs or tokens are estimated, or missing.
    """

    requests: int = 0
    cost_nano: int | None = 0
    tokens_in: int = 0
    tokens_out: int = 0
    errors: int = 0
    unpriced: int = 0
    estimated: int = 0

    @property
    def each_nano(self) -> int | None:
        """What a request with a known cost costs on average."""
        priced = self.requests - self.unpriced
        return None if self.cost_nano is None or priced < 1 else round(self.cost_nano / priced)


def currencies(tallies: Iterable[Tally]) -> list[str]:
    """The currencies in use, the one with most requests first (amounts cannot be compared)."""
    counts: Counter[str] = Counter()
    for tally in tallies:
        counts[tally.currency] += tally.n
    return sorted(counts, key=lambda currency: (-counts[currency], currency))


def totals(tallies: Iterable[Tally], currency: str) -> Totals:
    """The sums of one period."""
    kept = [tally for tally in tallies if tally.currency == currency]
    requests = sum(tally.n for tally in kept)
    unpriced = sum(tally.n_unpriced for tally in kept)
    return Totals(
        requests,
        None if 0 < requests == unpriced else sum(tally.cost_nano for tally in kept),
        sum(tokens_in(tally) for tally in kept),
        sum(tally.out_visible + tally.out_reasoning for tally in kept),
        sum(tally.n_error for tally in kept),
        unpriced,
        sum(tally.n_estimated for tally in kept),
    )


def tokens_in(tally: Tally) -> int:
    return tally.in_uncached + tally.in_cache_read + tally.in_cache_write


def tokens_out(tally: Tally) -> int:
    return tally.out_visible + tally.out_reasoning


def known(tally: Tally) -> int | None:
    """Its cost; None when there are requests and none has one."""
    return None if 0 < tally.n == tally.n_unpriced else tally.cost_nano


def change(now: float | None, before: float | None) -> float | None:
    """By which part `now` differs from `before` (0.25 = a quarter more); None when that cannot be said."""
    return None if now is None or not before else (now - before) / before


def qualities(tallies: Iterable[Tally], currency: str) -> list[CostQuality]:
    """How well costs are known, of tallies apart by outcome, usage source and priced; unbilled ones are left out."""
    return [
        CostQuality(
            tally.n,
            tally.n_unpriced,
            tally.n_estimated,
            tally.cost_nano,
            tally.est_cost_nano,
            tally.est_low_nano,
            tally.est_high_nano,
        )
        for tally in tallies
        if tally.currency == currency and tally.outcome not in NOT_BILLED
    ]


def untold(tallies: Iterable[Tally]) -> int:
    """How many requests reported figures that do not add up."""
    return sum(tally.n_anomaly for tally in tallies)
