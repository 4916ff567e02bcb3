"""What an import would do, before it does anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

from lib.transfer.document import Found, Skipped, content_hash
from lib.transfer.reading import Item

Standing = Literal["new", "here", "in_trash"]
TITLES = 100
"""Titles of skipped conversations that are named; the others are only counted."""


class Plan(Struct, frozen=True):
    """The dry run. `duplicates` are here already, `in_trash` only wait to be restored; neither is taken.

    `left_out` are attached files that are not in the export; `attempts` rows of a ledger that come along.
    """

    sources: tuple[str, ...] = ()
    conversations: int = 0
    messages: int = 0
    attempts: int = 0
    duplicates: int = 0
    in_trash: int = 0
    left_out: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @property
    def n_skipped(self) -> int:
        return sum(count for _, count in self.reasons)

    @property
    def brings_something(self) -> bool:
        return bool(self.conversations or self.attempts)


def planned(items: Iterable[Item], standing: Callable[[Found], Standing]) -> Plan:
    """Count what these items are and bring. `standing` says what is here already."""
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    sources: dict[str, None] = {}
    seen: set[tuple[str, str]] = set()
    skipped: list[Skipped] = []
    for item in items:
        if isinstance(item, Skipped):
            reasons[item.reason] += 1
            skipped += [item] if len(skipped) < TITLES else []
        elif isinstance(item, Found):
            sources[item.source] = None
            _count(counts, item, standing(item), seen)
        else:
            counts["attempts"] += len(item.attempts)
    return Plan(tuple(sources), reasons=tuple(sorted(reasons.items())), skipped=tuple(skipped), **counts)


def _count(counts: Counter[str], item: Found, standing: Standing, seen: set[tuple[str, str]]) -> None:
    name = (item.source, item.source_id or content_hash(item.conversation))
    twice = name in seen
    seen.add(name)
    if standing == "in_trash":
        counts["in_trash"] += 1
    elif standing == "here" or twice:
        counts["duplicates"] += 1
    else:
        counts["conversations"] += 1
        counts["messages"] += len(item.conversation.messages)
        counts["attempts"] += len(item.conversation.attempts)
        counts["left_out"] += item.left_out
