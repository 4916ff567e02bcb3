"""What looks wrong in the figures: days that stand out, more tokens than the same text has elsewhere, another model.

Everything here is a reason to look, not a proof. Medians instead of averages, so that what stands out does not hide
itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from statistics import median
from typing import Literal

from msgspec import Struct

FEWEST_DAYS = 7
_SPIKE = Fraction(7, 2)
"""A modified z-score of 3.5 (Iglewicz and Hoaglin, "How to detect and handle outliers", 1993)."""
_NORMAL = Fraction(6745, 10_000)
_TIMES_OF_FLAT = 3
FEWEST_SAMPLES = 20
_INFLATED = Fraction(115, 100)


class Spike(Struct, frozen=True):
    """A day that cost far more than usual; nano-units. `times` is how many times the usual, rounded down."""

    day: date
    nano: int
    usual: int

    @property
    def times(self) -> int | None:
        return self.nano // self.usual if self.usual else None


def spikes(days: Mapping[date, int], least_nano: int = 10_000_000) -> tuple[Spike, ...]:
    """The days whose spending stands out from the others, the newest first; none below `least_nano` (a cent).

    With fewer than a week of days nothing is usual yet. Days are given whole, also those without spending.
    """
    if len(days) < FEWEST_DAYS:
        return ()
    usual = Fraction(median(map(Fraction, days.values())))
    spread = Fraction(median(abs(nano - usual) for nano in days.values()))
    found = [day for day, nano in days.items() if nano >= least_nano and _stands_out(nano, usual, spread)]
    return tuple(Spike(day, days[day], round(usual)) for day in sorted(found, reverse=True))


def _stands_out(nano: int, usual: Fraction, spread: Fraction) -> bool:
    if nano <= usual:
        return False
    if not spread:
        return nano > _TIMES_OF_FLAT * usual
    return _NORMAL * (nano - usual) / spread > _SPIKE


class Sampled(Struct, frozen=True):
    """Reported answers of one model: pairs of (tokens, characters), all of what was asked or all of what came."""

    model: str
    base: str
    pairs: tuple[tuple[int, int], ...]


class Inflation(Struct, frozen=True):
    """`model` counts more tokens for a character than its siblings, which share its tokenizer.

    Ratios are tokens per 1,000 characters; `excess_percent` is how much more, in whole percent.
    """

    model: str
    base: str
    per_1000: int
    siblings_per_1000: int
    n: int

    @property
    def excess_percent(self) -> int:
        return (self.per_1000 - self.siblings_per_1000) * 100 // max(1, self.siblings_per_1000)


def inflation(samples: Iterable[Sampled]) -> tuple[Inflation, ...]:
    """Models with at least 15 % more tokens per character than the lowest sibling of the same base, the worst first.

    The variants of one base have one tokenizer; a gateway that adds a hidden prompt or a factor shows here. Different
    texts differ too: models with fewer than 20 samples say nothing, and the median of them is compared.
    """
    ratios: dict[str, dict[str, tuple[Fraction, int]]] = {}
    for sample in samples:
        known = [Fraction(tokens, chars) for tokens, chars in sample.pairs if tokens > 0 and chars > 0]
        if len(known) >= FEWEST_SAMPLES:
            ratios.setdefault(sample.base, {})[sample.model] = Fraction(median(known)), len(known)
    found = []
    for base, models in ratios.items():
        least = min(ratio for ratio, _ in models.values())
        found += [
            Inflation(model, base, round(ratio * 1000), round(least * 1000), n)
            for model, (ratio, n) in models.items()
            if ratio >= least * _INFLATED
        ]
    return tuple(sorted(found, key=lambda one: (-one.excess_percent, one.model)))


Served = Literal["same", "version", "base", "other", "untold"]
"""same · version: a dated version of it · base: the id without its price variant · other: another model."""

_DATE = re.compile(r"(?:[-@:](?:\d{8}|\d{4}-\d{2}-\d{2}|latest|\d{3}|\d{4}))+\Z")


def served(requested: str, reported: str | None, base: str = "") -> Served:
    """How the model that a gateway says it served relates to the one asked for; `base` is its id without a variant.

    Vendor prefixes ("openai/"), case and points or dashes in versions do not count.
    """
    if not reported or not reported.strip():
        return "untold"
    asked, told, plain = _plain(requested), _plain(reported), _plain(base)
    if asked == told:
        return "same"
    if _DATE.sub("", told) == asked:
        return "version"
    if plain and plain in (told, _DATE.sub("", told)):
        return "base"
    return "other"


def _plain(model: str) -> str:
    return model.strip().lower().rpartition("/")[2].replace(".", "-")


class OtherModel(Struct, frozen=True):
    """`n` requests for `requested` were answered as `reported`."""

    requested: str
    reported: str
    n: int


def other_models(seen: Sequence[tuple[str, str | None, str, int]]) -> tuple[OtherModel, ...]:
    """Of (requested, reported, base, requests) those that a different model answered, the most frequent first."""
    found = [OtherModel(asked, told or "", n) for asked, told, base, n in seen if served(asked, told, base) == "other"]
    return tuple(sorted(found, key=lambda one: (-one.n, one.requested, one.reported)))
