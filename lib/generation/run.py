"""One answer, from the stored turn to the stored end."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from msgspec import Struct, structs

from lib.cards import DialectName, ModelCard
from lib.errors import ANSWER_SIZE, BadInput, GatewayError, NotFound, ParlourError, StoreError
from lib.events import Event, Finished
from lib.generation.asking import chars_in
from lib.generation.attempts import AttemptLog
from lib.generation.live import LiveAnswer
from lib.generation.measure import Tariff
from lib.ledger import AnswerEnd, AnswerState, Attempt, left_out_words
from lib.messages import Ask, Part, ReasoningPart, ToolCallPart
from lib.retries import MAX_WAIT_S

_log = logging.getLogger("parlour.answers")

CHECKPOINT_S = 0.4
"""Text is in the store at most this much later; half a second is the promise."""
STOP_S = 2.0
"""A door that has not let go this long after Stop is not waited for."""
LINGER_S = 3.0
"""How long a whole answer waits for a gateway that does not close its stream (usage may still come)."""
_TRIES_UNSEEN = 2
_LONGEST_PAUSE_S = 2.0


class Door(Protocol):
    """What a run needs of a gateway (`lib.gateway.Gateway`)."""

    async def answer(
        self, ask: Ask, dialect: DialectName, take: Callable[[list[Event]], None], *, card: ModelCard | None = None
    ) -> None: ...


class Diary(Protocol):
    """What a run needs of the store: the methods of `store.answers` that write one answer."""

    def checkpoint(self, answer_id: int, text: str, reasoning: str = "", parts: tuple[Part, ...] = ()) -> bool: ...
    def heartbeat(self, answer_id: int) -> bool: ...
    def finish(self, answer_id: int, end: AnswerEnd) -> bool: ...
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
    ) -> None: ...


class Job(Struct, frozen=True):
    """Everything one run needs, gathered before it starts.

    `media_in` are the tokens that its pictures and video should add to the input; `left_out` of them are not sent,
    because the model takes none.
    """

    ask: Ask
    dialect: DialectName
    card: ModelCard | None
    tariff: Tariff
    media_in: int = 0
    left_out: int = 0


class Run:
    """Runs one answer on the engine's loop. Whatever happens is written as the answer's end."""

    def __init__(self, live: LiveAnswer, log: AttemptLog, diary: Diary) -> None:
        self.live = live
        self.ref = log.ref
        self.stopping: AnswerState | None = None
        self.end: AnswerEnd | None = None
        self._log = log
        self._diary = diary
        self._deaf = False
        self._left_out = 0
        self._stop_asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._log.opened = self._opened

    def stop(self, state: AnswerState = "stopped") -> None:
        """End the answer now, on the engine's loop: cancelling closes the upstream connection."""
        if self.stopping is None:
            self.stopping = state
            self._stop_asked.set()
            if self._task:
                self._task.cancel()

    async def go(self, job: Callable[[], Job], door: Callable[[], Door]) -> AnswerEnd:
        """Prepare, ask, keep, end. `job` and `door` read the store, in a worker thread. Raises only when cancelled."""
        checkpoints = asyncio.create_task(self._checkpoint())
        try:
            failure = await self._outcome(asyncio.create_task(self._ask(job, door)))
        finally:
            checkpoints.cancel()
        self.end = self._last_words(failure)
        await self._keep(self.end)
        return self.end

    def rescue(self) -> None:
        """From any thread, when the loop no longer answers: write down what there is."""
        self._deaf, self.stopping = True, self.stopping or "interrupted"
        end = self.end or self._last_words(None)
        try:
            self._diary.finish(self.live.answer_id, end)
        except ParlourError:
            self.live.end(end.state, unsaved=True)
            return
        self.live.end(end.state)

    # --- asking -----------------------------------------------------------------------------------------------------

    async def _ask(self, job: Callable[[], Job], door: Callable[[], Door]) -> None:
        prepared, opened = await asyncio.to_thread(lambda: (job(), door()))
        self._log.prepare(chars_in(prepared.ask.messages, prepared.ask.system), prepared.tariff, prepared.media_in)
        self._left_out = prepared.left_out
        await opened.answer(prepared.ask, prepared.dialect, self._take, card=prepared.card)

    async def _outcome(self, task: asyncio.Task[None]) -> ParlourError | None:
        """Wait for the ask; after Stop not longer than `STOP_S`. What failed, if it was not the gateway."""
        self._task = task
        if self.stopping:
            task.cancel()
        stopped = asyncio.create_task(self._stop_asked.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not task.done():
            await asyncio.wait({task}, timeout=STOP_S)
        self._deaf = True
        if not task.done() or task.cancelled():
            task.add_done_callback(_forget)
            self.stopping = self.stopping or (None if self.live.gathered.complete else "interrupted")
            return None
        return _failure(task.exception())

    def _take(self, events: list[Event]) -> None:
        if self._deaf:
            return
        for event in events:
            self._log.note(event)
            if isinstance(event, Finished) and self._task:
                asyncio.get_running_loop().call_later(LINGER_S, self._task.cancel)
        self.live.take(events)

    def _opened(self, attempt_id: int, number: int, ended: Attempt) -> None:
        """Commit the next attempt, and the ledger row of the one before, before anything is sent again."""
        log = self._log
        self._diary.new_attempt(
            *(self.live.answer_id, attempt_id, number),
            chars_in=log.chars_in,
            max_out_cap=log.max_tokens,
            media_in=log.media_in,
            ended=ended,
        )

    async def _checkpoint(self) -> None:
        """Every 0.4 s: keep what has come, show a sign of life, and learn of a Stop pressed elsewhere."""
        kept = -1
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            version = self.live.version
            try:
                stop = await asyncio.to_thread(self._beat if version == kept else self._write_down)
            except StoreError:
                continue  # the answer goes on in memory; the next checkpoint tries again
            kept = version
            if stop:
                self.stop()

    def _beat(self) -> bool:
        return self._diary.heartbeat(self.live.answer_id)

    def _write_down(self) -> bool:
        text, reasoning = self.live.texts()
        return self._diary.checkpoint(self.live.answer_id, text, reasoning, _parts(self.live))

    # --- ending -----------------------------------------------------------------------------------------------------

    def _last_words(self, failure: ParlourError | None) -> AnswerEnd:
        """The end to write; a defect in measuring it costs its numbers, never the answer."""
        stopped = self.stopping == "stopped"
        try:
            attempts = self._log.finish(self.live.gathered.error, stopped=stopped)
        except Exception as error:  # noqa: BLE001  the text must be kept whatever the accounting does
            _report("an attempt could not be measured", error)
            attempts = self._log.bare()
        return self._end(failure, attempts)

    def _end(self, failure: ParlourError | None, attempts: tuple[Attempt, ...]) -> AnswerEnd:
        gathered = self.live.gathered
        text, reasoning = self.live.texts()
        state = self._state(failed=failure is not None)
        kind, message = _why(failure) if failure and state != "done" else (None, None)
        if gathered.error:
            kind, message = _told(gathered.error), _said(gathered.error)
        elif kind is None and state in ("cut", "failed"):
            kind = "truncated" if state == "cut" else "empty"
        return AnswerEnd(
            state=state,
            text=text,
            reasoning=reasoning,
            parts=_parts(self.live),
            error_kind=kind,
            error_message=message,
            finish_reason=gathered.finish.reason if gathered.finish else None,
            reasoning_ms=self.live.reasoning_ms,
            repaired=(*gathered.repaired, *left_out_words(self._left_out)),
            attempts=attempts,
        )

    def _state(self, *, failed: bool) -> AnswerState:
        """What came decides before what was asked for: a Stop in the same instant as the end changes nothing."""
        gathered = self.live.gathered
        if gathered.complete:
            return "done"
        if self.stopping and not gathered.error:
            return self.stopping
        return "cut" if gathered.has_content and not failed else "failed"

    async def _keep(self, end: AnswerEnd) -> None:
        """The one transaction that ends the answer, tried for as long as this process lives.

        After the second failure the followers are let go; the answer says `unsaved` and stays readable here.
        """
        tries, pause = 0, 0.1
        while not await self._kept(end):
            tries += 1
            if tries == _TRIES_UNSEEN:
                _log.error("an ended answer cannot be stored; it is kept in memory and tried again")
                self.live.end(end.state, unsaved=True)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _kept(self, end: AnswerEnd) -> bool:
        try:
            await asyncio.to_thread(self._diary.finish, self.live.answer_id, end)
        except NotFound:
            return True
        except StoreError:
            return False
        except Exception as error:  # noqa: BLE001  a row that cannot be written must not take the text with it
            _report("the end of an answer could not be written", error)
            return await self._kept_bare(end)
        return True

    async def _kept_bare(self, end: AnswerEnd) -> bool:
        attempts = tuple(structs.replace(attempt, usage_raw="") for attempt in end.attempts)
        plain = structs.replace(end, parts=(), error_message=None, attempts=attempts)
        with suppress(Exception):
            await asyncio.to_thread(self._diary.finish, self.live.answer_id, plain)
            return True
        return False


def _failure(error: BaseException | None) -> ParlourError | None:
    if error is None or isinstance(error, ParlourError):
        return error
    _report("an answer ended by a defect", error)
    return ParlourError("internal")


def _report(what: str, error: BaseException) -> None:
    """Where it happened, never what it said: an exception's message may hold what somebody wrote."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    _log.error("%s: %s at %s", what, type(error).__name__, " < ".join(reversed(places)))


def _forget(task: asyncio.Task[None]) -> None:
    """Nobody listens to an abandoned door: take its exception, so that it is not reported as lost."""
    if not task.cancelled():
        task.exception()


def _told(error: GatewayError) -> str:
    """The kind that the answer's sentence is chosen by: finer than the ledger's where the next step is another one."""
    if error.where == "transport" and error.code:
        return error.code  # dns, connect, tls, url, closed
    return "answer_too_large" if error.code == ANSWER_SIZE else error.kind


def _said(error: GatewayError) -> str:
    """The gateway's own words, and the wait it asks for where that is too long to be kept in silence."""
    wait = error.retry_after_s or 0.0
    return error.message if wait <= MAX_WAIT_S else f"{error.message} (retry-after: {min(wait, 1e9):.0f} s)".lstrip()


def _why(failure: ParlourError) -> tuple[str, str | None]:
    if isinstance(failure, BadInput):
        return failure.reason, failure.message
    if type(failure) is ParlourError:
        return failure.message or "internal", None
    return type(failure).__name__, failure.message


def _parts(live: LiveAnswer) -> tuple[Part, ...]:
    """What must go back to the gateway byte for byte in a later turn: sealed reasoning and tool calls."""
    gathered = live.gathered
    parts: list[Part] = []
    if gathered.signature or gathered.redacted:
        parts.append(ReasoningPart(live.texts()[1], gathered.signature, tuple(gathered.redacted)))
    parts += [ToolCallPart(call.id, call.name, call.arguments, call.thought_signature) for call in gathered.tool_calls]
    return tuple(parts)
