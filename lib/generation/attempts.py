"""From what an answer's events said to the rows its end writes in the ledger: one per upstream attempt."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

from msgspec import Struct, structs

from lib.cards import Prices, PriceSource
from lib.errors import GatewayError
from lib.events import AttemptBegan, AttemptFailed, Event, Gathered, ReasoningDelta, Started, TextDelta, ToolCallDelta
from lib.ids import new_id, now_ms
from lib.ledger import Attempt, Cost, ModelRef, Outcome, Purpose, UsageSource
from lib.pricing import estimate_count, estimate_range, guessed_ratio, price
from lib.tokens import TokenCount, Usage, buckets


class Tariff(Struct, frozen=True):
    """The price in force when an answer began, and this model's tokens per character where they are known.

    `reference` is the vendor's list: only the proportions of its cache prices are ever used.
    """

    prices: Prices | None = None
    source: PriceSource | None = None
    version_id: int | None = None
    reference: Prices | None = None
    tokens_per_char: Fraction | None = None


class AttemptLog:
    """Watches the events of one answer and keeps the clock of each attempt.

    `opened` is told the id of every attempt after the first, so that a crash finds it in the store.
    """

    def __init__(self, ref: ModelRef, first_id: int, *, purpose: Purpose, max_tokens: int | None) -> None:
        self._ref = ref
        self._purpose: Purpose = purpose
        self.chars_in = 0
        self._max_tokens = max_tokens
        self._next_id: int | None = first_id
        self._open: _Open | None = None
        self.closed: list[Attempt] = []
        self.opened: Callable[[int, int], None] = lambda attempt_id, number: None

    def note(self, event: Event) -> None:
        """Keep the times that matter."""
        match event:
            case AttemptBegan(number):
                self._begin(number)
            case AttemptFailed(_, error):
                self._close(self._row(_outcome_of(error, content=False), error=error))
            case Started():
                self._mark("first_byte_at")
                if self._open and event.request_id:
                    self._open.request_id = event.request_id
            case TextDelta() | ToolCallDelta() | ReasoningDelta():
                self._mark("first_byte_at")
                self._mark("first_visible_at")

    def _begin(self, number: int) -> None:
        attempt_id, self._next_id = self._next_id or new_id(), None
        self._open = _Open(attempt_id, number)
        if number > 1:
            self.opened(attempt_id, number)

    def _mark(self, name: str) -> None:
        if self._open and getattr(self._open, name) is None:
            setattr(self._open, name, time.monotonic())

    def finish(self, gathered: Gathered, tariff: Tariff, *, stopped: bool) -> tuple[Attempt, ...]:
        """Close the attempt in progress and return every attempt, priced."""
        if self._open:
            outcome = _outcome(gathered, stopped=stopped)
            self._close(_measured(self._row(outcome, error=gathered.error), gathered, tariff))
        last = len(self.closed) - 1
        return tuple(
            _priced(attempt, gathered.usage if at == last else None, tariff) for at, attempt in enumerate(self.closed)
        )

    def _close(self, attempt: Attempt) -> None:
        self.closed.append(attempt)
        self._open = None

    def _row(self, outcome: Outcome, *, error: GatewayError | None) -> Attempt:
        opened = self._open or _Open(new_id(), len(self.closed) + 1)
        return Attempt(
            id=opened.id,
            number=opened.number,
            started_ms=opened.started_ms,
            ended_ms=now_ms(),
            outcome=outcome,
            model_requested=self._ref.model,
            purpose=self._purpose,
            dialect=self._ref.dialect,
            request_id=(error.request_id if error else None) or opened.request_id,
            http_status=(error.status if error else 200),
            error_kind=error.kind if error else None,
            error_message=error.message[:500] if error else None,
            first_byte_ms=opened.since(opened.first_byte_at),
            first_visible_ms=opened.since(opened.first_visible_at),
            duration_ms=opened.since(time.monotonic()),
            chars_in=self.chars_in,
            max_out_cap=self._max_tokens,
        )


class _Open:
    def __init__(self, attempt_id: int, number: int) -> None:
        self.id = attempt_id
        self.number = number
        self.started_ms = now_ms()
        self.began_at = time.monotonic()
        self.first_byte_at: float | None = None
        self.first_visible_at: float | None = None
        self.request_id: str | None = None

    def since(self, moment: float | None) -> int | None:
        """Milliseconds from the start to `moment`, on the monotonic clock."""
        return None if moment is None else round((moment - self.began_at) * 1000)


def _outcome(gathered: Gathered, *, stopped: bool) -> Outcome:
    if gathered.complete:
        return "ok"
    if gathered.error:
        return _outcome_of(gathered.error, content=gathered.has_content)
    return "stopped" if stopped else "unknown"


def _outcome_of(error: GatewayError, *, content: bool) -> Outcome:
    """refused and failed are certainly unbilled; unknown may have been billed although nothing came."""
    if content:
        return "cut"
    if not error.sent:
        return "failed"
    rejected = error.where == "http" and error.status is not None
    if rejected and (300 <= (error.status or 0) < 500 or error.status in (503, 529)) and error.status not in (408, 409):
        return "refused"
    return "unknown"


def _measured(attempt: Attempt, gathered: Gathered, tariff: Tariff) -> Attempt:
    """The attempt with its tokens: as reported, or estimated from the characters when the end was not reached."""
    attempt = structs.replace(
        attempt,
        model_reported=gathered.model,
        response_id=gathered.response_id,
        finish_reason=gathered.finish.reason if gathered.finish else None,
        chars_out=len(gathered.text),
        chars_reasoning=len(gathered.reasoning),
        usage_raw=gathered.usage_raw,
    )
    if attempt.outcome in ("refused", "failed"):
        return attempt
    usage = gathered.usage
    ratio = tariff.tokens_per_char or guessed_ratio(gathered.text or gathered.reasoning)
    count, source = _count(attempt, usage, complete=gathered.finish is not None, ratio=ratio)
    return structs.replace(
        attempt,
        count=count,
        usage_source=source,
        semantic=usage.semantic if usage else "openai_incl",
        anomaly=usage.anomaly if usage else None,
    )


def _count(attempt: Attempt, usage: Usage | None, *, complete: bool, ratio: Fraction) -> tuple[TokenCount, UsageSource]:
    if complete and usage and usage.input is not None and usage.output is not None:
        return buckets(usage), "reported"
    guess = estimate_count(attempt.chars_in, attempt.chars_out, attempt.chars_reasoning, ratio)
    if attempt.outcome == "unknown" and not attempt.chars_out and not attempt.chars_reasoning:
        return TokenCount(), "none"
    if usage is None or not usage.known:
        return guess, "estimated"
    return _filled(buckets(usage), guess), "reported_partial"


def _filled(told: TokenCount, guess: TokenCount) -> TokenCount:
    """Reported where it was reported. Output reported before the end is a floor: Anthropic's first event says 1."""
    known_input = told if told.input is not None else guess
    visible = max(told.out_visible or 0, guess.out_visible or 0)
    reasoning = max(told.out_reasoning or 0, guess.out_reasoning or 0)
    return structs.replace(known_input, out_visible=visible, out_reasoning=reasoning)


def _priced(attempt: Attempt, usage: Usage | None, tariff: Tariff) -> Attempt:
    if attempt.outcome in ("refused", "failed"):
        return structs.replace(attempt, cost=Cost(nano=0, currency=_currency(tariff)))
    cost = price(
        attempt.count,
        tariff.prices,
        source=tariff.source,
        version_id=tariff.version_id,
        reference=tariff.reference,
        reported=usage.cost if usage else None,
        reported_currency=usage.currency if usage else None,
    )
    if attempt.usage_source != "reported":
        known = attempt.usage_source == "reported_partial"
        cost = estimate_range(
            cost,
            attempt.count,
            tariff.prices,
            max_out_cap=attempt.max_out_cap,
            reference=tariff.reference,
            input_known=known,
        )
    return structs.replace(attempt, cost=cost)


def _currency(tariff: Tariff) -> str:
    return tariff.prices.currency if tariff.prices else "USD"
