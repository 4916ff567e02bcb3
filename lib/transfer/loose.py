"""Reading JSON that other programs wrote: whatever stands there, these answer with the wanted type or a default."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

EARLIEST_MS, LATEST_MS = 946_684_800_000, 4_102_444_800_000
"""2000 to 2100: a time outside of that is a mistake, and would not fit an id."""

_TEXT_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects in a list."""
    return (item for item in items(value) if isinstance(item, dict))


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def name(value: object) -> str | None:
    """A short text such as a model's id; None when there is none."""
    found = text(value).strip()
    return found[:200] or None


def identity(value: object) -> str:
    """An id as another program writes it, '' when it is none."""
    found = str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)
    return found if _TEXT_ID.match(found) else ""


def time_ms(value: object) -> int | None:
    """Epoch seconds or milliseconds, or ISO 8601; None for anything that is no time between 2000 and 2100."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _within(value if abs(value) >= EARLIEST_MS / 10 else value * 1000)
    try:
        found = datetime.fromisoformat(text(value).replace("Z", "+00:00"))
        return _within((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _within(ms: float) -> int | None:
    return int(ms) if EARLIEST_MS <= ms <= LATEST_MS else None
