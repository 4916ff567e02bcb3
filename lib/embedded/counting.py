"""How the embedded gateway counts tokens: from what was sent, the same way for both dialects.

Its tokenizer is its own and says so: up to six letters of a word (with the space before it), up to three digits, one
CJK character, one punctuation mark, or one run of white space is one token. English comes to about four characters
per token, close to the vendors' tokenizers; nothing here claims to equal them.
"""

from __future__ import annotations

import math
import re
from typing import Final

import msgspec

from lib.cards import ModelCard
from lib.embedded.image_header import size_of, video_seconds
from lib.messages import (
    Ask,
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

_LETTER: Final = "A-Za-zÀ-ÖØ-öø-ɏͰ-ϿЀ-ӿ"
_PIECE: Final = re.compile(rf" ?[{_LETTER}]{{1,6}}| ?\d{{1,3}}|\n+ *|[ \t]+|.", re.S)
_PER_MESSAGE: Final = 4
_PRIMING: Final = 3
_UNKNOWN_SIZE: Final = (1024, 1024)


def pieces(text: str) -> list[str]:
    """The tokens of `text`, in order; joined again they are `text`."""
    return _PIECE.findall(text)


def count_text(text: str) -> int:
    """How many tokens `text` is."""
    return len(pieces(text))


def count_ask(ask: Ask, card: ModelCard) -> int:
    """The input tokens of a whole request: system text, tools, messages with their media, and the frame around them."""
    return sum(count_prefixes(ask, card))


def count_prefixes(ask: Ask, card: ModelCard) -> list[int]:
    """The tokens of each step of a prompt: system and tools first, then every message."""
    head = _PRIMING + sum(_count_tool(tool) for tool in ask.tools)
    if ask.system:
        head += _PER_MESSAGE + count_text(ask.system)
    return [head, *(_count_message(message, card) for message in ask.messages)]


def _count_message(message: Message, card: ModelCard) -> int:
    return _PER_MESSAGE + sum(_count_part(part, card) for part in message.parts)


def _count_part(part: Part, card: ModelCard) -> int:
    match part:
        case TextPart(text) | ReasoningPart(text):
            return count_text(text)
        case ImagePart():
            return image_tokens(card, size_of(part.data) or _UNKNOWN_SIZE, part.detail)
        case VideoPart():
            return video_tokens(card, video_seconds(part.data))
        case ToolCallPart():
            return 3 + count_text(part.name) + count_text(_canonical(part.arguments))
        case ToolResultPart():
            return 3 + count_text(part.text)


def _count_tool(tool: Tool) -> int:
    schema = msgspec.json.encode(tool.parameters, order="sorted").decode()
    return 8 + count_text(tool.name) + count_text(tool.description) + count_text(schema)


def _canonical(arguments: str) -> str:
    """Arguments without their white space, so that both dialects count them alike."""
    try:
        return msgspec.json.encode(msgspec.json.decode(arguments)).decode()
    except (msgspec.DecodeError, RecursionError):
        return arguments


def image_tokens(card: ModelCard, size: tuple[int, int], detail: str | None = None) -> int:
    """What a picture of `size` pixels counts, by the vendors' published formulas."""
    match card.family:
        case "claude":
            return _claude_image(size, *((2576, 4784) if card.base == "claude-opus-4-7" else (1568, 1568)))
        case "gemini":
            return _gemini_image(card, size)
        case _:
            return _gpt_image(size, *_gpt_limits(card, detail))


def _claude_image(size: tuple[int, int], edge: int, budget: int) -> int:
    """Anthropic, "Vision": 28 px patches of the picture after it was scaled into edge and budget."""
    long, short = max(size), min(size)
    ratio = long / short

    def at(side: int) -> int:
        return math.ceil(side / 28) * math.ceil(max(round(side / ratio), 1) / 28)

    low, high = 1, min(long, edge)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if at(middle) <= budget else (low, middle - 1)
    return at(low)


def _gpt_limits(card: ModelCard, detail: str | None) -> tuple[int, int]:
    if detail == "low":
        return 512, 2500
    return (6000, 10_000) if card.base == "gpt-5.5" and detail in (None, "auto") else (2048, 2500)


def _gpt_image(size: tuple[int, int], longest: int, budget: int) -> int:
    """OpenAI, "Images and vision": 32 px patches, at most `budget`, times 1.2."""
    scale = min(1.0, longest / max(size))
    width, height = size[0] * scale, size[1] * scale
    patches = math.ceil(width / 32) * math.ceil(height / 32)
    if patches > budget:
        shrink = math.sqrt(1024 * budget / (width * height))
        columns, rows = max(1, int(width * shrink / 32)), max(1, int(height * shrink / 32))
        patches = min(budget, columns * rows)
    return math.ceil(1.2 * patches)


def _gemini_image(card: ModelCard, size: tuple[int, int]) -> int:
    """Google, "Understand and count tokens": 1120 a picture from Gemini 3 on, 258 per tile before."""
    if not card.base.startswith("gemini-2"):
        return 1120
    if max(size) <= 384:
        return 258
    return 258 * math.ceil(size[0] / 768) * math.ceil(size[1] / 768)


def video_tokens(card: ModelCard, seconds: float) -> int:
    """One frame a second and 32 tokens of sound (Google, "Video understanding")."""
    per_frame = 258 if card.base.startswith("gemini-2") else 70
    return math.ceil(seconds) * (per_frame + 32)
