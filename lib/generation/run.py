"""One answer, from the stored turn to the stored end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from lib.cards import DialectName, ModelCard
from lib.errors import BadInput, ParlourError, StoreError
from lib.events import Event
from lib.generation.attempts import AttemptLog, Tariff
from lib.generation.live import LiveAnswer
from lib.ledger import AnswerEnd, AnswerState
from lib.messages import Ask, Part, ReasoningPart, TextPart, ToolCallPart

_log = logging.getLogger("parlour.answers")

CHECKPOINT_S = 0.4
"""Text is in the store at most this much later; half a second is the promise."""


class Door(Protocol):
    """What a run needs of a gateway (`lib.gateway.Gateway`)."""

    async def answer(
        self, ask: Ask, dialect: DialectName, take: Callable[[list[Event]], None], *, card: ModelCard | None = None
    ) -> None: ...


class Diary(Protocol):
    """What a run needs of the store: the methods of `store.answers` that write one answer."""

    def checkpoint(self, answer_id: int, text: str, reasoning: str) -> bool: ...
    def finish(self, answer_id: int, end: AnswerEnd) -> bool: ...
    def new_attempt(self, answer_id: int, attempt_id: int, number: int) -> None: ...


class Job(Struct, frozen=True):
    """Everything one run needs, gathered before it starts."""

    ask: Ask
    dialect: DialectName
    card: ModelCard | None
    tariff: Tariff


class Run:
    """Runs one answer on the engine's loop. `go` never raises: whatever happens is written as the answer's end."""

    def __init__(self, live: LiveAnswer, log: AttemptLog, diary: Diary) -> None:
        self.live = live
        self.stopping: AnswerState | None = None
        self._log = log
        self._diary = diary
        self._task: asyncio.Task[None] | None = None
        self._log.opened = lambda attempt_id, number: diary.new_attempt(live.answer_id, attempt_id, number)

    def stop(self, state: AnswerState = "stopped") -> None:
        """End the answer now, on the engine's loop: cancelling closes the upstream connection."""
        if self.stopping is None:
            self.stopping = state
            if self._task:
                self._task.cancel()

    async def go(self, job: Callable[[], Job], door: Callable[[], Door]) -> AnswerState:
        """Prepare, ask, keep, end. `job` reads the store (in a worker thread), `door` opens the gateway."""
        failure: ParlourError | None = None
        tariff = Tariff()
        checkpoints = asyncio.create_task(self._checkpoint())
        try:
            prepared = await asyncio.to_thread(job)
            tariff = prepared.tariff
            self._log.chars_in = _chars(prepared.ask)
            self._task = asyncio.create_task(
                door().answer(prepared.ask, prepared.dialect, self._take, card=prepared.card)
            )
            if self.stopping:
                self._task.cancel()
            await self._task
        except asyncio.CancelledError:
            self.stopping = self.stopping or "interrupted"
        except ParlourError as error:
            failure = error
        except Exception:  # noqa: BLE001  a defect of ours must end as a stored answer too, never as one that runs for ever
            _log.exception("an answer ended by a defect")
            failure = ParlourError("internal")
        finally:
            checkpoints.cancel()
        end = self._end(tariff, failure)
        await asyncio.shield(asyncio.to_thread(self._write, end))
        self.live.end(end.state)
        return end.state

    def _take(self, events: list[Event]) -> None:
        for event in events:
            self._log.note(event)
        self.live.take(events)

    async def _checkpoint(self) -> None:
        """Every 0.4 s: keep what has come, show a sign of life, and learn of a Stop pressed elsewhere."""
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            text, reasoning = self.live.texts()
            try:
                if await asyncio.to_thread(self._diary.checkpoint, self.live.answer_id, text, reasoning):
                    self.stop()
            except StoreError:
                continue  # the answer goes on in memory; the next checkpoint tries again

    def _end(self, tariff: Tariff, failure: ParlourError | None) -> AnswerEnd:
        gathered = self.live.gathered
        kind, message = _why(failure) if failure else (None, None)
        if gathered.error:
            kind, message = gathered.error.kind, gathered.error.message
        return AnswerEnd(
            state=self._state(failed=failure is not None),
            text=gathered.text or (gathered.refusal or ""),
            reasoning=gathered.reasoning,
            parts=_parts(self.live),
            error_kind=kind,
            error_message=message,
            finish_reason=gathered.finish.reason if gathered.finish else None,
            reasoning_ms=self.live.reasoning_ms,
            repaired=tuple(gathered.repaired),
            attempts=self._log.finish(gathered, tariff, stopped=self.stopping == "stopped"),
        )

    def _state(self, *, failed: bool) -> AnswerState:
        gathered = self.live.gathered
        if gathered.complete:
            return "done"
        if self.stopping:
            return self.stopping
        return "cut" if gathered.has_content and not failed else "failed"

    def _write(self, end: AnswerEnd) -> None:
        """The one transaction that ends the answer; a busy database is asked again before giving up."""
        for _ in range(3):
            try:
                self._diary.finish(self.live.answer_id, end)
                return
            except StoreError:
                continue


def _chars(ask: Ask) -> int:
    """Characters the ask sends: what an estimate of its input tokens starts from."""
    texts = (part.text for message in ask.messages for part in message.parts if isinstance(part, TextPart))
    return len(ask.system) + sum(map(len, texts))


def _why(failure: ParlourError) -> tuple[str, str]:
    reason = failure.reason if isinstance(failure, BadInput) else type(failure).__name__
    return reason, failure.message


def _parts(live: LiveAnswer) -> tuple[Part, ...]:
    """What must go back to the gateway byte for byte in a later turn: sealed reasoning and tool calls."""
    gathered = live.gathered
    parts: list[Part] = []
    if gathered.signature or gathered.redacted:
        parts.append(ReasoningPart(gathered.reasoning, gathered.signature, tuple(gathered.redacted)))
    parts += [ToolCallPart(call.id, call.name, call.arguments, call.thought_signature) for call in gathered.tool_calls]
    return tuple(parts)
