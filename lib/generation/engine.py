"""The engine: one per process, an asyncio loop in a thread of its own, where every answer runs.

Pages hand it turns and read live answers; cancelling a task on this loop is what makes Stop work while nothing
arrives. A page that goes away changes nothing here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from lib.errors import AnswerRunning, NotFound, ParlourError, StoreError
from lib.generation.attempts import AttemptLog
from lib.generation.live import LiveAnswer
from lib.generation.run import Diary, Door, Job, Run
from lib.ledger import AnswerEnd, ModelRef, Purpose, Turn

_T = TypeVar("_T")
_log = logging.getLogger("parlour.engine")

GRACE_S = 5.0
"""A finished answer stays readable this long for followers that are about to look."""
_THREADS = 16
_NEXT_PAUSES_S = (0.5, 1.0, 2.0, 4.0)

AfterEnd = Callable[[LiveAnswer, ModelRef, AnswerEnd], None]


class Engine:
    """Starts, follows and stops answers. All public methods are called from other threads."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._loop = asyncio.new_event_loop()
        self._workers = ThreadPoolExecutor(_THREADS, thread_name_prefix="parlour-worker")
        self._loop.set_default_executor(self._workers)
        self._thread = threading.Thread(target=self._work, name="parlour-engine", daemon=True)
        self.after_end: AfterEnd = lambda live, ref, end: None
        self._thread.start()

    @property
    def closing(self) -> bool:
        """Whether no answer is started any more."""
        return self._closing

    def start(
        self,
        live: LiveAnswer,
        turn: Turn,
        attempt_id: int,
        *,
        job: Callable[[], Job],
        door: Callable[[], Door],
        purpose: Purpose = "chat",
        diary: Diary | None = None,
    ) -> LiveAnswer:
        """Run the stored, not yet sent answer `live`. Returns at once; the answer is registered under its message.

        `diary` writes it down elsewhere than the engine's own. While the engine closes, nothing is sent: the answer
        ends as interrupted.
        """
        log = AttemptLog(turn.ref, attempt_id, purpose=purpose, max_tokens=turn.params.max_tokens)
        run = Run(live, log, diary or self._diary)
        with self._lock:
            if not self._closing:
                self._runs[live.message] = run
                self.spawn(self._go(run, job, door)).add_done_callback(_log_defect)
                return live
        run.rescue()
        return live

    async def _go(self, run: Run, job: Callable[[], Job], door: Callable[[], Door]) -> None:
        """Run an answer, then what waits behind it; only then let its followers go, so that they find the next one."""
        try:
            end = await run.go(job, door)
            await self._afterwards(run, end)
        finally:
            if run.end:  # else the loop is being closed, and `drain` writes the end
                run.live.end(run.end.state)
                self._loop.call_later(GRACE_S, self._runs.pop, run.live.message, None)

    async def _afterwards(self, run: Run, end: AnswerEnd) -> None:
        for pause in _NEXT_PAUSES_S:
            try:
                await asyncio.to_thread(self.after_end, run.live, run.ref, end)
                return
            except (AnswerRunning, NotFound):
                return  # somebody else already sent the next message, or the conversation is gone
            except StoreError:
                run.live.end(end.state)
                await asyncio.sleep(pause)
            except ParlourError as error:
                _log.warning("the next queued message could not be sent: %s", type(error).__name__)
                return

    def live(self, message: str) -> LiveAnswer | None:
        """The live answer of a message (public id) of this process, also shortly after its end."""
        run = self._runs.get(message)
        return run.live if run else None

    def running(self) -> list[LiveAnswer]:
        """Answers in progress in this process."""
        return [run.live for run in list(self._runs.values()) if not run.live.over]

    def unsaved(self) -> list[LiveAnswer]:
        """Ended answers that could not be stored yet: complete only in this process's memory."""
        return [run.live for run in list(self._runs.values()) if run.live.unsaved]

    def stop(self, message: str) -> bool:
        """Stop the answer of `message`; False when this process does not run it."""
        run = self._runs.get(message)
        if run is None:
            return False
        self._tell(run.stop)
        return True

    def spawn(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        """Run a coroutine on the engine's loop. Raises ParlourError when the engine is closed."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as error:
            work.close()
            raise ParlourError("closed") from error

    def call(self, work: Coroutine[Any, Any, _T], timeout_s: float = 60.0) -> _T:
        """Run a coroutine on the engine's loop and wait for its value. Raises ParlourError after `timeout_s`."""
        future = self.spawn(work)
        try:
            return future.result(timeout_s)
        except TimeoutError as error:
            future.cancel()
            raise ParlourError("timeout") from error

    def drain(self, drain_s: float = 8.0) -> None:
        """Start nothing more, and end the running answers as `interrupted` with what they have."""
        with self._lock:
            self._closing = True
        runs = [run for run in list(self._runs.values()) if not run.live.over or run.live.unsaved]
        for run in runs:
            self._tell(run.stop, "interrupted")
        ends_at = time.monotonic() + drain_s
        for run in runs:
            _wait_for(run.live, ends_at)
            if not run.live.over or run.live.unsaved:
                run.rescue()

    def close(self, drain_s: float = 8.0) -> None:
        """End everything: `drain`, then the loop and its threads stop."""
        self.drain(drain_s)
        self._tell(self._loop.stop)
        self._thread.join(3.0)

    def _tell(self, what: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing is left to tell
            self._loop.call_soon_threadsafe(what, *arguments)

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            if left:
                self._loop.run_until_complete(asyncio.wait(left, timeout=1.0))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._workers.shutdown(wait=True, cancel_futures=True)
            self._loop.close()


def _wait_for(live: LiveAnswer, ends_at: float) -> None:
    """Wait until the answer is over and stored, or until `ends_at` (monotonic)."""
    while (not live.over or live.unsaved) and time.monotonic() < ends_at:
        live.wait(live.version, 0.05)
        if live.over and live.unsaved:
            time.sleep(0.05)


def _log_defect(future: Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()):
        _log.error("what follows an answer failed: %s", type(error).__name__)
