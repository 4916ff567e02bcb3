"""Tool calls of the demo: which tool a request asks for, arguments that fit its schema, and the answer afterwards."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import msgspec

from lib.messages import Ask, Message, Tool, ToolCallPart, ToolResultPart

_MAX_DEPTH: Final = 5
_EXAMPLES: Final = {
    "city": "Lisbon",
    "location": "Lisbon",
    "place": "Lisbon",
    "country": "Portugal",
    "date": "2026-01-31",
    "time": "09:30",
    "url": "https://example.org/",
    "email": "ada@example.org",
    "name": "Ada",
    "language": "en",
    "unit": "celsius",
}


def calls_for(ask: Ask) -> list[ToolCallPart]:
    """The calls this request leads to: those a forced choice or the user's own words name; [] for a plain answer.

    After a tool result the demo always answers.
    """
    if not ask.tools or not ask.messages or ask.messages[-1].role != "user" or ask.tool_choice == "none":
        return []
    text = ask.messages[-1].text
    return [
        ToolCallPart(_call_id(ask, number), tool.name, msgspec.json.encode(arguments(tool, text)).decode())
        for number, tool in enumerate(_chosen(ask, text))
    ]


def _chosen(ask: Ask, text: str) -> list[Tool]:
    if ask.tool_choice not in (None, "auto", "required"):
        return [tool for tool in ask.tools if tool.name == ask.tool_choice][:1]
    named = [tool for tool in ask.tools if _names(text, tool.name)][:4]
    if named:
        return named
    wanted = ask.tool_choice == "required" or re.search(r"\btools?\b", text, re.I)
    return [ask.tools[0]] if wanted else []


def _names(text: str, name: str) -> bool:
    spoken = re.escape(name).replace("_", "[ _-]")
    return re.search(rf"(?<!\w){spoken}(?!\w)", text, re.I) is not None


def _call_id(ask: Ask, number: int) -> str:
    seed = msgspec.json.encode((ask.model, ask.messages, number))
    return f"call_{hashlib.sha256(seed).hexdigest()[:24]}"


def arguments(tool: Tool, text: str) -> dict[str, Any]:
    """Arguments that fit the tool's schema, taken from the user's words where they give any (`name=value`, numbers)."""
    value = _fill(tool.parameters | {"type": "object"}, "", text, 0)
    return value if isinstance(value, dict) else {}


def _fill(schema: Any, name: str, text: str, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return next((option for option in options if isinstance(option, str) and _names(text, option)), options[0])
    choices = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(choices, list) and choices:
        return _fill(choices[0], name, text, depth + 1)
    return _of_type(schema, _kind(schema), name, text, depth)


def _kind(schema: dict[str, Any]) -> Any:
    kind = schema.get("type")
    return kind[0] if isinstance(kind, list) and kind else kind


def _of_type(schema: dict[str, Any], kind: Any, name: str, text: str, depth: int) -> Any:
    match kind:
        case "object":
            fields = schema.get("properties")
            fields = fields if isinstance(fields, dict) else {}
            return {field: _fill(inner, field, text, depth + 1) for field, inner in fields.items()}
        case "array":
            return [_fill(schema.get("items"), name, text, depth + 1)] if schema.get("items") else []
        case "integer" | "number":
            return _number(schema, kind, text)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _string(name, text)


def _number(schema: dict[str, Any], kind: str, text: str) -> int | float:
    found = re.search(r"(?<![\w.])-?\d{1,12}(?:\.\d{1,6})?", text)
    value: float = float(found.group()) if found else 1.0
    low, high = schema.get("minimum"), schema.get("maximum")
    value = max(value, low) if isinstance(low, int | float) else value
    value = min(value, high) if isinstance(high, int | float) else value
    return int(value) if kind == "integer" else value


def _string(name: str, text: str) -> str:
    given = re.search(rf"(?<!\w){re.escape(name)}\s*[=:]\s*(\"[^\"]*\"|\S+)", text, re.I) if name else None
    if given:
        return given.group(1).strip('",.;')
    quoted = re.search(r"\"([^\"]{1,200})\"", text)
    if quoted:
        return quoted.group(1)
    place = re.search(r"\b(?:in|for|at|to) ([A-ZÀ-Þ]\w+)", text)
    if place:
        return place.group(1)
    return _EXAMPLES.get(name.lower()) or text[:60].strip() or "example"


def results_answer(messages: tuple[Message, ...]) -> str:
    """What is said when tools have answered: their results, each under the name of its call."""
    names = {part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCallPart)}
    results = [part for part in messages[-1].parts if isinstance(part, ToolResultPart)]
    return "\n\n".join(_said(names.get(part.call_id, "tool"), part) for part in results)


def _said(name: str, result: ToolResultPart) -> str:
    verb = "failed and said" if result.is_error else "answered"
    return f"The tool `{name}` {verb}:\n\n{result.text or '(nothing)'}"
