"""The server half of the Anthropic Messages dialect: a checked request body in, wire bytes out. No I/O.

Wire shapes: Anthropic API reference, "Messages" and "Streaming messages".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from lib.dialects.served import Facts
from lib.events import (
    Event,
    Failed,
    Finished,
    Gathered,
    ReasoningDelta,
    ReasoningSealed,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from lib.messages import (
    Ask,
    ImagePart,
    Message,
    Params,
    Part,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from lib.tokens import Usage

_STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_encode = msgspec.json.Encoder().encode


# ---- reading -------------------------------------------------------------------------------------------------


def ask_from(body: dict[str, Any]) -> Ask:
    """The `Ask` of a request body that passed the rules; on an unchecked body it may raise KeyError or TypeError.

    A user turn that begins with tool results is read as a tool message followed by a user message.
    """
    return Ask(
        model=body["model"],
        messages=tuple(message for row in body["messages"] for message in _messages(row)),
        system=_system(body.get("system")),
        params=_params(body),
        tools=tuple(
            Tool(row["name"], row.get("description") or "", row["input_schema"]) for row in body.get("tools") or ()
        ),
        tool_choice=_tool_choice(body.get("tool_choice")),
        stream=bool(body.get("stream")),
    )


def wants_usage(body: dict[str, Any]) -> bool:
    """Usage is part of every stream in this dialect."""
    return True


def _system(system: Any) -> str:
    return system if isinstance(system, str) else "\n\n".join(block["text"] for block in system or ())


def _params(body: dict[str, Any]) -> Params:
    return Params(
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        max_tokens=body.get("max_tokens"),
        stop=tuple(body.get("stop_sequences") or ()),
        reasoning_effort=_effort(body),
    )


def _effort(body: dict[str, Any]) -> str | None:
    """The effort named, or the one a thinking budget (tokens) stands for; None with neither or thinking disabled."""
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "disabled":
        return None
    named = (body.get("output_config") or {}).get("effort")
    if named is not None or not thinking:
        return None if named is None else str(named)
    budget = thinking.get("budget_tokens") or 8192
    return "low" if budget < 4096 else "medium" if budget < 16384 else "high"


def _tool_choice(choice: Any) -> str | None:
    if not choice:
        return None
    return str(choice["name"]) if choice["type"] == "tool" else {"any": "required"}.get(choice["type"], choice["type"])


def _messages(row: dict[str, Any]) -> list[Message]:
    content = row["content"]
    if isinstance(content, str):
        return [Message(row["role"], (TextPart(content),))]
    parts = [_part(block) for block in content]
    results = tuple(part for part in parts if isinstance(part, ToolResultPart))
    others = tuple(part for part in parts if not isinstance(part, ToolResultPart))
    return ([Message("tool", results)] if results else []) + ([Message(row["role"], others)] if others else [])


def _part(block: dict[str, Any]) -> Part:
    match block["type"]:
        case "image":
            return _image(block["source"])
        case "thinking":
            return ReasoningPart(block["thinking"], block.get("signature"))
        case "redacted_thinking":
            return ReasoningPart("", redacted=(block["data"],))
        case "tool_use":
            return ToolCallPart(block["id"], block["name"], _encode(block["input"]).decode())
        case "tool_result":
            return ToolResultPart(block["tool_use_id"], _result_text(block.get("content")), bool(block.get("is_error")))
        case _:
            return TextPart(block["text"])


def _image(source: dict[str, Any]) -> ImagePart:
    if source["type"] != "base64":
        return ImagePart("", url=source.get("url") or "")
    try:
        return ImagePart(source["media_type"], base64.b64decode(source["data"], validate=True))
    except (binascii.Error, ValueError):
        return ImagePart(source["media_type"])


def _result_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(block["text"] if block["type"] == "text" else "[image]" for block in content or ())


# ---- writing -------------------------------------------------------------------------------------------------


class Writer:
    """Turns events into the named events of the Messages stream, opening and closing content blocks as kinds change.

    A `UsageReported` before `Started` gives `message_start` its input tokens.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._usage = Usage()
        self._index = -1
        self._open: tuple[str, int] | None = None

    def frames(self, event: Event) -> bytes:
        """The bytes of one event; b"" for events that have no frame of their own."""
        match event:
            case Started():
                return self._start()
            case TextDelta(text):
                return self._delta(("text", 0), {"type": "text_delta", "text": text})
            case ReasoningDelta(text):
                return self._delta(("thinking", 0), {"type": "thinking_delta", "thinking": text})
            case ReasoningSealed(signature, redacted):
                return self._sealed(signature, redacted)
            case ToolCallDelta():
                return self._call(event)
            case UsageReported(usage):
                self._usage = usage
                return b""
            case Finished(reason):
                return self._end(reason)
            case Failed(error):
                return self._close() + _frame("error", error_object(error.message, error.type, self._facts.id))
            case _:
                return b""

    def keepalive(self) -> bytes:
        """The vendor's own sign of life."""
        return _frame("ping", {"type": "ping"})

    def _start(self) -> bytes:
        message = _envelope(self._facts) | {"content": [], "stop_reason": None, "stop_sequence": None}
        message["usage"] = usage_object(self._usage) | {"output_tokens": 1 if self._usage.output else 0}
        return _frame("message_start", {"type": "message_start", "message": message}) + self.keepalive()

    def _delta(self, kind: tuple[str, int], delta: dict[str, Any]) -> bytes:
        block: dict[str, Any] = {"type": "text", "text": ""}
        if kind[0] == "thinking":
            block = {"type": "thinking", "thinking": "", "signature": ""}
        opened = self._opened(kind, block)
        return opened + self._block_delta(delta)

    def _call(self, event: ToolCallDelta) -> bytes:
        block = {"type": "tool_use", "id": event.id or "", "name": event.name or "", "input": {}}
        opened = self._opened(("tool_use", event.index), block)
        return opened + self._block_delta({"type": "input_json_delta", "partial_json": event.arguments})

    def _sealed(self, signature: str | None, redacted: str | None) -> bytes:
        if redacted is not None:
            block = {"type": "redacted_thinking", "data": redacted}
            return self._opened(("redacted_thinking", self._index + 1), block) + self._close()
        if self._open != ("thinking", 0):
            return b""
        return self._block_delta({"type": "signature_delta", "signature": signature or ""}) + self._close()

    def _opened(self, kind: tuple[str, int], block: dict[str, Any]) -> bytes:
        if self._open == kind:
            return b""
        closed = self._close()
        self._open, self._index = kind, self._index + 1
        start = {"type": "content_block_start", "index": self._index, "content_block": block}
        return closed + _frame("content_block_start", start)

    def _block_delta(self, delta: dict[str, Any]) -> bytes:
        return _frame("content_block_delta", {"type": "content_block_delta", "index": self._index, "delta": delta})

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _frame("content_block_stop", {"type": "content_block_stop", "index": self._index})

    def _end(self, reason: str) -> bytes:
        delta = {"type": "message_delta", "delta": _ending(self._facts, reason), "usage": usage_object(self._usage)}
        return self._close() + _frame("message_delta", delta) + _frame("message_stop", {"type": "message_stop"})


def _frame(name: str, value: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + _encode(value) + b"\n\n"


def _envelope(facts: Facts) -> dict[str, Any]:
    return {"id": facts.id, "type": "message", "role": "assistant", "model": facts.model}


def _ending(facts: Facts, reason: str) -> dict[str, Any]:
    if reason == "stop" and facts.stop_sequence is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": facts.stop_sequence}
    return {"stop_reason": _STOP_REASONS.get(reason, "end_turn"), "stop_sequence": None}


def whole_body(facts: Facts, events: Iterable[Event]) -> bytes:
    """The whole answer as one `message` object."""
    answer = Gathered()
    for event in events:
        answer.take(event)
    body = _envelope(facts) | {"content": _blocks(answer)}
    body |= _ending(facts, answer.finish.reason if answer.finish else "stop")
    return _encode(body | {"usage": usage_object(answer.usage or Usage())})


def _blocks(answer: Gathered) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if answer.reasoning:
        blocks.append({"type": "thinking", "thinking": answer.reasoning, "signature": answer.signature or ""})
    blocks += [{"type": "redacted_thinking", "data": data} for data in answer.redacted]
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    for call in answer.tool_calls:
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call.arguments)})
    return blocks


def _input(arguments: str) -> Any:
    """The arguments as an object; a call cut by the token cap has none that can be read."""
    try:
        return msgspec.json.decode(arguments or "{}")
    except msgspec.DecodeError:
        return {}


def usage_object(usage: Usage) -> dict[str, Any]:
    """Anthropic's usage: `input_tokens` excludes the cached ones, `output_tokens` includes the thinking."""
    read, write = usage.cached_input or 0, usage.cache_write or 0
    return {
        "input_tokens": (usage.input or 0) - read - write,
        "cache_creation_input_tokens": write,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output or 0,
        "output_tokens_details": {"thinking_tokens": usage.reasoning or 0},
    }


def error_type(status: int) -> str:
    """The vendor's error type of an HTTP status."""
    return _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")


def error_object(message: str, type: str | None, request_id: str) -> dict[str, Any]:
    """Anthropic's error body."""
    error = {"type": type or "invalid_request_error", "message": message}
    return {"type": "error", "error": error, "request_id": request_id}


def error_body(message: str, type: str | None, code: str | None, param: str | None, request_id: str) -> bytes:
    """`error_object` as bytes; `code` and `param` have no place in this dialect."""
    return _encode(error_object(message, type, request_id))
