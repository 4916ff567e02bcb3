"""The answer of a Chat Completions endpoint as events: chunks, whole completions, and what relays make of both.

Sources: OpenAI API reference (`chat.completion`, `chat.completion.chunk`); reasoning fields of DeepSeek, vLLM,
OpenRouter; Gemini's OpenAI layer (thought signatures, calls without an index); Ollama's native lines.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from lib.dialects.answer import AnswerDecoder
from lib.dialects.endings import finish_word
from lib.dialects.loose import count, items, table, text
from lib.dialects.sse import MAX_EVENT_BYTES
from lib.dialects.usage_fields import openai_usage

_REASONING_NAMES: Final = ("reasoning_content", "reasoning", "thinking")


class _PlainDelta(Struct, gc=False):
    """Anything but null in a field that matters makes the strict reading fail, and the patient one begin."""

    content: str
    refusal: None = None
    tool_calls: None = None
    function_call: None = None
    reasoning_content: None = None
    reasoning: None = None
    reasoning_details: None = None
    thinking: None = None


class _PlainChoice(Struct, gc=False):
    delta: _PlainDelta
    index: int = 0
    finish_reason: None = None
    message: None = None
    usage: None = None


class _PlainChunk(Struct, gc=False):
    choices: tuple[_PlainChoice]
    usage: None = None
    error: None = None
    success: None = None
    type: None = None


_read_plain: Final = msgspec.json.Decoder(_PlainChunk).decode


class Decoder(AnswerDecoder):
    """Decodes one response of `/v1/chat/completions`, streamed or not."""

    def __init__(self, max_event: int = MAX_EVENT_BYTES) -> None:
        super().__init__(max_event)
        self._index: int | None = None

    def _plain(self, data: bytes) -> str | None:
        try:
            choice = _read_plain(data).choices[0]
        except (ValueError, RecursionError):
            return None
        return choice.delta.content if choice.index == (self._index or 0) else None

    def _is_ours(self, value: dict[str, Any]) -> bool:
        return bool(value.get("choices"))

    def _take(self, value: dict[str, Any], name: str) -> None:
        choices = value.get("choices")
        if "choices" not in value and "usage" not in value:
            if isinstance(value.get("message"), dict) and isinstance(value.get("done"), bool):
                return self._take_native(value)
            if not str(value.get("object", "")).startswith("chat.completion"):
                self._foreign = value if self._foreign is None else self._foreign
                return None
        self._start(value.get("id"), value.get("model"))
        for choice in items(choices):
            if isinstance(choice, dict):
                self._take_choice(choice)
        self._take_usage(value.get("usage"))
        return None

    def _take_choice(self, choice: dict[str, Any]) -> None:
        index = count(choice.get("index")) or 0
        if self._index is None:
            self._index = index
        elif index != self._index:
            return
        self._has_choice = True
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict):
            self._take_delta(delta)
        elif isinstance(choice.get("text"), str):
            self._add_text(choice["text"])
        if isinstance(message, dict):
            self._take_message(message)
        self._take_usage(choice.get("usage"))
        self._set_finish(finish_word(choice.get("finish_reason")))

    def _take_delta(self, delta: dict[str, Any]) -> None:
        reasoning, content = _contents(delta)
        self._add_reasoning(reasoning)
        self._add_text(content)
        self._add_refusal(text(delta.get("refusal")))
        for call in items(delta.get("tool_calls")):
            self._take_call(table(call))
        if isinstance(delta.get("function_call"), dict):
            self._take_call({"index": -1, "function": delta["function_call"]})

    def _take_message(self, message: dict[str, Any]) -> None:
        """A whole message: the answer of a body, or a stream's last word, which counts only where nothing came."""
        self._whole = self._whole or self._frames.is_json
        self._take_delta(
            {
                name: value
                for name, value in message.items()
                if not (
                    (name == "content" and self._has_text)
                    or (name in (*_REASONING_NAMES, "reasoning_details") and self._has_reasoning)
                    or (name in ("tool_calls", "function_call") and len(self._calls) > 0)
                )
            }
        )

    def _take_call(self, call: dict[str, Any]) -> None:
        function = table(call.get("function")) or table(call.get("custom"))
        arguments = function.get("arguments", function.get("input"))
        key = call.get("index")
        delta = self._calls.take(
            count(key) if key != -1 else key,
            text(call.get("id")),
            text(function.get("name")),
            arguments,
            _signature(call, function),
        )
        if delta is not None:
            self._out.append(delta)

    def _take_usage(self, raw: Any) -> None:
        if isinstance(raw, dict) and raw:
            self._add_usage(openai_usage(raw), raw)

    def _take_native(self, value: dict[str, Any]) -> None:
        """One line of Ollama's own stream, which some gateways pass through."""
        self._start(value.get("id"), value.get("model"))
        self._has_choice = True
        self._take_delta(table(value.get("message")))
        if value["done"]:
            self._take_usage({name: value.get(name) for name in ("prompt_eval_count", "eval_count")})
            self._set_finish(finish_word(value.get("done_reason")) or "stop")


def _contents(delta: dict[str, Any]) -> tuple[str, str]:
    """`(reasoning, text)`. Reasoning that comes under several names at once is taken once."""
    content = delta.get("content")
    thoughts, words = "", text(content)
    for part in items(content):
        kind = text(table(part).get("type"))
        if kind == "thinking":
            thoughts += _joined(part.get("thinking"))
        elif kind in ("text", "output_text", ""):
            words += text(part) or text(table(part).get("text"))
    for name in _REASONING_NAMES:
        if isinstance(delta.get(name), str) and delta[name]:
            return delta[name], words
    return thoughts or _joined(delta.get("reasoning_details")), words


def _joined(parts: Any) -> str:
    if isinstance(parts, str):
        return parts
    entries = [table(part) for part in items(parts)]
    return "".join(text(entry.get("text")) or text(entry.get("summary")) for entry in entries)


def _signature(call: dict[str, Any], function: dict[str, Any]) -> str | None:
    """Gemini's thought signature, which must go back with the call unchanged."""
    google = table(table(call.get("extra_content")).get("google"))
    own = table(call.get("provider_specific_fields"))
    for place in (google, own, function):
        if signature := text(place.get("thought_signature")):
            return signature
    return None
