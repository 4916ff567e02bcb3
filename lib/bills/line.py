"""One line of a gateway's bill, normalised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct

BillForm = Literal["new-api", "openrouter", "mapped"]
"""new-api: its log with quota points · openrouter: its activity export · mapped: any table, its columns named."""
Column = Literal[
    "id", "id_too", "time", "model", "tokens_in", "tokens_out", "tokens_cached", "amount", "currency", "kind"
]
COLUMNS: tuple[Column, ...] = get_args(Column)
Code = Literal[
    "no_amount", "ambiguous", "no_time", "negative_tokens", "too_many", "no_columns", "aggregated", "currency"
]
"""aggregated: the table sums requests, so they cannot be told apart · too_many: beyond the number of lines kept."""


class BillLine(Struct, frozen=True):
    """What the gateway billed for one request. `line` is where it stands in the file; `nano` is None when unreadable.

    `ids` are the gateway's ids of the request or the response; a credit has a negative amount.
    """

    line: int
    at_ms: int | None
    model: str
    tokens_in: int | None
    tokens_out: int | None
    nano: int | None
    currency: str = "USD"
    ids: tuple[str, ...] = ()
    tokens_cached: int | None = None


class Trouble(Struct, frozen=True):
    """A line that was left out; `detail` is what stood there (untrusted, short)."""

    line: int
    code: Code
    detail: str = ""


class Bill(Struct, frozen=True):
    """What could be read of a bill. `skipped` lines bill nothing (top-ups, errors without a charge)."""

    form: BillForm
    lines: tuple[BillLine, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    skipped: int = 0
    columns: Mapping[Column, int] = {}
    headings: tuple[str, ...] = ()
