"""Following an answer that another process produces: the same reading side as a `LiveAnswer`, fed by the store."""

from __future__ import annotations

import time
from typing import Protocol

from msgspec import structs

from lib.errors import NotFound, StoreError
from lib.generation.live import News, Phase
from lib.store import Store

POLL_S = 0.4


class Followed(Protocol):
    """The reading side of a running answer: what a page needs to draw it."""

    message: str

    @property
    def over(self) -> bool: ...
    @property
    def reasoning_ms(self) -> int | None: ...
    def texts(self) -> tuple[str, str]: ...
    def wait(self, seen: int, timeout_s: float) -> int: ...
    def news(self, reasoning_seen: int, text_seen: int) -> News: ...


class StoredAnswer:
    """An answer running elsewhere, read from its row every 0.4 s (checkpoints come no faster)."""

    reasoning_ms: int | None = None

    def __init__(self, store: Store, owner: int, message: str) -> None:
        self.message = message
        self._store = store
        self._owner = owner
        self._row = store.answers.get(owner, message)
        self._read_at = time.monotonic()
        # When it was sent, on this process's watch: from then on no turned clock changes how long that is ago.
        self._sent_at = self._read_at - max(0.0, time.time() - self._row.started_ms / 1000)
        self._version = 0

    @property
    def over(self) -> bool:
        return self._row.state != "running"

    def texts(self) -> tuple[str, str]:
        """(text, reasoning) of the last checkpoint."""
        return self._row.text, self._row.reasoning

    def wait(self, seen: int, timeout_s: float) -> int:
        """Sleep `timeout_s`, or until it is time to look at the row; not at all after a change that was not seen."""
        if self._version != seen or self.over:
            return self._version
        due_in = self._read_at + POLL_S - time.monotonic()
        time.sleep(max(0.0, min(timeout_s, due_in)))
        if due_in <= timeout_s:
            self._look()
        return self._version

    def _look(self) -> None:
        self._read_at = time.monotonic()
        try:
            row = self._store.answers.get(self._owner, self.message)
        except NotFound:
            row = structs.replace(self._row, state="interrupted")
        except StoreError:
            return  # a busy database is asked again at the next look
        if (row.text, row.reasoning, row.state) != (self._row.text, self._row.reasoning, self._row.state):
            self._version += 1
        self._row = row

    def news(self, reasoning_seen: int, text_seen: int) -> News:
        """Everything after the two character counts."""
        row = self._row
        phase: Phase = "over" if self.over else "writing" if row.text else "reasoning" if row.reasoning else "waiting"
        return News(
            row.reasoning[reasoning_seen:],
            row.text[text_seen:],
            phase,
            row.state,
            waited_s=time.monotonic() - self._sent_at,
            over=self.over,
        )
