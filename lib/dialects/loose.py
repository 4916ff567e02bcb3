"""Reading JSON that may be of any shape, glued together, cut or wrongly encoded, without ever raising."""

from __future__ import annotations

import json
import math
from typing import Any, Final

import msgspec

DONE: Final = "[DONE]"
"""The end mark of an OpenAI stream, as it appears in a list of values."""

_UNREAD: Final = object()
_DECODER: Final = json.JSONDecoder()
_MAX_INT: Final = 2**63 - 1


def values(data: bytes) -> list[Any] | None:
    """The JSON objects and arrays (and `DONE`) that one event carries; None when nothing in it can be read.

    An event usually holds one value. Gateways also glue values and `[DONE]` together, wrap a comment (`: …`) into
    data, or leave out the blank line between two events, so that two values arrive as the lines of one.
    """
    text = data.strip()
    if not text or text.startswith(b":"):
        return []
    if text == b"[DONE]":
        return [DONE]
    whole = _value(text)
    if whole is not _UNREAD:
        return [whole]
    found = [value for line in text.split(b"\n") for value in _sequence(line)]
    return found or None


def document(data: bytes) -> Any:
    """The one JSON value in `data`, or None."""
    whole = _value(data.strip())
    return None if whole is _UNREAD else whole


def _value(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        pass
    # The standard library also takes lone surrogate halves, NaN and long integers; bad UTF-8 becomes U+FFFD.
    try:
        return json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return _UNREAD


def _sequence(line: bytes) -> list[Any]:
    """Objects and arrays that follow one another in `line`, up to the first thing that is neither."""
    text = line.decode("utf-8", "replace")
    found: list[Any] = []
    at = 0
    while True:
        at = _after_blank(text, at)
        if text.startswith(DONE, at):
            found.append(DONE)
            at += len(DONE)
            continue
        if text[at : at + 1] not in ("{", "["):
            return found
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return found
        found.append(value)


def _after_blank(text: str, at: int) -> int:
    """The next position that is neither white space nor a `data:` glued between two values."""
    while True:
        if text[at : at + 1].isspace():
            at += 1
        elif text.startswith("data:", at):
            at += 5
        else:
            return at


def table(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """`value` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """`value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """A number of tokens: integers, whole floats and numbers in strings; None for anything else or beyond int64."""
    if isinstance(value, str):
        value = _number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and (not math.isfinite(value) or value != int(value)):
        return None
    return int(value) if 0 <= value <= _MAX_INT else None


def _number(text: str) -> int | float | None:
    try:
        return int(text) if text.strip().isdecimal() else float(text)
    except ValueError:
        return None


def compact(value: Any) -> str:
    """`value` as JSON text without blanks, as it stands in the model's own alphabet."""
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, TypeError, RecursionError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
