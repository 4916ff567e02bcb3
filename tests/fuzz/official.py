"""The vendors' own Python clients, given bytes: what they make of an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import anthropic
import httpx2
import openai
from anthropic.lib.streaming._messages import accumulate_event

MESSAGES: list[Any] = [{"role": "user", "content": "hi"}]


class Heard(NamedTuple):
    """An answer. `usage` are the figures (input, output, cached input, reasoning) as Parlour counts them; input includes
    what came from a cache. `calls` are (id, name, arguments as a value)."""

    text: str
    reasoning: str
    finish: str | None
    usage: tuple[int | None, ...] | None
    calls: list[tuple[str, str, Any]]


class Played:
    """The clients over a wire that plays back bytes; each read is one of the pieces."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        wire = httpx2.Client(transport=httpx2.MockTransport(self._answer))
        self._openai = openai.OpenAI(api_key="k", base_url="http://gateway/v1", max_retries=0, http_client=wire)
        self._anthropic = anthropic.Anthropic(api_key="k", base_url="http://gateway", max_retries=0, http_client=wire)

    def hear(self, dialect: str, pieces: Iterable[bytes]) -> Heard:
        self._pieces = list(pieces)
        return heard_by_openai(self._openai) if dialect == "openai" else heard_by_anthropic(self._anthropic)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=iter(self._pieces))


def heard_at(dialect: str, base_url: str) -> Heard:
    """An answer over a real connection."""
    if dialect == "openai":
        with openai.OpenAI(api_key="k", base_url=f"{base_url}/v1", max_retries=0) as caller:
            return heard_by_openai(caller)
    with anthropic.Anthropic(api_key="k", base_url=base_url, max_retries=0) as asker:
        return heard_by_anthropic(asker)


def heard_by_openai(caller: openai.OpenAI) -> Heard:
    """The sum of the chunks' first choice."""
    text = reasoning = ""
    finish, usage, calls = None, None, list[list[Any]]()
    for chunk in caller.chat.completions.create(model="m", messages=MESSAGES, stream=True):
        usage = openai_figures(chunk.usage) if chunk.usage else usage
        for choice in chunk.choices:
            if choice.index == 0:
                text += choice.delta.content or ""
                reasoning += getattr(choice.delta, "reasoning_content", None) or ""
                finish = choice.finish_reason or finish
                gather(calls, choice.delta.tool_calls or [])
    return Heard(text, reasoning, finish, usage, [(id, name, json.loads(said)) for id, name, said in calls])


def gather(calls: list[list[Any]], pieces: Iterable[Any]) -> None:
    for piece in pieces:
        while len(calls) <= piece.index:
            calls.append(["", "", ""])
        call = calls[piece.index]
        call[0], call[1] = piece.id or call[0], piece.function.name or call[1]
        call[2] += piece.function.arguments or ""


def openai_figures(usage: Any) -> tuple[int | None, ...]:
    cached = usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens
    reasoning = usage.completion_tokens_details and usage.completion_tokens_details.reasoning_tokens
    return usage.prompt_tokens, usage.completion_tokens, cached, reasoning


def heard_by_anthropic(asker: anthropic.Anthropic) -> Heard:
    """The vendor's own sum of the events."""
    message: Any = None
    said: dict[int, bytes] = {}
    for event in asker.messages.create(model="m", messages=MESSAGES, max_tokens=9, stream=True):
        message = accumulate_event(event=event, current_snapshot=message, json_bufs=said)
    text = "".join(block.text for block in message.content if block.type == "text")
    reasoning = "".join(block.thinking for block in message.content if block.type == "thinking")
    calls = [(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"]
    return Heard(text, reasoning, message.stop_reason, anthropic_figures(message.usage), calls)


def anthropic_figures(usage: Any) -> tuple[int | None, ...]:
    read, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    return usage.input_tokens + (read or 0) + (written or 0), usage.output_tokens, read, None


def events_heard(pieces: Iterable[bytes]) -> Iterator[Any]:
    """What OpenAI's byte decoder makes of any event stream: (name, data)."""
    from openai._streaming import SSEDecoder

    return ((event.event or "", event.data) for event in SSEDecoder().iter_bytes(iter(pieces)))
