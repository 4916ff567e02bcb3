"""How the embedded gateway counts tokens: from what was sent, the same way for both dialects.

Its tokenizer is its own and says so: up to six letters of a word (with the space before it), up to three digits, one
CJK character, one punctuation mark, or one run of white space is one token. English comes to about four characters
per token, close to the vendors' tokenizers; nothing here claims to equal them.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from lib.attachments.tokens import image_tokens, video_tokens
from lib.cards import ModelCard
from lib.embedded.image_header import size_of
from lib.embedded.video_header import video_seconds
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
        case FilePart(name, text):
            return count_text(name) + count_text(text)
        case ImagePart():
            return image_tokens(card, *(size_of(part.data) or _UNKNOWN_SIZE), part.detail)
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
