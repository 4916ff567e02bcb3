"""Multipliers: "Budget = 0.3 × vendor list", an explicit rule for models that a gateway names no price for.

A rule is written down by a person, carries its words, and what it makes is a price of source "rule" with those words
as its note. It never overrules a price that was entered or that the gateway names for exactly the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Literal

from msgspec import Struct, convert

from lib.cards import ModelCard, Prices
from lib.errors import SettingsError
from lib.money import MAX_PRICE
from lib.price_book.columns import PRICE_FIELDS

Base = Literal["vendor", "standard"]
"""vendor: the vendor's list price of the base model · standard: the gateway's own price of its standard variant."""

MOST_TIMES = 100
_DIGITS = 6


class Multiplier(Struct, frozen=True):
    """Models of `variant` at a gateway cost `times` (a decimal text such as "0.3") what `base` costs.

    `only_base` limits it to one base model; "" is all. `label` is the variant's name on the screen.
    """

    gateway_id: int
    variant: str
    times: str
    base: Base = "vendor"
    only_base: str = ""
    label: str = ""

    @property
    def words(self) -> str:
        """ "Budget = 0.3 × vendor list"."""
        of = "vendor list" if self.base == "vendor" else "standard price here"
        which = f"{self.only_base} {self.label or self.variant}".strip()
        return f"{which} = {self.times} × {of}"


class Ruled(Struct, frozen=True):
    """The price that a rule makes for one model; `note` are the rule's words."""

    model: str
    prices: Prices
    rule: Multiplier

    @property
    def note(self) -> str:
        return self.rule.words


def multiplier(
    gateway_id: int, variant: str, times: str, base: Base = "vendor", only_base: str = "", label: str = ""
) -> Multiplier:
    """A rule as a person typed it. Raises SettingsError('times') for anything but a number above 0, up to 100."""
    try:
        amount = Decimal(times.strip().removesuffix("×").removesuffix("x").strip())
    except InvalidOperation as error:
        raise SettingsError("times", "a multiplier is a number such as 0.3") from error
    exponent = amount.as_tuple().exponent
    if not amount.is_finite() or not 0 < amount <= MOST_TIMES or not isinstance(exponent, int) or exponent < -_DIGITS:
        raise SettingsError("times", "a multiplier is a number above 0, up to 100, with at most 6 decimals")
    return Multiplier(gateway_id, variant, f"{amount.normalize():f}", base, only_base, label)


def multiplied(prices: Prices, times: str) -> Prices:
    """Every known price times so much, rounded to a whole pico-unit, half to even; what is unknown stays unknown."""
    factor = Fraction(Decimal(times))
    picos = {
        field: min(MAX_PRICE, round(pico * factor))
        for field in PRICE_FIELDS
        if (pico := getattr(prices, field)) is not None
    }
    return convert({**picos, "currency": prices.currency}, Prices)


def ruled(
    rules: Iterable[Multiplier], cards: Iterable[ModelCard], vendor: Mapping[str, Prices] | None = None
) -> tuple[Ruled, ...]:
    """The prices that rules make for the models of one gateway that have no price of their own.

    `vendor` are list prices by base model, where they are better known than on the card. The most particular rule
    counts (one for this base before one for all), of equal ones the last.
    """
    models, given = list(cards), list(rules)
    standard = {card.base: card.prices for card in models if card.variant == "standard" and _has_own(card)}
    found = []
    for card in models:
        rule = None if _has_own(card) else _rule_for(card, given)
        if rule is None:
            continue
        listed = (vendor or {}).get(card.base, card.vendor_prices)
        of = listed if rule.base == "vendor" else standard.get(card.base, Prices())
        if of.known:
            found.append(Ruled(card.id, multiplied(of, rule.times), rule))
    return tuple(found)


def _has_own(card: ModelCard) -> bool:
    return card.prices.known and card.price_source not in (None, "rule", "vendor")


def _rule_for(card: ModelCard, rules: Iterable[Multiplier]) -> Multiplier | None:
    fitting = [rule for rule in rules if rule.variant == card.variant and rule.only_base in ("", card.base)]
    return max(enumerate(fitting), key=lambda at: (bool(at[1].only_base), at[0]))[1] if fitting else None
