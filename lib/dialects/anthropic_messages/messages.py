"""The client half of Anthropic Messages as one object."""

from __future__ import annotations

from typing import Any, Final

from lib.cards import DialectName, ModelCard, WireForm
from lib.dialects.anthropic_messages import request
from lib.dialects.anthropic_messages.decoder import Decoder
from lib.messages import Ask
from lib.secret import Secret


class AnthropicMessages:
    """The dialect `anthropic`."""

    name: Final[DialectName] = "anthropic"
    path: Final = request.path

    def headers(self, key: Secret, form: WireForm) -> dict[str, str]:
        return request.headers(key, form)

    def body(self, ask: Ask, form: WireForm, card: ModelCard | None = None) -> dict[str, Any]:
        return request.body(ask, form, card)

    def adjusted(self, ask: Ask, card: ModelCard | None = None) -> tuple[str, ...]:
        return request.adjusted(ask, card)

    def decoder(self) -> Decoder:
        return Decoder()
