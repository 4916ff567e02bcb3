"""Reports: small pandas frames made of the ledger's tallies and rows.

Amounts stay whole nano-units (1 = 0.000000001 of the currency) until they are shown; `Int64` columns hold `<NA>` where
something is unknown, which is never 0. Every report is about one currency: amounts in different currencies are never
added. Sums of counts and of known costs equal those of the tallies, however they are grouped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal

import pandas as pd
from msgspec import Struct

from lib.cells import guarded
from lib.ledger import LedgerRow, Tally
from lib.money import money, money_exact, percentages

Split = Literal["base", "variant"]

OTHER = "Other"
NOT_BILLED = ("refused", "failed")
"""Outcomes of requests that never reached a model; they say nothing about how well the rest is known."""

_GROUPS = ["family", "variant", "outcome"]
_SUMS = ["n", "n_error", "n_unpriced", "n_estimated", "cost_nano"]


class Totals(Struct, frozen=True):
    """Sums of a period in one currency. `cost_nano` is None when there were requests and none has a known cost."""

    requests: int = 0
    cost_nano: int | None = 0
    tokens_in: int = 0
    tokens_out: int = 0
    errors: int = 0


class Coverage(Struct, frozen=True):
    """How well the costs of a period are known: requests by the quality of their cost, disjoint.

    `estimated` ones have a cost from estimated tokens, together about `estimated_nano`; `unpriced` ones have none.
    """

    reported: int = 0
    estimated: int = 0
    unpriced: int = 0
    estimated_nano: int = 0


def currencies(tallies: Iterable[Tally]) -> list[str]:
    """The currencies in use, the one with most requests first (amounts cannot be compared)."""
    counts: Counter[str] = Counter()
    for tally in tallies:
        counts[tally.currency] += tally.n
    return sorted(counts, key=lambda currency: (-counts[currency], currency))


def tally_frame(tallies: Iterable[Tally], currency: str) -> pd.DataFrame:
    """The tallies of `currency`, one row each.

    Columns: day (datetime64); base, family, variant, outcome (text); n, n_error, n_unpriced, n_estimated, cost_nano,
    tokens_in, tokens_out (int64). A tally without a base model goes by its model's id.
    """
    kept = [tally for tally in tallies if tally.currency == currency]
    columns: dict[str, list[Any]] = {name: [getattr(tally, name) for tally in kept] for name in _GROUPS + _SUMS}
    columns["base"] = [tally.base or tally.model for tally in kept]
    columns["tokens_in"] = [tally.in_uncached + tally.in_cache_read + tally.in_cache_write for tally in kept]
    columns["tokens_out"] = [tally.out_visible + tally.out_reasoning for tally in kept]
    frame = pd.DataFrame(columns).astype(dict.fromkeys([*_SUMS, "tokens_in", "tokens_out"], "int64"))
    frame["day"] = pd.to_datetime(pd.Series([tally.day for tally in kept], dtype="object"))
    return frame


def totals(tallies: Iterable[Tally], currency: str) -> Totals:
    """The sums of one period."""
    kept = [tally for tally in tallies if tally.currency == currency]
    requests = sum(tally.n for tally in kept)
    unpriced = sum(tally.n_unpriced for tally in kept)
    return Totals(
        requests,
        None if 0 < requests == unpriced else sum(tally.cost_nano for tally in kept),
        sum(tally.in_uncached + tally.in_cache_read + tally.in_cache_write for tally in kept),
        sum(tally.out_visible + tally.out_reasoning for tally in kept),
        sum(tally.n_error for tally in kept),
    )


def change(now: int | None, before: int | None) -> float | None:
    """By which part `now` differs from `before` (0.25 = a quarter more); None when that cannot be said."""
    return None if now is None or not before else (now - before) / before


def coverage(tallies: Iterable[Tally], currency: str) -> Coverage:
    """How many requests have a reported, an estimated or no cost; those that were not billed are left out.

    A tally counts estimated and unpriced rows apart, so a request that is both is taken as unpriced; exact as long
    as the requests of one tally are all priced or all not, which tallies by day, model and outcome nearly always are.
    """
    found = Coverage()
    for tally in tallies:
        if tally.currency == currency and tally.outcome not in NOT_BILLED:
            estimated = min(tally.n_estimated, tally.n - tally.n_unpriced)
            found = Coverage(
                found.reported + tally.n - tally.n_unpriced - estimated,
                found.estimated + estimated,
                found.unpriced + tally.n_unpriced,
                found.estimated_nano + tally.est_cost_nano,
            )
    return found


def coverage_line(known: Coverage, currency: str) -> str:
    """ "98.4 % reported by the gateway · 1.2 % estimated (≈ $0.31) · 0.4 % unpriced (14 requests)".

    "All of it reported by the gateway" and the like when there is one kind only; empty without requests.
    """
    parts = (known.reported, known.estimated, known.unpriced)
    if not any(parts):
        return ""
    alone = sum(map(bool, parts)) == 1
    reported, estimated, unpriced = ("All of it",) * 3 if alone else percentages(parts)
    words = [f"{reported} reported by the gateway"] if known.reported else []
    if known.estimated:
        words.append(f"{estimated} estimated (≈ {money(known.estimated_nano, currency)})")
    if known.unpriced:
        words.append(f"{unpriced} unpriced ({known.unpriced:,} request{'s' if known.unpriced > 1 else ''})")
    return " · ".join(words)


def daily(
    tallies: Iterable[Tally], currency: str, start: date, end: date, by: Split = "base", most: int = 5
) -> pd.DataFrame:
    """Spend per local day and model (or variant), every day from `start` to before `end`, also those without any.

    Columns: day (datetime64), name (text), requests, unpriced, tokens (int64), cost_nano (Int64; <NA> where there
    were requests and none has a known cost). Beyond the `most` costliest names the rest is summed as "Other". Names
    come costliest first; without tallies there are no names and no rows.
    """
    frame = tally_frame(tallies, currency)
    frame["name"], names = _folded(frame, by, most)
    frame["tokens"] = frame["tokens_in"] + frame["tokens_out"]
    sums = frame.groupby(["day", "name"])[["n", "n_unpriced", "tokens", "cost_nano"]].sum()
    days = pd.date_range(start, end, inclusive="left").astype(frame["day"].dtype)
    every = pd.MultiIndex.from_product([days, names], names=["day", "name"])
    full = sums.reindex(every, fill_value=0).reset_index()
    full = full.rename(columns={"n": "requests", "n_unpriced": "unpriced"})
    full["cost_nano"] = _known(full["cost_nano"], full["requests"], full["unpriced"])
    return full


def by_variant(tallies: Iterable[Tally], currency: str) -> pd.DataFrame:
    """One row per base model and variant, costliest first.

    Columns: family, base, variant (text); requests, tokens_in, tokens_out, errors, stops, estimated, unpriced (int64);
    cost_nano (Int64); per_m (Int64, pico-units per token, which is micro-units per 1M tokens, all tokens together;
    <NA> as soon as a request is unpriced); share (Float64, part of the known spend, <NA> where the cost is).
    """
    frame = tally_frame(tallies, currency)
    frame["stops"] = frame["n"].where(frame["outcome"] == "stopped", 0)
    sums = ["n", "tokens_in", "tokens_out", "n_error", "stops", "n_estimated", "n_unpriced", "cost_nano"]
    table = frame.groupby(["family", "base", "variant"])[sums].sum().reset_index()
    table = table.rename(
        columns={"n": "requests", "n_error": "errors", "n_estimated": "estimated", "n_unpriced": "unpriced"}
    ).sort_values(["cost_nano", "requests", "base", "variant"], ascending=[False, False, True, True], ignore_index=True)
    whole = int(table["cost_nano"].sum())
    table["per_m"] = pd.array([_per_m(row) for row in table.to_dict("records")], dtype="Int64")
    table["cost_nano"] = _known(table["cost_nano"], table["requests"], table["unpriced"])
    table["share"] = (table["cost_nano"] / (whole or pd.NA)).astype("Float64")
    return table


def latest(rows: Sequence[LedgerRow], zone: str) -> pd.DataFrame:
    """One row per request, in the order given.

    Columns: at (datetime in `zone`), gateway, model, base, variant, purpose, outcome, usage_source, currency,
    source, conversation (text); tokens_in, tokens_out, cost_nano, first_visible_ms, duration_ms (Int64).
    """
    whole = {
        "tokens_in": [row.count.input for row in rows],
        "tokens_out": [row.count.output for row in rows],
        "cost_nano": [row.cost.nano for row in rows],
        "first_visible_ms": [row.first_visible_ms for row in rows],
        "duration_ms": [row.duration_ms for row in rows],
    }
    return pd.DataFrame(
        {
            "at": pd.to_datetime([row.at_ms for row in rows], unit="ms", utc=True).tz_convert(zone),
            "gateway": [row.gateway_name for row in rows],
            "model": [row.model for row in rows],
            "base": [row.base or row.model for row in rows],
            "variant": [row.variant for row in rows],
            "purpose": [row.purpose for row in rows],
            "outcome": [row.outcome for row in rows],
            "usage_source": [row.usage_source for row in rows],
            "currency": [row.cost.currency for row in rows],
            "source": [row.cost.source or "" for row in rows],
            "conversation": [row.conversation or "" for row in rows],
            **{name: pd.array(values, dtype="Int64") for name, values in whole.items()},
        }
    )


def requests_csv(rows: Sequence[LedgerRow], zone: str) -> str:
    """One line per request: time in `zone` with its offset, token buckets, amounts as exact decimals.

    Unknown is an empty cell. See `csv_text` for what is done to text.
    """
    frame = latest(rows, zone)[
        ["at", "gateway", "model", "base", "variant", "purpose", "outcome", "usage_source", "currency", "source"]
    ]
    frame["at"] = [moment.isoformat(timespec="milliseconds") for moment in frame["at"]]
    for name in ("in_uncached", "in_cache_read", "in_cache_write_5m", "in_cache_write_1h", "out_visible"):
        frame[name] = pd.array([getattr(row.count, name) for row in rows], dtype="Int64")
    frame["out_reasoning"] = pd.array([row.count.out_reasoning for row in rows], dtype="Int64")
    for name in ("nano", "reported_nano", "low_nano", "high_nano"):
        frame[name.replace("nano", "cost")] = [money_exact(getattr(row.cost, name)) for row in rows]
    frame["first_visible_ms"] = pd.array([row.first_visible_ms for row in rows], dtype="Int64")
    frame["duration_ms"] = pd.array([row.duration_ms for row in rows], dtype="Int64")
    frame["error"] = [row.error_kind or "" for row in rows]
    frame["conversation"] = [row.conversation or "" for row in rows]
    frame["request"] = [str(row.id) for row in rows]
    return csv_text(frame.rename(columns={"at": "time", "outcome": "status", "source": "price_source"}))


def csv_text(frame: pd.DataFrame) -> str:
    """`frame` as CSV (RFC 4180) with a header line.

    A text cell that a spreadsheet could run as a formula gets an apostrophe in front (OWASP, "CSV injection"): model
    and gateway names come from outside. Plain numbers are left alone.
    """
    safe = frame.copy()
    for name in frame.select_dtypes(exclude=["number", "datetime", "datetimetz"]).columns:
        safe[name] = [_guarded(value) for value in frame[name]]
    return safe.to_csv(index=False, lineterminator="\r\n")


def _guarded(value: Any) -> Any:
    return guarded(value) if isinstance(value, str) else value


def _folded(frame: pd.DataFrame, by: Split, most: int) -> tuple[list[str], list[str]]:
    """Per row its name, the small ones folded into "Other"; and the names in the order to stack them."""
    ranked = frame.groupby(by)[["cost_nano", "n"]].sum().sort_values(["cost_nano", "n"], ascending=False)
    names = [str(name) for name in ranked.index]
    if len(names) > most:
        names = names[:most]
    named = [name if name in names else OTHER for name in frame[by]]
    return named, names + [OTHER] * (OTHER in named and OTHER not in names)


def _known(cost: pd.Series[int], requests: pd.Series[int], unpriced: pd.Series[int]) -> pd.Series[int]:
    """Costs as Int64, <NA> where every request is unpriced."""
    return cost.astype("Int64").mask((requests > 0) & (requests == unpriced))


def _per_m(row: dict[Any, Any]) -> int | None:
    tokens = int(row["tokens_in"]) + int(row["tokens_out"])
    return None if row["unpriced"] or not tokens else int(row["cost_nano"]) * 1000 // tokens
