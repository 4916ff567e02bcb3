"""Ways to ask through the door, and the smallest words of both dialects."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

from lib.cards import DialectName, GatewayCard, WireForm
from lib.events import AttemptBegan, AttemptFailed, Event, Failed, Finished, Gathered
from lib.gateway import Deadlines, Gateway
from lib.messages import Ask, Params, user
from lib.secret import Secret

CANARY = "sk-CANARY-7fQ2+x/Z9=b41c"
KEY = Secret(CANARY)
DIALECT_NAMES: tuple[DialectName, ...] = ("openai", "anthropic")
SHORT = Deadlines(connect=0.5, first=0.4, gap=0.3, total=5.0, listing=0.4)


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


class Words(NamedTuple):
    """One dialect's bytes: an opening without content, a piece of text, the end, and errors."""

    opening: bytes
    hello: bytes
    end: bytes
    overloaded: bytes
    whole: bytes

    @property
    def answer(self) -> bytes:
        return self.opening + self.hello + self.end


_OPENAI = Words(
    _event({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
    _event({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hello"}}]}),
    _event({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    + b"data: [DONE]\n\n",
    _event({"error": {"message": "The engine is overloaded", "type": "overloaded_error", "code": "overloaded"}}),
    json.dumps(
        {
            "id": "c1",
            "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
        }
    ).encode(),
)
_ANTHROPIC = Words(
    _event(
        {"type": "message_start", "message": {"id": "m1", "model": "m", "content": [], "usage": {"input_tokens": 3}}}
    )
    + _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}),
    _event({"type": "content_block_stop", "index": 0})
    + _event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}})
    + _event({"type": "message_stop"}),
    b"event: error\n" + _event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    json.dumps(
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [{"type": "text", "text": "Hello"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 1},
        }
    ).encode(),
)
WORDS: dict[str, Words] = {"openai": _OPENAI, "anthropic": _ANTHROPIC}


def card_of(base_url: str, dialect: DialectName = "openai", form: WireForm | None = None) -> GatewayCard:
    return GatewayCard(1, "raw", base_url, (dialect,), form=form or WireForm())


def an_ask(*, stream: bool = True, text: str = "hi", **params: Any) -> Ask:
    return Ask("m", (user(text),), params=Params(**params), stream=stream)


async def asked(door: Gateway, ask: Ask, dialect: DialectName, **options: Any) -> list[Event]:
    """Every event of one ask."""
    events: list[Event] = []
    await door.answer(ask, dialect, events.extend, **options)
    return events


async def events_from(
    base_url: str,
    dialect: DialectName = "openai",
    *,
    ask: Ask | None = None,
    deadlines: Deadlines | None = None,
    key: Secret = KEY,
    form: WireForm | None = None,
    **options: Any,
) -> list[Event]:
    """One ask through a door of its own."""
    door = Gateway(card_of(base_url, dialect, form), key, deadlines=deadlines, pace_s=0, **options)
    try:
        return await asked(door, ask or an_ask(), dialect)
    finally:
        await door.aclose()


def ask_once(base_url: str, dialect: DialectName = "openai", **options: Any) -> list[Event]:
    return asyncio.run(events_from(base_url, dialect, **options))


def sum_of(events: list[Event]) -> Gathered:
    gathered = Gathered()
    for event in events:
        gathered.take(event)
    return gathered


def assert_well_formed(events: list[Event]) -> None:
    """Attempts are numbered, and the answer ends once: with Finished or Failed, and nothing after it."""
    assert [event.number for event in events if isinstance(event, AttemptBegan)] == list(
        range(1, 2 + sum(isinstance(event, AttemptFailed) for event in events))
    )
    last = events[-1]
    assert isinstance(last, Failed | Finished)
    assert sum(isinstance(event, Failed) for event in events) == isinstance(last, Failed)
