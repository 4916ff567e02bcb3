"""Asks as Chat Completions bodies: only what the user set, in the gateway's spelling."""

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

OPENAI = DIALECTS["openai"]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 8
VIDEO = VideoPart("video/mp4", b"clip", name="a.mp4")
URL = "data:video/mp4;base64," + base64.b64encode(b"clip").decode()


def body(
    *messages: Message, form: WireForm | None = None, card: ModelCard | None = None, **more: Any
) -> dict[str, Any]:
    return OPENAI.body(Ask("m", messages or (user("Hi"),), **more), form or WireForm(), card)


def test_a_plain_ask_sends_nothing_that_the_user_did_not_set() -> None:
    assert body() == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert body(stream=False) == {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": False}


def test_usage_is_not_asked_for_where_the_gateway_refuses_it() -> None:
    assert "stream_options" not in body(form=WireForm(include_usage=False))


def test_every_set_parameter_is_sent_under_its_name() -> None:
    params = Params(temperature=0.0, top_p=0.5, max_tokens=7, stop=("a", "b"), reasoning_effort="low")
    sent = body(params=params, stream=False)
    assert sent["temperature"] == 0.0
    assert (sent["top_p"], sent["max_completion_tokens"], sent["stop"], sent["reasoning_effort"]) == (
        0.5,
        7,
        ["a", "b"],
        "low",
    )
    assert body(params=params, form=WireForm(max_tokens_name="max_tokens"))["max_tokens"] == 7


def test_dropped_parameters_are_left_out() -> None:
    params = Params(temperature=0.2, top_p=0.5, stop=("a",))
    sent = body(params=params, form=WireForm(dropped=("temperature", "stop", "stream_options")))
    assert set(sent) == {"model", "messages", "stream", "top_p"}


def test_system_text_comes_first_and_blank_system_text_not_at_all() -> None:
    assert body(system="Be kind")["messages"][0] == {"role": "system", "content": "Be kind"}
    assert len(body(system="  ")["messages"]) == 1


def test_pictures_are_data_urls_of_the_type_that_their_bytes_show() -> None:
    parts = (
        TextPart("Look"),
        ImagePart("image/jpeg", PNG, detail="high"),
        ImagePart("image/png", url="https://x/y.png"),
    )
    (message,) = body(Message("user", parts))["messages"]
    shown = base64.b64encode(PNG).decode()
    assert message["content"] == [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{shown}", "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
    ]


@pytest.mark.parametrize(
    ("spelling", "part"),
    [
        ("image_url", {"type": "image_url", "image_url": {"url": URL}}),
        ("video_url", {"type": "video_url", "video_url": {"url": URL}}),
        ("video_url_string", {"type": "video_url", "video_url": URL}),
        ("file", {"type": "file", "file": {"filename": "a.mp4", "file_data": URL}}),
    ],
)
def test_a_video_is_spelt_as_the_gateway_wants_it(spelling: Any, part: dict[str, Any]) -> None:
    (message,) = body(Message("user", (TextPart(""), VIDEO)), form=WireForm(video=spelling))["messages"]
    assert message["content"] == [part]


def test_quicktime_is_labelled_as_relays_know_it() -> None:
    (message,) = body(Message("user", (VideoPart("video/quicktime", b"x"),)))["messages"]
    assert message["content"][0]["image_url"]["url"] == "data:video/mov;base64,eA=="


def test_parts_that_the_model_does_not_take_are_refused_before_sending() -> None:
    card = ModelCard("m", "m", "f", openai=Abilities(image=False, video=False))
    for part, reason in ((ImagePart("image/png", PNG), "image_not_taken"), (VIDEO, "video_not_taken")):
        with pytest.raises(BadInput) as caught:
            body(Message("user", (part,)), card=card)
        assert caught.value.reason == reason
        with pytest.raises(BadInput):
            body(Message("assistant", (part,)))
        assert body(Message("user", (part,)), card=ModelCard("m", "m", "f"))


def test_calls_and_results_go_back_with_their_signatures() -> None:
    call = ToolCallPart("c1", "f", '{"a":1}', thought_signature="sig")
    told = body(
        user("x"),
        Message("assistant", (ReasoningPart("hm"), TextPart("Let me see."), call)),
        Message("tool", (ToolResultPart("c1", "42"), TextPart("and?"))),
        tools=(Tool("f", "does f", {"type": "object"}),),
        tool_choice="f",
    )
    assert told["messages"][1] == {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "f", "arguments": '{"a":1}'},
                "extra_content": {"google": {"thought_signature": "sig"}},
            }
        ],
    }
    assert told["messages"][2:] == [
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "user", "content": "and?"},
    ]
    assert told["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "does f", "parameters": {"type": "object"}}}
    ]
    assert told["tool_choice"] == {"type": "function", "function": {"name": "f"}}


def test_a_tool_choice_without_tools_is_not_sent() -> None:
    assert "tool_choice" not in body(tool_choice="auto")
    assert "tool_choice" not in body(tool_choice="auto", tools=(Tool("f"),), form=WireForm(dropped=("tools",)))


def test_an_answer_that_never_began_is_left_out() -> None:
    told = body(user("a"), assistant(""), Message("assistant", (ReasoningPart("hm"),)), user("b"))
    assert [message["content"] for message in told["messages"]] == ["a", "b"]


def test_the_key_is_in_one_header_only() -> None:
    key = Secret("sk-abcdefgh1234")
    bearer, own = OPENAI.headers(key, WireForm()), OPENAI.headers(key, WireForm(auth="x-api-key"))
    assert bearer["authorization"] == "Bearer sk-abcdefgh1234"
    assert own["x-api-key"] == "sk-abcdefgh1234"
    assert "x-api-key" not in bearer
    assert "authorization" not in own
    assert not {"authorization", "x-api-key"} & set(OPENAI.headers(Secret(""), WireForm()))
    assert OPENAI.path == "/v1/chat/completions"
