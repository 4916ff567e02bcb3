"""The words of a batch: many files, one prompt, a table with one row per file.

Each row is a conversation of its own that the chat list does not show, so its answers live, are kept and are paid for
like all others. A run asks one model about every row; another run asks another variant, beside the first.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from lib.ledger import ModelRef
from lib.messages import Params, Part

FieldType = Literal["text", "number", "integer", "yes_no", "date", "list"]
RunState = Literal["ready", "running", "paused", "stopped", "done", "over_budget", "interrupted"]
"""paused, stopped: the user said so · over_budget: the next row might have cost too much · interrupted: we died."""
RowState = Literal["waiting", "running", "done", "invalid", "stopped", "cut", "failed", "interrupted"]
"""invalid: answered, but not in the wanted shape, even when asked again · the rest as of an answer."""


class Field(Struct, frozen=True):
    """One column that every answer must fill. `description` helps the model; `required` forbids null."""

    name: str
    type: FieldType = "text"
    description: str = ""
    required: bool = True


class Batch(Struct, frozen=True):
    """`parallel` rows are asked at the same time."""

    public_id: str
    name: str
    prompt: str
    fields: tuple[Field, ...] = ()
    system: str = ""
    parallel: int = 3
    created_ms: int = 0
    n_rows: int = 0
    runs: tuple[Run, ...] = ()


class Run(Struct, frozen=True):
    """One model asked about every row. `budget_nano` is the most that may be spent, in nano-units of `currency`;
    None is no limit. The counts are of its rows' states."""

    public_id: str
    ref: ModelRef
    params: Params = Params()
    state: RunState = "ready"
    budget_nano: int | None = None
    currency: str = "USD"
    created_ms: int = 0


class Row(Struct, frozen=True):
    """One file. `conversation` is None until it was asked about for the first time. The parts come without bytes."""

    public_id: str
    position: int
    name: str
    parts: tuple[Part, ...] = ()
    conversation: str | None = None


class Result(Struct, frozen=True):
    """What one run has of one row. `message` is the answer's public id, None while it waits.

    `values` are the fields as they were filled; `problems` say what is wrong with them. Costs are of all its attempts,
    in nano-units; None is unpriced. `tries` is 2 when it was asked once more for the wanted shape.
    """

    row: str
    run: str
    state: RowState = "waiting"
    message: str | None = None
    text: str = ""
    values: dict[str, Any] = {}
    problems: tuple[str, ...] = ()
    tries: int = 0
    cost_nano: int | None = None
    cost_low_nano: int | None = None
    cost_high_nano: int | None = None
    currency: str = "USD"
    estimated: bool = False
    n_unpriced: int = 0
    in_tokens: int | None = None
    out_tokens: int | None = None
    duration_ms: int | None = None
    error_kind: str | None = None
