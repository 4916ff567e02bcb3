"""What budgets are called: whose they are, how far they are used up, and why one says no."""

from __future__ import annotations

from lib.budgets import Budget, Period, Scope
from lib.errors import NotFound, OverBudget
from lib.local_time import local, zone_of
from lib.markdown import plain
from lib.money import currency_symbol, money
from lib.store.budget_rows import Standing
from lib.ui.session import services

SCOPES: dict[Scope, str] = {
    "day": "Per day",
    "month": "Per month",
    "conversation": "One conversation",
    "person": "Per person",
    "gateway": "One gateway",
}
PERIODS: dict[Period, str] = {"day": "Every day", "month": "Every month", "always": "Once, for all time"}
_CENT = 10_000_000
_OF: dict[Period, str] = {"day": "today", "month": "this month", "always": "so far"}
_EVERY: dict[Period, str] = {"day": "per day", "month": "per month", "always": "in all"}


def limit_words(nano: int, currency: str) -> str:
    """ "$0.01": a limit in whole cents without the further digits that a cost has."""
    whole, rest = divmod(nano, _CENT)
    return money(nano, currency) if rest else f"{currency_symbol(currency)}{whole // 100:,}.{whole % 100:02d}"


def budget_words(budget: Budget) -> str:
    """ "$5.00 per month for the gateway Work"."""
    amount = limit_words(budget.limit_nano, budget.currency)
    match budget.scope:
        case "day" | "month":
            return f"{amount} {_EVERY[budget.window]}"
        case "person":
            return f"{amount} {_EVERY[budget.window]} for each person"
        case "gateway":
            return f"{amount} {_EVERY[budget.window]} at {_gateway_name(budget.subject)}"
    return f"{amount} for the conversation {_title(budget.subject)}"


def standing_words(standing: Standing) -> str:
    """ "$1.20 of $5.00 spent this month, $0.02 held by running answers, $3.78 left"."""
    budget, verdict = standing.kept.budget, standing.verdict
    said = f"{money(standing.spent_nano, budget.currency)} of {limit_words(budget.limit_nano, budget.currency)} spent"
    said += f" {_OF[budget.window]}"
    if standing.held_nano:
        said += f", {money(standing.held_nano, budget.currency)} held by running answers"
    return f"{said}, {money(verdict.left_nano, budget.currency)} left"


def percent_used(standing: Standing) -> int:
    """Of the limit, with what is held; may be more than 100."""
    limit = standing.kept.budget.limit_nano
    return (standing.spent_nano + standing.held_nano) * 100 // limit if limit else 100


def _ends_words(ends_ms: int | None, zone: str) -> str:
    """When it starts anew; nothing for what never does."""
    if ends_ms is None:
        return ""
    at = local(ends_ms, zone_of(zone))
    return f" It starts anew on {at.day} {at:%B}, {at:%H:%M}."


def refusal_words(error: OverBudget) -> str:
    """Why a message was not sent, with the numbers."""
    facts = error.facts
    currency = str(facts.get("currency") or "USD")
    limit, spent, held = (_nano(facts.get(name)) for name in ("limit_nano", "spent_nano", "held_nano"))
    needed = facts.get("needed_nano")
    window = _period(facts.get("period"))
    said = f"Not sent: of the budget of {limit_words(limit, currency)} {_EVERY[window]}{_whose(facts)}, "
    said += f"{money(spent, currency)} is spent"
    said += f" and {money(held, currency)} held by running answers" if held else ""
    said += f"; {money(_nano(facts.get('left_nano')), currency)} is left. "
    if needed is None:
        said += "What this message costs cannot be said, because this model has no price here."
    else:
        said += f"This message may cost up to {money(_nano(needed), currency)}."
    ends = facts.get("ends_ms")
    return said + _ends_words(int(ends) if ends is not None else None, services().zone)


def _whose(facts: dict[str, str | int | None]) -> str:
    match facts.get("scope"):
        case "conversation":
            return " for this conversation"
        case "gateway":
            return f" at {_gateway_name(str(facts.get('subject') or ''))}"
    return ""


def _period(named: str | int | None) -> Period:
    return next((period for period in PERIODS if period == named), "month")


def _nano(fact: str | int | None) -> int:
    return int(fact or 0)


def _gateway_name(public_id: str) -> str:
    found = next((card for card in services().gateways.cards() if card.public_id == public_id), None)
    return plain(found.name, 60) if found else "a removed gateway"


def _title(public_id: str) -> str:
    try:
        found = services().store.conversations.get(services().owner, public_id)
    except NotFound:
        return "that was deleted"
    return f"“{plain(found.title, 60) or 'without a title'}”"
