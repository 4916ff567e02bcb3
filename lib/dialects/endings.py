"""Why an answer ended: the words of all vendors, which leak through gateways, as one `FinishReason`.

Sources: OpenAI `finish_reason`, Anthropic `stop_reason`, Gemini `FinishReason`, and words of vendors behind relays.
"""

from __future__ import annotations

from typing import Final

from lib.events import FinishReason

_WORDS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "eos": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "content_filter",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "image_safety": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "error": "error",
    "network_error": "error",
    "insufficient_system_resource": "error",
    "malformed_function_call": "error",
}
_NOT_A_WORD: Final = frozenset({"", "null", "none"})


def finish_word(value: object) -> str | None:
    """`value` if it says that the answer ended; "" and null in every chunk do not."""
    return value if isinstance(value, str) and value.strip().lower() not in _NOT_A_WORD else None


def reason_for(word: str | None, has_calls: bool) -> FinishReason:
    """The reason behind a gateway's word; an unknown word is a plain stop, and a stop after tool calls is for them."""
    reason = _WORDS.get((word or "stop").strip().lower(), "stop")
    return "tool_calls" if has_calls and reason == "stop" else reason
