"""The server half of Messages: what it reads, what it writes, and that our own decoder reads it back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.dialects.anthropic_messages import server
from lib.dialects.anthropic_messages.decoder import Decoder
from lib.dialects.served import Facts
from lib.errors import GatewayError
from lib.events import (
    Event,
    Failed,
    Finished,
    Gathered,
    ReasoningDelta,
    ReasoningSealed,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from lib.messages import ImagePart, Message, Params, ReasoningPart, TextPart, Tool, ToolCallPart, ToolResultPart
from lib.tokens import Usage

FACTS = Facts("msg_1", "claude-opus-4-7", 1_760_000_000)
USAGE = Usage(input=30, output=12, total=42, cached_input=10, reasoning=5)


def ask(*messages: dict[str, Any], **fields: Any) -> Any:
    return server.ask_from({"model": "claude-opus-4-7", "max_tokens": 9, "messages": list(messages), **fields})


def test_system_may_be_text_or_blocks() -> None:
    assert ask({"role": "user", "content": "x"}, system="one").system == "one"
    blocks = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert ask({"role": "user", "content": "x"}, system=blocks).system == "one\n\ntwo"


def test_parameters_are_read() -> None:
    read = ask({"role": "user", "content": "x"}, stop_sequences=["a"], temperature=0.5)
    assert read.params == Params(temperature=0.5, max_tokens=9, stop=("a",))


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, None),
        ({"output_config": {"effort": "max"}}, "max"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, None),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 32_000}}, "high"),
    ],
)
def test_thinking_is_read_as_an_effort(fields: dict[str, Any], effort: str | None) -> None:
    assert ask({"role": "user", "content": "x"}, **fields).params.reasoning_effort == effort


def test_blocks_become_parts_and_results_a_message_of_their_own() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    result = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [{"type": "text", "text": "sunny"}],
        "is_error": True,
    }
    read = ask(
        {"role": "user", "content": [image, {"type": "text", "text": "x"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "zz"},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}},
            ],
        },
        {"role": "user", "content": [result, {"type": "text", "text": "and?"}]},
        tools=[{"name": "look", "input_schema": {"type": "object"}}],
        tool_choice={"type": "any"},
    )
    assert read.messages == (
        Message("user", (ImagePart("image/png", b"\0\0\0"), TextPart("x"))),
        Message(
            "assistant",
            (ReasoningPart("hm", "s"), ReasoningPart("", redacted=("zz",)), ToolCallPart("t1", "look", '{"at":1}')),
        ),
        Message("tool", (ToolResultPart("t1", "sunny", is_error=True),)),
        Message("user", (TextPart("and?"),)),
    )
    assert read.tools == (Tool("look", "", {"type": "object"}),)
    assert read.tool_choice == "required"


ANSWER: list[Event] = [
    UsageReported(Usage(input=30, output=1, cached_input=10)),
    Started("msg_1", "claude-opus-4-7"),
    ReasoningDelta("hm"),
    ReasoningSealed("signed"),
    ReasoningSealed(redacted="zz"),
    TextDelta("Grüße, "),
    TextDelta("日本 \u2028"),
    ToolCallDelta(0, "c1", "look"),
    ToolCallDelta(0, arguments='{"a":1}'),
    ToolCallDelta(1, "c2", "look", "{}"),
    UsageReported(USAGE),
    Finished("tool_calls"),
]


def written(events: list[Event], facts: Facts = FACTS) -> bytes:
    writer = server.Writer(facts)
    return b"".join(writer.frames(event) for event in events)


def values(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream, each checked to be named as its type says."""
    read = []
    for frame in data.decode().strip().split("\n\n"):
        name, _, payload = frame.partition("\n")
        value = json.loads(payload.removeprefix("data: "))
        assert name == f"event: {value['type']}"
        read.append(value)
    return read


def gathered(data: bytes) -> Gathered:
    decoder, answer = Decoder(), Gathered()
    for event in [*decoder.feed(data), *decoder.close()]:
        answer.take(event)
    return answer


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
def test_our_own_decoder_reads_back_what_was_written(whole: bool) -> None:
    read = gathered(server.whole_body(FACTS, ANSWER) if whole else written(ANSWER))
    assert read.complete
    assert read.finish is not None
    assert read.finish.reason == "tool_calls"
    assert (read.text, read.reasoning) == ("Grüße, 日本 \u2028", "hm")
    assert (read.signature, read.redacted) == ("signed", ["zz"])
    assert [(call.id, call.name, json.loads(call.arguments)) for call in read.tool_calls] == [
        ("c1", "look", {"a": 1}),
        ("c2", "look", {}),
    ]
    assert read.usage is not None
    assert (read.usage.input, read.usage.output, read.usage.cached_input) == (30, 12, 10)
    assert (read.response_id, read.model) == ("msg_1", "claude-opus-4-7")


def test_blocks_open_and_close_in_order_with_their_own_index() -> None:
    marks = [
        (value["type"].removeprefix("content_block_"), value["index"])
        for value in values(written(ANSWER))
        if value["type"] in ("content_block_start", "content_block_stop")
    ]
    assert marks == [(mark, index) for index in range(5) for mark in ("start", "stop")]


def test_the_first_event_has_the_input_and_the_last_delta_the_cumulative_output() -> None:
    read = values(written(ANSWER))
    assert read[0]["message"]["usage"]["input_tokens"] == 20
    assert read[0]["message"]["usage"]["cache_read_input_tokens"] == 10
    assert read[1] == {"type": "ping"}
    assert read[-2]["usage"]["output_tokens"] == 12
    assert read[-1] == {"type": "message_stop"}


def test_a_stop_sequence_is_named() -> None:
    facts = Facts("msg_1", "m", 1, stop_sequence="END")
    delta = values(written([Started(), TextDelta("x"), Finished("stop")], facts))[-2]["delta"]
    assert delta == {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    body = json.loads(server.whole_body(facts, [TextDelta("x"), Finished("stop")]))
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "END")


def test_arguments_that_the_cap_cut_become_an_empty_input() -> None:
    body = json.loads(server.whole_body(FACTS, [ToolCallDelta(0, "c1", "look", '{"a'), Finished("length")]))
    assert body["content"] == [{"type": "tool_use", "id": "c1", "name": "look", "input": {}}]
    assert body["stop_reason"] == "max_tokens"


def test_an_error_in_the_stream_is_read_as_one() -> None:
    failed = Failed(GatewayError("overloaded", "busy", type="overloaded_error"))
    read = gathered(written([Started(), TextDelta("so far"), failed]))
    assert read.text == "so far"
    assert read.error is not None
    assert read.error.kind == "overloaded"


@pytest.mark.parametrize(
    ("status", "type"),
    [(400, "invalid_request_error"), (405, "invalid_request_error"), (529, "overloaded_error"), (502, "api_error")],
)
def test_a_status_has_its_error_type(status: int, type: str) -> None:
    assert server.error_type(status) == type
