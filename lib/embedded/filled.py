"""Fills the fields that a question asks for, with what can be computed of its picture, video or document.

Nothing is made up: a field that no fact fits is null, "unknown" where it must be a text, and left wrong where it must
be anything else.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from msgspec import Struct

from lib.embedded.attached import documents_in
from lib.embedded.counting import count_text
from lib.embedded.image_header import size_of, sniff
from lib.embedded.pictures import dominant_colours
from lib.embedded.video_header import facts_of
from lib.messages import ImagePart, Message, VideoPart

_SCHEMA: Final = re.compile(r"JSON Schema is:\s*(?=\{)")
_COLOUR: Final = re.compile(r"(?P<name>[a-z ]+) \(")


class Facts(Struct, frozen=True):
    """What is known of the first thing that was sent; None is not known."""

    kind: str | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None
    seconds: float | None = None
    lines: int | None = None
    tokens: int | None = None
    name: str | None = None
    colours: tuple[str, ...] = ()


def filled(messages: tuple[Message, ...]) -> str | None:
    """A JSON object for the schema of the newest question that holds one; None when the last message asks for none."""
    asked = [message for message in messages if message.role == "user"]
    if not asked or "JSON" not in asked[-1].text:
        return None
    for message in reversed(asked):
        if properties := _properties(message.text):
            facts = _facts(message)
            return json.dumps({name: _value(name, wanted, facts) for name, wanted in properties.items()})
    return None


def _properties(text: str) -> dict[str, Any]:
    found = list(_SCHEMA.finditer(text))
    if not found:
        return {}
    try:
        schema, _ = json.JSONDecoder().raw_decode(text, found[-1].end())
    except (ValueError, RecursionError):
        return {}
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: wanted for name, wanted in properties.items() if isinstance(wanted, dict)}


def _facts(message: Message) -> Facts:
    for part in message.parts:
        if isinstance(part, ImagePart):
            width, height = size_of(part.data) or (None, None)
            kind = sniff(part.data).removeprefix("image/").upper() or None
            shares = [match["name"] for text in dominant_colours(part.data) if (match := _COLOUR.match(text))]
            return Facts(kind, width, height, len(part.data), colours=tuple(shares))
        if isinstance(part, VideoPart):
            clip = facts_of(part.data)
            return Facts(part.media_type, clip.width, clip.height, len(part.data), clip.seconds)
    for document in documents_in(message):
        size, lines = len(document.text.encode(errors="replace")), document.text.count("\n")
        return Facts("text", None, None, size, None, lines, count_text(document.text), document.name)
    return Facts()


def _value(name: str, wanted: dict[str, Any], facts: Facts) -> Any:
    types = wanted.get("type")
    kinds = types if isinstance(types, list) else [types]
    value = _as_type(_fact(name.casefold(), facts), kinds)
    if value is None and "null" not in kinds and "string" in kinds and wanted.get("format") is None:
        return "unknown"
    return value


def _fact(name: str, facts: Facts) -> Any:
    """The fact that a field of this name means; the first word that fits wins."""
    shape = None
    if facts.width and facts.height:
        shape = "square" if facts.width == facts.height else "landscape" if facts.width > facts.height else "portrait"
    known: tuple[tuple[str, Any], ...] = (
        ("width", facts.width),
        ("height", facts.height),
        ("landscape", shape and shape == "landscape"),
        ("portrait", shape and shape == "portrait"),
        ("square", shape and shape == "square"),
        ("orientation", shape),
        ("shape", shape),
        ("colours", facts.colours or None),
        ("colors", facts.colours or None),
        ("colour", facts.colours[0] if facts.colours else None),
        ("color", facts.colours[0] if facts.colours else None),
        ("kind", facts.kind),
        ("format", facts.kind),
        ("bytes", facts.size),
        ("size", facts.size),
        ("seconds", facts.seconds),
        ("length", facts.seconds),
        ("lines", facts.lines),
        ("tokens", facts.tokens),
        ("name", facts.name),
    )
    return next((value for word, value in known if word in name), None)


def _as_type(value: Any, kinds: list[Any]) -> Any:
    """The fact in one of the wanted types; None when it is of none of them."""
    if "array" in kinds:
        return list(value) if isinstance(value, tuple) else None if value is None else [str(value)]
    if "boolean" in kinds:
        return value if isinstance(value, bool) else None
    if "string" in kinds:
        joined = ", ".join(value) if isinstance(value, tuple) else value
        return None if joined is None or isinstance(joined, bool) else str(joined)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if "integer" in kinds and is_number:
        return round(value)
    return value if "number" in kinds and is_number else None
