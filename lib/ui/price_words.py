"""What the prices page calls things: where a price comes from, what a list's line is wrong with, units."""

from __future__ import annotations

from lib.cards import ModelCard, Prices, PriceSource
from lib.local_time import local, zone_of
from lib.markdown import plain
from lib.money import price_per_m
from lib.price_book.reading import Trouble
from lib.price_book.units import Suspect, Unit

UNPRICED = "no price"
PRICE_NAMES = {
    "input": "Input",
    "output": "Output",
    "cache_read": "Cached input",
    "cache_write_5m": "Written to cache",
    "cache_write_1h": "Written for an hour",
}
_SOURCES: dict[PriceSource, str] = {
    "entered": "you entered",
    "gateway": "the gateway's list",
    "demo": "the demo's list",
    "rule": "your rule",
    "reported": "reported by the gateway",
    "vendor": "vendor list",
}
_UNITS: dict[tuple[int, bool], str] = {
    (10**6, False): "per 1M tokens",
    (10**3, False): "per 1K tokens",
    (1, False): "per token",
    (10**6, True): "cents per 1M tokens",
    (10**3, True): "cents per 1K tokens",
    (1, True): "cents per token",
}
UNITS = tuple(_UNITS)
_TROUBLES = {
    "no_model": "names no model",
    "no_price": "names no price",
    "no_number": "is not a number",
    "ambiguous": "may be a thousand or a fraction: write it without a comma",
    "negative": "is below zero",
    "too_large": "is more than one unit of currency per token",
    "twice": "is named further up with another price",
    "units_differ": "mixes units or currencies",
    "not_toml": "is not valid TOML",
    "no_columns": "has no column for a model and a price",
}


def source_words(source: PriceSource | None) -> str:
    """Where a price comes from."""
    return UNPRICED if source is None else _SOURCES[source]


def unit_words(tokens: int, cents: bool) -> str:
    """What a number in a list is for."""
    return _UNITS.get((tokens, cents), f"per {tokens:,} tokens")


def day_words(ms: int, zone: str) -> str:
    """ "3 May 2026" in the zone."""
    at = local(ms, zone_of(zone))
    return f"{at.day} {at:%b %Y}"


def prices_words(prices: Prices) -> str:
    """ "input $3.00, output $15.00", everything that is named; "no price" without any."""
    named = [
        f"{name.lower()} {price_per_m(pico, prices.currency)}"
        for field, name in PRICE_NAMES.items()
        if (pico := getattr(prices, field)) is not None
    ]
    return ", ".join(named) or UNPRICED


def suspect_words(one: Suspect, currency: str) -> str:
    """Why a price is held up: what was given, what was to be expected, and the mistake it looks like."""
    given, expected = price_per_m(one.given, currency), price_per_m(one.expected, currency)
    against = "the vendor lists" if one.against == "vendor" else "it has been"
    name = PRICE_NAMES[one.field].lower()
    if not one.given:
        return f"{name} would be free, {against} {expected} per 1M tokens"
    times = _times(one)
    return f"{name} {given} per 1M tokens is {times} what {against} ({expected}){_mistake(one)}"


def _times(one: Suspect) -> str:
    less, more = sorted((one.given, one.expected))
    if not less:
        return "far more than"
    factor = more // less
    return f"{factor:,} times" if one.higher else f"a {factor:,}th of"


def _mistake(one: Suspect) -> str:
    if one.factor is None:
        return ""
    return f". That looks like another unit: {one.factor:,} times too {'much' if one.higher else 'little'}"


def trouble_words(one: Trouble) -> str:
    """ "Line 3: “abc” is not a number"."""
    detail = f"“{plain(one.detail, 60)}” " if one.detail else ""
    return f"Line {one.line}: {detail}{_TROUBLES[one.code]}"


def basis_words(unit: Unit) -> str:
    """How the unit of a list is known."""
    words = unit_words(unit.tokens, unit.cents)
    if unit.contradicts and unit.fits:
        return f"The list says {words}, but its numbers fit {unit_words(*unit.fits)}. Choose which is right."
    match unit.basis:
        case "told":
            return f"Read as {words}."
        case "references":
            return f"Read as {words}: {unit.known} known models fit that."
    return f"The list does not say its unit. {words.capitalize()} is a guess: choose which is right."


def model_title(card: ModelCard) -> str:
    """'Claude Sonnet 4.6'; the id of a model that nothing is known of."""
    return card.label or card.base or card.id
