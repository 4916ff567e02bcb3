"""Prices as gateways write them, turned into integers: pico-units of a currency per token. Never through a float.

A price has a number and a unit. The unit is told, in this order, by the field's name (`…_per_1k`), by a `unit` beside
it, by text in the value (`¥2 / 1M tokens`), and else by magnitude: two gateways use the same field names for USD per
token and for USD per million, and no chat model costs 1,000 per million tokens or less than 0.001 per million.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final

PICO: Final = 10**12
_MAX: Final = 2**63 - 1
_PER_TOKEN_BELOW: Final = Decimal("0.001")
_NUMBER: Final = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?|-?\.\d+(?:[eE][+-]?\d+)?")
_PER: Final = (
    (re.compile(r"(?:1m|1_?000_?000|1,000,000|million|mtok|百万|(?:per_?|/\s*)m\b|_m$)", re.IGNORECASE), 10**6),
    (re.compile(r"(?:1k|\b1_?000\b|1,000\b|thousand|ktok|千|(?:per_?|/\s*)k\b)", re.IGNORECASE), 10**3),
    (re.compile(r"万"), 10**4),
    (re.compile(r"(?:per[_ ]?token|/\s*token|^token$|input_token_cost|output_token_cost)", re.IGNORECASE), 1),
)
_CURRENCIES: Final = (
    (re.compile(r"[¥￥元]|cny|rmb|人民币", re.IGNORECASE), "CNY"),
    (re.compile(r"€|(?<![a-z])euros?(?![a-z])|(?<![a-z])eur(?![a-z])", re.IGNORECASE), "EUR"),
    (re.compile(r"\$|usd", re.IGNORECASE), "USD"),
)


def amount(value: Any) -> Decimal | None:
    """The number in a price; None for what is unknown (null, "", negative, not finite)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    text = value if isinstance(value, str) else str(value)
    found = _NUMBER.search(text[:100])
    if found is None:
        return None
    try:
        number = Decimal(found.group().replace(",", ""))
    except InvalidOperation:
        return None
    sane = number.is_finite() and number >= 0 and (number == 0 or -30 < number.adjusted() < 12)
    return number if sane else None


def without_number(text: str) -> str:
    """What a price says beside its number, without blanks: `¥2 / 1M tokens` says `¥/1Mtokens`."""
    return _NUMBER.sub("", text[:100], count=1).replace(" ", "")


def tokens_per_unit(text: str) -> int | None:
    """How many tokens a price is for, as a name or a text says it; None when it does not."""
    return next((tokens for pattern, tokens in _PER if pattern.search(text)), None)


def tokens_by_magnitude(largest: Decimal) -> int:
    """The same told by the size of the largest price of a model."""
    return 1 if 0 < largest < _PER_TOKEN_BELOW else 10**6


def pico(number: Decimal, tokens: int) -> int | None:
    """Pico-units per token of a price for that many tokens; None beyond int64."""
    units = (number * PICO / tokens).to_integral_value(ROUND_HALF_EVEN)
    return int(units) if units <= _MAX else None


def currency_in(text: str) -> str | None:
    """The currency that a code or a sign in `text` means."""
    return next((code for pattern, code in _CURRENCIES if pattern.search(text)), None)
