"""From a script to the exact events of an answer: cut into tokens, stopped, capped, counted; and how fast they go."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
from collections.abc import AsyncIterator, Iterator
from typing import Final

from msgspec import Struct

from lib.cards import ModelCard
from lib.embedded.answers import Script
from lib.embedded.counting import count_text, pieces
from lib.events import (
    Event,
    Finished,
    FinishReason,
    ReasoningDelta,
    ReasoningSealed,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from lib.messages import Params, ToolCallPart
from lib.tokens import Usage

_FIRST_S: Final = {"official": 0.12, "standard": 0.15, "hc": 0.15, "fd": 0.25, "low": 0.3}
_PER_SECOND: Final = {"official": 95.0, "standard": 80.0, "hc": 85.0, "fd": 65.0, "low": 60.0}
_BATCH: Final = 64

Step = tuple[Event, int]
"""An event and the output tokens it stands for."""


class Plan(Struct, frozen=True):
    """A whole answer, decided before its first byte is sent."""

    input: Usage
    steps: tuple[Event, ...]
    usage: Usage
    finish: Finished
    stop_sequence: str | None = None

    def events(self) -> Iterator[Event]:
        """The answer without its pace."""
        yield from self.steps
        yield from self.ending()

    def ending(self) -> tuple[Event, Event]:
        """What follows the last step."""
        return UsageReported(self.usage), self.finish


def plan_of(script: Script, params: Params, card: ModelCard, input_tokens: int, cached: int = 0) -> Plan:
    """Cuts `script` at the first stop sequence and at the token cap (which counts reasoning, as the vendors do)."""
    text, stop = _stopped(script.text, params.stop)
    cap = params.max_tokens if params.max_tokens is not None else card.max_output
    steps, length = _capped(_steps(script, text), math.inf if cap is None else cap)
    output = sum(tokens for _, tokens in steps)
    reasoning = sum(tokens for event, tokens in steps if isinstance(event, ReasoningDelta))
    reason: FinishReason = "length" if length else "tool_calls" if script.calls else "stop"
    return Plan(
        input=Usage(input=input_tokens, output=1, cached_input=cached),
        steps=tuple(event for event, _ in steps),
        usage=Usage(input_tokens, output, input_tokens + output, cached_input=cached, reasoning=reasoning),
        finish=Finished(reason),
        stop_sequence=None if length else stop,
    )


def _stopped(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    found = [(at, stop) for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        return text, None
    at, stop = min(found)
    return text[:at], stop


def _steps(script: Script, text: str) -> Iterator[Step]:
    if script.reasoning:
        yield from ((ReasoningDelta(piece), 1) for piece in pieces(script.reasoning))
        yield ReasoningSealed(_signature(script.reasoning)), 0
    yield from ((TextDelta(piece), 1) for piece in pieces(text))
    for index, call in enumerate(script.calls):
        yield from _call_steps(index, call)


def _call_steps(index: int, call: ToolCallPart) -> Iterator[Step]:
    yield ToolCallDelta(index, call.id, call.name), 3 + count_text(call.name)
    yield from ((ToolCallDelta(index, arguments=piece), 1) for piece in pieces(call.arguments))


def _signature(reasoning: str) -> str:
    return base64.b64encode(hashlib.sha256(reasoning.encode(errors="replace")).digest()).decode()


def _capped(steps: Iterator[Step], cap: float) -> tuple[list[Step], bool]:
    kept: list[Step] = []
    so_far = 0
    for event, tokens in steps:
        so_far += tokens
        if so_far > cap:
            return kept, True
        kept.append((event, tokens))
    return kept, False


class Pace(Struct, frozen=True):
    """Seconds before the first token, and tokens per second after it."""

    first_s: float = 0.0
    per_second: float = math.inf


def pace_of(script: Script, card: ModelCard, speed: float) -> Pace:
    """The variant's pace times `speed` (0 is no waiting); what the request itself orders is not scaled."""
    first, per_second = 0.0, math.inf
    if speed > 0:
        first = _FIRST_S.get(card.variant, 0.15) * min(script.slowness, 8.0) / speed
        per_second = _PER_SECOND.get(card.variant, 80.0) / script.slowness * speed
    return Pace(
        first if script.first_s is None else script.first_s,
        per_second if script.per_second is None else script.per_second,
    )


async def paced(steps: tuple[Event, ...], per_second: float) -> AsyncIterator[tuple[Event, ...]]:
    """The steps in batches, each when it is due; late ones go together, at most 64 at once."""
    loop = asyncio.get_running_loop()
    began, at = loop.time(), 0
    while at < len(steps):
        due = len(steps) if math.isinf(per_second) else int((loop.time() - began) * per_second) + 1
        batch = steps[at : min(due, at + _BATCH)]
        at += len(batch)
        if batch:
            yield batch
        await asyncio.sleep(0 if at < due else max(0.0, began + at / per_second - loop.time()))
