"""What the embedded gateway remembers of its requests: times and outcomes, never a prompt, never a key."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final, Literal

from msgspec import Struct

Outcome = Literal["running", "done", "refused", "disconnected", "faulted", "cut", "broken"]
"""disconnected: the peer hung up · faulted: an ordered fault · cut: this gateway was stopped meanwhile ·
broken: a mistake of its own."""
_KEPT: Final = 10_000


class Entry(Struct):
    """One request. Times are `time.monotonic()` seconds; `tokens` are the output tokens handed over so far."""

    method: str
    path: str
    received: float
    model: str = ""
    stream: bool = False
    status: int | None = None
    first: float | None = None
    ended: float | None = None
    tokens: int = 0
    outcome: Outcome = "running"

    def end(self, outcome: Outcome) -> None:
        """Closes the entry; the first outcome stays."""
        if self.outcome == "running":
            self.outcome, self.ended = outcome, time.monotonic()


class RequestLog:
    """The latest requests in order of arrival, readable from any thread."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def open(self, method: str, path: str) -> Entry:
        """A new running entry."""
        entry = Entry(method, path, time.monotonic())
        with self._lock:
            self._entries.append(entry)
        return entry

    @property
    def entries(self) -> tuple[Entry, ...]:
        with self._lock:
            return tuple(self._entries)

    @property
    def posts(self) -> int:
        """How many POST requests arrived, refused ones included."""
        return sum(entry.method == "POST" for entry in self.entries)

    @property
    def running(self) -> int:
        """How many answers are being produced now."""
        return sum(entry.outcome == "running" for entry in self.entries)

    @property
    def disconnects(self) -> tuple[float, ...]:
        """When peers hung up before their answer was whole (monotonic seconds)."""
        gone = (entry for entry in self.entries if entry.outcome == "disconnected")
        return tuple(entry.ended for entry in gone if entry.ended is not None)

    @property
    def cancelled(self) -> int:
        """How many answers were stopped because the peer hung up."""
        return len(self.disconnects)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
