"""Who has been silent for how long, by this process's own watch.

A sign of life carries the time of its sender's clock. Clocks of two machines differ, and any clock may be turned; so
a sign only counts as new or as the same one as before, and the time in between is measured here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence


class Silence:
    """Remembers the last sign of each sender, and since when it has been the last."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, float]] = {}

    def longer_than(self, most_ms: int) -> Callable[[Sequence[tuple[int, int]]], set[int]]:
        """A look: of senders and their last signs, those from whom nothing else was heard for `most_ms` milliseconds.

        Senders that are not named in a look are forgotten.
        """

        def look(signs: Sequence[tuple[int, int]]) -> set[int]:
            now = time.monotonic()
            known = {one: self._last.get(one, (sign, now)) for one, sign in signs}
            self._last = {one: known[one] if known[one][0] == sign else (sign, now) for one, sign in signs}
            return {one for one, (_, since) in self._last.items() if (now - since) * 1000 >= most_ms}

        return look
