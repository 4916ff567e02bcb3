"""Token counts: as a gateway reports them (`Usage`), and as the ledger keeps them (`TokenCount`, disjoint buckets).

Unknown is None, a reported zero is 0; the two are never confused.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, structs

Semantic = Literal["openai_incl", "anthropic_excl", "ambiguous"]
"""Whether the wire's input figure includes the cached tokens (OpenAI) or excludes them (Anthropic)."""


class Usage(Struct, frozen=True):
    """What one response reported. `input` INCLUDES cache reads and writes; `output` includes reasoning.

    `cost` is the gateway's own charge as a decimal string in `currency`, when it sends one.
    """

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cached_input: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    semantic: Semantic = "openai_incl"
    anomaly: str | None = None
    cost: str | None = None
    currency: str | None = None

    @property
    def known(self) -> bool:
        return self.input is not None or self.output is not None


class TokenCount(Struct, frozen=True):
    """Disjoint buckets: the sum of the inputs is the whole input, the sum of the outputs the whole output."""

    in_uncached: int | None = None
    in_cache_read: int | None = None
    in_cache_write_5m: int | None = None
    in_cache_write_1h: int | None = None
    out_visible: int | None = None
    out_reasoning: int | None = None

    @property
    def input(self) -> int | None:
        return _sum(self.in_uncached, self.in_cache_read, self.in_cache_write_5m, self.in_cache_write_1h)

    @property
    def output(self) -> int | None:
        return _sum(self.out_visible, self.out_reasoning)


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def buckets(usage: Usage) -> TokenCount:
    """The disjoint buckets of a reported usage.

    `usage.input` is inclusive whatever the dialect said, so the buckets add up to it; subsets larger than their
    whole are clamped (the decoder keeps the anomaly in `usage.anomaly`).
    """
    written = usage.cache_write if usage.cache_write is not None else usage.cache_write_1h
    read, written = _within(usage.cached_input, usage.input), _within(written, _left(usage.input, usage.cached_input))
    write_1h = _within(usage.cache_write_1h, written)
    write_5m = None if usage.cache_write is None else (written or 0) - (write_1h or 0)
    uncached = _left(usage.input, (read or 0) + (written or 0))
    reasoning = _within(usage.reasoning, usage.output)
    return TokenCount(uncached, read, write_5m, write_1h, _left(usage.output, reasoning), reasoning)


def _left(whole: int | None, part: int | None) -> int | None:
    return None if whole is None else max(0, whole - (part or 0))


def _within(part: int | None, whole: int | None) -> int | None:
    return part if part is None or whole is None else min(part, whole)


def merged(old: Usage | None, new: Usage) -> Usage:
    """`new` over `old`, field by field: a later report replaces, an absent field keeps what was known.

    Usage in a stream is cumulative, so nothing is ever added (Anthropic, "Streaming messages", `message_delta`).
    """
    if old is None:
        return new
    known = {name: value for name in new.__struct_fields__ if (value := getattr(new, name)) is not None}
    return structs.replace(old, **known)
