"""Vendors' list prices, as a reference beside a gateway's own prices; never a price that anything is charged at.

The `genai-prices` package is one source. It matches loosely: some ids with a suffix ("claude-opus-4-7-low") get the
list price of the model without it, others an error. So it is only ever asked for the base models of our catalogue, by
their exact ids, and only at that model's vendor. Importing it takes a quarter of a second and 30 MB: it waits until
somebody asks for a reference.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from msgspec import Struct, convert

from lib.cards import ModelCard, Prices
from lib.catalogue import load_catalogue
from lib.money import MAX_PRICE

STATEMENT = "The vendor's list price, for reference only. What a gateway charges is its own business."

_VENDORS = {"claude": "anthropic", "gpt": "openai", "gemini": "google"}
_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}


class ListPrice(Struct, frozen=True):
    """A vendor's list price from a day on (None: since the beginning, as far as is known), in USD.

    `long_from`: requests with more input tokens than this are dearer; `prices` are those below.
    """

    prices: Prices
    valid_from: date | None = None
    long_from: int | None = None


def reference(base_model: str, on: date | None = None) -> Prices | None:
    """The vendor's list prices of a base model of the catalogue on a day (None: today's), pico-USD per token.

    None for every other id, above all for ids with a variant's suffix: their price is the gateway's.
    """
    day = on or datetime.now(UTC).date()
    found = [listed for listed in history(base_model) if not listed.valid_from or listed.valid_from <= day]
    if found:
        return found[-1].prices
    card = _bases().get(base_model)
    return card.vendor_prices if card and card.vendor_prices.known else None


@cache
def history(base_model: str) -> tuple[ListPrice, ...]:
    """The list prices of a base model of the catalogue, the oldest first; empty for every other id."""
    card = _bases().get(base_model)
    model = None if card is None else _model(card)
    if model is None:
        return ()
    listed = model.prices if isinstance(model.prices, list) else [model]
    found = [price for entry in listed if (price := _list_price(entry)) is not None and price.prices.known]
    return tuple(sorted(found, key=lambda price: price.valid_from or date.min))


@cache
def _bases() -> dict[str, ModelCard]:
    return {card.id: card for card in load_catalogue() if card.id == card.base and card.variant == "standard"}


def _model(card: ModelCard) -> Any:
    """The package's entry for exactly this model of exactly this vendor, None when it has none."""
    vendor = _VENDORS.get(card.family)
    provider = next((found for found in _providers() if found.id == vendor), None)
    model = None if provider is None else provider.find_model(card.id)
    return model if model is not None and _is_named(model.id, card.id) else None


@cache
def _providers() -> tuple[Any, ...]:
    from genai_prices.data import providers

    return tuple(providers)


def _is_named(found: str, wanted: str) -> bool:
    """A preview is filed under the name it got later."""
    return found == wanted or found == wanted.removesuffix("-preview")


def _list_price(entry: Any) -> ListPrice | None:
    """One entry; None for a price of certain hours of the day."""
    constraint = getattr(entry, "constraint", None)
    start = getattr(constraint, "start_date", None)
    if constraint is not None and start is None:
        return None
    found = {field: getattr(entry.prices, name, None) for field, name in _FIELDS.items()}
    tiers = [tier.start for price in found.values() for tier in getattr(price, "tiers", ())]
    prices = convert({field: _pico(price) for field, price in found.items()}, Prices)
    return ListPrice(prices, start, min(tiers) if tiers else None)


def _pico(price: Any) -> int | None:
    """USD per 1M tokens, or the lowest tier of it, as pico-USD per token; None for what is no exact price."""
    amount = getattr(price, "base", price)
    if not isinstance(amount, Decimal) or not amount.is_finite() or amount < 0:
        return None
    pico = amount * 10**6
    return int(pico) if pico == int(pico) and pico <= MAX_PRICE else None
