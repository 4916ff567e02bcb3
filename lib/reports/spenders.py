"""Who and what for: conversations, folders, tags, gateways, purposes, each with what it used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import pandas as pd

from lib.insight_words import ChatSpend, ProjectSpend
from lib.ledger import Tally
from lib.reports.figures import known, tokens_in, tokens_out

Part = Literal["gateway_id", "purpose", "outcome"]
_CHAT = ("title", "conversation", "deleted", "last_ms", "requests", "cost_nano", "each_nano", "tokens_in")
_CHAT_MORE = ("tokens_out", "cached", "unpriced", "estimated")


def chats(found: Sequence[ChatSpend], zone: str) -> pd.DataFrame:
    """One row per conversation, in the order given.

    Columns: title (text), conversation (text, None when destroyed), deleted (bool), last (datetime in `zone`),
    requests, tokens_in, tokens_out, unpriced, estimated (int64), cost_nano, each_nano (Int64), cached (Float64, part
    of the input that a cache served).
    """
    rows = [_chat(one) for one in found]
    frame = pd.DataFrame(rows, columns=[*_CHAT, *_CHAT_MORE])
    frame["last"] = pd.to_datetime(frame["last_ms"].astype("int64"), unit="ms", utc=True).dt.tz_convert(zone)
    return frame.astype({"cost_nano": "Int64", "each_nano": "Int64", "cached": "Float64"})


def _chat(one: ChatSpend) -> dict[str, Any]:
    cost = None if 0 < one.n == one.n_unpriced else one.cost_nano
    return {
        "title": one.title,
        "conversation": one.conversation,
        "deleted": one.deleted,
        "last_ms": one.last_ms,
        "requests": one.n,
        "cost_nano": cost,
        "each_nano": None if cost is None else round(cost / (one.n - one.n_unpriced)),
        "tokens_in": one.in_tokens,
        "tokens_out": one.out_tokens,
        "cached": one.in_cache_read / one.in_tokens if one.in_tokens else None,
        "unpriced": one.n_unpriced,
        "estimated": one.n_estimated,
    }


def projects(found: Iterable[ProjectSpend], currency: str) -> pd.DataFrame:
    """One row per folder or tag. Columns: key, name (text), conversations, cost_nano (Int64), requests, tokens,
    unpriced (int64)."""
    rows = [
        {
            "key": one.key,
            "name": one.name,
            "conversations": one.conversations,
            "requests": one.n,
            "tokens": one.in_tokens + one.out_tokens,
            "cost_nano": None if 0 < one.n == one.n_unpriced else one.cost_nano,
            "unpriced": one.n_unpriced,
        }
        for one in found
        if one.currency == currency
    ]
    columns = ["key", "name", "conversations", "requests", "tokens", "cost_nano", "unpriced"]
    return pd.DataFrame(rows, columns=columns).astype({"conversations": "Int64", "cost_nano": "Int64"})


def parts(tallies: Iterable[Tally], currency: str, by: Part) -> pd.DataFrame:
    """One row per value of a dimension, costliest first. Columns: key, requests, errors, tokens, unpriced (int64),
    cost_nano (Int64), share (Float64, part of the known spend)."""
    kept = sorted(
        (tally for tally in tallies if tally.currency == currency), key=lambda tally: (-tally.cost_nano, -tally.n)
    )
    whole = sum(tally.cost_nano for tally in kept)
    rows = [
        {
            "key": getattr(tally, by),
            "requests": tally.n,
            "errors": tally.n_error,
            "tokens": tokens_in(tally) + tokens_out(tally),
            "cost_nano": known(tally),
            "share": None if known(tally) is None or not whole else tally.cost_nano / whole,
            "unpriced": tally.n_unpriced,
        }
        for tally in kept
    ]
    columns = ["key", "requests", "errors", "tokens", "cost_nano", "share", "unpriced"]
    return pd.DataFrame(rows, columns=columns).astype({"cost_nano": "Int64", "share": "Float64"})
