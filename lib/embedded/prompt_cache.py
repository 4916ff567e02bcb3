"""Prompt caching as a demo: a long prefix that was sent before, to the same model, counts as read from the cache."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Final

import msgspec

from lib.messages import Ask

MIN_TOKENS: Final = 1024
_MAX_PREFIXES: Final = 10_000


class PromptCache:
    """Remembers prompt prefixes (system and tools, then message by message) by hash, the oldest forgotten first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, ask: Ask, counts: list[int]) -> int:
        """How many input tokens of `ask` were seen before; remembers its prefixes.

        `counts` are the tokens of each step, as `count_prefixes` gives them. The whole prompt never counts as cached:
        the last message is always read.
        """
        cached, so_far = 0, 0
        with self._lock:
            for mark, count in zip(_marks(ask), counts[:-1], strict=True):
                so_far += count
                if so_far < MIN_TOKENS:
                    continue
                if mark in self._seen:
                    cached = so_far
                self._remember(mark)
        return cached

    def _remember(self, mark: bytes) -> None:
        self._seen[mark] = None
        self._seen.move_to_end(mark)
        if len(self._seen) > _MAX_PREFIXES:
            self._seen.popitem(last=False)


def _marks(ask: Ask) -> list[bytes]:
    """One running hash per step of the prompt, the last message left out."""
    running = hashlib.sha256(msgspec.json.encode((ask.model, ask.system, ask.tools)))
    marks = [running.digest()]
    for message in ask.messages[:-1]:
        running.update(msgspec.json.encode(message))
        marks.append(running.digest())
    return marks if ask.messages else []
