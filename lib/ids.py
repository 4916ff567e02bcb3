"""Identities: time-ordered int64 keys for rows, random 128-bit text for everything a browser may see."""

from __future__ import annotations

import secrets
import threading
import time

_lock = threading.Lock()
_salt = secrets.randbelow(1 << 10)
_last_ms = 0
_counter = 0


def now_ms() -> int:
    """UTC epoch milliseconds."""
    return time.time_ns() // 1_000_000


def new_id() -> int:
    """A fresh int64 row id: `unix_ms << 20 | counter << 10 | process salt`.

    Ids of one process always grow, also when the clock steps back, so the primary key is the time index.
    """
    global _last_ms, _counter
    with _lock:
        now = max(now_ms(), _last_ms)
        _counter = _counter + 1 if now == _last_ms else 0
        if _counter >= 1 << 10:
            now, _counter = now + 1, 0
        _last_ms = now
        return now << 20 | _counter << 10 | _salt


def id_at(ms: int) -> int:
    """The smallest id of the millisecond `ms`: `id >= id_at(since)` is the time filter."""
    return ms << 20


def ms_of(row_id: int) -> int:
    """The epoch milliseconds an id was made at."""
    return row_id >> 20


def new_public_id() -> str:
    """128 random bits as 22 URL-safe characters, for URLs, routes and exports."""
    return secrets.token_urlsafe(16)
