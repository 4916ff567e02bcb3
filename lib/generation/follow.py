"""Following an answer that another process produces: the same reading side as a `LiveAnswer`, fed by the store."""

from __future__ import annotations

import time
from typing import Protocol

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
        self._version = 0

    @property
    def over(self) -> bool:
        return self._row.state != "running"

    def texts(self) -> tuple[str, str]:
        """(text, reasoning) of the last checkpoint."""
        return self._row.text, self._row.reasoning

    def wait(self, seen: int, timeout_s: float) -> int:
        """Sleep `timeout_s`; look at the row when it is time to."""
        time.sleep(timeout_s)
        if time.monotonic() - self._read_at >= POLL_S:
            self._row, self._read_at = self._store.answers.get(self._owner, self.message), time.monotonic()
            self._version += 1
        return self._version

    def news(self, reasoning_seen: int, text_seen: int) -> News:
        """Everything after the two character counts."""
        row = self._row
        phase: Phase = "over" if self.over else "writing" if row.text else "reasoning" if row.reasoning else "waiting"
        waited = time.time() - row.started_ms / 1000
        return News(
            row.reasoning[reasoning_seen:],
            row.text[text_seen:],
            phase,
            row.state,
            waited_s=max(0.0, waited),
            over=self.over,
        )
