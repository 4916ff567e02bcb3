"""The engine: one per process, an asyncio loop in a thread of its own, where every answer runs.

Pages hand it turns and read live answers; cancelling a task on this loop is what makes Stop work while nothing
arrives. A page that goes away changes nothing here.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from lib.errors import AnswerRunning, NotFound, ParlourError
from lib.generation.attempts import AttemptLog
from lib.generation.live import LiveAnswer
from lib.generation.run import Diary, Door, Job, Run
from lib.ledger import AnswerState, Purpose, Turn

_T = TypeVar("_T")
_log = logging.getLogger("parlour.engine")

GRACE_S = 5.0
"""A finished answer stays readable this long for followers that are about to look."""


class Engine:
    """Starts, follows and stops answers. All public methods are called from other threads."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="parlour-engine", daemon=True)
        self.after_end: Callable[[LiveAnswer, AnswerState], None] = lambda live, state: None
        self._thread.start()

    def start(
        self,
        live: LiveAnswer,
        turn: Turn,
        attempt_id: int,
        *,
        job: Callable[[], Job],
        door: Callable[[], Door],
        purpose: Purpose = "chat",
    ) -> LiveAnswer:
        """Run the stored, not yet sent answer `live`. Returns at once; the answer is registered under its message."""
        log = AttemptLog(turn.ref, attempt_id, purpose=purpose, max_tokens=turn.params.max_tokens)
        run = Run(live, log, self._diary)
        self._runs[live.message] = run
        self.spawn(self._go(run, job, door))
        return live

    async def _go(self, run: Run, job: Callable[[], Job], door: Callable[[], Door]) -> None:
        state = await run.go(job, door)
        self._loop.call_later(GRACE_S, self._runs.pop, run.live.message, None)
        try:
            await asyncio.to_thread(self.after_end, run.live, state)
        except (AnswerRunning, NotFound):
            pass  # somebody else already sent the next message, or the conversation is gone
        except ParlourError:
            _log.warning("the next queued message could not be sent")

    def live(self, message: str) -> LiveAnswer | None:
        """The live answer of a message (public id) of this process, also shortly after its end."""
        run = self._runs.get(message)
        return run.live if run else None

    def running(self) -> list[LiveAnswer]:
        """Answers in progress in this process."""
        return [run.live for run in list(self._runs.values()) if not run.live.over]

    def stop(self, message: str) -> bool:
        """Stop the answer of `message`; False when this process does not run it."""
        run = self._runs.get(message)
        if run is None:
            return False
        self._loop.call_soon_threadsafe(run.stop)
        return True

    def spawn(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        """Run a coroutine on the engine's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, work: Coroutine[Any, Any, _T], timeout_s: float = 60.0) -> _T:
        """Run a coroutine on the engine's loop and wait for its value."""
        return self.spawn(work).result(timeout_s)

    def close(self, drain_s: float = 8.0) -> None:
        """End everything: running answers are kept as `interrupted`, then the loop stops."""
        for run in list(self._runs.values()):
            if not run.live.over:
                self._loop.call_soon_threadsafe(run.stop, "interrupted")
        for run in list(self._runs.values()):
            seen = -1
            while not run.live.over and drain_s > 0:
                seen = run.live.wait(seen, 0.1)
                drain_s -= 0.1
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2.0)
