"""Money as whole numbers: how it is computed, rounded, read from text and shown.

Three scales, each an integer: a price is pico-units of its currency per token (the same number as micro-units per
1M tokens: $3 per 1M = 3,000,000); tokens × price is therefore exactly pico-units; what is kept is nano-units
(1 = $0.000000001), rounded half to even once per request. `Decimal` appears only where text comes in or goes out.
None is unknown and is never treated as zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Literal

from lib.errors import SettingsError

PriceUnit = Literal["per token", "per 1K", "per 1M"]

UNKNOWN = "—"
MAX_NANO = 2**53 - 1
"""About 9 million units. No request costs more: a larger figure is a broken report, and int64 sums stay safe."""
MAX_PRICE = 10**12
"""One unit of currency per token, in pico-units; anything above is a mistake of unit."""

_PICO_PER_UNIT: dict[PriceUnit, int] = {"per token": 10**12, "per 1K": 10**9, "per 1M": 10**6}
_SYMBOLS = {"USD": "$", "CNY": "¥", "EUR": "€", "GBP": "£", "JPY": "JP¥", "KRW": "₩", "INR": "₹"}
_TENTH = Decimal("0.1")
_EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)


def nano_from_pico(pico: int) -> int:
    """Pico-units rounded half to even to nano-units; the only rounding money goes through."""
    whole, rest = divmod(pico, 1000)
    return whole + (rest > 500 or (rest == 500 and whole % 2 == 1))


def cost_nano(tokens: int, pico: int) -> int:
    """What `tokens` cost at `pico` per token, in nano-units, for a request that has only this one component."""
    return nano_from_pico(tokens * pico)


def nano_parts(picos: Sequence[int]) -> tuple[int, ...]:
    """Each of `picos` (not negative) in nano-units, such that the parts add up to the rounded sum exactly."""
    return _topped_up([pico // 1000 for pico in picos], [pico % 1000 for pico in picos], nano_from_pico(sum(picos)))


def apportion(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """`total` split in proportion to `weights` by largest remainder: whole numbers that add up to `total`.

    Each share is less than 1 away from the exact one; equal remainders favour the earlier. Without any weight
    everything is 0.
    """
    whole = sum(weights)
    if whole == 0:
        return tuple(0 for _ in weights)
    return _topped_up(
        [total * weight // whole for weight in weights], [total * weight % whole for weight in weights], total
    )


def _topped_up(shares: list[int], rests: list[int], total: int) -> tuple[int, ...]:
    """`shares` with what is missing to `total` given out, one each, to those with the largest rest."""
    for index in sorted(range(len(rests)), key=lambda at: -rests[at])[: total - sum(shares)]:
        shares[index] += 1
    return tuple(shares)


def percentages(parts: Sequence[int]) -> tuple[str, ...]:
    """`parts` as texts such as "98.4 %" whose figures add up to 100; a small part is "<0.1 %", never "0 %".

    By largest remainder. A part that is nearly all is ">99.9 %", so that "100 %" means all of it.
    """
    tenths = apportion(1000, parts)
    return tuple(_percent(share, part, part == sum(parts)) for share, part in zip(tenths, parts, strict=True))


def money(nano: int | None, currency: str = "USD") -> str:
    """An amount for people: "$0.0021", "$1.27", "$1,204.10"; "$0" only for a true zero, "—" for unknown.

    Four decimals below a tenth of a unit, two from there on; a small amount that is not zero is "<$0.0001". The text
    holds a dollar sign: escape it where Markdown is rendered.
    """
    if nano is None:
        return UNKNOWN
    sign, size, symbol = "-" if nano < 0 else "", abs(nano), currency_symbol(currency)
    if size == 0:
        return f"{symbol}0"
    if size < 100_000:
        return f"{sign}<{symbol}0.0001"
    amount = Decimal(size).scaleb(-9)
    fine = _rounded(amount, 4)
    return f"{sign}{symbol}{fine if fine < _TENTH else _rounded(amount, 2):,}"


def money_exact(nano: int | None) -> str:
    """An amount as a plain decimal without symbol, for exports: 1,270,000,000 → "1.27"; unknown is empty."""
    return "" if nano is None else _plain(Decimal(nano).scaleb(-9))


def price_per_m(pico: int | None, currency: str = "USD") -> str:
    """A price per 1M tokens, exact: "$3.00", "$0.0375"; "—" for unknown, "$0" for free."""
    if pico is None:
        return UNKNOWN
    if pico == 0:
        return f"{currency_symbol(currency)}0"
    whole, _, digits = _plain(Decimal(pico).scaleb(-6)).partition(".")
    return f"{currency_symbol(currency)}{int(whole):,}.{digits:0<2}"


def price_from_text(text: str, unit: PriceUnit = "per 1M", *, field: str = "price") -> int | None:
    """A price a person typed ("3", "$0.15") as pico-units per token; empty text is None (unknown).

    Raises `SettingsError` naming `field` for anything that is not one exact price of at least zero: another sign or
    a comma (which means thousands to some and decimals to others), more digits than can be kept, or an amount that
    can only be a mistake of unit.
    """
    cleaned = text.strip().lstrip("$¥￥€£").strip()
    if not cleaned:
        return None
    amount = _decimal(cleaned)
    if amount is None or amount.is_signed():
        raise SettingsError(field, "a price is a number such as 3 or 0.15, with a point for decimals")
    pico = _EXACT.multiply(amount, Decimal(_PICO_PER_UNIT[unit]))
    if pico > MAX_PRICE:
        raise SettingsError(field, f"{cleaned} {unit} tokens is too much to be a price; check the unit")
    if pico != int(pico):
        raise SettingsError(field, f"{cleaned} {unit} tokens has more digits than can be kept")
    return int(pico)


def nano_from_text(text: str | None) -> int | None:
    """A reported charge ("0.00012", "1.2e-4") in nano-units, rounded half to even.

    None for anything that is no amount: gateways send words, negative figures and infinities here.
    """
    amount = None if text is None else _decimal(text.strip())
    if amount is None or (amount.is_signed() and amount != 0):
        return None
    nano = int(amount.scaleb(9, _EXACT).to_integral_value(ROUND_HALF_EVEN))
    return nano if nano <= MAX_NANO else None


def _decimal(text: str) -> Decimal | None:
    """A finite number of sane size; the bounds keep "1e999999999" from filling the memory."""
    if len(text) > 40 or "_" in text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    if not amount.is_finite() or (amount != 0 and not -30 <= amount.adjusted() <= 15):
        return None
    return amount if amount != 0 else Decimal(0)


def _rounded(amount: Decimal, digits: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN, _EXACT)


def _plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def currency_symbol(currency: str) -> str:
    """The sign of a currency; its code where there is none; "¤" for what is no currency code at all."""
    known = _SYMBOLS.get(currency)
    return known or (f"{currency} " if re.fullmatch("[A-Z]{3,5}", currency) else "¤")


def _percent(tenths: int, part: int, everything: bool) -> str:
    if tenths == 0 and part:
        return "<0.1 %"
    if tenths == 1000 and not everything:
        return ">99.9 %"
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10} %"
