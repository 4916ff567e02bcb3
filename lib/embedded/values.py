"""What JSON values are: the questions Python's own types answer wrongly (a bool is an int, 1.0 is not)."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_integer(value: Any) -> TypeGuard[int]:
    """A JSON integer; true and 1.0 are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> TypeGuard[float]:
    """Any JSON number; true is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
