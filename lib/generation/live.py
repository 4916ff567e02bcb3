"""One answer in memory while it grows. The engine's thread writes it, any number of pages read it."""

from __future__ import annotations

import threading
import time
from typing import Literal

from msgspec import Struct

from lib.events import (
    AttemptBegan,
    AttemptFailed,
    Event,
    Failed,
    Finished,
    Gathered,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from lib.ledger import AnswerState, Purpose

Phase = Literal["waiting", "retrying", "reasoning", "writing", "over"]


class News(Struct, frozen=True):
    """What a follower has not seen yet: new reasoning, new text, and where the answer stands.

    `waited_s` counts since the request was sent while nothing has come; `retry_in_s` is the pause before the next
    attempt; `error_kind` is why the last attempt failed.
    """

    reasoning: str = ""
    text: str = ""
    phase: Phase = "waiting"
    state: AnswerState = "running"
    waited_s: float = 0.0
    retry_in_s: float = 0.0
    error_kind: str | None = None
    over: bool = False


class LiveAnswer:
    """The growing answer `message` (public id). Followers keep a cursor of their own: two character counts.

    `unsaved` is True while the ended answer could not be stored: until then it is complete only here. `kept` is the
    text of an earlier answer that this one continues: it is there from the start.
    """

    def __init__(
        self, answer_id: int, message: str, conversation: str, *, kept: str = "", purpose: Purpose = "chat"
    ) -> None:
        self.answer_id = answer_id
        self.message = message
        self.conversation = conversation
        self.purpose = purpose
        self.gathered = Gathered(keeps_text=False)
        self.reasoning_ms: int | None = None
        self.unsaved = False
        self._text: list[str] = [kept] if kept else []
        self._changed = threading.Condition()
        self._version = 0
        self._phase: Phase = "waiting"
        self._state: AnswerState = "running"
        self._sent_at = time.monotonic()
        self._reasoning_began: float | None = None
        self._retry_at = 0.0
        self._error_kind: str | None = None

    def take(self, events: list[Event]) -> None:
        """Add events (engine thread) and wake the followers once."""
        with self._changed:
            for event in events:
                self._note(event)
                self.gathered.take(event)
            self._version += 1
            self._changed.notify_all()

    def end(self, state: AnswerState, *, unsaved: bool = False) -> None:
        """Nothing more will come; followers read the rest and leave. The first `state` stays."""
        with self._changed:
            if not self.over:
                self._state, self._phase = state, "over"
            self.unsaved = unsaved
            self._version += 1
            self._changed.notify_all()

    @property
    def over(self) -> bool:
        return self._phase == "over"

    @property
    def state(self) -> AnswerState:
        return self._state

    @property
    def version(self) -> int:
        """Grows with every change: equal versions mean nothing to checkpoint."""
        return self._version

    def texts(self) -> tuple[str, str]:
        """(text, reasoning) as they stand, captured together. A refusal's words are text."""
        with self._changed:
            return self._joined(), self.gathered.reasoning

    def wait(self, seen: int, timeout_s: float) -> int:
        """Block until the version differs from `seen` or `timeout_s` passes; the current version."""
        with self._changed:
            if self._version == seen and not self.over:
                self._changed.wait(timeout_s)
            return self._version

    def news(self, reasoning_seen: int, text_seen: int) -> News:
        """Everything after the two character counts."""
        with self._changed:
            return News(
                reasoning=self.gathered.reasoning[reasoning_seen:],
                text=self._joined()[text_seen:],
                phase=self._phase,
                state=self._state,
                waited_s=time.monotonic() - self._sent_at,
                retry_in_s=max(0.0, self._retry_at - time.monotonic()),
                error_kind=self._error_kind,
                over=self.over,
            )

    def _joined(self) -> str:
        if len(self._text) > 1:
            self._text[:] = ["".join(self._text)]
        return self._text[0] if self._text else ""

    def _note(self, event: Event) -> None:
        match event:
            case AttemptBegan():
                self._sent_at, self._phase = time.monotonic(), "waiting"
            case AttemptFailed(_, error, wait):
                self._phase, self._retry_at, self._error_kind = "retrying", time.monotonic() + wait, error.kind
            case ReasoningDelta():
                self._phase = "reasoning"
                self._reasoning_began = self._reasoning_began or time.monotonic()
            case TextDelta(text) | RefusalDelta(text):
                self._text.append(text)
                self._write()
            case ToolCallDelta():
                self._write()
            case Finished() | Failed():
                self._close_reasoning()
            case _:
                pass

    def _write(self) -> None:
        self._phase = "writing"
        self._close_reasoning()

    def _close_reasoning(self) -> None:
        if self._reasoning_began is not None and self.reasoning_ms is None:
            self.reasoning_ms = round((time.monotonic() - self._reasoning_began) * 1000)
