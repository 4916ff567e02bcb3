"""This period on other variants: the same tokens of the same base model at the prices of each of its variants.

Only priced requests are compared, and the same number of tokens is assumed: that holds for one model behind different
pools, not between models. The prices here are linear in tokens, so a sum of tokens may be priced as a whole. A variant
without a price has no figure, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from lib.cards import ModelCard
from lib.insight.slices import Slice, added, merged
from lib.money import apportion
from lib.pricing import price

Missing = Literal["unpriced", "currency", "nothing"]
"""Why there is no figure: no price for these tokens · a price in another currency · no priced request to compare."""


class Option(Struct, frozen=True):
    """The compared requests on one variant, in nano-units; `saving` is negative when it would have cost more.

    `current_share` says how much of them already ran there: 1000 is all. `cache_assumed`: the gateway names no price
    for the cached tokens among them.
    """

    model: str
    variant: str
    label: str
    nano: int | None = None
    saving: int | None = None
    missing: Missing | None = None
    cache_assumed: bool = False
    current_share: int = 0


class WhatIf(Struct, frozen=True):
    """One base model at one gateway. `now_nano` is what its `compared` requests cost.

    `left_out` requests have no cost, or one for tokens that nobody counted, and are in no figure; `estimated` of the
    compared ones have estimated tokens and make up `estimated_nano` of the cost.
    """

    gateway_id: int
    base: str
    family: str
    currency: str
    compared: int
    now_nano: int
    left_out: int
    estimated: int
    estimated_nano: int
    options: tuple[Option, ...]


class Whole(Struct, frozen=True):
    """Everything moved to one variant, where it exists and has a price; the rest stays as it is.

    `moved` of `bases` models could be moved; `nano` is the cost of all of them then, `saving` against now.
    """

    variant: str
    label: str
    nano: int
    saving: int
    moved: int
    bases: int
    cache_assumed: bool


def what_if(
    slices: Iterable[Slice], cards: Mapping[int, Sequence[ModelCard]], currency: str = "USD"
) -> tuple[WhatIf, ...]:
    """Per gateway and base the period on each variant, the costliest base first.

    `cards` are the models of each gateway with today's prices there. Slices of other currencies are left out. So are
    requests without a cost, slices that mix them with priced ones, and those that hold a charge for tokens nobody
    counted, which would seem to be free elsewhere (all of them counted in `left_out`).
    """
    grouped: dict[tuple[int, str], list[Slice]] = {}
    for piece in slices:
        if piece.currency == currency and piece.n:
            grouped.setdefault((piece.gateway_id, piece.base or piece.model), []).append(piece)
    found = [_of_base(key, pieces, cards.get(key[0], ()), currency) for key, pieces in grouped.items()]
    return tuple(sorted(found, key=lambda base: (-base.now_nano, base.base, base.gateway_id)))


def whole(found: Sequence[WhatIf]) -> tuple[Whole, ...]:
    """What all bases together would have cost on each variant that any of them has, the largest saving first."""
    now = sum(base.now_nano for base in found)
    labels = {option.variant: option.label for base in found for option in base.options}
    sums = []
    for variant, label in labels.items():
        moved = [option for base in found for option in base.options if option.variant == variant]
        known = [option for option in moved if option.saving is not None]
        if known:
            saving = sum(option.saving or 0 for option in known)
            assumed = any(option.cache_assumed for option in known)
            sums.append(Whole(variant, label, now - saving, saving, len(known), len(found), assumed))
    return tuple(sorted(sums, key=lambda one: (-one.saving, one.variant)))


def _of_base(key: tuple[int, str], pieces: Sequence[Slice], cards: Sequence[ModelCard], currency: str) -> WhatIf:
    gateway_id, base = key
    compared = [piece for piece in pieces if piece.comparable]
    total = _sum(compared) or Slice(gateway_id, base, base, pieces[0].family, currency=currency)
    ran = {piece.model: piece.n for piece in merged(compared).values()}
    others = sorted((card for card in cards if card.base == base), key=_standard_first)
    shares = dict(zip(ran, apportion(1000, list(ran.values())), strict=True))
    options = tuple(_option(card, total, shares.get(card.id, 0)) for card in others)
    return WhatIf(
        gateway_id,
        base,
        pieces[0].family,
        currency,
        compared=total.n,
        now_nano=total.cost_nano,
        left_out=sum(piece.n for piece in pieces if not piece.comparable),
        estimated=total.n_estimated,
        estimated_nano=total.est_cost_nano,
        options=options,
    )


def _standard_first(card: ModelCard) -> tuple[bool, str]:
    return card.variant != "standard", card.id


def _option(card: ModelCard, total: Slice, share: int) -> Option:
    there = price(total.count, card.prices, source=card.price_source, reference=card.vendor_prices)
    missing: Missing | None = None
    if not total.n:
        missing = "nothing"
    elif there.nano is None:
        missing = "unpriced"
    elif there.currency != total.currency:
        missing = "currency"
    if missing or there.nano is None:
        return Option(card.id, card.variant, card.variant_label, missing=missing, current_share=share)
    return Option(
        card.id,
        card.variant,
        card.variant_label,
        nano=there.nano,
        saving=total.cost_nano - there.nano,
        cache_assumed=there.cache_price_assumed,
        current_share=share,
    )


def _sum(pieces: Sequence[Slice]) -> Slice | None:
    total: Slice | None = None
    for piece in pieces:
        total = piece if total is None else added(total, piece)
    return total
