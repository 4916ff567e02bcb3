"""The two dialects as the embedded gateway serves them: one row each, and nothing else knows which is which."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import Struct

from lib.cards import DialectName
from lib.dialects.anthropic_messages import server as anthropic
from lib.dialects.openai_chat import server as openai
from lib.dialects.served import Facts, FrameWriter
from lib.embedded import rules_anthropic, rules_openai
from lib.embedded.rules import Rule
from lib.events import Event
from lib.messages import Ask


class Wire(Struct, frozen=True):
    """Everything that differs between the dialects."""

    name: DialectName
    path: str
    id_prefix: str
    request_id_header: str
    takes_x_api_key: bool
    rules: tuple[Rule, ...]
    ask_from: Callable[[dict[str, Any]], Ask]
    wants_usage: Callable[[dict[str, Any]], bool]
    writer: Callable[[Facts], FrameWriter]
    whole_body: Callable[[Facts, Iterable[Event]], bytes]
    error_type: Callable[[int], str]
    error_body: Callable[[str, str | None, str | None, str | None, str], bytes]


OPENAI: Final = Wire(
    name="openai",
    path="/v1/chat/completions",
    id_prefix="chatcmpl-",
    request_id_header="x-request-id",
    takes_x_api_key=False,
    rules=rules_openai.RULES,
    ask_from=openai.ask_from,
    wants_usage=openai.wants_usage,
    writer=openai.Writer,
    whole_body=openai.whole_body,
    error_type=openai.error_type,
    error_body=openai.error_body,
)
ANTHROPIC: Final = Wire(
    name="anthropic",
    path="/v1/messages",
    id_prefix="msg_",
    request_id_header="request-id",
    takes_x_api_key=True,
    rules=rules_anthropic.RULES,
    ask_from=anthropic.ask_from,
    wants_usage=anthropic.wants_usage,
    writer=anthropic.Writer,
    whole_body=anthropic.whole_body,
    error_type=anthropic.error_type,
    error_body=anthropic.error_body,
)
WIRES: Final = (OPENAI, ANTHROPIC)


def wire_of_path(path: str) -> Wire:
    """Which dialect an address speaks, also when nothing is there: the Messages one below `/v1/messages`."""
    return ANTHROPIC if "/v1/messages" in path else OPENAI
