"""Why the spending of two periods differs, in steps that add up exactly.

Sequential substitution: starting from the earlier period, one thing after the other takes its value of the later one:
the number of requests (volume), their spread over models and variants (mix), tokens per request (tokens), the share
of the input that a cache served (cache), prices (price), and what only the gateway's own figures say (other). Each
level is computed exactly, model by model, and rounded to a whole nano-unit; a step is the difference of two levels.
So the steps of every model add up to its change, and those of all models to the whole change, to the nano-unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Literal, get_args

from msgspec import Struct

from lib.insight.slices import Slice, merged

StepName = Literal["volume", "mix", "tokens", "cache", "price", "other", "unpriced"]
"""unpriced: models with requests that have no cost; what their known costs changed by cannot be explained."""
STEPS: tuple[StepName, ...] = get_args(StepName)
Presence = Literal["both", "new", "gone"]


class Step(Struct, frozen=True):
    """One bar of the waterfall, in nano-units."""

    name: StepName
    nano: int


class ModelChange(Struct, frozen=True):
    """The change of one model at one gateway; `steps` add up to `after - before`."""

    gateway_id: int
    model: str
    base: str
    family: str
    variant: str
    before: int
    after: int
    presence: Presence
    steps: tuple[Step, ...]


class Waterfall(Struct, frozen=True):
    """`before` plus all `steps` is `after`. `n_unpriced` requests of both periods have no cost and are in neither."""

    currency: str
    before: int
    after: int
    steps: tuple[Step, ...]
    models: tuple[ModelChange, ...]
    n_unpriced: int = 0


class _Pair(Struct, frozen=True):
    """The same model in both periods; `explained` without any request that has no cost."""

    before: Slice
    after: Slice
    explained: bool


def waterfall(before: Iterable[Slice], after: Iterable[Slice], currency: str = "USD") -> Waterfall:
    """The change from one period to another. Slices of other currencies are left out.

    A model that is new or gone is part of the mix, and of the volume when a whole period holds nothing. Tokens of a
    kind that the earlier period never paid for (the first cached ones) are valued at the later price, so that using a
    cache for the first time is the cache's doing. Slices of unpriced requests are only counted.
    """
    pairs, n_unpriced = _pairs(before, after, currency)
    known = [pair for pair in pairs if pair.explained]
    n_before, n_after = sum(pair.before.n for pair in known), sum(pair.after.n for pair in known)
    models = tuple(_change(pair, n_before, n_after) for pair in pairs)
    return Waterfall(
        currency,
        sum(model.before for model in models),
        sum(model.after for model in models),
        tuple(Step(name, sum(model.steps[at].nano for model in models)) for at, name in enumerate(STEPS)),
        tuple(sorted(models, key=lambda model: (-abs(model.after - model.before), model.model, model.gateway_id))),
        n_unpriced,
    )


def _pairs(before: Iterable[Slice], after: Iterable[Slice], currency: str) -> tuple[list[_Pair], int]:
    first, second = ([piece for piece in side if piece.currency == currency] for side in (before, after))
    n_unpriced = sum(piece.n_unpriced for piece in (*first, *second))
    old, new = (merged(piece for piece in side if piece.n > piece.n_unpriced) for side in (first, second))
    pairs = []
    for key in dict.fromkeys((*old, *new)):
        one, two = old.get(key), new.get(key)
        known = one or two
        if known is not None:
            empty = Slice(known.gateway_id, known.model, known.base, known.family, known.variant, currency)
            earlier, later = one or empty, two or empty
            pairs.append(_Pair(earlier, later, not earlier.n_unpriced and not later.n_unpriced))
    return pairs, n_unpriced


def _change(pair: _Pair, n_before: int, n_after: int) -> ModelChange:
    one, two = pair.before, pair.after
    levels = _levels(one, two, n_before, n_after) if pair.explained else [one.cost_nano] * len(STEPS)
    whole = [*map(round, levels[: len(STEPS)]), two.cost_nano]
    steps = tuple(Step(name, whole[at + 1] - whole[at]) for at, name in enumerate(STEPS))
    presence: Presence = "both" if one.n and two.n else "new" if two.n else "gone"
    named = two if two.n else one
    return ModelChange(
        one.gateway_id,
        one.model,
        named.base,
        named.family,
        named.variant,
        one.cost_nano,
        two.cost_nano,
        presence,
        steps,
    )


def _levels(one: Slice, two: Slice, n_before: int, n_after: int) -> list[Fraction | int]:
    """The cost of a model after each step, the known start first; the last is the later cost itself."""
    if not one.n:
        # New: with nothing at all before, more requests is all there is to say.
        begin = 0 if n_before else two.cost_nano
        return [0, begin, *[two.cost_nano] * (len(STEPS) - 1)]
    volume = Fraction(one.cost_nano * n_after, n_before)
    if not two.n:
        return [one.cost_nano, volume, *[0] * (len(STEPS) - 1)]
    share = Fraction(two.n, one.n)
    other = one.other_nano * share
    return [
        one.cost_nano,
        volume,
        one.cost_nano * share,
        _tokens_level(one, two) + other,
        _cache_level(one, two) + other,
        two.cost_nano - two.other_nano + other,
        two.cost_nano,
        two.cost_nano,
    ]


def _tokens_level(one: Slice, two: Slice) -> Fraction:
    """The later amounts of input and output at the earlier price of an input and an output token, cache and all."""
    given = _rate(_input_nano(one), one.tokens_in, _input_nano(two), two.tokens_in)
    answered = _rate(one.output_nano, one.tokens_out, two.output_nano, two.tokens_out)
    return two.tokens_in * given + two.tokens_out * answered


def _cache_level(one: Slice, two: Slice) -> Fraction:
    """The same with the later split of the input into fresh, read and written tokens."""
    fresh = _rate(one.input_nano, one.in_uncached, two.input_nano, two.in_uncached)
    read = _rate(one.cache_read_nano, one.in_cache_read, two.cache_read_nano, two.in_cache_read)
    written = _rate(one.cache_write_nano, one.in_cache_write, two.cache_write_nano, two.in_cache_write)
    answered = _rate(one.output_nano, one.tokens_out, two.output_nano, two.tokens_out)
    return two.in_uncached * fresh + two.in_cache_read * read + two.in_cache_write * written + two.tokens_out * answered


def _input_nano(piece: Slice) -> int:
    return piece.input_nano + piece.cache_read_nano + piece.cache_write_nano


def _rate(nano: int, tokens: int, later_nano: int, later_tokens: int) -> Fraction:
    """Nano-units per token before; where there were none, the later ones."""
    if tokens:
        return Fraction(nano, tokens)
    return Fraction(later_nano, later_tokens) if later_tokens else Fraction(0)


def by_family(found: Waterfall) -> dict[str, tuple[Step, ...]]:
    """The steps of each family, the largest change first; together they are the steps of the whole."""
    sums: dict[str, list[int]] = {}
    for model in found.models:
        totals = sums.setdefault(model.family, [0] * len(STEPS))
        for at, step in enumerate(model.steps):
            totals[at] += step.nano
    ranked = sorted(sums.items(), key=lambda item: (-abs(sum(item[1])), item[0]))
    return {
        family: tuple(Step(name, nano) for name, nano in zip(STEPS, totals, strict=True)) for family, totals in ranked
    }
