"""What the tokens were: fresh, served by a cache or written to one, answers and thinking; and what caching saved."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pandas as pd

from lib.ledger import Tally

KINDS = ("in_uncached", "in_cache_read", "in_cache_write", "out_visible", "out_reasoning")


def anatomy(tallies: Iterable[Tally], currency: str) -> pd.DataFrame:
    """One row per base model and kind of token, the model with most tokens first.

    Columns: key, kind (text, one of KINDS), tokens (int64), share (Float64, of the model's tokens).
    """
    kept = [tally for tally in tallies if tally.currency == currency]
    sums: dict[str, list[int]] = {}
    for tally in kept:
        there = sums.setdefault(tally.base or tally.model, [0] * len(KINDS))
        for at, kind in enumerate(KINDS):
            there[at] += getattr(tally, kind)
    rows = [
        {"key": key, "kind": kind, "tokens": tokens, "share": tokens / sum(there) if sum(there) else None}
        for key, there in sorted(sums.items(), key=lambda item: (-sum(item[1]), item[0]))
        for kind, tokens in zip(KINDS, there, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["key", "kind", "tokens", "share"])
    return frame.astype({"tokens": "int64", "share": "Float64"})


def caching(tallies: Iterable[Tally], currency: str) -> pd.DataFrame:
    """What caches saved, per base model: of those that read from or wrote to one.

    What the read tokens would have cost as fresh input, at the price that fresh input had there, less what they did
    cost; and the same for written ones, which cost more. Columns: key (text), read, written, fresh (int64, tokens),
    hit (Float64, part of the input), saved_nano, premium_nano, net_nano (Int64; <NA> when no price of fresh input is
    known).
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for tally in tallies:
        if tally.currency == currency and (tally.in_cache_read or tally.in_cache_write):
            rows.setdefault(tally.base or tally.model, []).append(_saved(tally))
    found = [{"key": key} | _added(several) for key, several in rows.items()]
    columns = ["key", "fresh", "read", "written", "hit", "saved_nano", "premium_nano", "net_nano"]
    found.sort(key=lambda row: (-(row["net_nano"] or 0), row["key"]))
    frame = pd.DataFrame(found, columns=columns)
    kinds = dict.fromkeys(("saved_nano", "premium_nano", "net_nano"), "Int64") | {"hit": "Float64"}
    return frame.astype(kinds)


def _saved(tally: Tally) -> dict[str, int | None]:
    tokens = {"fresh": tally.in_uncached, "read": tally.in_cache_read, "written": tally.in_cache_write}
    known_price = tally.in_uncached and tally.input_nano and not tally.n_unpriced
    price = Fraction(tally.input_nano, tally.in_uncached) if known_price else None
    if price is None:
        return {**tokens, "saved_nano": None, "premium_nano": None}
    return {
        **tokens,
        "saved_nano": round(tally.in_cache_read * price) - tally.cache_read_nano,
        "premium_nano": tally.cache_write_nano - round(tally.in_cache_write * price),
    }


def _added(several: list[dict[str, Any]]) -> dict[str, Any]:
    sums: dict[str, Any] = {name: sum(one[name] for one in several) for name in ("fresh", "read", "written")}
    whole = sum(sums.values())
    for name in ("saved_nano", "premium_nano"):
        known = [one[name] for one in several if one[name] is not None]
        sums[name] = sum(known) if len(known) == len(several) else None
    unknown = sums["saved_nano"] is None
    net = None if unknown else sums["saved_nano"] - sums["premium_nano"]
    return sums | {"hit": sums["read"] / whole if whole else None, "net_nano": net}
