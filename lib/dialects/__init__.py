"""The wire formats: pure functions and objects between `lib.messages`, `lib.events` and bytes. No input or output.

To add a dialect: a package with `request` and `decoder`, a row in `DIALECTS`, recorded streams in `tests/corpus`.

    sse · framing        bytes into events, whatever the content type says
    answer               what all decoders share
    openai_chat · anthropic_messages
    faults · fault_words what went wrong, in any shape
    repair               the one repair of a refused parameter
    model_list           `GET /v1/models` of any gateway
    verdict              a gathered answer in plain words
"""

from __future__ import annotations

from typing import Final

from lib.cards import DialectName
from lib.dialects.anthropic_messages.messages import AnthropicMessages
from lib.dialects.dialect import Dialect, ResponseDecoder
from lib.dialects.openai_chat.chat import OpenAIChat

__all__ = ["DIALECTS", "Dialect", "ResponseDecoder"]

DIALECTS: Final[dict[DialectName, Dialect]] = {"openai": OpenAIChat(), "anthropic": AnthropicMessages()}
