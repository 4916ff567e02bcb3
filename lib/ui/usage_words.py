"""What the usage page calls things."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from lib.cards import VARIANT_RULES, GatewayCard
from lib.catalogue import load_catalogue

PeriodName = Literal["today", "7d", "30d", "90d", "month", "custom"]

PERIOD_WORDS: dict[PeriodName, str] = {
    "today": "Today",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "month": "This month",
    "custom": "Custom",
}
STATUS_WORDS = {
    "ok": "Done",
    "stopped": "Stopped",
    "cut": "Cut off",
    "failed": "Not sent",
    "refused": "Refused",
    "unknown": "Unknown",
}


def model_words() -> dict[str, str]:
    """What each base model that is known is called."""
    return {card.base: card.label for card in load_catalogue() if card.label}


def variant_words(gateways: Iterable[GatewayCard]) -> dict[str, str]:
    """What each variant is called: by the gateways' own rules, then by the documented ones."""
    rules = [*VARIANT_RULES, *(rule for gateway in gateways for rule in gateway.variant_rules)]
    return {"standard": "Standard", "": "Standard"} | {rule.variant: rule.label for rule in rules}
