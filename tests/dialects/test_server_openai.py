"""The server half of Chat Completions: what it reads, what it writes, and that our own decoder reads it back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.dialects.openai_chat import server
from lib.dialects.openai_chat.decoder import Decoder
from lib.dialects.served import Facts
from lib.errors import GatewayError
from lib.events import (
    Event,
    Failed,
    Finished,
    Gathered,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from lib.messages import ImagePart, Message, Params, TextPart, Tool, ToolCallPart, ToolResultPart, VideoPart
from lib.tokens import Usage

FACTS = Facts("chatcmpl-1", "gpt-5.4", 1_760_000_000, include_usage=True)
USAGE = Usage(input=30, output=12, total=42, cached_input=10, reasoning=5)
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}


def ask(*messages: dict[str, Any], **fields: Any) -> Any:
    return server.ask_from({"model": "gpt-5.4", "messages": list(messages), **fields})


def test_system_texts_are_joined_wherever_they_stand() -> None:
    read = ask(
        {"role": "system", "content": "one"},
        {"role": "user", "content": "hi"},
        {"role": "developer", "content": [{"type": "text", "text": "two"}]},
    )
    assert read.system == "one\n\ntwo"
    assert read.messages == (Message("user", (TextPart("hi"),)),)


def test_parameters_are_read_under_either_name_of_the_cap() -> None:
    assert ask({"role": "user", "content": "x"}, max_tokens=5).params.max_tokens == 5
    read = ask(
        {"role": "user", "content": "x"}, max_completion_tokens=6, stop="a", temperature=0.5, reasoning_effort="low"
    )
    assert read.params == Params(temperature=0.5, max_tokens=6, stop=("a",), reasoning_effort="low")
    assert ask({"role": "user", "content": "x"}).params == Params()


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:video/mp4;base64,AAAA"}},
        {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
        {"type": "video_url", "video_url": "data:video/mp4;base64,AAAA"},
        {"type": "file", "file": {"filename": "video.mp4", "file_data": "data:video/mp4;base64,AAAA"}},
    ],
)
def test_every_spelling_of_a_video_is_one_part(part: dict[str, Any]) -> None:
    read = ask({"role": "user", "content": [part]})
    assert read.messages[0].parts == (VideoPart("video/mp4", b"\0\0\0", name="video.mp4"),)


def test_an_image_keeps_its_detail_and_a_remote_one_its_url() -> None:
    near = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
    far = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    read = ask({"role": "user", "content": [near, far]})
    assert read.messages[0].parts == (
        ImagePart("image/png", b"\0\0\0", detail="low"),
        ImagePart("", url="https://example.org/a.png"),
    )


def test_a_tool_turn_is_read_and_its_results_are_one_message() -> None:
    read = ask(
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [CALL, CALL | {"id": "c2"}]},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]},
        tools=[{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
        tool_choice={"type": "function", "function": {"name": "look"}},
    )
    assert read.messages[1].parts[0] == ToolCallPart("c1", "look", '{"at": 1}')
    assert read.messages[2] == Message("tool", (ToolResultPart("c1", "one"), ToolResultPart("c2", "two")))
    assert read.tools == (Tool("look", "", {"type": "object"}),)
    assert read.tool_choice == "look"


ANSWER: list[Event] = [
    UsageReported(Usage(input=30, output=1)),
    Started("chatcmpl-1", "gpt-5.4"),
    ReasoningDelta("hm"),
    TextDelta("Grüße, "),
    TextDelta("日本 \u2028 \U0001f600"),
    ToolCallDelta(0, "c1", "look"),
    ToolCallDelta(0, arguments='{"a'),
    ToolCallDelta(0, arguments='": 1}'),
    ToolCallDelta(1, "c2", "look", "{}"),
    UsageReported(USAGE),
    Finished("tool_calls"),
]


def written(events: list[Event], facts: Facts = FACTS) -> bytes:
    writer = server.Writer(facts)
    return b"".join(writer.frames(event) for event in events)


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
    assert (read.text, read.reasoning) == ("Grüße, 日本 \u2028 \U0001f600", "hm")
    assert [(call.id, call.name, call.arguments) for call in read.tool_calls] == [
        ("c1", "look", '{"a": 1}'),
        ("c2", "look", "{}"),
    ]
    assert read.usage is not None
    assert (read.usage.input, read.usage.output, read.usage.cached_input, read.usage.reasoning) == (30, 12, 10, 5)
    assert (read.response_id, read.model) == ("chatcmpl-1", "gpt-5.4")


def test_the_stream_ends_with_finish_then_usage_then_done() -> None:
    frames = written([Started(), TextDelta("x"), UsageReported(USAGE), Finished("stop")]).decode().strip().split("\n\n")
    assert frames[-1] == "data: [DONE]"
    usage, finish = (json.loads(frame[6:]) for frame in frames[-2:-4:-1])
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 42
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert finish["usage"] is None


def test_without_include_usage_there_is_no_usage_anywhere() -> None:
    facts = Facts("c", "m", 1)
    assert b'"usage"' not in written([Started(), UsageReported(USAGE), Finished("stop")], facts)


def test_an_error_in_the_stream_is_read_as_one() -> None:
    failed = Failed(GatewayError("server", "broken", type="server_error", code="server_error"))
    read = gathered(written([Started(), TextDelta("so far"), failed]))
    assert read.text == "so far"
    assert read.error is not None
    assert read.error.kind == "server"


def test_a_refusal_has_its_own_field() -> None:
    assert gathered(written([Started(), RefusalDelta("no"), Finished("stop")])).refusal == "no"


def test_a_keepalive_says_nothing() -> None:
    assert gathered(server.Writer(FACTS).keepalive() + written(ANSWER)).text == gathered(written(ANSWER)).text
