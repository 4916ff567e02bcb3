"""How many tokens an attempt used and what it cost: as reported, else estimated from characters, else unknown.

Unknown stays None. An estimate always says that it is one and carries the range in which the truth may lie.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from fractions import Fraction
from math import ceil

from msgspec import Struct, structs

from lib.cards import Prices, PriceSource
from lib.ledger import MEDIA_IGNORED, Attempt, Cost, ModelRef, UsageSource
from lib.media_check import ignored_media
from lib.pricing import estimate_count, estimate_range, guessed_ratio, measured_ratio, most_output, price
from lib.store.rows import CostLine
from lib.tokens import TokenCount, Usage, buckets

_COUNTS = TokenCount.__struct_fields__
_SAMPLES = 200
_FEWEST_SAMPLES = 3
_FEWEST_CHARS = 80


class Tariff(Struct, frozen=True):
    """The price in force when an answer began, and this model's tokens per character where they are known.

    `reference` is the vendor's list: only the proportions of its cache prices are ever used.
    """

    prices: Prices | None = None
    source: PriceSource | None = None
    version_id: int | None = None
    reference: Prices | None = None
    tokens_per_char: Fraction | None = None


def measured(
    attempt: Attempt, usage: Usage | None, tariff: Tariff, *, sample: str = "", whole: bool = False
) -> Attempt:
    """The attempt with its tokens and its cost. `whole`: the end of the answer was seen, so `usage` is its final one.

    `sample` is some of the text, from which the script and so the tokens per character are guessed.
    """
    if attempt.outcome in ("refused", "failed"):
        return structs.replace(attempt, cost=_nothing(tariff))
    ratio = tariff.tokens_per_char or guessed_ratio(sample)
    count, source = _count(attempt, usage, ratio, whole=whole)
    counted = structs.replace(
        attempt,
        count=count,
        usage_source=source,
        semantic=usage.semantic if usage else "openai_incl",
        anomaly=_anomaly(attempt, usage, ratio),
    )
    return structs.replace(counted, cost=_cost(counted, usage, tariff))


def _anomaly(attempt: Attempt, usage: Usage | None, ratio: Fraction) -> str | None:
    """What is odd about the report; that pictures or video were dropped on the way comes before all else."""
    if usage is None:
        return None
    ignored = ignored_media(attempt.media_in, ceil(attempt.chars_in * ratio), usage.input)
    return MEDIA_IGNORED if ignored else usage.anomaly


def _count(attempt: Attempt, usage: Usage | None, ratio: Fraction, *, whole: bool) -> tuple[TokenCount, UsageSource]:
    if whole and usage and usage.input is not None and usage.output is not None:
        return buckets(usage), "reported"
    guess = _guess(attempt, ratio)
    if usage and usage.known:
        return _filled(buckets(usage), guess), "reported_partial"
    if attempt.outcome == "unknown" and not attempt.chars_out and not attempt.chars_reasoning:
        return TokenCount(), "none"  # it may have been billed in full or not at all: no number is honest
    return guess, "estimated"


def _guess(attempt: Attempt, ratio: Fraction) -> TokenCount:
    """From the characters, and what the vendors' rules say of the pictures and video in the request."""
    guess = estimate_count(attempt.chars_in, attempt.chars_out, attempt.chars_reasoning, ratio)
    return structs.replace(guess, in_uncached=(guess.in_uncached or 0) + attempt.media_in)


def _filled(told: TokenCount, guess: TokenCount) -> TokenCount:
    """Reported where it was reported. Output reported before the end is a floor: Anthropic's first event says 1."""
    known_input = told if told.input is not None else guess
    visible = max(told.out_visible or 0, guess.out_visible or 0)
    reasoning = max(told.out_reasoning or 0, guess.out_reasoning or 0)
    return structs.replace(known_input, out_visible=visible, out_reasoning=reasoning)


def _cost(attempt: Attempt, usage: Usage | None, tariff: Tariff) -> Cost:
    cost = price(
        attempt.count,
        tariff.prices,
        source=tariff.source,
        version_id=tariff.version_id,
        reference=tariff.reference,
        reported=usage.cost if usage else None,
        reported_currency=usage.currency if usage else None,
    )
    if attempt.usage_source not in ("estimated", "reported_partial"):
        return cost
    return estimate_range(
        cost,
        attempt.count,
        tariff.prices,
        max_out_cap=most_output(attempt.max_out_cap, attempt.outcome, attempt.duration_ms),
        reference=tariff.reference,
        input_known=bool(usage and usage.input is not None),
    )


def cost_line(attempts: tuple[Attempt, ...], *, demo: bool) -> CostLine | None:
    """What one answer cost, made of its attempts as the store makes it of its ledger rows; None without any."""
    if not attempts:
        return None
    last = attempts[-1]
    priced = [attempt for attempt in attempts if attempt.cost.nano is not None]
    paid = (priced[-1] if priced else last).cost
    same = [attempt.cost for attempt in priced if attempt.cost.currency == paid.currency]
    costs = [attempt.cost for attempt in attempts]
    return CostLine(
        count=TokenCount(*(_sum(getattr(attempt.count, name) for attempt in attempts) for name in _COUNTS)),
        nano=_sum(cost.nano for cost in same),
        currency=paid.currency,
        source=paid.source,
        usage_source=last.usage_source,
        reported_nano=_sum(cost.reported_nano for cost in costs),
        low_nano=_sum(cost.low_nano for cost in costs),
        high_nano=_sum(cost.high_nano for cost in costs),
        n_attempts=len(attempts),
        n_unpriced=len(attempts) - len(priced),
        first_visible_ms=last.first_visible_ms,
        duration_ms=last.duration_ms,
        demo=demo,
        media_ignored=any(attempt.anomaly == MEDIA_IGNORED for attempt in attempts),
    )


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _nothing(tariff: Tariff) -> Cost:
    """A refused request certainly costs nothing: a known zero, not an unknown."""
    currency = tariff.prices.currency if tariff.prices else "USD"
    return Cost(0, 0, 0, 0, 0, 0, currency=currency)


class Ratios:
    """Tokens per character of the answers reported to this process, for each gateway and model."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: dict[tuple[int, str], deque[tuple[int, int]]] = {}

    def note(self, ref: ModelRef, attempts: tuple[Attempt, ...]) -> None:
        """Learn from whole answers with reported usage. Those that reasoned do not show what was counted."""
        for attempt in attempts:
            plain = (
                attempt.usage_source == "reported" and not attempt.chars_reasoning and not attempt.count.out_reasoning
            )
            if plain and attempt.chars_out >= _FEWEST_CHARS and attempt.count.out_visible:
                with self._lock:
                    samples = self._samples.setdefault((ref.gateway_id, ref.model), deque(maxlen=_SAMPLES))
                    samples.append((attempt.count.out_visible, attempt.chars_out))

    def of(self, ref: ModelRef) -> Fraction | None:
        """The median, None before a few answers have been seen."""
        with self._lock:
            samples = tuple(self._samples.get((ref.gateway_id, ref.model), ()))
        return measured_ratio(samples) if len(samples) >= _FEWEST_SAMPLES else None
