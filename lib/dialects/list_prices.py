"""The prices in a row of a model list: where gateways put them, under which names, in which unit.

Places, in order: `pricing`, `price`, `prices`, `cost`, `metadata.pricing`, the row itself, LiteLLM's `model_info`;
and new-api's ratios. A price that is not told, null, "" or negative (OpenRouter's -1) is unknown; 0 is free.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

from lib.cards import Prices
from lib.dialects import price_text
from lib.dialects.loose import table, text

_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])")
_PRICE_PLACES: Final = ("pricing", "price", "prices", "cost")
_UNITS: Final = ("", "_per_token", "_per_1m", "_per_1m_tokens", "_per_million", "_per_million_tokens", "_per_m")
_UNITS_1K: Final = ("_per_1k", "_per_1k_tokens")
_READ: Final = (
    "input_cache_read",
    "cache_read",
    "cached_price",
    "cache_read_tokens",
    "cache_read_input_token_cost",
    "cached_input",
    "cached_input_price",
    "cache_read_price",
    "input_cached",
    "cache_hit",
)
_WRITTEN: Final = (
    "input_cache_write",
    "cache_write",
    "caching_price",
    "cache_write_tokens",
    "cache_creation_input_token_cost",
    "cache_write_price",
)
_WRITTEN_1H: Final = ("cache_creation_input_token_cost_above_1hr", "input_cache_write_1h", "cache_write_1h")


def _names(stems: tuple[str, ...]) -> tuple[str, ...]:
    kinds = ("", "_price", "_cost", "_tokens", "_token_price", "_token_cost")
    return tuple(f"{stem}{kind}{unit}" for unit in _UNITS + _UNITS_1K for stem in stems for kind in kinds)


_PRICE_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "input": _names(("prompt", "input")),
    "output": _names(("completion", "output")),
    "cache_read": tuple(f"{name}{unit}" for unit in _UNITS + _UNITS_1K for name in _READ),
    "cache_write_5m": tuple(f"{name}{unit}" for unit in _UNITS + _UNITS_1K for name in _WRITTEN),
    "cache_write_1h": _WRITTEN_1H,
}


def prices_of(fields: dict[str, Any], info: dict[str, Any], metadata: dict[str, Any], answer: dict[str, Any]) -> Prices:
    """The prices from the first place that has any."""
    if "model_ratio" in fields:
        return _prices_of_ratios(fields, answer)
    for place in _price_places(fields, info, metadata):
        prices = _prices_in(place, fields)
        if prices.known:
            return prices
    return Prices()


def _price_places(fields: dict[str, Any], info: dict[str, Any], metadata: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in _PRICE_PLACES:
        yield table(fields.get(name))
    yield table(metadata.get("pricing"))
    yield fields
    yield info


def _prices_in(place: dict[str, Any], fields: dict[str, Any]) -> Prices:
    """The prices that one place holds. One unit told for one of them holds for those that tell none."""
    plain = {_snake(name): value for name, value in place.items()}
    unit = price_text.tokens_per_unit(text(plain.get("unit")) or text(plain.get("price_unit")))
    found = {kind: price for kind, names in _PRICE_NAMES.items() if (price := _price(plain, names, unit)) is not None}
    told = next((price.tokens for price in found.values() if price.tokens is not None), None)
    guessed = price_text.tokens_by_magnitude(max((price.number for price in found.values()), default=Decimal(0)))
    units = {kind: price_text.pico(price.number, price.tokens or told or guessed) for kind, price in found.items()}
    return Prices(**units, currency=_currency(plain, fields, found.values()))


class _Price(NamedTuple):
    """A price as found: `tokens` is what the number is for, when name, unit or text tell; `said` the text beside it."""

    number: Decimal
    tokens: int | None
    said: str


def _price(plain: dict[str, Any], names: tuple[str, ...], unit: int | None) -> _Price | None:
    """The price under the first of `names` that holds one."""
    for name in names:
        number = price_text.amount(plain.get(name)) if name in plain else None
        if number is not None:
            said = price_text.without_number(text(plain[name]))
            tokens = price_text.tokens_per_unit(name) or unit or price_text.tokens_per_unit(said)
            return _Price(number, tokens, said)
    return None


def _snake(name: str) -> str:
    """`inputPricePer1M` as `input_price_per_1m`."""
    return _HUMP.sub("_", name).lower() if name != name.lower() else name


def _currency(plain: dict[str, Any], fields: dict[str, Any], prices: Iterable[_Price]) -> str:
    """The currency by its code, else by a sign beside a price, else USD (what every list without one means)."""
    for value in (plain.get("currency"), fields.get("currency"), fields.get("price_currency")):
        code = text(value).strip().upper()
        if len(code) == 3 and code.isascii() and code.isalpha():
            return {"RMB": "CNY"}.get(code, code)
        if code and (sign := price_text.currency_in(code)):
            return sign
    signs = (price_text.currency_in(price.said) for price in prices)
    return next((sign for sign in signs if sign is not None), "USD")


def _prices_of_ratios(fields: dict[str, Any], answer: dict[str, Any]) -> Prices:
    """new-api `/api/pricing`: USD per 1M in = model_ratio × 2 × group ratio, out = in × completion_ratio.

    A model that is charged per call (`quota_type` 1) has no price per token.
    """
    ratio = price_text.amount(fields.get("model_ratio"))
    if ratio is None or fields.get("quota_type") == 1:
        return Prices()
    group = price_text.amount(table(answer.get("group_ratio")).get("default"))
    base = ratio * 2 * (Decimal(1) if group is None else group)
    output, read = price_text.amount(fields.get("completion_ratio")), price_text.amount(fields.get("cache_ratio"))
    return Prices(
        input=price_text.pico(base, 10**6),
        output=None if output is None else price_text.pico(base * output, 10**6),
        cache_read=None if read is None else price_text.pico(base * read, 10**6),
    )
