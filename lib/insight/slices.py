"""A slice of spending: the summed tokens and costs of some requests of one model, the shape every insight starts from.

Costs are integer nano-units of the slice's currency. Sums hold what is known; `n_unpriced` says for how many requests
nothing is known, and a slice should hold either priced or unpriced requests: a mixed one can be counted, not explained.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, structs

from lib.cards import Prices
from lib.ledger import Tally
from lib.money import apportion
from lib.tokens import TokenCount

MEASURES = (
    "n",
    "n_unpriced",
    "n_estimated",
    "in_uncached",
    "in_cache_read",
    "in_cache_write_5m",
    "in_cache_write_1h",
    "out_visible",
    "out_reasoning",
    "input_nano",
    "cache_read_nano",
    "cache_write_nano",
    "output_nano",
    "other_nano",
    "cost_nano",
    "est_cost_nano",
    "n_uncounted",
)
_COMPONENTS = ("input_nano", "cache_read_nano", "cache_write_nano", "output_nano", "other_nano")


class Slice(Struct, frozen=True):
    """Requests of one model at one gateway in one currency. The five components add up to `cost_nano`.

    `other_nano` is what only the gateway's own figure is known for. A slice of cost sums without components has all
    of its cost there.
    """

    gateway_id: int
    model: str
    base: str = ""
    family: str = ""
    variant: str = "standard"
    currency: str = "USD"
    n: int = 0
    n_unpriced: int = 0
    n_estimated: int = 0
    in_uncached: int = 0
    in_cache_read: int = 0
    in_cache_write_5m: int = 0
    in_cache_write_1h: int = 0
    out_visible: int = 0
    out_reasoning: int = 0
    input_nano: int = 0
    cache_read_nano: int = 0
    cache_write_nano: int = 0
    output_nano: int = 0
    other_nano: int = 0
    cost_nano: int = 0
    est_cost_nano: int = 0
    n_uncounted: int = 0
    """Requests whose input or output tokens nobody counted."""

    @property
    def key(self) -> tuple[int, str, str]:
        return self.gateway_id, self.model, self.currency

    @property
    def in_cache_write(self) -> int:
        return self.in_cache_write_5m + self.in_cache_write_1h

    @property
    def tokens_in(self) -> int:
        return self.in_uncached + self.in_cache_read + self.in_cache_write

    @property
    def tokens_out(self) -> int:
        return self.out_visible + self.out_reasoning

    @property
    def priced(self) -> bool:
        """Every request has a cost."""
        return self.n > 0 and self.n_unpriced == 0

    @property
    def comparable(self) -> bool:
        """Its tokens are all that it cost: no charge that the gateway reported without saying what for."""
        return self.priced and not (self.n_uncounted and self.other_nano)

    @property
    def count(self) -> TokenCount:
        """The summed buckets, for prices that are linear in tokens (ours are)."""
        return TokenCount(
            self.in_uncached,
            self.in_cache_read,
            self.in_cache_write_5m,
            self.in_cache_write_1h,
            self.out_visible,
            self.out_reasoning,
        )


def slice_of(tally: Tally, prices: Prices | None = None) -> Slice:
    """A tally as a slice, with the tally's own components where they add up to its cost.

    Otherwise with `prices`, those of its requests (cached tokens as `charged_prices` fills them), its cost is split
    into components in proportion to tokens × price; without, or when they are not enough, all of it is "other".
    """
    plain = _without_components(tally)
    own = {name: getattr(tally, name) for name in _COMPONENTS}
    if sum(own.values()) == tally.cost_nano:
        return structs.replace(plain, **own)
    parts = _components(plain, prices) if prices else None
    if parts is None:
        return plain
    fresh, read, written, output = parts
    return structs.replace(
        plain, input_nano=fresh, cache_read_nano=read, cache_write_nano=written, output_nano=output, other_nano=0
    )


def _components(piece: Slice, prices: Prices) -> tuple[int, ...] | None:
    tokens = (piece.in_uncached, piece.in_cache_read, piece.in_cache_write, piece.tokens_out)
    rates = (prices.input, prices.cache_read, prices.cache_write_5m, prices.output)
    if any(count and rate is None for count, rate in zip(tokens, rates, strict=True)):
        return None
    picos = [count * (rate or 0) for count, rate in zip(tokens, rates, strict=True)]
    return apportion(piece.cost_nano, picos) if any(picos) or not piece.cost_nano else None


def _without_components(tally: Tally) -> Slice:
    return Slice(
        tally.gateway_id,
        tally.model,
        tally.base,
        tally.family,
        tally.variant,
        tally.currency,
        n=tally.n,
        n_unpriced=tally.n_unpriced,
        n_estimated=tally.n_estimated,
        in_uncached=tally.in_uncached,
        in_cache_read=tally.in_cache_read,
        in_cache_write_5m=tally.in_cache_write - tally.in_cache_write_1h,
        in_cache_write_1h=tally.in_cache_write_1h,
        out_visible=tally.out_visible,
        out_reasoning=tally.out_reasoning,
        other_nano=tally.cost_nano,
        cost_nano=tally.cost_nano,
        est_cost_nano=tally.est_cost_nano,
        n_uncounted=max(tally.n_in_unknown, tally.n_out_unknown),
    )


def merged(slices: Iterable[Slice]) -> dict[tuple[int, str, str], Slice]:
    """The slices added up by gateway, model and currency, in the order they first appear."""
    found: dict[tuple[int, str, str], Slice] = {}
    for piece in slices:
        before = found.get(piece.key)
        found[piece.key] = piece if before is None else added(before, piece)
    return found


def added(one: Slice, other: Slice) -> Slice:
    """`one` with the sums of `other`; the names stay those of `one`."""
    return structs.replace(one, **{name: getattr(one, name) + getattr(other, name) for name in MEASURES})
