"""The words of the ledger and of an answer's life.

A usage event is one upstream attempt (one request that was, or may have been, sent); a cost event is its price.
Both are append-only: corrections are new rows. Money is integer nano-units of a currency; None is unpriced.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

from msgspec import Struct

from lib.cards import DialectName, PriceSource
from lib.messages import Params, Part
from lib.tokens import Semantic, TokenCount

AnswerState = Literal["running", "done", "stopped", "cut", "failed", "interrupted"]
"""cut: the stream ended without a finish · failed: nothing came · interrupted: this program died meanwhile."""

Outcome = Literal["ok", "stopped", "cut", "failed", "refused", "unknown"]
"""Of one attempt. refused: the gateway rejected it before any work · unknown: it may or may not have been billed."""

UsageSource = Literal["reported", "reported_partial", "estimated", "none"]
ESTIMATED_SOURCES: tuple[UsageSource, ...] = ("estimated", "reported_partial")
"""Tokens that are a guess, wholly or in part."""
Purpose = Literal["chat", "title", "compare", "batch", "probe"]
MEDIA_IGNORED = "media_ignored"
"""An anomaly: the reported input is far below what the pictures or video in the request should have added."""


class Cost(Struct, frozen=True):
    """What an attempt cost, in nano-units. The components add up to `nano`; all None when unpriced.

    `reported_nano` is the gateway's own figure, kept beside the computed one. `low_nano`/`high_nano` bound an
    estimate.
    """

    nano: int | None = None
    input_nano: int | None = None
    cache_read_nano: int | None = None
    cache_write_nano: int | None = None
    output_nano: int | None = None
    other_nano: int | None = None
    source: PriceSource | None = None
    currency: str = "USD"
    price_version_id: int | None = None
    reported_nano: int | None = None
    cache_price_assumed: bool = False
    low_nano: int | None = None
    high_nano: int | None = None


class Attempt(Struct, frozen=True):
    """One upstream attempt, ready for the ledger. `id` was made before the request was sent (idempotency key).

    `chars_*` are characters known locally; `max_out_cap` the output cap in force, in tokens.
    """

    id: int
    number: int
    started_ms: int
    ended_ms: int
    outcome: Outcome
    model_requested: str
    purpose: Purpose = "chat"
    dialect: DialectName = "openai"
    model_reported: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    http_status: int | None = None
    error_kind: str | None = None
    error_message: str | None = None
    finish_reason: str | None = None
    first_byte_ms: int | None = None
    first_visible_ms: int | None = None
    duration_ms: int | None = None
    count: TokenCount = TokenCount()
    usage_source: UsageSource = "none"
    semantic: Semantic = "openai_incl"
    anomaly: str | None = None
    usage_raw: str = ""
    chars_in: int = 0
    chars_out: int = 0
    chars_reasoning: int = 0
    max_out_cap: int | None = None
    cost: Cost = Cost()
    media_in: int = 0
    """Tokens that the pictures and video in the request should add to its input; 0 without any."""


class ModelRef(Struct, frozen=True):
    """Which model an answer asks, as resolved when it was sent; written into every ledger row."""

    gateway_id: int
    model: str
    base: str = ""
    family: str = ""
    variant: str = "standard"
    dialect: DialectName = "openai"
    effort: str | None = None
    demo: bool = False


class Turn(Struct, frozen=True):
    """A user message and the answer it asks for, as handed to the store before anything is sent.

    `key` makes a replay harmless: the same key is accepted once. `parent` is the public id of the message this one
    follows (None = the start of the conversation). With `parts` empty the answer is a sibling: it answers the user
    message `parent` again. With `continues`, the public id of an ended answer to `parent`, the new one begins with
    `kept`, which is how that one began.
    """

    key: str
    conversation: str
    parts: tuple[Part, ...]
    ref: ModelRef
    parent: str | None = None
    params: Params = Params()
    system: str = ""
    lane: str = ""
    continues: str | None = None
    kept: str = ""
    keep_last: int | None = None
    """Send only so many of the newest stored messages before this one; None is all of them. Nothing is deleted."""
    attached: tuple[str, ...] = ()
    """Public ids of the waiting attachments that became `parts`: they stop waiting in the same transaction."""


class AnswerEnd(Struct, frozen=True):
    """Everything that the end of an answer writes in one transaction."""

    state: AnswerState
    text: str
    reasoning: str = ""
    parts: tuple[Part, ...] = ()
    error_kind: str | None = None
    error_message: str | None = None
    finish_reason: str | None = None
    reasoning_ms: int | None = None
    repaired: tuple[str, ...] = ()
    """What was changed to get the answer: the gateway's refused parameters, and `left_out_words`."""
    attempts: tuple[Attempt, ...] = ()


_LEFT_OUT = "media_left_out:"


def left_out_words(n: int) -> tuple[str, ...]:
    """The fact that `n` pictures and videos of earlier messages were not sent, as an answer keeps it."""
    return (f"{_LEFT_OUT}{n}",) if n else ()


def left_out_media(repaired: Iterable[str]) -> int:
    """How many pictures and videos were left out, from an answer's `repaired`."""
    return sum(int(found) for what in repaired if (found := what.removeprefix(_LEFT_OUT)) != what and found.isdecimal())


class Tally(Struct, frozen=True):
    """Summed usage of some requests in one currency: the shape every report starts from.

    `n_error` counts outcomes other than ok and stopped; `n_unpriced` rows without a cost, `n_estimated` rows whose
    tokens are estimated; `cost_nano` sums the known costs only, its five components (`input_nano` … `other_nano`) add
    up to it. `est_low_nano`/`est_high_nano` bound the part `est_cost_nano`. Sums of tokens hold what is known:
    `n_in_unknown`/`n_out_unknown` rows say nothing. `in_cache_write` includes `in_cache_write_1h`. `paced_tokens` came
    in `paced_ms` after the first byte. A dimension that was not asked for is empty (`priced` None).
    """

    day: date | None = None
    """The local day, or the first day of the month."""
    at_ms: int | None = None
    """The beginning of the local hour."""
    gateway_id: int = 0
    model: str = ""
    base: str = ""
    family: str = ""
    variant: str = ""
    purpose: str = ""
    outcome: str = ""
    usage_source: str = ""
    priced: bool | None = None
    currency: str = "USD"
    demo: bool = False
    n: int = 0
    n_error: int = 0
    n_stopped: int = 0
    n_unpriced: int = 0
    n_estimated: int = 0
    n_reported_cost: int = 0
    cost_nano: int = 0
    est_cost_nano: int = 0
    in_uncached: int = 0
    in_cache_read: int = 0
    in_cache_write: int = 0
    out_visible: int = 0
    out_reasoning: int = 0
    duration_ms: int = 0
    first_visible_ms: int = 0
    n_first_visible: int = 0
    n_duration: int = 0
    n_anomaly: int = 0
    n_in_unknown: int = 0
    n_out_unknown: int = 0
    in_cache_write_1h: int = 0
    input_nano: int = 0
    cache_read_nano: int = 0
    cache_write_nano: int = 0
    output_nano: int = 0
    other_nano: int = 0
    est_low_nano: int = 0
    est_high_nano: int = 0
    paced_tokens: int = 0
    paced_ms: int = 0


class LedgerRow(Struct, frozen=True):
    """One usage event with its current cost, for the latest-requests list and exports."""

    id: int
    at_ms: int
    conversation: str | None
    message: str | None
    gateway_id: int
    gateway_name: str
    model: str
    base: str
    family: str
    variant: str
    dialect: str
    purpose: str
    outcome: str
    error_kind: str | None
    count: TokenCount
    usage_source: str
    cost: Cost
    first_visible_ms: int | None
    duration_ms: int | None
    demo: bool = False
