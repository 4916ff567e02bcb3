"""Family × variant: what each model at each price was asked, what it cost, how fast and how reliable it was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from lib.insight_words import VariantRow
from lib.ledger import Tally
from lib.reports.figures import known, tokens_in, tokens_out

_FEWEST = 20
"""A 95th percentile of fewer requests says nothing."""


def models(rows: Iterable[VariantRow], currency: str) -> pd.DataFrame:
    """One row per gateway, model and variant, in the order given.

    Columns: gateway (int); model, base, family, variant (text); requests, tokens_in, tokens_out, errors, stops,
    estimated, unpriced (int64); cost_nano (Int64); per_m (Int64, pico-units per token, all tokens together; <NA> as
    soon as a request is unpriced); share (Float64, part of the known spend); first_p50, whole_p50, whole_p95
    (Float64, ms), rate (Float64, tokens per second).
    """
    kept = [row for row in rows if row.tally.currency == currency]
    all_nano = sum(row.tally.cost_nano for row in kept)
    records = [_record(row, all_nano) for row in kept]
    frame = pd.DataFrame(records, columns=list(_record(VariantRow(Tally()), 0)))
    kinds = dict.fromkeys(("cost_nano", "per_m"), "Int64")
    kinds |= dict.fromkeys(("share", "first_p50", "whole_p50", "whole_p95", "rate"), "Float64")
    return frame.astype(kinds)


def _record(row: VariantRow, all_nano: int) -> dict[str, Any]:
    tally = row.tally
    cost = known(tally)
    return {
        "gateway": tally.gateway_id,
        "model": tally.model,
        "base": tally.base or tally.model,
        "family": tally.family,
        "variant": tally.variant,
        "requests": tally.n,
        "tokens_in": tokens_in(tally),
        "tokens_out": tokens_out(tally),
        "cost_nano": cost,
        "share": None if cost is None or not all_nano else cost / all_nano,
        "per_m": _per_m(tally),
        "first_p50": row.first.p50,
        "whole_p50": row.whole.p50,
        "whole_p95": row.whole.p95 if row.whole.n >= _FEWEST else None,
        "rate": 1000 * tally.paced_tokens / tally.paced_ms if tally.paced_ms else None,
        "errors": tally.n_error,
        "stops": tally.n_stopped,
        "estimated": tally.n_estimated,
        "unpriced": tally.n_unpriced,
    }


def _per_m(tally: Tally) -> int | None:
    tokens = tokens_in(tally) + tokens_out(tally)
    return None if tally.n_unpriced or not tokens else tally.cost_nano * 1000 // tokens
