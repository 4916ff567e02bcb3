"""How far the figures of a period can be believed: what was reported, what is a guess and how far off it may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from lib.money import money, percentages

Verdict = Literal["equal", "differs", "unchecked"]
"""Whether the rollup that the figures come from adds up to the ledger."""


class CostQuality(Struct, frozen=True):
    """Sums of requests in one currency and of one quality of cost; `low_nano`/`high_nano` bound estimated costs.

    `nano` sums the known costs, `n_unpriced` requests have none. `n_without_range` of the estimated ones have no
    bounds; their cost stands in `low_nano` and `high_nano` as it is.
    """

    n: int = 0
    n_unpriced: int = 0
    n_estimated: int = 0
    nano: int = 0
    est_nano: int = 0
    low_nano: int = 0
    high_nano: int = 0
    n_without_range: int = 0


class Anomaly(Struct, frozen=True):
    """`n` requests whose usage was reported in a way that does not add up; `code` as the ledger keeps it."""

    code: str
    n: int


class Trust(Struct, frozen=True):
    """Requests by the quality of their cost, disjoint; amounts in nano-units of `currency`.

    The true total, as far as there is a price, lies between `low_nano` and `high_nano`, and `nano` is the best guess.
    """

    currency: str
    reported: int
    estimated: int
    unpriced: int
    nano: int
    estimated_nano: int
    low_nano: int
    high_nano: int
    n_without_range: int
    anomalies: tuple[Anomaly, ...] = ()
    rollup: Verdict = "unchecked"
    n_rollup_differs: int = 0

    @property
    def requests(self) -> int:
        return self.reported + self.estimated + self.unpriced

    @property
    def error_nano(self) -> int:
        """The wider half of the error bar: "± so much"."""
        return max(self.nano - self.low_nano, self.high_nano - self.nano)


def trust(
    sums: Iterable[CostQuality],
    currency: str = "USD",
    *,
    anomalies: Iterable[tuple[str, int]] = (),
    differences: Sequence[object] | None = None,
) -> Trust:
    """The trust in a period.

    `sums` must be apart by priced or not, or an unpriced request with estimated tokens would be counted as priced:
    it counts as unpriced. `anomalies` are (code, requests); `differences` between ledger and rollup, None when they
    were not compared.
    """
    found = list(sums)
    n, unpriced = sum(one.n for one in found), sum(one.n_unpriced for one in found)
    estimated = sum(min(one.n_estimated, one.n - one.n_unpriced) for one in found)
    nano, est = sum(one.nano for one in found), sum(one.est_nano for one in found)
    low, high = sum(one.low_nano for one in found), sum(one.high_nano for one in found)
    verdict: Verdict = "unchecked" if differences is None else "differs" if differences else "equal"
    counts: dict[str, int] = {}
    for code, times in anomalies:
        counts[code] = counts.get(code, 0) + times
    return Trust(
        currency,
        n - unpriced - estimated,
        estimated,
        unpriced,
        nano,
        est,
        nano - est + min(low, est),
        nano - est + max(high, est),
        sum(one.n_without_range for one in found),
        tuple(Anomaly(code, times) for code, times in sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        verdict,
        len(differences or ()),
    )


_ANOMALIES = {
    "cached_outside_input": "More cached tokens than input: counted beside it, not in it",
    "reasoning_outside_output": "More reasoning tokens than output: counted beside it, not in it",
    "total_differs": "The reported total is not the sum of its parts",
    "media_ignored": "The input is too small for the pictures or video that were sent",
}


def anomaly_words(code: str) -> str:
    """What an anomaly of the ledger means, in a line; the code itself for one that has no words yet."""
    return _ANOMALIES.get(code, code.replace("_", " ").capitalize())


def trust_line(found: Trust) -> str:
    """ "98.4 % reported · 1.2 % estimated (± $0.31) · 0.4 % unpriced (14 requests)"; empty without requests."""
    parts = (found.reported, found.estimated, found.unpriced)
    if not any(parts):
        return ""
    shares = percentages(parts)
    words = []
    if found.reported:
        words.append(f"{shares[0]} reported")
    if found.estimated:
        words.append(f"{shares[1]} estimated (± {money(found.error_nano, found.currency)})")
    if found.unpriced:
        words.append(f"{shares[2]} unpriced ({found.unpriced:,} request{'s' if found.unpriced > 1 else ''})")
    return " · ".join(words)
