"""The server half of the OpenAI Chat Completions dialect: a checked request body in, wire bytes out. No I/O.

Wire shapes: OpenAI API reference, "Chat Completions" (request, `chat.completion`, `chat.completion.chunk`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

import msgspec

from lib.dialects.served import Facts
from lib.events import (
    Event,
    Failed,
    Finished,
    Gathered,
    ReasoningDelta,
    RefusalDelta,
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
    VideoPart,
)
from lib.tokens import Usage

KEEPALIVE = b": ping\n\n"
DONE = b"data: [DONE]\n\n"
_encode = msgspec.json.Encoder().encode


# ---- reading -------------------------------------------------------------------------------------------------


def ask_from(body: dict[str, Any]) -> Ask:
    """The `Ask` of a request body that passed the rules; on an unchecked body it may raise KeyError or TypeError.

    System and developer texts, wherever they stand, are joined by blank lines; consecutive tool messages become one.
    """
    rows = body["messages"]
    system = [_text_of(row["content"]) for row in rows if row["role"] in ("system", "developer")]
    turns = [_message(row) for row in rows if row["role"] not in ("system", "developer")]
    return Ask(
        model=body["model"],
        messages=tuple(_joined_results(turns)),
        system="\n\n".join(system),
        params=_params(body),
        tools=tuple(_tool(row["function"]) for row in body.get("tools") or ()),
        tool_choice=_tool_choice(body.get("tool_choice")),
        stream=bool(body.get("stream")),
    )


def wants_usage(body: dict[str, Any]) -> bool:
    """Whether `stream_options.include_usage` asks for the usage chunk."""
    return bool((body.get("stream_options") or {}).get("include_usage"))


def _params(body: dict[str, Any]) -> Params:
    stop = body.get("stop") or ()
    cap = body.get("max_completion_tokens")
    return Params(
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        max_tokens=body.get("max_tokens") if cap is None else cap,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        reasoning_effort=body.get("reasoning_effort"),
    )


def _tool(function: dict[str, Any]) -> Tool:
    return Tool(function["name"], function.get("description") or "", function.get("parameters") or {})


def _tool_choice(choice: Any) -> str | None:
    if choice is None:
        return None
    return str(choice["function"]["name"] if isinstance(choice, dict) else choice)


def _message(row: dict[str, Any]) -> Message:
    content = row.get("content")
    if row["role"] == "tool":
        return Message("tool", (ToolResultPart(row["tool_call_id"], _text_of(content)),))
    parts = _parts(content)
    if row["role"] == "user":
        return Message("user", tuple(parts))
    reasoning = row.get("reasoning_content")
    before: list[Part] = [ReasoningPart(reasoning)] if isinstance(reasoning, str) and reasoning else []
    calls = [_call(call) for call in row.get("tool_calls") or ()]
    return Message("assistant", (*before, *parts, *calls))


def _call(call: dict[str, Any]) -> ToolCallPart:
    return ToolCallPart(call["id"], call["function"]["name"], call["function"].get("arguments") or "{}")


def _joined_results(turns: list[Message]) -> list[Message]:
    joined: list[Message] = []
    for turn in turns:
        if turn.role == "tool" and joined and joined[-1].role == "tool":
            joined[-1] = Message("tool", joined[-1].parts + turn.parts)
        else:
            joined.append(turn)
    return joined


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content or ())


def _parts(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [TextPart(content)] if content else []
    return [_part(part) for part in content or ()]


def _part(part: dict[str, Any]) -> Part:
    match part["type"]:
        case "text":
            return TextPart(part["text"])
        case "refusal":
            return TextPart(part["refusal"])
        case _:
            url, detail, name = media_of(part)
            return _media(url, detail, name)


def media_of(part: dict[str, Any]) -> tuple[str, Any, str]:
    """The URL, the `detail` and the file name of a media part, in any of its spellings.

    `image_url` and `video_url` are an object with `url` or a bare string; `file` carries `file_data` and `filename`.
    """
    kind = part["type"]
    if kind == "file":
        return part["file"]["file_data"], None, part["file"].get("filename") or "file"
    holder = part[kind]
    if isinstance(holder, str):
        return holder, None, "video.mp4"
    return holder["url"], holder.get("detail"), "video.mp4"


def _media(url: str, detail: Any, name: str) -> Part:
    media_type, data = split_data_url(url)
    if media_type.startswith("video/"):
        return VideoPart(media_type, data, name=name)
    known = detail if detail in ("auto", "low", "high") else None
    return ImagePart(media_type, data, detail=known) if data else ImagePart("", url=url, detail=known)


def split_data_url(url: str) -> tuple[str, bytes]:
    """The media type and bytes of a `data:…;base64,…` URL; ("", b"") for anything else."""
    head, comma, payload = url.partition(",")
    if not comma or not head.lower().startswith("data:") or not head.lower().endswith(";base64"):
        return "", b""
    try:
        return head[5:-7].split(";")[0].strip().lower(), base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        return "", b""


# ---- writing -------------------------------------------------------------------------------------------------


class Writer:
    """Turns events into `chat.completion.chunk` frames. The answer's usage is sent with its end, as OpenAI does."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._usage: Usage | None = None

    def frames(self, event: Event) -> bytes:
        """The bytes of one event; b"" for events that have no frame of their own."""
        match event:
            case Started():
                return self._chunk({"role": "assistant", "content": "", "refusal": None})
            case TextDelta(text):
                return self._chunk({"content": text})
            case ReasoningDelta(text):
                return self._chunk({"reasoning_content": text})
            case RefusalDelta(text):
                return self._chunk({"refusal": text})
            case ToolCallDelta():
                return self._chunk({"tool_calls": [_call_fragment(event)]})
            case UsageReported(usage):
                self._usage = usage
                return b""
            case Finished(reason):
                return self._chunk({}, reason) + self._last() + DONE
            case Failed(error):
                return _frame(error_object(error.message, error.type, error.code, error.param))
            case _:
                return b""

    def keepalive(self) -> bytes:
        """A comment that keeps proxies awake while nothing is said."""
        return KEEPALIVE

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _frame(self._envelope([choice]) | ({"usage": None} if self._facts.include_usage else {}))

    def _last(self) -> bytes:
        if not self._facts.include_usage or self._usage is None:
            return b""
        return _frame(self._envelope([]) | {"usage": usage_object(self._usage)})

    def _envelope(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        facts = self._facts
        return {
            "id": facts.id,
            "object": "chat.completion.chunk",
            "created": facts.created,
            "model": facts.model,
            "choices": choices,
        }


def _frame(value: dict[str, Any]) -> bytes:
    return b"data: " + _encode(value) + b"\n\n"


def _call_fragment(delta: ToolCallDelta) -> dict[str, Any]:
    function: dict[str, Any] = {"arguments": delta.arguments}
    if delta.id is None:
        return {"index": delta.index, "function": function}
    return {"index": delta.index, "id": delta.id, "type": "function", "function": {"name": delta.name} | function}


def whole_body(facts: Facts, events: Iterable[Event]) -> bytes:
    """The whole answer as one `chat.completion` object."""
    answer = Gathered()
    for event in events:
        answer.take(event)
    finish = answer.finish.reason if answer.finish else "stop"
    choice = {"index": 0, "message": _whole_message(answer), "logprobs": None, "finish_reason": finish}
    body = {
        "id": facts.id,
        "object": "chat.completion",
        "created": facts.created,
        "model": facts.model,
        "choices": [choice],
        "usage": usage_object(answer.usage or Usage()),
    }
    return _encode(body)


def _whole_message(answer: Gathered) -> dict[str, Any]:
    text = answer.text
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if answer.tool_calls and not text else text,
        "refusal": answer.refusal,
        "annotations": [],
    }
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.tool_calls
        ]
    return message


def usage_object(usage: Usage) -> dict[str, Any]:
    """OpenAI's usage: `prompt_tokens` includes the cached ones, `completion_tokens` the reasoning."""
    prompt, completion = usage.input or 0, usage.output or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input or 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning or 0, "audio_tokens": 0},
    }


def error_type(status: int) -> str:
    """The usual error type of an HTTP status."""
    return "server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error"


def error_object(message: str, type: str | None, code: str | None, param: str | None) -> dict[str, Any]:
    """OpenAI's error body; all four keys are always present."""
    return {"error": {"message": message, "type": type or "invalid_request_error", "param": param, "code": code}}


def error_body(message: str, type: str | None, code: str | None, param: str | None, request_id: str) -> bytes:
    """`error_object` as bytes; this dialect carries the request id in the headers only."""
    return _encode(error_object(message, type, code, param))
