"""Why a request cost what it cost: the formula with its numbers, exact to the last digit that is kept.

"1,200 input × $2.50 / 1M = $0.003000". The amounts are the ledger's: they add up to its cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, Protocol

from msgspec import Struct

from lib.cards import Prices
from lib.ledger import ESTIMATED_SOURCES, Cost, UsageSource
from lib.money import UNKNOWN, apportion, currency_symbol, price_per_m
from lib.pricing import charged_prices
from lib.tokens import TokenCount

Kind = Literal["part", "total", "note"]


class Line(Struct, frozen=True):
    """One line of the formula: `text` is the whole of it. `pico` is the price per token, `nano` the amount."""

    kind: Kind
    text: str
    tokens: int | None = None
    pico: int | None = None
    nano: int | None = None


class CostRow(Protocol):
    """One cost row of a request, the first with `seq` 0; later rows correct earlier ones and never replace them."""

    @property
    def seq(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def cost(self) -> Cost: ...


def formula(
    count: TokenCount,
    prices: Prices | None,
    cost: Cost,
    *,
    reference: Prices | None = None,
    usage_source: UsageSource = "reported",
) -> tuple[Line, ...]:
    """The cost of one request as lines of text, a part for each bucket that holds tokens, then the total, then notes.

    `prices` are those the cost was made with (its price version), `reference` the vendor's list for cached tokens
    without a price. The text holds dollar signs: escape it where Markdown is rendered.
    """
    if cost.source == "reported":
        return _reported(count, cost)
    parts = _parts(count, prices, reference, cost)
    about = "≈ " if usage_source in ESTIMATED_SOURCES and cost.nano is not None else ""
    total = Line("total", f"Total {about}{amount(cost.nano, cost.currency)}", nano=cost.nano)
    return (*parts, total, *_notes(parts, cost, prices, usage_source))


def amount(nano: int | None, currency: str = "USD") -> str:
    """Every digit that is kept, six decimals at least: "$0.003000", "$0.000000125"; "—" for unknown."""
    if nano is None:
        return UNKNOWN
    whole, _, digits = f"{Decimal(abs(nano)).scaleb(-9):.9f}".partition(".")
    shown = digits.rstrip("0").ljust(6, "0")
    return f"{'-' if nano < 0 else ''}{currency_symbol(currency)}{int(whole):,}.{shown}"


def corrections(versions: Sequence[CostRow]) -> tuple[Line, ...]:
    """The life of a cost, one line per row: "Corrected: — → $0.004200 (reprice: price entered later)"."""
    lines: list[Line] = []
    before: CostRow | None = None
    for version in sorted(versions, key=lambda one: one.seq):
        lines.append(_version(version, before))
        before = version
    return tuple(lines)


def _version(version: CostRow, before: CostRow | None) -> Line:
    shown = amount(version.cost.nano, version.cost.currency)
    if before is None:
        return Line("note", f"First: {shown}", nano=version.cost.nano)
    why = ": ".join(word for word in (version.kind, version.reason) if word)
    was = amount(before.cost.nano, before.cost.currency)
    return Line("note", f"Corrected: {was} → {shown}" + (f" ({why})" if why else ""), nano=version.cost.nano)


def _parts(count: TokenCount, prices: Prices | None, reference: Prices | None, cost: Cost) -> tuple[Line, ...]:
    charged = charged_prices(prices or Prices(), reference)
    writes = (count.in_cache_write_5m or 0, count.in_cache_write_1h or 0)
    picos = tuple(tokens * (rate or 0) for tokens, rate in zip(writes, _write_rates(charged), strict=True))
    short, long = (None, None) if cost.cache_write_nano is None else apportion(cost.cache_write_nano, picos)
    output = None if count.out_visible is None else count.out_visible + (count.out_reasoning or 0)
    said = f"output ({count.out_reasoning:,} of them reasoning)" if count.out_reasoning else "output"
    listed = prices or Prices()
    rows = (
        ("input", count.in_uncached, charged.input, cost.input_nano, False),
        ("cached input", count.in_cache_read, charged.cache_read, cost.cache_read_nano, listed.cache_read is None),
        ("written to cache", writes[0], charged.cache_write_5m, short, listed.cache_write_5m is None),
        ("written to cache for an hour", writes[1], charged.cache_write_1h, long, listed.cache_write_1h is None),
        (said, output, charged.output, cost.output_nano, False),
    )
    always = {"input", said}
    return tuple(
        _part(name, tokens, pico, nano, cost.currency, assumed=assumed and pico is not None)
        for name, tokens, pico, nano, assumed in rows
        if tokens or name in always
    )


def _write_rates(charged: Prices) -> tuple[int | None, int | None]:
    return charged.cache_write_5m, charged.cache_write_1h


def _part(name: str, tokens: int | None, pico: int | None, nano: int | None, currency: str, *, assumed: bool) -> Line:
    shown = UNKNOWN if tokens is None else f"{tokens:,}"
    rate = f"{price_per_m(pico, currency)} / 1M{' (assumed)' if assumed else ''}" if pico is not None else UNKNOWN
    return Line("part", f"{shown} {name} × {rate} = {amount(nano, currency)}", tokens, pico, nano)


def _reported(count: TokenCount, cost: Cost) -> tuple[Line, ...]:
    tokens = f"{_shown(count.input)} input and {_shown(count.output)} output"
    return (
        Line("total", f"Total {amount(cost.nano, cost.currency)}", nano=cost.nano),
        Line("note", f"The gateway's own figure for {tokens}; it does not say how it is made up."),
    )


def _shown(tokens: int | None) -> str:
    return UNKNOWN if tokens is None else f"{tokens:,}"


def _notes(parts: Sequence[Line], cost: Cost, prices: Prices | None, usage_source: UsageSource) -> tuple[Line, ...]:
    texts = []
    if cost.nano is None:
        texts.append("No cost: " + ("the tokens or a price are unknown." if prices else "no price is known."))
    elif sum(part.nano or 0 for part in parts) != cost.nano:
        other = cost.nano - sum(part.nano or 0 for part in parts)
        texts.append(f"{amount(other, cost.currency)} of it is not made up of tokens.")
    if cost.cache_price_assumed:
        texts.append("The gateway names no price for cached tokens: assumed from its input price.")
    if usage_source in ESTIMATED_SOURCES:
        texts.append("The tokens are estimated" + _bounds(cost) + ".")
    if cost.reported_nano is not None:
        texts.append(_beside(cost, cost.reported_nano))
    return tuple(Line("note", text) for text in texts)


def _bounds(cost: Cost) -> str:
    if cost.low_nano is None or cost.high_nano is None:
        return ""
    return f": between {amount(cost.low_nano, cost.currency)} and {amount(cost.high_nano, cost.currency)}"


def _beside(cost: Cost, reported: int) -> str:
    difference = reported - (cost.nano or 0)
    if cost.nano is None or not difference:
        more = "" if cost.nano is None else ", the same"
    else:
        more = f", {amount(abs(difference), cost.currency)} {'more' if difference > 0 else 'less'}"
    return f"The gateway's own figure is {amount(reported, cost.currency)}{more}."
