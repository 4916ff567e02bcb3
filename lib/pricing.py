"""What a request cost, and what an answer whose usage never came probably cost.

A price is used only when it is the gateway's for exactly this model (or one a person entered); a vendor's list price
is at most the source of a *ratio* between cached and fresh input. What cannot be priced is None, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import ceil
from statistics import median

from msgspec import Struct, structs

from lib.cards import ModelCard, Prices, PriceSource
from lib.ledger import Cost
from lib.money import MAX_NANO, nano_from_pico, nano_from_text, nano_parts
from lib.tokens import TokenCount

CHARS_PER_TOKEN = 4
"""The vendors' rule of thumb for English text; used until a model's own answers have been measured."""

HIDDEN_TOKENS_PER_S = 200
"""An upper bound of what a model may have produced, unseen, while an answer without an output cap was open."""

_WIDE_TOKENS_PER_CHAR = Fraction(4, 5)
_OTHER_TOKENS_PER_CHAR = Fraction(2, 5)
_SAMPLE = 4_000


class _Rates(Struct, frozen=True):
    """Pico per token of each bucket; None where nothing says."""

    read: int | None
    write_5m: int | None
    write_1h: int | None


def price(
    count: TokenCount,
    prices: Prices | None,
    *,
    source: PriceSource | None,
    version_id: int | None = None,
    reference: Prices | None = None,
    reported: str | None = None,
    reported_currency: str | None = None,
) -> Cost:
    """The cost of one request, in nano-units of the prices' currency; its components add up to it exactly.

    `prices` are in pico-units per token and `source` says whose they are. Input or output tokens that are unknown, or
    a price missing for a bucket that holds tokens, leave the cost None; a bucket of 0 tokens needs no price.

    Most gateways list no price for cached tokens. They are then charged at the gateway's input price times the ratio
    that `reference` (the vendor's list) has between cached and fresh input, or at the full input price without one,
    and the cost says `cache_price_assumed`.

    `reported` is the gateway's own charge, a decimal text: kept beside a computed cost when it is in the same
    currency, and the cost itself (source "reported") when none can be computed.
    """
    charge = nano_from_text(reported)
    if prices is not None and source not in (None, "vendor"):
        cost = _computed(count, prices, reference or Prices())
        if cost is not None:
            beside = charge if reported_currency in (None, cost.currency) else None
            return structs.replace(cost, source=source, price_version_id=version_id, reported_nano=beside)
    if charge is not None:
        return _as_reported(charge, reported_currency or "USD")
    return Cost(currency=prices.currency if prices else "USD")


def charged_prices(prices: Prices, reference: Prices | None = None) -> Prices:
    """`prices` with what `price` assumes for the cached tokens that they do not name; pico-units per token."""
    rates = _cache_rates(prices, reference or Prices())
    return structs.replace(prices, cache_read=rates.read, cache_write_5m=rates.write_5m, cache_write_1h=rates.write_1h)


def price_difference(count: TokenCount, nano: int | None, currency: str, other: ModelCard) -> int | None:
    """How much more (or less, negative) an answer would have cost on another model, in nano-units of `currency`.

    `count` and `nano` are the answer's tokens and cost. The same number of tokens is assumed, which holds for
    variants of one model and is a guess between models. None when either side has no price, or the currencies differ.
    """
    there = price(count, other.prices, source=other.price_source, reference=other.vendor_prices)
    if nano is None or there.nano is None or there.currency != currency:
        return None
    return there.nano - nano


def estimate_count(
    chars_in: int, chars_out: int, chars_reasoning: int = 0, ratio: Fraction | float | None = None
) -> TokenCount:
    """Tokens of an answer whose usage was not reported, from the characters that were sent and received.

    `ratio` is tokens per character, measured for the model when possible (`measured_ratio`), else guessed from the
    text (`guessed_ratio`); None is one token per four characters. Nothing is assumed to come from a cache.
    """
    per_char = Fraction(1, CHARS_PER_TOKEN) if ratio is None else Fraction(ratio)
    out, reasoning = _tokens(chars_out, per_char), _tokens(chars_reasoning, per_char)
    return TokenCount(_tokens(chars_in, per_char), 0, 0, 0, out, reasoning)


def estimate_range(
    cost: Cost,
    count: TokenCount,
    prices: Prices | None,
    *,
    max_out_cap: int | None = None,
    reference: Prices | None = None,
    input_known: bool = False,
) -> Cost:
    """`cost`, priced from the estimated `count`, with `low_nano` and `high_nano` around it.

    A fifth less and a quarter more than estimated; only the output when `input_known`. A gateway may bill what it went
    on producing after the connection was closed, so with `max_out_cap` (tokens) the upper bound is the full cap. The
    same `prices` and `reference` as given to `price`; an unpriced cost, or a reported one, has no range.
    """
    if prices is None or cost.nano is None or cost.source == "reported":
        return cost
    low, high = (_scaled(count, factor, input_known) for factor in (Fraction(4, 5), Fraction(5, 4)))
    if max_out_cap is not None:
        high = structs.replace(high, out_visible=max(high.out_visible or 0, max_out_cap - (high.out_reasoning or 0)))
    least, most = (_computed(bound, prices, reference or Prices()) for bound in (low, high))
    return structs.replace(cost, low_nano=least.nano if least else None, high_nano=most.nano if most else None)


def most_output(cap: int | None, outcome: str, duration_ms: int | None) -> int | None:
    """The most output tokens that may be billed: the cap in force, else what time allowed for.

    None for a whole answer (outcome "ok") without a cap.
    """
    if cap is not None or outcome == "ok":
        return cap
    return ceil((duration_ms or 0) * HIDDEN_TOKENS_PER_S / 1000)


def measured_ratio(samples: Iterable[tuple[int, int]]) -> Fraction | None:
    """The median tokens per character of reported answers, given as (tokens, characters); None without any."""
    ratios = [Fraction(tokens, chars) for tokens, chars in samples if tokens > 0 and chars > 0]
    return median(ratios) if ratios else None


def guessed_ratio(text: str) -> Fraction:
    """Tokens per character by script, from the first few thousand characters.

    Rules of thumb: one token for four Latin characters, two for five of other alphabets, four for five Chinese,
    Japanese or Korean characters.
    """
    sample = text[:_SAMPLE]
    if not sample:
        return Fraction(1, CHARS_PER_TOKEN)
    return sum(map(_tokens_of_char, sample), Fraction(0)) / len(sample)


def _computed(count: TokenCount, prices: Prices, reference: Prices) -> Cost | None:
    if count.in_uncached is None or count.out_visible is None:
        return None
    rates = _cache_rates(prices, reference)
    reads, writes_5m, writes_1h = count.in_cache_read or 0, count.in_cache_write_5m or 0, count.in_cache_write_1h or 0
    picos = (
        _times(count.in_uncached, prices.input),
        _times(reads, rates.read),
        _plus(_times(writes_5m, rates.write_5m), _times(writes_1h, rates.write_1h)),
        _times(count.out_visible + (count.out_reasoning or 0), prices.output),
    )
    known = [pico for pico in picos if pico is not None and pico >= 0]
    if len(known) < len(picos) or nano_from_pico(sum(known)) > MAX_NANO:
        return None
    fresh, read, written, output = nano_parts(known)
    assumed = (
        (reads > 0 and prices.cache_read is None)
        or (writes_5m > 0 and prices.cache_write_5m is None)
        or (writes_1h > 0 and prices.cache_write_1h is None)
    )
    return Cost(
        nano=fresh + read + written + output,
        input_nano=fresh,
        cache_read_nano=read,
        cache_write_nano=written,
        output_nano=output,
        other_nano=0,
        currency=prices.currency,
        cache_price_assumed=assumed,
    )


def _as_reported(charge: int, currency: str) -> Cost:
    """A charge of unknown make-up: all of it is 'other'."""
    return Cost(
        nano=charge,
        input_nano=0,
        cache_read_nano=0,
        cache_write_nano=0,
        output_nano=0,
        other_nano=charge,
        source="reported",
        currency=currency,
        reported_nano=charge,
    )


def _cache_rates(prices: Prices, reference: Prices) -> _Rates:
    write_5m = _or_assumed(prices.cache_write_5m, prices.input, reference.cache_write_5m, reference.input)
    # A list with one write price means the short one; the vendor charges more for the hour, at least that much.
    fallback = prices.cache_write_5m if reference.cache_write_1h is None else None
    write_1h = prices.cache_write_1h if prices.cache_write_1h is not None else fallback
    return _Rates(
        read=_or_assumed(prices.cache_read, prices.input, reference.cache_read, reference.input),
        write_5m=write_5m,
        write_1h=_or_assumed(write_1h, prices.input, reference.cache_write_1h, reference.input),
    )


def _or_assumed(listed: int | None, fresh: int | None, ref_cached: int | None, ref_fresh: int | None) -> int | None:
    if listed is not None or fresh is None:
        return listed
    if ref_cached is None or not ref_fresh:
        return fresh
    return round(Fraction(fresh * ref_cached, ref_fresh))


def _times(tokens: int, pico: int | None) -> int | None:
    return 0 if tokens == 0 else None if pico is None else tokens * pico


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _tokens(chars: int, per_char: Fraction) -> int:
    """Rounded up: text that exists is at least one token."""
    return ceil(chars * per_char)


def _scaled(count: TokenCount, factor: Fraction, input_known: bool) -> TokenCount:
    names = ("out_visible", "out_reasoning") if input_known else count.__struct_fields__
    known = {name: tokens for name in names if (tokens := getattr(count, name)) is not None}
    return structs.replace(count, **{name: round(tokens * factor) for name, tokens in known.items()})


def _tokens_of_char(char: str) -> Fraction:
    code = ord(char)
    if code < 0x250:
        return Fraction(1, CHARS_PER_TOKEN)
    wide = 0x1100 <= code <= 0x11FF or 0x2E80 <= code <= 0xD7FF or 0xF900 <= code <= 0xFAFF or code >= 0x1F000
    return _WIDE_TOKENS_PER_CHAR if wide or 0xFF00 <= code <= 0xFFEF else _OTHER_TOKENS_PER_CHAR
