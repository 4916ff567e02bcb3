"""What a change of prices would do, before it is made: to requests that have no cost, and to a month like this one.

Prices count from the moment they are entered. Requests that are already priced keep their cost; only unpriced ones can
be priced afterwards, as corrections.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from lib.cards import Prices
from lib.pricing import price
from lib.tokens import TokenCount


class Use(Struct, frozen=True):
    """The use of one model in a period. `priced` are the summed tokens of `n` requests that cost `nano` together.

    `unpriced` are the tokens of each request without a cost (None buckets are unknown).
    """

    model: str
    n: int = 0
    priced: TokenCount = TokenCount(0, 0, 0, 0, 0, 0)
    nano: int = 0
    currency: str = "USD"
    unpriced: tuple[TokenCount, ...] = ()


class Effect(Struct, frozen=True):
    """What a change does for one model; nano-units of `currency`, None where it cannot be said.

    `reprices` requests without a cost get one, `repriced_nano` together; `still_unpriced` cannot be priced even so.
    `month_before` is what the priced requests cost, `month_after` what the same tokens cost at the new prices.
    """

    model: str
    before: Prices | None
    after: Prices
    currency: str
    reprices: int
    repriced_nano: int
    still_unpriced: int
    month_before: int
    month_after: int | None

    @property
    def difference(self) -> int | None:
        return None if self.month_after is None else self.month_after - self.month_before


class Preview(Struct, frozen=True):
    """All effects of a change, the largest first, and their sums per currency.

    `repriced_nano` and `differences` are by currency; `unchanged` models get the prices they have.
    """

    effects: tuple[Effect, ...]
    reprices: int
    still_unpriced: int
    repriced_nano: Mapping[str, int]
    differences: Mapping[str, int]
    unchanged: int


def preview(
    change: Mapping[str, Prices],
    uses: Iterable[Use],
    *,
    book: Mapping[str, Prices] | None = None,
    references: Mapping[str, Prices] | None = None,
) -> Preview:
    """The effect of giving the models of `change` new prices, on the uses of one gateway.

    `book` are the prices in force, `references` the vendor's list prices for cached tokens without a price. Prices
    without any value take a price away. A model without use is listed with nothing to reprice.
    """
    present, listed = book or {}, references or {}
    changed = {model: prices for model, prices in change.items() if present.get(model, Prices()) != prices}
    used: dict[str, list[Use]] = {}
    for use in uses:
        used.setdefault(use.model, []).append(use)
    effects = [
        _effect(model, prices, present.get(model), used.get(model, ()), listed.get(model))
        for model, prices in changed.items()
    ]
    effects.sort(key=lambda one: (-abs(one.difference or 0) - one.repriced_nano, -one.reprices, one.model))
    return Preview(
        tuple(effects),
        sum(one.reprices for one in effects),
        sum(one.still_unpriced for one in effects),
        _by_currency((one.currency, one.repriced_nano) for one in effects),
        _by_currency((one.currency, one.difference) for one in effects if one.difference is not None),
        len(change) - len(changed),
    )


def _effect(model: str, after: Prices, before: Prices | None, uses: Sequence[Use], reference: Prices | None) -> Effect:
    costs = [_nano(count, after, reference) for use in uses for count in use.unpriced]
    known = [nano for nano in costs if nano is not None]
    same = [use for use in uses if use.currency == after.currency and use.n]
    then = [_nano(use.priced, after, reference) for use in same]
    month = [nano for nano in then if nano is not None]
    return Effect(
        model,
        before,
        after,
        after.currency,
        reprices=len(known),
        repriced_nano=sum(known),
        still_unpriced=len(costs) - len(known),
        month_before=sum(use.nano for use in same),
        month_after=sum(month) if len(month) == len(then) and after.known else None,
    )


def _nano(count: TokenCount, prices: Prices, reference: Prices | None) -> int | None:
    return price(count, prices, source="entered", reference=reference).nano if prices.known else None


def _by_currency(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for currency, nano in amounts:
        sums[currency] = sums.get(currency, 0) + nano
    return sums
