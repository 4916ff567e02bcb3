"""What the views of the usage page must say, by adding up attempts in the plainest way."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from lib.ids import id_at
from lib.insight_words import Filter
from lib.ledger import ESTIMATED_SOURCES, Attempt, Cost, ModelRef
from lib.store import Store
from lib.store.schema import MEASURES
from lib.tokens import TokenCount
from tests.store.acts import attempt, end, turn

TURNS = ("2026-03-08", "2026-03-29", "2026-04-05", "2026-04-12", "2026-10-04", "2026-10-25", "2026-11-01")
FAR = {"start": date(2025, 6, 1), "end": date(2027, 6, 1)}
MODELS = (("gpt-5.4", "gpt-5.4", "standard"), ("gpt-5.4-hc", "gpt-5.4", "hc"), ("claude-opus-5-low", "claude", "low"))


class Told:
    """One attempt with where it was asked; `chat` is a conversation's public id."""

    def __init__(self, attempt: Attempt, ref: ModelRef, chat: str = "") -> None:
        self.attempt, self.ref, self.chat = attempt, ref, chat
        self.cost = attempt.cost

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp((self.attempt.id >> 20) / 1000, UTC)

    def facts(self, zone: str) -> dict[str, Any]:
        """The values of every dimension."""
        local, one = self.at.astimezone(ZoneInfo(zone)), self.attempt
        return {
            "day": local.date(),
            "month": local.date().replace(day=1),
            "weekday": local.weekday(),
            "hour": local.hour,
            "gateway": self.ref.gateway_id,
            "model": one.model_requested,
            "base": self.ref.base,
            "family": self.ref.family,
            "variant": self.ref.variant,
            "purpose": one.purpose,
            "outcome": one.outcome,
            "usage_source": one.usage_source,
            "priced": self.cost.nano is not None,
            "currency": self.cost.currency,
        }

    def measures(self) -> dict[str, int]:
        one, cost, count = self.attempt, self.cost, self.attempt.count
        estimated, priced = one.usage_source in ESTIMATED_SOURCES, cost.nano is not None
        known = {name: (getattr(cost, f"{name}_nano") or 0) * priced for name in _COMPONENTS}
        whole = one.outcome == "ok" and one.usage_source == "reported" and count.out_visible is not None
        pace = max(0, (one.duration_ms or 0) - (one.first_byte_ms or 0)) if whole else 0
        found = {name: getattr(count, name) or 0 for name in _TOKENS}
        found |= {f"{name}_nano": value for name, value in known.items()}
        return found | {
            "n": 1,
            "n_error": one.outcome not in ("ok", "stopped"),
            "n_stopped": one.outcome == "stopped",
            "n_unpriced": not priced,
            "n_estimated": estimated,
            "n_reported_cost": cost.reported_nano is not None,
            "n_anomaly": one.anomaly is not None,
            "n_in_unknown": count.input is None,
            "n_out_unknown": count.output is None,
            "cost_nano": cost.nano or 0,
            "est_cost_nano": (cost.nano or 0) if estimated else 0,
            "est_low_nano": (cost.low_nano if cost.low_nano is not None else cost.nano) if estimated and priced else 0,
            "est_high_nano": (cost.high_nano if cost.high_nano is not None else cost.nano)
            if estimated and priced
            else 0,
            "other_nano": (cost.nano or 0) - sum(known.values()),
            "in_cache_write": (count.in_cache_write_5m or 0) + (count.in_cache_write_1h or 0),
            "duration_ms": one.duration_ms or 0,
            "n_duration": one.duration_ms is not None,
            "first_visible_ms": one.first_visible_ms or 0,
            "n_first_visible": one.first_visible_ms is not None,
            "paced_ms": pace,
            "paced_tokens": ((count.out_visible or 0) + (count.out_reasoning or 0)) if pace else 0,
        }


_COMPONENTS = ("input", "cache_read", "cache_write", "output")
_TOKENS = ("in_uncached", "in_cache_read", "in_cache_write_1h", "out_visible", "out_reasoning")


def random_told(seed: int, count: int, chats: tuple[str, ...] = ("one", "two", "three")) -> list[Told]:
    """Attempts of every kind, most of them near a moment when some clock is turned."""
    dice = random.Random(seed)
    some = lambda: dice.choice([None, 0, dice.randrange(10**6)])  # noqa: E731
    found = []
    for number in range(count):
        day = datetime.fromisoformat(dice.choice(TURNS)).replace(tzinfo=UTC)
        ms = round(day.timestamp() * 1000) + dice.randrange(-40 * 3_600_000, 40 * 3_600_000)
        model, family, variant = dice.choice(MODELS)
        nano = dice.choice([None, 0, dice.randrange(10**6, 10**9)])
        one = attempt(
            id_at(ms) + number,
            model_requested=model,
            outcome=dice.choice(["ok", "ok", "stopped", "cut", "failed", "refused", "unknown"]),
            purpose=dice.choice(["chat", "title"]),
            count=TokenCount(some(), some(), some(), some(), some(), some()),
            usage_source=dice.choice(["reported", "reported_partial", "estimated", "none"]),
            cost=Cost(
                nano=nano,
                input_nano=dice.choice([None, 5]),
                output_nano=dice.choice([None, 7]),
                currency=dice.choice(["USD", "USD", "CNY"]),
                reported_nano=some(),
                low_nano=dice.choice([None, 3]),
                high_nano=dice.choice([None, 10**9]),
            ),
            first_byte_ms=dice.choice([None, 100]),
            first_visible_ms=dice.choice([None, 0, dice.randrange(60_000)]),
            duration_ms=dice.choice([None, dice.randrange(10**6)]),
            anomaly=dice.choice([None, None, "odd"]),
        )
        ref = ModelRef(dice.choice([7, 8]), model, model.split("-hc")[0], family, variant)
        found.append(Told(one, ref, dice.choice(chats)))
    return found


def record(store: Store, told: list[Told]) -> dict[str, str]:
    """Write them, each in its conversation; the public ids of the conversations by their names."""
    names: dict[str, str] = {}
    for one in told:
        asked = turn(ref=one.ref, **({"conversation": names[one.chat]} if one.chat in names else {}))
        begun = store.answers.begin(store.owner(), asked, epoch="this process")
        store.answers.finish(begun.answer_id, end(one.attempt))
        names[one.chat] = begun.conversation
    return names


def sums(told: Iterable[Told], zone: str, by: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, int]]:
    """The measures by these dimensions and the currency."""
    found: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(MEASURES.split(), 0))
    for one in told:
        facts = one.facts(zone)
        sum_ = found[(*(facts[name] for name in by), one.cost.currency)]
        for name, value in one.measures().items():
            sum_[name] += int(value or 0)
    return dict(found)


def chosen(told: Iterable[Told], filter: Filter) -> list[Told]:
    """Those that a filter asks for, conversations and folders aside."""
    tests: list[Callable[[dict[str, Any]], bool]] = [
        lambda facts: filter.start <= facts["day"] < filter.end,
        lambda facts: filter.only != "unpriced" or not facts["priced"],
        lambda facts: filter.only != "estimated" or facts["usage_source"] in ESTIMATED_SOURCES,
        lambda facts: filter.currency in (None, facts["currency"]),
        lambda facts: filter.weekday in (None, facts["weekday"]),
        lambda facts: filter.hour in (None, facts["hour"]),
    ]
    for field, name in _FIELDS.items():
        if values := getattr(filter, field):
            tests.append(lambda facts, values=values, name=name: facts[name] in values)
    kept = [one for one in told if all(test(one.facts(filter.zone)) for test in tests)]
    return [one for one in kept if filter.only != "odd" or one.attempt.anomaly is not None]


_FIELDS = {
    "gateways": "gateway",
    "models": "model",
    "families": "family",
    "variants": "variant",
    "purposes": "purpose",
    "outcomes": "outcome",
}


def days_of(filter: Filter) -> list[Filter]:
    """The filter's days, one by one."""
    days = [filter.start + timedelta(days=at) for at in range(filter.days)]
    return [structs.replace(filter, start=day, end=day + timedelta(days=1)) for day in days]
