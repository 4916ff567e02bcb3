"""What a well-behaved gateway says, in bytes, so that a fault can spoil exactly one thing of it.

`SPEECH["openai"]` and `SPEECH["anthropic"]` say the same in their own ways: an opening without content, pieces of
text, the finish with its usage, the mark after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from lib.cards import DialectName

HALF = "The answer is “42” – naïve, 日本, 😀"
REST = ", and <b>that</b> is\r\n\tall & everything.\n"
WHOLE = HALF + REST
N_IN, N_OUT = 12, 7
"""Tokens that every whole answer reports."""


def sse(value: Any, name: str = "") -> bytes:
    """One event."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + packed(value) + b"\n\n"


def packed(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()


class Speech:
    """One dialect. `opening` has ids and no content, `mark` is what comes after the finish."""

    name: DialectName
    opening: bytes
    mark: bytes

    def text(self, words: str) -> bytes:
        raise NotImplementedError

    def raw_text(self, literal: bytes) -> bytes:
        """A piece whose text is this JSON string literal, quotes included."""
        return self.text("@@").replace(b'"@@"', literal)

    def thought(self, words: str) -> bytes:
        raise NotImplementedError

    def call(self, name: str, arguments: str) -> bytes:
        """A whole tool call."""
        raise NotImplementedError

    def finish(self, word: str | None = None, *, usage: bool = True) -> bytes:
        raise NotImplementedError

    def body(self, words: str) -> dict[str, Any]:
        """The answer as one document."""
        raise NotImplementedError

    def error(self, kind: str, message: str, **more: Any) -> dict[str, Any]:
        """An error document."""
        raise NotImplementedError

    def events(self, words: Iterable[str] = (HALF, REST)) -> bytes:
        return b"".join(self.text(piece) for piece in words)

    def end(self, word: str | None = None, *, usage: bool = True) -> bytes:
        return self.finish(word, usage=usage) + self.mark

    @property
    def answer(self) -> bytes:
        return self.opening + self.events() + self.end()

    @property
    def begun(self) -> bytes:
        """The opening and half of the text."""
        return self.opening + self.text(HALF)

    @property
    def whole(self) -> bytes:
        return packed(self.body(WHOLE))


class OpenAI(Speech):
    name: DialectName = "openai"
    mark = b"data: [DONE]\n\n"

    def __init__(self) -> None:
        self.opening = self.chunk({"role": "assistant", "content": ""})

    def chunk(self, delta: Any, finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return self.of([choice], **more)

    def of(self, choices: Any, **more: Any) -> bytes:
        head = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "said"}
        return sse({**head, "choices": choices, **more})

    def text(self, words: str) -> bytes:
        return self.chunk({"content": words})

    def thought(self, words: str) -> bytes:
        return self.chunk({"reasoning_content": words})

    def call(self, name: str, arguments: str) -> bytes:
        function = {"name": name, "arguments": arguments}
        return self.chunk({"tool_calls": [{"index": 0, "id": "call-1", "type": "function", "function": function}]})

    def finish(self, word: str | None = None, *, usage: bool = True) -> bytes:
        end = self.chunk({}, word or "stop")
        return end + self.of([], usage=self.usage()) if usage else end

    @staticmethod
    def usage() -> dict[str, Any]:
        return {"prompt_tokens": N_IN, "completion_tokens": N_OUT, "total_tokens": N_IN + N_OUT}

    def body(self, words: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": words}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "c-1", "object": "chat.completion", "model": "said", "choices": [choice], "usage": self.usage()}

    def error(self, kind: str, message: str, **more: Any) -> dict[str, Any]:
        return {"error": {"message": message, "type": kind, "param": None, "code": more.pop("code", None), **more}}


class Anthropic(Speech):
    name: DialectName = "anthropic"

    def __init__(self) -> None:
        head = {"id": "m-1", "type": "message", "role": "assistant", "model": "said", "content": []}
        start = {"type": "message_start", "message": {**head, "usage": {"input_tokens": N_IN, "output_tokens": 1}}}
        self.start = sse(start, "message_start")
        self.opening = self.start + self.block({"type": "text", "text": ""})
        self.mark = sse({"type": "message_stop"}, "message_stop")

    @staticmethod
    def block(content: dict[str, Any], index: int = 0) -> bytes:
        name = "content_block_start"
        return sse({"type": name, "index": index, "content_block": content}, name)

    @staticmethod
    def delta(delta: dict[str, Any], index: int = 0) -> bytes:
        name = "content_block_delta"
        return sse({"type": name, "index": index, "delta": delta}, name)

    def text(self, words: str) -> bytes:
        return self.delta({"type": "text_delta", "text": words})

    def thought(self, words: str) -> bytes:
        return self.delta({"type": "thinking_delta", "thinking": words})

    def call(self, name: str, arguments: str) -> bytes:
        opened = self.block({"type": "tool_use", "id": "call-1", "name": name, "input": {}}, 1)
        return opened + self.delta({"type": "input_json_delta", "partial_json": arguments}, 1)

    def finish(self, word: str | None = None, *, usage: bool = True) -> bytes:
        delta = {"type": "message_delta", "delta": {"stop_reason": word or "end_turn"}}
        told = {"usage": {"output_tokens": N_OUT}} if usage else {}
        return sse({"type": "content_block_stop", "index": 0}, "content_block_stop") + sse(
            {**delta, **told}, "message_delta"
        )

    def body(self, words: str) -> dict[str, Any]:
        head = {"id": "m-1", "type": "message", "role": "assistant", "model": "said", "stop_reason": "end_turn"}
        usage = {"input_tokens": N_IN, "output_tokens": N_OUT}
        return {**head, "content": [{"type": "text", "text": words}], "usage": usage}

    def error(self, kind: str, message: str, **more: Any) -> dict[str, Any]:
        return {"type": "error", "error": {"type": kind, "message": message, **more}}


OPENAI, ANTHROPIC = OpenAI(), Anthropic()
SPEECH: dict[DialectName, Speech] = {"openai": OPENAI, "anthropic": ANTHROPIC}
