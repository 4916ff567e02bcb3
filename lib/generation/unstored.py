"""The diary of answers that are not stored: only their numbers are written down, at their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from lib.ledger import AnswerEnd, Attempt, ModelRef
from lib.messages import Part


class Book(Protocol):
    """What is needed of the store's ledger."""

    def record(
        self,
        owner: int,
        ref: ModelRef,
        attempts: tuple[Attempt, ...],
        *,
        conversation: str | None = None,
        settles: int | None = None,
        then: tuple[int, int] | None = None,
    ) -> None: ...


class Unstored:
    """One answer's diary (see `run.Diary`). `ended` is told of its end before the numbers are written.

    With `conversation` the cost counts into that conversation's total. `attempt_id` is what money was reserved for.
    """

    def __init__(
        self,
        book: Book,
        owner: int,
        ref: ModelRef,
        ended: Callable[[AnswerEnd], None],
        conversation: str | None = None,
        attempt_id: int | None = None,
    ) -> None:
        self._book = book
        self._owner = owner
        self._ref = ref
        self._ended = ended
        self._conversation = conversation
        self._attempt_id = attempt_id

    def checkpoint(self, answer_id: int, text: str, reasoning: str = "", parts: tuple[Part, ...] = ()) -> bool:
        return False

    def heartbeat(self, answer_id: int) -> bool:
        return False

    def new_attempt(
        self,
        answer_id: int,
        attempt_id: int,
        number: int,
        *,
        chars_in: int = 0,
        max_out_cap: int | None = None,
        media_in: int = 0,
        ended: Attempt | None = None,
    ) -> None:
        """The attempt before is over: its numbers are safe from now on, and the next one is known before it leaves."""
        if ended:
            self._record((ended,), then=(attempt_id, number))

    def finish(self, answer_id: int, end: AnswerEnd) -> bool:
        """May be called again until it succeeds: the ledger takes an attempt once."""
        self._ended(end)
        self._record(end.attempts, settles=self._attempt_id)
        return True

    def _record(
        self, attempts: tuple[Attempt, ...], settles: int | None = None, then: tuple[int, int] | None = None
    ) -> None:
        named = {"conversation": self._conversation}
        self._book.record(self._owner, self._ref, attempts, settles=settles, then=then, **named)
