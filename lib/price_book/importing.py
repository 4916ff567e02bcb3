"""A price list on its way into the book: read, given a unit, held against what is known, and only then taken.

read_prices → plan → (a person confirms the unit and the suspects) → plan again → its `prices` are entered
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from lib.cards import Prices
from lib.errors import BadInput
from lib.price_book.reading import Listed, PriceList, Trouble, prices_of
from lib.price_book.units import Suspect, Unit, suspects, unit_of


class Plan(Struct, frozen=True):
    """What a list would enter. `prices` may be taken as they are; `blocked` wait for a confirmation, by model id.

    `suspects` says what is wrong with the blocked ones. With `unit_to_confirm` the unit itself is a guess, or the
    list says one that does not fit its numbers: then everything is blocked.
    """

    prices: Mapping[str, Prices]
    blocked: Mapping[str, Prices]
    unit: Unit
    suspects: tuple[Suspect, ...]
    troubles: tuple[Trouble, ...]
    unit_to_confirm: bool


def plan(
    listed: PriceList,
    vendor: Mapping[str, Prices],
    book: Mapping[str, Prices] | None = None,
    *,
    unit: tuple[int, bool] | None = None,
    currency: str = "USD",
    confirmed: Collection[str] = (),
) -> Plan:
    """What entering `listed` comes to.

    `vendor` are list prices by model id (a variant's are those of its base), `book` the present prices. `unit` is the
    one a person chose (tokens, cents), which settles it for rows that tell none or the wrong one; `confirmed` are
    model ids whose price a person has looked at. `currency` is that of rows which name none.
    """
    found = unit_of(listed.rows, {**vendor, **(book or {})}, currency)
    if unit is not None:
        found = Unit(*unit, "told", found.known)
    prices: dict[str, Prices] = {}
    troubles = list(listed.troubles)
    for row in listed.rows:
        try:
            prices[row.model] = prices_of(row, *_unit(row, found, chosen=unit is not None), currency=currency)
        except BadInput:
            troubles.append(Trouble(row.line, "too_large", row.model))
    wrong = tuple(one for one in suspects(prices, vendor, book) if one.model not in confirmed)
    unsure = bool(prices) and (found.contradicts or found.basis in ("size", "unknown"))
    waiting = set(prices) if unsure else {one.model for one in wrong}
    return Plan(
        {model: known for model, known in prices.items() if model not in waiting},
        {model: known for model, known in prices.items() if model in waiting},
        found,
        wrong,
        tuple(sorted(troubles, key=lambda one: one.line)),
        unsure,
    )


def _unit(row: Listed, found: Unit, *, chosen: bool) -> tuple[int, bool]:
    """The row's own unit where it tells one, unless a person chose."""
    if row.tokens is None or chosen:
        return found.tokens, found.cents or (row.cents and not chosen)
    return row.tokens, row.cents
