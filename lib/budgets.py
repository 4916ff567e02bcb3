"""Budgets: what may be spent in a day, a month, a conversation, by a person, at a gateway; decided before sending.

A request is let through when what is spent, what other running requests have reserved, and what this one may cost at
most stay within the limit. All amounts are nano-units of the budget's currency; other currencies are never added in.
An unknown price is not 0: it cannot be checked, and the budget says what happens then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Literal

from msgspec import Struct

from lib.errors import BadInput, SettingsError
from lib.local_time import day_of, next_month, start_of, zone_of

Scope = Literal["day", "month", "conversation", "person", "gateway"]
Period = Literal["day", "month", "always"]
"""always: from the beginning on, which is what a conversation has."""
Unpriced = Literal["allow", "block"]
Outcome = Literal["ok", "warn", "stop", "unpriced"]
"""unpriced: the price is unknown, so it cannot be checked; `Verdict.allowed` says what the budget does then."""

WARN_PERCENT = 80
MAX_LIMIT = 2**53 - 1


class Budget(Struct, frozen=True):
    """A limit. `subject` names the conversation, person or gateway it is for ("" for all), `zone` whose days count."""

    scope: Scope
    limit_nano: int
    currency: str = "USD"
    zone: str = "UTC"
    period: Period = "month"
    subject: str = ""
    warn_percent: int = WARN_PERCENT
    unpriced: Unpriced = "allow"
    id: int = 0

    @property
    def window(self) -> Period:
        """A day's budget is by the day, a month's by the month, a conversation's for all of it."""
        if self.scope in ("day", "month"):
            return "day" if self.scope == "day" else "month"
        return "always" if self.scope == "conversation" else self.period


class Verdict(Struct, frozen=True):
    """What a budget says to a request, with the facts. `left_nano` is what remains now, before the request.

    `share_percent` of the limit is taken up with the request, rounded down (None when it cannot be known); `over_nano`
    is by how much the request goes beyond the limit.
    """

    outcome: Outcome
    allowed: bool
    budget: Budget
    spent_nano: int
    reserved_nano: int
    estimate_nano: int | None
    left_nano: int
    over_nano: int = 0
    share_percent: int | None = None
    overridden: bool = False


class Offer(Struct, frozen=True):
    """A cheaper variant of the same model that the budget lets through; amounts are of this request at most."""

    model: str
    variant: str
    label: str
    estimate_nano: int
    saving_nano: int


class Priced(Struct, frozen=True):
    """What a request may cost at most on one variant; None when that is unknown."""

    model: str
    variant: str
    label: str
    estimate_nano: int | None
    currency: str = "USD"


def checked(budget: Budget) -> Budget:
    """`budget` when it can be kept. Raises SettingsError naming the field."""
    if not 0 <= budget.limit_nano <= MAX_LIMIT:
        raise SettingsError("limit", "a limit is an amount of at least 0")
    if not 1 <= budget.warn_percent <= 100:
        raise SettingsError("warn", "warn at 1 % to 100 % of the limit")
    if budget.scope == "conversation" and not budget.subject:
        raise SettingsError("subject", "say which conversation")
    try:
        zone_of(budget.zone)
    except BadInput as error:
        raise SettingsError("zone", "unknown time zone") from error
    return budget


def window(budget: Budget, at_ms: int) -> tuple[int, int | None]:
    """The stretch of UTC time that counts at `at_ms`: from its first ms to before its end (None: no end).

    A local day begins at its first midnight, or where that is skipped at the moment after; so it may have 23 or 25
    hours, and days never overlap. Raises BadInput('zone').
    """
    if budget.window == "always":
        return 0, None
    zone = zone_of(budget.zone)
    day = day_of(at_ms, zone)
    if budget.window == "day":
        return start_of(day, zone), start_of(day + timedelta(days=1), zone)
    first = day.replace(day=1)
    return start_of(first, zone), start_of(next_month(first), zone)


def verdict(
    budget: Budget,
    spent_nano: int,
    reserved_nano: int,
    estimate_high_nano: int | None,
    *,
    currency: str | None = None,
    override: bool = False,
) -> Verdict:
    """What `budget` says to a request that may cost `estimate_high_nano` at most (None: its price is unknown).

    `spent_nano` and `reserved_nano` are of its window, without this request. A request in another `currency` cannot
    be checked. `override` lets this one request through; the verdict says where that was needed. Even an unpriced
    request is stopped once the limit is used up.
    """
    used = spent_nano + reserved_nano
    left = max(0, budget.limit_nano - used)
    facts = (budget, spent_nano, reserved_nano)
    if estimate_high_nano is None or currency not in (None, budget.currency):
        spent_up = used >= budget.limit_nano
        allowed = budget.unpriced == "allow" and not spent_up
        outcome: Outcome = "stop" if spent_up else "unpriced"
        return Verdict(outcome, allowed or override, *facts, None, left, overridden=override and not allowed)
    after = used + max(0, estimate_high_nano)
    over, share = max(0, after - budget.limit_nano), _percent(after, budget.limit_nano)
    if over or (used >= budget.limit_nano and estimate_high_nano > 0):
        return Verdict("stop", override, *facts, estimate_high_nano, left, over, share, override)
    warn = after * 100 >= budget.limit_nano * budget.warn_percent and budget.limit_nano > 0
    return Verdict("warn" if warn else "ok", True, *facts, estimate_high_nano, left, 0, share)


_SEVERITY: tuple[Outcome, ...] = ("ok", "warn", "unpriced", "stop")


def strictest(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The verdict that decides when several budgets apply: one that forbids before one that allows, then the worst."""
    found = list(verdicts)
    if not found:
        return None
    return max(found, key=lambda one: (not one.allowed, _SEVERITY.index(one.outcome), one.over_nano, -one.left_nano))


def hold(budget: Budget, spent_nano: int, reserved: Sequence[int], estimate_high_nano: int) -> int | None:
    """The amount to reserve for a request, or None when it would not fit; `reserved` are the holds of others.

    Read and write this in one transaction: then spent and held amounts together never exceed the limit, however many
    requests are sent at once.
    """
    found = verdict(budget, spent_nano, sum(reserved), estimate_high_nano)
    return max(0, estimate_high_nano) if found.allowed else None


def settled(held_nano: int, actual_nano: int | None, *, billed: bool = True) -> int:
    """What a hold becomes when its request ends: its cost; nothing when it was not billed.

    A billed request whose cost is unknown keeps its hold as spent: forgetting it would let the budget be overrun.
    """
    if not billed:
        return 0
    return held_nano if actual_nano is None else actual_nano


def offers(
    budget: Budget, spent_nano: int, reserved_nano: int, wanted: Priced, others: Iterable[Priced]
) -> tuple[Offer, ...]:
    """The cheaper variants of the wanted model that the budget lets through, the cheapest first, with the saving.

    Only figures in the budget's currency are compared; a variant without a price is no offer.
    """
    if wanted.estimate_nano is None or wanted.currency != budget.currency:
        return ()
    found = []
    for other in others:
        estimate = other.estimate_nano
        if other.model == wanted.model or estimate is None or other.currency != budget.currency:
            continue
        if estimate < wanted.estimate_nano and verdict(budget, spent_nano, reserved_nano, estimate).allowed:
            saving = wanted.estimate_nano - estimate
            found.append(Offer(other.model, other.variant, other.label, estimate, saving))
    return tuple(sorted(found, key=lambda offer: (offer.estimate_nano, offer.model)))


def _percent(part: int, limit: int) -> int:
    return part * 100 // limit if limit else 100
