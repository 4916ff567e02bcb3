"""The answer of a Messages endpoint as events: the event stream, a whole message, and relays' variations of both.

Source: Anthropic API reference ("Messages", "Streaming Messages", "Versioning": unknown events, blocks and deltas may
appear at any time and are passed over). Events are told apart by `type` in the data, since relays leave out `event:`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from lib.dialects.answer import AnswerDecoder
from lib.dialects.endings import finish_word
from lib.dialects.loose import count, items, table, text
from lib.dialects.sse import MAX_EVENT_BYTES
from lib.dialects.usage_fields import anthropic_usage, largest
from lib.events import ReasoningSealed

_TOOL_BLOCKS: Final = ("tool_use", "function_call")


class _PlainDelta(Struct, gc=False):
    type: Literal["text_delta"]
    text: str


class _PlainEvent(Struct, gc=False):
    type: Literal["content_block_delta"]
    delta: _PlainDelta
    error: None = None
    usage: None = None


_read_plain: Final = msgspec.json.Decoder(_PlainEvent).decode


class Decoder(AnswerDecoder):
    """Decodes one response of `/v1/messages`, streamed or not."""

    def __init__(self, max_event: int = MAX_EVENT_BYTES) -> None:
        super().__init__(max_event, think_tags=False)
        self._blocks: dict[int, str] = {}
        self._pending: dict[int, Any] = {}
        self._figures: dict[str, Any] = {}

    def _plain(self, data: bytes) -> str | None:
        try:
            return _read_plain(data).delta.text
        except (ValueError, RecursionError):
            return None

    def _is_ours(self, value: dict[str, Any]) -> bool:
        return text(value.get("type")).startswith(("message", "content_block"))

    def _take(self, value: dict[str, Any], name: str) -> None:
        kind = text(value.get("type")) or name
        index = count(value.get("index")) or 0
        match kind:
            case "content_block_delta":
                self._take_delta(index, table(value.get("delta")))
            case "content_block_start":
                self._open(index, table(value.get("content_block")))
            case "content_block_stop":
                self._shut(index)
            case "message_start":
                self._take_start(table(value.get("message")))
            case "message_delta":
                self._take_end(value)
            case "message_stop":
                self._has_choice = True
                self._end()
            case "message":
                self._take_message(value)
            case "ping" | "error":
                pass
            case _:
                self._foreign = value if self._foreign is None else self._foreign

    def _end(self) -> None:
        for index in list(self._pending):
            self._shut(index)
        super()._end()

    def _take_start(self, message: dict[str, Any]) -> None:
        self._start(message.get("id"), message.get("model"))
        self._has_choice = True
        for index, block in enumerate(items(message.get("content"))):
            self._open(index, table(block))
        self._take_usage(message.get("usage"))
        self._set_finish(finish_word(message.get("stop_reason")))

    def _take_end(self, value: dict[str, Any]) -> None:
        self._has_choice = True
        delta = table(value.get("delta"))
        if count(table(value.get("usage")).get("output_tokens")) is not None:
            self._usage = None  # told again although unchanged: now it is the sum
        self._take_usage(value.get("usage"))
        self._take_usage(delta.get("usage"))
        self._set_finish(finish_word(delta.get("stop_reason")) or finish_word(value.get("stop_reason")))

    def _take_message(self, message: dict[str, Any]) -> None:
        """A body that is the whole message."""
        error = not isinstance(message.get("content"), list | str)
        if self._has_content or error:
            return
        if isinstance(message["content"], str):  # the words before the figures, as in a list of blocks
            message = message | {"content": [{"type": "text", "text": message["content"]}]}
        self._take_start(message)
        for index in range(len(items(message["content"]))):
            self._shut(index)
        self._whole = True

    def _open(self, index: int, block: dict[str, Any]) -> None:
        """A block begins; relays put its text, or a tool's whole input, into this event."""
        self._has_choice = True
        self._shut(index)
        kind = text(block.get("type"))
        self._blocks[index] = kind
        if kind == "text":
            self._add_text(text(block.get("text")))
        elif kind == "thinking":
            self._add_reasoning(text(block.get("thinking")))
            self._seal(text(block.get("signature")), "")
        elif kind == "redacted_thinking":
            self._seal("", text(block.get("data")))
        elif kind in _TOOL_BLOCKS:
            self._out.append(self._calls.opened(index, text(block.get("id")), text(block.get("name"))))
            if block.get("input"):
                self._pending[index] = block["input"]

    def _shut(self, index: int) -> None:
        """A block ends; the input from its beginning counts when no piece of it came after."""
        whole = self._pending.pop(index, None)
        if whole is not None:
            self._add_call_piece(index, whole)

    def _take_delta(self, index: int, delta: dict[str, Any]) -> None:
        """A piece of a block. One that never began is opened by its first piece."""
        self._has_choice = True
        match delta.get("type"):
            case "text_delta":
                self._add_text(text(delta.get("text")))
            case "thinking_delta":
                self._add_reasoning(text(delta.get("thinking")))
            case "signature_delta":
                self._seal(text(delta.get("signature")), "")
            case "input_json_delta" if self._blocks.setdefault(index, "tool_use") in _TOOL_BLOCKS:
                piece = delta.get("partial_json")
                if piece:
                    self._pending.pop(index, None)
                    self._add_call_piece(index, piece)
            case _:
                pass

    def _add_call_piece(self, index: int, arguments: Any) -> None:
        delta = self._calls.take(index, "", "", arguments)
        if delta is not None:
            self._out.append(delta)

    def _seal(self, signature: str, redacted: str) -> None:
        if signature or redacted:
            self._out.append(ReasoningSealed(signature or None, redacted or None))

    def _take_usage(self, raw: Any) -> None:
        """Counts are cumulative, and relays report 0 where they do not know yet: the largest of each field stands."""
        if isinstance(raw, dict) and raw:
            self._figures = largest(self._figures, raw)
            self._add_usage(anthropic_usage(self._figures), self._figures)
