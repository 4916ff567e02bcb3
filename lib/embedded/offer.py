"""What the embedded gateway offers: the catalogued models with demo prices, and the model list as it is sent.

The prices are invented: the vendor's list price times a factor per variant, so that variants differ as they do at a
gateway. Nothing is ever charged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import structs

from lib.cards import ModelCard, Prices

_PERCENT: Final = {"official": 100, "standard": 90, "hc": 70, "fd": 45, "low": 30}
_CREATED: Final = 1_760_000_000
_encode = msgspec.json.Encoder(decimal_format="number").encode


def offered(catalogue: Iterable[ModelCard]) -> dict[str, ModelCard]:
    """The catalogue's cards by id, each with its demo prices (pico-USD per token)."""
    return {card.id: structs.replace(card, prices=demo_prices(card), price_source="demo") for card in catalogue}


def demo_prices(card: ModelCard) -> Prices:
    """The vendor's list prices times the variant's factor; what the vendor does not list stays unknown."""
    percent, list_prices = _PERCENT.get(card.variant, 90), card.vendor_prices
    return Prices(
        input=_part(list_prices.input, percent),
        output=_part(list_prices.output, percent),
        cache_read=_part(list_prices.cache_read, percent),
        currency=list_prices.currency,
    )


def _part(price: int | None, percent: int) -> int | None:
    return None if price is None else price * percent // 100


def list_body(models: Mapping[str, ModelCard]) -> bytes:
    """`GET /v1/models`: ids, limits and prices per 1M tokens as exact decimal numbers."""
    return _encode({"object": "list", "data": [_row(card) for card in models.values()]})


def model_body(card: ModelCard) -> bytes:
    """`GET /v1/models/{id}`: one row of the list."""
    return _encode(_row(card))


def _row(card: ModelCard) -> dict[str, Any]:
    prices = card.prices
    row: dict[str, Any] = {
        "id": card.id,
        "object": "model",
        "created": _CREATED,
        "owned_by": card.vendor.lower() or "parlour",
        "context_length": card.context,
        "max_output_tokens": card.max_output,
        "input_price_per_1m": _per_million(prices.input),
        "output_price_per_1m": _per_million(prices.output),
        "cache_read_price_per_1m": _per_million(prices.cache_read),
        "currency": prices.currency,
    }
    return {name: value for name, value in row.items() if value is not None}


def _per_million(price: int | None) -> Decimal | None:
    """Pico-units per token are micro-units per 1M tokens; six places hold them exactly."""
    if price is None:
        return None
    text = f"{Decimal(price).scaleb(-6):f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
