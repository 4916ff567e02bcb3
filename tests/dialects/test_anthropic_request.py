"""Asks as Messages bodies: alternating turns of blocks, and what the dialect requires."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from lib.cards import Abilities, ModelCard, WireForm
from lib.dialects import DIALECTS
from lib.errors import BadInput
from lib.messages import (
    Ask,
    ImagePart,
    Message,
    Params,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
    assistant,
    user,
)
from lib.secret import Secret

ANTHROPIC = DIALECTS["anthropic"]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 8


def card(base: str = "claude-sonnet-4-6", **more: Any) -> ModelCard:
    return ModelCard("m", base, "claude", **more)


def body(
    *messages: Message, form: WireForm | None = None, card: ModelCard | None = None, **more: Any
) -> dict[str, Any]:
    return ANTHROPIC.body(Ask("m", messages or (user("Hi"),), **more), form or WireForm(), card)


def test_a_plain_ask_sends_only_what_is_required() -> None:
    assert body() == {"model": "m", "max_tokens": 8192, "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def test_the_cap_is_the_users_else_the_default_within_the_models() -> None:
    assert body(card=card(max_output=4096))["max_tokens"] == 4096
    assert body(card=card(max_output=64000))["max_tokens"] == 8192
    assert body(card=card(max_output=4096), params=Params(max_tokens=9000))["max_tokens"] == 9000
    assert body(form=WireForm(dropped=("max_tokens",)))["max_tokens"] == 8192


def test_a_temperature_above_one_is_sent_as_one_and_the_caller_can_know() -> None:
    ask = Ask("m", (user("x"),), params=Params(temperature=1.7, top_p=0.5))
    assert ANTHROPIC.body(ask, WireForm())["temperature"] == 1.0
    assert ANTHROPIC.adjusted(ask) == ("temperature",)
    assert ANTHROPIC.adjusted(Ask("m", (), params=Params(temperature=1.0))) == ()
    assert DIALECTS["openai"].adjusted(ask) == ()


def test_blank_stop_sequences_are_left_out() -> None:
    assert body(params=Params(stop=("a", " \n")))["stop_sequences"] == ["a"]
    assert "stop_sequences" not in body(params=Params(stop=(" ",)))
    assert "stop_sequences" not in body(params=Params(stop=("a",)), form=WireForm(dropped=("stop",)))


def test_neighbouring_turns_of_one_side_are_merged_and_empty_texts_dropped() -> None:
    told = body(user("a"), user(" "), user("b"), assistant(""), assistant("c"), assistant("d"), user("e"))
    assert told["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "c"}, {"type": "text", "text": "d"}]},
        {"role": "user", "content": "e"},
    ]


def test_an_answer_that_never_began_lets_the_users_turns_merge() -> None:
    told = body(user("a"), assistant(""), user("b"))
    assert [message["role"] for message in told["messages"]] == ["user"]


def test_the_first_turn_is_the_users() -> None:
    assert [message["role"] for message in body(assistant("a"), user("b"))["messages"]] == ["user", "assistant", "user"]


def test_a_last_assistant_text_ends_without_white_space() -> None:
    assert body(user("a"), assistant("b \n"))["messages"][-1]["content"] == "b"
    two = body(user("a"), assistant("b "), assistant("c "))["messages"][-1]["content"]
    assert [block["text"] for block in two] == ["b ", "c"]


def test_system_text_is_a_string_on_top() -> None:
    assert body(system="Be kind")["system"] == "Be kind"
    assert "system" not in body(system=" ")


def test_tool_results_come_first_in_the_turn_that_answers() -> None:
    told = body(
        user("x"),
        Message(
            "assistant", (ReasoningPart("hm", "sig", ("red",)), TextPart("See"), ToolCallPart("c.1", "f", '{"a":1}'))
        ),
        Message("user", (TextPart("also this"), ToolResultPart("c.1", "42", is_error=True))),
        tools=(Tool("f", "does f", {"properties": {"a": {}}}), Tool("g")),
        tool_choice="required",
    )
    assert told["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "red"},
        {"type": "text", "text": "See"},
        {"type": "tool_use", "id": "c_1", "name": "f", "input": {"a": 1}},
    ]
    assert told["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "c_1", "content": "42", "is_error": True},
        {"type": "text", "text": "also this"},
    ]
    assert told["tools"] == [
        {"name": "f", "description": "does f", "input_schema": {"type": "object", "properties": {"a": {}}}},
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert told["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize(
    ("arguments", "sent"), [("", {}), ("{}", {}), ("[1]", {"_raw": "[1]"}), ("{bad", {"_raw": "{bad"})]
)
def test_arguments_that_are_no_object_are_kept_raw(arguments: str, sent: dict[str, Any]) -> None:
    told = body(user("x"), Message("assistant", (ToolCallPart("c", "f", arguments),)))
    assert told["messages"][1]["content"][0]["input"] == sent


def test_reasoning_goes_back_only_with_a_call_and_only_signed() -> None:
    told = body(user("x"), Message("assistant", (ReasoningPart("hm", "sig"), TextPart("a"))), user("y"))
    assert told["messages"][1]["content"] == "a"
    told = body(user("x"), Message("assistant", (ReasoningPart("hm"), ToolCallPart("c", "f"))))
    assert [block["type"] for block in told["messages"][1]["content"]] == ["tool_use"]


def test_pictures_come_before_the_text_with_the_type_that_their_bytes_show() -> None:
    shown = base64.b64encode(PNG).decode()
    parts = (TextPart("Look"), ImagePart("image/jpeg", PNG), ImagePart("image/png", url="https://x/y.png"))
    (turn,) = body(Message("user", parts))["messages"]
    assert turn["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": shown}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "text", "text": "Look"},
    ]
    (turn,) = body(Message("user", (ImagePart("image/gif", url="data:image/gif;base64,AAAA"),)))["messages"]
    assert turn["content"][0]["source"] == {"type": "base64", "media_type": "image/gif", "data": "AAAA"}


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (VideoPart("video/mp4", b"x"), "video_not_taken"),
        (ImagePart("image/tiff", b"II*"), "image_not_taken"),
        (ImagePart("image/png", url="file:///etc/passwd"), "image_not_taken"),
    ],
)
def test_what_the_dialect_cannot_carry_is_refused(part: Any, reason: str) -> None:
    with pytest.raises(BadInput) as caught:
        body(Message("user", (part,)))
    assert caught.value.reason == reason


def test_pictures_are_refused_where_the_model_takes_none() -> None:
    with pytest.raises(BadInput):
        body(Message("user", (ImagePart("image/png", PNG),)), card=card(anthropic=Abilities(image=False)))


@pytest.mark.parametrize(
    ("base", "effort", "sent"),
    [
        ("claude-sonnet-4-6", "low", {"output_config": {"effort": "low"}}),
        ("claude-opus-4-7", "minimal", {"output_config": {"effort": "low"}}),
        ("claude-opus-4-5", "medium", {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        ("claude-haiku-4-5", "high", {"thinking": {"type": "enabled", "budget_tokens": 8191}}),
        ("claude-sonnet-4-20250514", "low", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("claude-sonnet-4-6", "none", {}),
    ],
)
def test_effort_is_spelt_for_the_models_generation(base: str, effort: str, sent: dict[str, Any]) -> None:
    told = body(card=card(base), params=Params(reasoning_effort=effort))
    assert {name: told[name] for name in ("output_config", "thinking") if name in told} == sent


def test_the_headers_name_the_version_and_carry_the_key_once() -> None:
    key = Secret("sk-abcdefgh1234")
    assert ANTHROPIC.headers(key, WireForm())["anthropic-version"] == "2023-06-01"
    own = ANTHROPIC.headers(key, WireForm(auth="x-api-key", anthropic_version="2026-10-21"))
    assert (own["x-api-key"], own["anthropic-version"]) == ("sk-abcdefgh1234", "2026-10-21")
    assert "authorization" not in own
    assert ANTHROPIC.path == "/v1/messages"
