"""From an answer's events to the rows its end writes in the ledger: one per upstream attempt."""

from __future__ import annotations

import time
from collections.abc import Callable

from lib.errors import ANSWER_SIZE, GatewayError
from lib.events import (
    AttemptBegan,
    AttemptFailed,
    Event,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from lib.generation.measure import Tariff, measured
from lib.ids import new_id, now_ms
from lib.ledger import Attempt, ModelRef, Outcome, Purpose
from lib.tokens import Usage, merged

Opened = Callable[[int, int, Attempt], None]
_SAMPLE_CHARS = 4_000
_REJECTIONS = (
    "auth",
    "permission",
    "not_found",
    "bad_request",
    "context_length",
    "too_large",
    "rate_limit",
    "quota",
    "no_channel",
    "overloaded",
)


class AttemptLog:
    """Watches the events of one answer and keeps the clock, the usage and the characters of each attempt.

    `opened(id, number, ended)` is called before every attempt after the first, so that a crash finds it in the
    store; when it raises, that attempt does not begin.
    """

    def __init__(self, ref: ModelRef, first_id: int, *, purpose: Purpose, max_tokens: int | None) -> None:
        self.ref = ref
        self.chars_in = 0
        self.media_in = 0
        self.max_tokens = max_tokens
        self.closed: list[Attempt] = []
        self.opened: Opened = lambda attempt_id, number, ended: None
        self._purpose: Purpose = purpose
        self._first_id = first_id
        self._tariff = Tariff()
        self._open: _Open | None = None

    def prepare(self, chars_in: int, tariff: Tariff, media_in: int = 0) -> None:
        """What is known before the first attempt: characters and media tokens to be sent, and the price in force."""
        self.chars_in, self.media_in, self._tariff = chars_in, media_in, tariff

    def note(self, event: Event) -> None:
        """Take one event."""
        match event:
            case AttemptBegan(number):
                self._begin(number)
            case AttemptFailed(_, error):
                self._close(error, stopped=False)
            case _ if self._open:
                self._open.take(event)

    def finish(self, error: GatewayError | None, *, stopped: bool) -> tuple[Attempt, ...]:
        """Close the attempt in progress and return every attempt, measured and priced."""
        if self._open:
            self._close(error, stopped=stopped)
        return tuple(self.closed)

    def bare(self) -> tuple[Attempt, ...]:
        """Every attempt, the one in progress as unknown and unpriced: when measuring it has failed."""
        opened, self._open = self._open, None
        if opened:
            self.closed.append(self._row(opened, "unknown", None))
        return tuple(self.closed)

    def _begin(self, number: int) -> None:
        attempt_id = new_id() if self.closed else self._first_id
        if self.closed:
            self.opened(attempt_id, number, self.closed[-1])
        self._open = _Open(attempt_id, number)

    def _close(self, error: GatewayError | None, *, stopped: bool) -> None:
        opened = self._open
        if opened is None:
            return
        row = self._row(opened, _outcome(opened, error, stopped=stopped), error)
        whole = opened.finish is not None and opened.usage_is_final
        row = measured(row, opened.usage, self._tariff, sample=opened.sample, whole=whole)
        self.closed.append(row)
        self._open = None

    def _row(self, opened: _Open, outcome: Outcome, error: GatewayError | None) -> Attempt:
        answered = 200 if opened.first_byte_at is not None else None
        return Attempt(
            id=opened.id,
            number=opened.number,
            started_ms=opened.started_ms,
            ended_ms=now_ms(),
            outcome=outcome,
            model_requested=self.ref.model,
            purpose=self._purpose,
            dialect=self.ref.dialect,
            model_reported=opened.model,
            response_id=opened.response_id,
            request_id=(error.request_id if error else None) or opened.request_id,
            http_status=(error.status if error else None) or answered,
            error_kind=error.kind if error else None,
            error_message=error.message[:500] if error else None,
            finish_reason=opened.finish.reason if opened.finish else None,
            first_byte_ms=opened.since(opened.first_byte_at),
            first_visible_ms=opened.since(opened.first_visible_at),
            duration_ms=opened.since(time.monotonic()),
            usage_raw=opened.usage_raw,
            chars_in=self.chars_in,
            media_in=self.media_in,
            chars_out=opened.chars_out,
            chars_reasoning=opened.chars_reasoning,
            max_out_cap=self.max_tokens,
        )


class _Open:
    """What one attempt has brought so far. Nothing of an earlier attempt is mixed in."""

    def __init__(self, attempt_id: int, number: int) -> None:
        self.id = attempt_id
        self.number = number
        self.started_ms = now_ms()
        self.began_at = time.monotonic()
        self.first_byte_at: float | None = None
        self.first_visible_at: float | None = None
        self.request_id: str | None = None
        self.response_id: str | None = None
        self.model: str | None = None
        self.usage: Usage | None = None
        self.usage_raw = ""
        self._told_at = 0
        self.finish: Finished | None = None
        self.chars_out = 0
        self.chars_reasoning = 0
        self.sample = ""

    def take(self, event: Event) -> None:
        match event:
            case Started(response_id, model, request_id):
                self._first(visible=False)
                self.response_id, self.model = response_id or self.response_id, model or self.model
                self.request_id = request_id or self.request_id
            case TextDelta(text) | RefusalDelta(text):
                self.chars_out += len(text)
                self._show(text)
            case ReasoningDelta(text):
                self.chars_reasoning += len(text)
                self._show(text)
            case ToolCallDelta():
                self.chars_out += len(event.name or "") + len(event.arguments)
                self._show(event.arguments)
            case UsageReported(usage, raw):
                self.usage, self.usage_raw = merged(self.usage, usage), raw or self.usage_raw
                self._told_at = self.chars_out + self.chars_reasoning
            case Finished():
                self.finish = event
            case _:
                pass

    @property
    def has_content(self) -> bool:
        return self.first_visible_at is not None

    @property
    def usage_is_final(self) -> bool:
        """Whether words came before the last report: Anthropic's first event only says that one will come."""
        return bool(self._told_at) or not self.has_content

    def since(self, moment: float | None) -> int | None:
        """Milliseconds from the start to `moment`, on the monotonic clock."""
        return None if moment is None else round((moment - self.began_at) * 1000)

    def _show(self, text: str) -> None:
        self._first(visible=True)
        if len(self.sample) < _SAMPLE_CHARS:
            self.sample += text[:_SAMPLE_CHARS]

    def _first(self, *, visible: bool) -> None:
        now = time.monotonic()
        self.first_byte_at = self.first_byte_at or now
        if visible:
            self.first_visible_at = self.first_visible_at or now


def _outcome(opened: _Open, error: GatewayError | None, *, stopped: bool) -> Outcome:
    """refused and failed are certainly unbilled; unknown may have been billed although nothing came."""
    if error is None:
        return "ok" if opened.finish else "stopped" if stopped else "unknown"
    if opened.has_content:
        return "cut"
    if not error.sent:
        return "failed"
    reported = opened.usage is not None and opened.usage.known
    return "refused" if _rejected(error) and not reported else "unknown"


def _rejected(error: GatewayError) -> bool:
    """Whether the gateway said no before any work.

    408 and 409 are ambiguous (RFC 9110 15.5.9, 15.5.10), and so are 500, 502 and 504; 503 and 529 mean 'overloaded'.
    """
    if error.where in ("stream", "body"):
        return error.kind in _REJECTIONS and error.code != ANSWER_SIZE
    if error.kind == "redirect":
        return True
    status = error.status or 0
    clear = 300 <= status < 500 and status not in (408, 409)
    return error.where == "http" and (clear or status in (503, 529))
