"""The unit guard: what a list's numbers are for, and which prices can only be a mistake of unit.

Lists give prices per token, per thousand or per million tokens, in units of a currency or in cents, and do not always
say so. Mistakes are by factors of 100 to 1,000,000; a gateway's own mark-up or discount never is. So numbers are held
against what is known of the same models: the vendor's list prices of their base models, and the present price book.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import Literal

from msgspec import Struct

from lib.cards import Prices
from lib.price_book.columns import PRICE_FIELDS
from lib.price_book.reading import Listed

FEWEST_KNOWN = 5
LEAST, MOST = Fraction(1, 60), Fraction(20)
"""A price outside this range of its reference, or at the lower end of it, is blocked until somebody confirms it.

Its ends leave room: a price that is a hundred times too low may also have gone up by half."""

Basis = Literal["told", "references", "size", "unknown"]
"""Where the unit comes from: the list says it · at least five known models fit it · only the size of the numbers."""
Against = Literal["vendor", "book"]

_UNITS: tuple[tuple[int, bool], ...] = ((10**6, False), (10**3, False), (1, False), (10**6, True))
"""In the order in which they are preferred. Cents per thousand or per token must be told, never guessed."""
_PER_TOKEN_BELOW = Decimal("0.001")


class Unit(Struct, frozen=True):
    """What the numbers of a list are for: `tokens` tokens each, in cents of the currency if `cents`.

    `known` models could be compared, `ratio` is the median of their prices to the references in this unit.
    `contradicts`: the list says one unit, but its numbers fit another, `fits`.
    """

    tokens: int
    cents: bool
    basis: Basis
    known: int = 0
    ratio: Fraction | None = None
    contradicts: bool = False
    fits: tuple[int, bool] | None = None


class Suspect(Struct, frozen=True):
    """A price that is blocked: `given` where about `expected` pico-units per token of a field were to be expected.

    `factor` is the mistake it looks like (100, 1,000, 1,000,000), None when it looks like none; `higher` tells which
    way. `expected` is 0 when the reference is free, and `given` when the new price is.
    """

    model: str
    field: str
    against: Against
    given: int
    expected: int
    factor: int | None
    higher: bool


def unit_of(rows: Iterable[Listed], references: Mapping[str, Prices], currency: str = "USD") -> Unit:
    """The unit of the numbers in a list.

    `references` are prices by model id: the vendor's list prices of base models, the present book for the rest;
    `currency` is that of rows which name none. What
    the list says counts, and is checked against them; when it says nothing, five known models tell it; with fewer it
    is guessed from the size of the numbers and `basis` says so: then let a person confirm it.
    """
    listed = list(rows)
    ratios = [ratio for row in listed if (ratio := _ratio(row, references.get(row.model), currency)) is not None]
    typical = Fraction(median(ratios)) if ratios else None
    fits = _nearest(typical) if typical is not None and len(ratios) >= FEWEST_KNOWN else None
    told = _told(listed)
    if told is not None:
        found = None if typical is None else typical * _scale(*told)
        wrong = fits is not None and fits != told and found is not None and not LEAST < found <= MOST
        return Unit(*told, "told", len(ratios), found, wrong, fits)
    if fits is not None and typical is not None:
        return Unit(*fits, "references", len(ratios), typical * _scale(*fits), fits=fits)
    numbers = [number for row in listed for number in row.numbers.values()]
    tokens = 1 if 0 < max(numbers, default=Decimal(0)) < _PER_TOKEN_BELOW else 10**6
    found = None if typical is None else typical * _scale(tokens, False)
    return Unit(tokens, False, "size" if numbers else "unknown", len(ratios), found)


def suspects(
    new: Mapping[str, Prices], vendor: Mapping[str, Prices], book: Mapping[str, Prices] | None = None
) -> tuple[Suspect, ...]:
    """The prices of `new` (by model id) that must be confirmed, the model's worst field each, by model.

    `vendor` are list prices of the same models' base models, `book` the present prices of exactly these models, which
    are the better comparison. Prices in different currencies are not compared. A price that becomes free, or a free
    one that gets a price, must be confirmed too.
    """
    found = []
    for model, prices in sorted(new.items()):
        known = (book or {}).get(model)
        in_book = known is not None and known.known and known.currency == prices.currency
        against: Against = "book" if in_book else "vendor"
        compared = known if in_book else vendor.get(model)
        worst = None if compared is None else _worst(model, prices, compared, against)
        if worst is not None:
            found.append(worst)
    return tuple(found)


def _worst(model: str, prices: Prices, known: Prices, against: Against) -> Suspect | None:
    if prices.currency != known.currency:
        return None
    found = []
    for field in PRICE_FIELDS:
        given, expected = getattr(prices, field), getattr(known, field)
        if given is not None and expected is not None and _is_far(given, expected):
            higher = given > expected
            found.append(Suspect(model, field, against, given, expected, _factor(given, expected), higher))
    return max(found, key=_distance, default=None)


def _is_far(given: int, expected: int) -> bool:
    if not given or not expected:
        return given != expected
    return not LEAST < Fraction(given, expected) <= MOST


def _distance(suspect: Suspect) -> Fraction:
    """How many times apart; what is free on one side is furthest."""
    less, more = sorted((suspect.given, suspect.expected))
    return Fraction(more, less) if less else Fraction(10**30)


def _factor(given: int, expected: int) -> int | None:
    """The usual mistake that explains the distance, within a factor of five (its own mark-up or discount)."""
    less, more = sorted((given, expected))
    if not less:
        return None
    near = (factor for factor in (100, 1_000, 10**6) if Fraction(1, 5) <= Fraction(more, less * factor) <= 5)
    return min(near, key=lambda factor: abs(more - less * factor) * 10**12 // (less * factor), default=None)


def _ratio(row: Listed, known: Prices | None, currency: str) -> Fraction | None:
    """The row's numbers, as if per million, to the reference: by its input price, else its output price."""
    if known is None or (row.currency or currency) != known.currency:
        return None
    for field in ("input", "output"):
        number, expected = getattr(row, field), getattr(known, field)
        if number and expected:
            return Fraction(number) * Fraction(10**6, expected)
    return None


def _scale(tokens: int, cents: bool) -> Fraction:
    """By what a number in a unit is multiplied to be per million tokens in whole units of currency."""
    return Fraction(10**6, tokens) / (100 if cents else 1)


def _nearest(ratio: Fraction) -> tuple[int, bool] | None:
    """The unit in which the ratio is nearest to one; None when it is believable in none."""
    scaled = [(unit, ratio * _scale(*unit)) for unit in _UNITS]
    believable = [(max(value, 1 / value), unit) for unit, value in scaled if value and LEAST < value <= MOST]
    return min(believable, key=lambda found: found[0])[1] if believable else None


def _told(rows: Iterable[Listed]) -> tuple[int, bool] | None:
    """The unit that the rows say, when they agree; rows that say none follow the others."""
    units = {(row.tokens, row.cents) for row in rows if row.tokens is not None}
    if len(units) != 1:
        return None
    tokens, cents = units.pop()
    return None if tokens is None else (tokens, cents)
