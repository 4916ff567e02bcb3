"""How fast a run may go: how many rows at once, when the gateway wants a rest, when it is better to pause."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence
from statistics import median

from lib.errors import GatewayError
from lib.ledger import Attempt

BUSY = ("rate_limit", "overloaded")
_CLOSED = ("auth", "permission", "quota", "not_found", "no_channel")
"""Failures that the next row would meet too."""
_OF_THE_ROW = ("bad_request", "context_length", "too_large")
_MOST_CLOSED, _MOST_FAILED = 2, 5
"""So many of them one after another pause the run."""
_MOST_RETURNS = 3
_MOST_RESTS = 8
"""Four minutes, when the gateway does not say how long."""
_LONGEST_REST_S = 60.0
_UNBILLED = ("refused", "failed")
_REMEMBERED = 200


class Pace:
    """Learns from every answer of one run. `lengths` are the newest whole answers, in tokens."""

    def __init__(self, widest: int) -> None:
        self.parallel = self._widest = widest
        self.lengths: deque[int] = deque(maxlen=_REMEMBERED)
        self._durations: deque[int] = deque(maxlen=_REMEMBERED)
        self._returned: Counter[str] = Counter()
        self._failed: deque[str] = deque(maxlen=_MOST_FAILED)
        self._rests = 0
        self._quiet_until = 0.0

    @property
    def waits_s(self) -> float:
        """So long no further row is asked, because the gateway wants a rest."""
        return max(0.0, self._quiet_until - time.monotonic())

    @property
    def row_s(self) -> float | None:
        """What a row takes: the median so far, in seconds."""
        return median(self._durations) / 1000 if self._durations else None

    def start_afresh(self) -> None:
        """Somebody says that it goes on: failures and rests of before are forgotten."""
        self._returned.clear()
        self._failed.clear()
        self._rests = 0
        self._quiet_until = 0.0

    def went_well(self, attempts: Sequence[Attempt]) -> None:
        """A whole answer: after a rest, one row more at once."""
        self._failed.clear()
        self._rests = 0
        self.parallel = min(self._widest, self.parallel + 1)
        self.lengths.extend(n for one in attempts if (n := one.count.output))
        self._durations.append(sum(one.duration_ms or 0 for one in attempts))

    def rest(self, error: GatewayError | None) -> bool:
        """The gateway is busy: half as many at once, and a rest as long as it asks for (60 s at most).

        Rows that fail during a rest were sent before it and change nothing. True when there were so many rests without
        a whole answer between them that the run had better pause.
        """
        asked = error.retry_after_s if error else None
        if not self.waits_s:
            self._rests += 1
            self.parallel = max(1, self.parallel // 2)
        wait = 2.0 ** min(6, self._rests) if asked is None else max(0.0, asked)
        self._quiet_until = max(self._quiet_until, time.monotonic() + min(_LONGEST_REST_S, wait))
        return self._rests >= _MOST_RESTS

    def waits_again(self, row: str, attempts: Sequence[Attempt]) -> bool:
        """Whether a row that a busy gateway refused, certainly unbilled, waits once more; three times at most."""
        if self._returned[row] >= _MOST_RETURNS or any(one.outcome not in _UNBILLED for one in attempts):
            return False
        self._returned[row] += 1
        return True

    def failed(self, kind: str) -> bool:
        """Note a failure; True when so many like it came one after another that the run had better pause."""
        if kind in _OF_THE_ROW:
            return False
        self._failed.append(kind)
        most = _MOST_CLOSED if kind in _CLOSED else _MOST_FAILED
        return list(self._failed)[-most:].count(kind) == most
