"""What the prices page holds prices against: the vendors' lists."""

from __future__ import annotations

from collections.abc import Iterable

from lib import vendor_prices
from lib.cards import ModelCard, Prices


def vendor_of(card: ModelCard) -> Prices:
    """The vendor's list prices of the model's base, to hold others against; prices without any value when unknown."""
    if card.vendor_prices.known:
        return card.vendor_prices
    return vendor_prices.reference(card.base) or Prices()


def vendor_by_base(cards: Iterable[ModelCard]) -> dict[str, Prices]:
    """The same by base model, where it is known."""
    return {card.base: prices for card in cards if (prices := vendor_of(card)).known}
