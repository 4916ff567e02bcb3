"""What the prices page does to the price book, and what it holds prices against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lib import vendor_prices
from lib.cards import ModelCard, Prices
from lib.price_book.rules import ruled
from lib.ui.session import services


def enter(gateway_id: int, prices: Mapping[str, Prices], note: str = "") -> None:
    """Keep prices that a person gave, by model id; they count from the next answer on. Raises ParlourError."""
    for model, one in prices.items():
        services().gateways.enter_prices(gateway_id, model, one)


def apply_rules(gateway_id: int) -> None:
    """Let the book hold what the active rules of a gateway make now. Raises ParlourError."""
    store, owner = services().store, services().owner
    cards = services().gateways.models(gateway_id)
    rules = [kept.rule for kept in store.price_rules.list(owner, gateway_id) if kept.active]
    store.prices.note_ruled(owner, gateway_id, ruled(rules, cards, vendor_by_base(cards)))


def vendor_of(card: ModelCard) -> Prices:
    """The vendor's list prices of the model's base, to hold others against; prices without any value when unknown."""
    if card.vendor_prices.known:
        return card.vendor_prices
    return vendor_prices.reference(card.base) or Prices()


def vendor_by_base(cards: Iterable[ModelCard]) -> dict[str, Prices]:
    """The same by base model, where it is known."""
    return {card.base: prices for card in cards if (prices := vendor_of(card)).known}
