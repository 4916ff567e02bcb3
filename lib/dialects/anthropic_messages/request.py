"""An ask as the body of `POST /v1/messages`: system text on top, strictly alternating turns of blocks.

Source: Anthropic API reference ("Messages", "Tool use", "Extended thinking", "Vision"). `max_tokens` is required
there; temperature runs from 0 to 1; text blocks may not be empty; tool results come first in the turn that answers.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any, Final

from lib.cards import ModelCard, WireForm
from lib.dialects.file_text import file_text
from lib.dialects.wire_body import Base64
from lib.dialects.wire_parts import arguments_object, common_headers, image_type, require_abilities
from lib.errors import BadInput
from lib.messages import (
    Ask,
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
)
from lib.secret import Secret

path: Final = "/v1/messages"

DEFAULT_MAX_TOKENS: Final = 8192
"""Sent when the user set none and the model allows as many."""

_IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")
_DATA_URL: Final = re.compile(r"data:(image/[\w.+-]+);base64,", re.IGNORECASE)
_NOT_IN_IDS: Final = re.compile(r"[^a-zA-Z0-9_-]")
_BUDGET_STYLE: Final = re.compile(r"claude-(?:3|(?:opus|sonnet|haiku)-4(?:-[015]\b|-20|$))")
_BUDGETS: Final = {"low": 1024, "medium": 4096, "high": 16384, "xhigh": 24576, "max": 32000}


def headers(key: Secret, form: WireForm) -> dict[str, str]:
    """The request's headers: Bearer by default, `x-api-key` by form, and the API version."""
    return {**common_headers(key, form), "anthropic-version": form.anthropic_version}


def adjusted(ask: Ask, card: ModelCard | None = None) -> tuple[str, ...]:
    """Names of parameters that are sent with another value than the user set (a temperature above 1 becomes 1)."""
    temperature = ask.params.temperature
    return () if temperature is None or 0 <= temperature <= 1 else ("temperature",)


def body(ask: Ask, form: WireForm, card: ModelCard | None = None) -> dict[str, Any]:
    """The request as a dictionary ready for JSON.

    `form.dropped` names parameters that are left out (never `max_tokens`, which the dialect requires). Raises
    BadInput('image_not_taken' / 'video_not_taken') for parts that the model, or this dialect, does not take.
    """
    sent: dict[str, Any] = {
        "model": ask.model,
        "max_tokens": _max_tokens(ask, card),
        "messages": _turns(ask, card),
        "stream": ask.stream,
    }
    if ask.system.strip():
        sent["system"] = ask.system
    parameters = _parameters(ask, sent["max_tokens"], card)
    sent.update((name, value) for name, value in parameters.items() if name not in form.dropped)
    if "stop" in form.dropped:
        sent.pop("stop_sequences", None)
    if "tools" not in sent:
        sent.pop("tool_choice", None)
    return sent


def _max_tokens(ask: Ask, card: ModelCard | None) -> int:
    if ask.params.max_tokens is not None:
        return ask.params.max_tokens
    return min(DEFAULT_MAX_TOKENS, card.max_output) if card and card.max_output else DEFAULT_MAX_TOKENS


def _parameters(ask: Ask, max_tokens: int, card: ModelCard | None) -> dict[str, Any]:
    params = ask.params
    stops = [stop for stop in params.stop if stop.strip()]
    named: dict[str, Any] = {
        "temperature": None if params.temperature is None else min(1.0, max(0.0, params.temperature)),
        "top_p": params.top_p,
        "stop_sequences": stops or None,
        "tools": [_tool(tool) for tool in ask.tools] or None,
        "tool_choice": _choice(ask.tool_choice) if ask.tools else None,
        **_effort(params.reasoning_effort, max_tokens, card),
    }
    return {name: value for name, value in named.items() if value is not None}


def _effort(effort: str | None, max_tokens: int, card: ModelCard | None) -> dict[str, Any]:
    """Reasoning effort: a thinking budget up to Claude 4.5 (at least 1024, below `max_tokens`), a word from 4.6 on."""
    if effort is None or effort == "none":
        return {}
    if card is None or not _BUDGET_STYLE.search(card.base):
        return {"output_config": {"effort": "low" if effort == "minimal" else effort}}
    budget = min(_BUDGETS.get(effort, 1024), max_tokens - 1)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= 1024 else {}


def _tool(tool: Tool) -> dict[str, Any]:
    wired: dict[str, Any] = {"name": tool.name}
    if tool.description:
        wired["description"] = tool.description
    return {**wired, "input_schema": {"properties": {}, **tool.parameters, "type": "object"}}


def _choice(choice: str | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    if choice in ("auto", "none"):
        return {"type": choice}
    return {"type": "any"} if choice == "required" else {"type": "tool", "name": choice}


def _turns(ask: Ask, card: ModelCard | None) -> list[dict[str, Any]]:
    """The messages as alternating turns that begin with the user's; relays do not all merge neighbours themselves."""
    spoken = [(message, _blocks(message, card)) for message in ask.messages]
    filled = [(message, blocks) for message, blocks in spoken if blocks]
    turns = []
    for side, group in groupby(filled, key=lambda turn: _side(turn[0])):
        said = list(group)
        blocks = [block for _, own in said for block in own]
        captioned = any(_has_captions(message) for message, _ in said)
        turns.append({"role": side, "content": _plain(_in_order(blocks, captioned) if side == "user" else blocks)})
    if turns and turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": "."})
    if turns and turns[-1]["role"] == "assistant":
        _trim_end(turns[-1])
    return turns


def _side(message: Message) -> str:
    return "assistant" if message.role == "assistant" else "user"


def _plain(blocks: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """A turn that is one text is sent as a string, which the simplest gateways take too."""
    return blocks[0]["text"] if len(blocks) == 1 and blocks[0]["type"] == "text" else blocks


def _has_captions(message: Message) -> bool:
    return any(isinstance(part, ImagePart) and part.caption for part in message.parts)


def _in_order(blocks: list[dict[str, Any]], captioned: bool) -> list[dict[str, Any]]:
    """Tool results first (required); pictures before a single text (advised), else as the user put them.

    A text that is a picture's caption stays before its picture.
    """
    one_text = sum(block["type"] == "text" for block in blocks) == 1
    order = {"tool_result": 0, "image": 1 if one_text and not captioned else 2}
    return sorted(blocks, key=lambda block: order.get(block["type"], 2))


def _trim_end(turn: dict[str, Any]) -> None:
    """A last assistant text that the model shall continue may not end in white space."""
    if isinstance(turn["content"], str):
        turn["content"] = turn["content"].rstrip()
    elif turn["content"][-1]["type"] == "text":
        turn["content"][-1]["text"] = turn["content"][-1]["text"].rstrip()


def _blocks(message: Message, card: ModelCard | None) -> list[dict[str, Any]]:
    in_tool_loop = any(isinstance(part, ToolCallPart) for part in message.parts)
    return [block for part in message.parts for block in _block(part, message, in_tool_loop, card)]


def _block(part: Part, message: Message, in_tool_loop: bool, card: ModelCard | None) -> list[dict[str, Any]]:
    match part:
        case TextPart(text):
            return _said(text)
        case FilePart():
            return _said(file_text(part))
        case ImagePart():
            if message.role == "assistant":
                raise BadInput("image_not_taken")
            require_abilities(part, "anthropic", card)
            return [*_said(part.caption), {"type": "image", "source": _source(part)}]
        case VideoPart():
            raise BadInput("video_not_taken")
        case ReasoningPart():
            return _thinking(part) if in_tool_loop else []
        case ToolCallPart(call_id, name, arguments):
            return [{"type": "tool_use", "id": _id(call_id), "name": name, "input": arguments_object(arguments)}]
        case ToolResultPart():
            return [_result(part)]


def _said(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if text.strip() else []


def _thinking(part: ReasoningPart) -> list[dict[str, Any]]:
    """Signed and redacted thinking goes back unchanged with the call it led to; unsigned thinking cannot go back."""
    redacted = [{"type": "redacted_thinking", "data": data} for data in part.redacted]
    if part.signature is None:
        return redacted
    return [{"type": "thinking", "thinking": part.text, "signature": part.signature}, *redacted]


def _result(part: ToolResultPart) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": _id(part.call_id), "content": part.text}
    return {**result, "is_error": True} if part.is_error else result


def _id(call_id: str) -> str:
    """Ids of other dialects, in the letters that this one allows."""
    return _NOT_IN_IDS.sub("_", call_id)


def _source(part: ImagePart) -> dict[str, Any]:
    if part.url is None:
        return _base64_source(image_type(part), Base64(part.data))
    match = _DATA_URL.match(part.url)
    if match:
        return _base64_source(match.group(1).lower(), part.url[match.end() :])
    if part.url.lower().startswith(("http://", "https://")):
        return {"type": "url", "url": part.url}
    raise BadInput("image_not_taken", "not a web address")


def _base64_source(media_type: str, data: str | Base64) -> dict[str, Any]:
    if media_type not in _IMAGE_TYPES:
        raise BadInput("image_not_taken", media_type)
    return {"type": "base64", "media_type": media_type, "data": data}
