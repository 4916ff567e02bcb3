"""The rules as a table: what is broken, and which status, code and parameter answer it (never the prose)."""

from __future__ import annotations

from typing import Any

import pytest

from lib.catalogue import load_catalogue
from lib.embedded.given import Given
from lib.embedded.offer import offered
from lib.embedded.refusals import Refusal
from lib.embedded.rules import first_refusal
from lib.embedded.wires import ANTHROPIC, OPENAI
from tests.embedded.requests_table import (
    ANTHROPIC_TOOL,
    OPENAI_TOOL,
    Body,
    anthropic_body,
    anthropic_image,
    data_url,
    openai_body,
    openai_image,
    picture,
    with_message,
    without,
)

MODELS = offered(load_catalogue())
PNG = picture()
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(40)


def refusal(dialect: str, body: Body, version: str | None = None, reject_unknown: bool = True) -> Refusal | None:
    wire = OPENAI if dialect == "openai" else ANTHROPIC
    return first_refusal(wire.rules, Given(body, MODELS, wire.name, version=version, reject_unknown=reject_unknown))


def asked(text: str, *calls: str) -> list[dict[str, Any]]:
    """An OpenAI exchange up to the model's tool calls."""
    made = [{"id": id, "type": "function", "function": {"name": "get_weather", "arguments": "{}"}} for id in calls]
    return [{"role": "user", "content": text}, {"role": "assistant", "content": None, "tool_calls": made}]


def parts(*blocks: dict[str, Any], role: str = "user") -> list[dict[str, Any]]:
    return [{"role": role, "content": list(blocks)}]


SONNET, OPUS47, HAIKU, GEMINI = "claude-sonnet-4-5", "claude-opus-4-7", "claude-haiku-4-5", "gemini-2.5-pro"
B = openai_body()
OPENAI_CASES: list[tuple[str, Body, int, str | None, str | None]] = [
    ("8 no model", without(B, "model"), 400, "missing_required_parameter", "model"),
    ("8 model is a number", B | {"model": 5}, 400, "missing_required_parameter", "model"),
    ("9 unknown model", B | {"model": "gpt-9"}, 404, "model_not_found", "model"),
    ("unknown field", B | {"temprature": 1}, 400, None, "temprature"),
    ("11 no messages", without(B, "messages"), 400, "missing_required_parameter", "messages"),
    ("11 messages is text", B | {"messages": "hi"}, 400, "invalid_type", "messages"),
    ("11 no message in messages", B | {"messages": []}, 400, "empty_array", "messages"),
    ("12 bad role", with_message(B, role="bot", content="x"), 400, "invalid_value", "messages[0].role"),
    ("14 no content", with_message(B, role="user"), 400, "missing_required_parameter", "messages[0].content"),
    ("14 content is a number", with_message(B, role="user", content=3), 400, "invalid_type", "messages[0].content"),
    ("14 no parts", with_message(B, role="user", content=[]), 400, "empty_array", "messages[0].content"),
    ("14 unknown part", B | {"messages": parts({"type": "foo"})}, 400, "invalid_value", "messages[0].content[0].type"),
    (
        "14 image on the system role",
        B | {"messages": parts({"type": "image_url", "image_url": {"url": "x"}}, role="system")},
        400,
        "invalid_value",
        "messages[0].content[0].type",
    ),
    (
        "14 part without its text",
        B | {"messages": parts({"type": "text"})},
        400,
        "invalid_type",
        "messages[0].content[0].text",
    ),
    ("16 not a URL", openai_image("hello"), 400, "invalid_image_url", "messages[0].content[1]"),
    ("16 bad base64", openai_image("data:image/png;base64,@@@"), 400, "invalid_base64", "messages[0].content[1]"),
    (
        "16 type not taken",
        openai_image(data_url(PNG, "image/tiff")),
        400,
        "invalid_image_format",
        "messages[0].content[1]",
    ),
    (
        "16 bytes of another type",
        openai_image(data_url(PNG, "image/jpeg")),
        400,
        "invalid_image_format",
        "messages[0].content[1]",
    ),
    ("17 remote", openai_image("https://example.org/a.png"), 400, "invalid_image_url", "messages[0].content[1]"),
    (
        "17 too many bytes",
        openai_image(data_url(PNG + bytes(5_300_000)), model=SONNET),
        400,
        "image_too_large",
        "messages[0].content[1]",
    ),
    (
        "17 too many pixels",
        openai_image(data_url(picture((8001, 1))), model=SONNET),
        400,
        "image_too_large",
        "messages[0].content[1]",
    ),
    (
        "18 video to a blind model",
        openai_image(data_url(MP4, "video/mp4")),
        400,
        "unsupported_media",
        "messages[0].content[1]",
    ),
    (
        "18 strange video",
        openai_image(data_url(MP4, "video/x-odd"), model=GEMINI),
        400,
        "unsupported_media",
        "messages[0].content[1]",
    ),
    ("19 old name on GPT", B | {"max_tokens": 5}, 400, "unsupported_parameter", "max_tokens"),
    (
        "19 both names",
        openai_body(model=SONNET, max_tokens=5, max_completion_tokens=5),
        400,
        "invalid_value",
        "max_tokens",
    ),
    ("19 no tokens", B | {"max_completion_tokens": 0}, 400, "integer_below_min_value", "max_completion_tokens"),
    ("19 a fraction", B | {"max_completion_tokens": 1.5}, 400, "invalid_type", "max_completion_tokens"),
    (
        "19 over the limit",
        B | {"max_completion_tokens": 999_999},
        400,
        "integer_above_max_value",
        "max_completion_tokens",
    ),
    ("20 too hot", B | {"temperature": 2.1}, 400, "decimal_above_max_value", "temperature"),
    ("20 too cold", B | {"top_p": -0.1}, 400, "decimal_below_min_value", "top_p"),
    ("20 true is no number", B | {"temperature": True}, 400, "invalid_type", "temperature"),
    ("21 GPT while it reasons", openai_body(model="gpt-5.5", temperature=0.2), 400, "unsupported_value", "temperature"),
    (
        "21 GPT told to reason",
        B | {"temperature": 0.2, "reasoning_effort": "high"},
        400,
        "unsupported_value",
        "temperature",
    ),
    ("21 GPT reasons, stop", openai_body(model="gpt-5.5", stop="x"), 400, "unsupported_parameter", "stop"),
    ("21 Claude, both", openai_body(model=SONNET, temperature=0.5, top_p=0.5), 400, "unsupported_value", "top_p"),
    ("21 Opus 4.7, any", openai_body(model=OPUS47, temperature=0.5), 400, "unsupported_value", "temperature"),
    ("22 five stops", B | {"stop": list("abcde")}, 400, "array_above_max_length", "stop"),
    ("22 empty stop", B | {"stop": ["a", ""]}, 400, "invalid_value", "stop"),
    ("22 number", B | {"stop": [1]}, 400, "invalid_type", "stop"),
    ("23 stream is text", B | {"stream": "yes"}, 400, "invalid_type", "stream"),
    ("23 options without stream", B | {"stream_options": {"include_usage": True}}, 400, None, "stream_options"),
    ("23 two choices", B | {"n": 2}, 400, "unsupported_value", "n"),
    ("23 JSON mode", B | {"response_format": {"type": "json_object"}}, 400, "unsupported_value", "response_format"),
    ("23 unknown effort", B | {"reasoning_effort": "huge"}, 400, "invalid_value", "reasoning_effort"),
    (
        "24 bad tool name",
        B | {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        400,
        "invalid_value",
        "tools[0].function.name",
    ),
    ("24 choice without tools", B | {"tool_choice": "auto"}, 400, None, "tool_choice"),
    (
        "24 choice of no tool",
        B | {"tools": [OPENAI_TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}},
        400,
        "invalid_value",
        "tool_choice",
    ),
    (
        "24 result without a call",
        with_message(B, role="tool", tool_call_id="a", content="x"),
        400,
        None,
        "messages[0].role",
    ),
    (
        "24 call without a result",
        B | {"messages": [*asked("x", "a"), {"role": "user", "content": "y"}]},
        400,
        None,
        "messages[2].role",
    ),
    ("24 call at the end", B | {"messages": asked("x", "a")}, 400, None, "messages[1].role"),
    ("25 over the context", openai_body("字 " * 260_000, model=HAIKU), 400, "context_length_exceeded", "messages"),
]

A = anthropic_body()
USE = {"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "sunny"}
TURNS = [{"role": "user", "content": "x"}, {"role": "assistant", "content": [USE]}]
ANTHROPIC_CASES: list[tuple[str, Body, int, str]] = [
    ("8 no model", without(A, "model"), 400, "model: Field required"),
    ("9 unknown model", A | {"model": "claude-9"}, 404, "model: claude-9"),
    ("10 not served here", A | {"model": GEMINI}, 400, "model: gemini-2.5-pro"),
    ("unknown field", A | {"foo": 1}, 400, "foo: Extra inputs are not permitted"),
    ("11 no messages", without(A, "messages"), 400, "messages: Field required"),
    ("11 empty messages", A | {"messages": []}, 400, "messages:"),
    ("12 system role", with_message(A, role="system", content="x"), 400, "messages.0.role:"),
    ("12 bad role", with_message(A, role="tool", content="x"), 400, "messages.0.role:"),
    ("13 assistant first", with_message(A, role="assistant", content="x"), 400, "messages: first"),
    (
        "13 prefill",
        A | {"model": OPUS47, "messages": [*A["messages"], {"role": "assistant", "content": "I"}]},
        400,
        "This model does not support assistant message prefill",
    ),
    ("14 no content", with_message(A, role="user"), 400, "messages.0.content"),
    ("14 empty text", A | {"messages": parts({"type": "text", "text": " "})}, 400, "messages: text content"),
    ("14 unknown block", A | {"messages": parts({"type": "video"})}, 400, "messages.0.content.0: Input tag"),
    (
        "14 image of the assistant",
        A | {"messages": [*A["messages"], *parts({"type": "image"}, role="assistant")]},
        400,
        "messages.1",
    ),
    ("14 system is a number", A | {"system": 3}, 400, "system:"),
    ("15 GPT sees nothing here", anthropic_image(PNG, model="gpt-5.4"), 400, "messages.0.content.1: this model"),
    ("16 bytes of another type", anthropic_image(PNG, "image/gif"), 400, "messages.0.content.1: Image does not"),
    ("16 bad base64", anthropic_image(b""), 400, "messages.0.content.1"),
    ("17 over 5 MB", anthropic_image(PNG + bytes(5_300_000)), 400, "messages.0.content.1: image exceeds 5 MB maximum"),
    ("17 too many pixels", anthropic_image(picture((1, 8001))), 400, "messages.0.content.1: image dimensions"),
    ("19 no cap", without(A, "max_tokens"), 400, "max_tokens: Field required"),
    ("19 zero", A | {"max_tokens": 0}, 400, "max_tokens:"),
    ("19 over the limit", A | {"max_tokens": 64_001}, 400, "max_tokens: 64001 > 64000"),
    ("20 too hot", A | {"temperature": 1.5}, 400, "temperature: range: 0..1"),
    ("21 both", A | {"temperature": 0.5, "top_p": 0.5}, 400, "`temperature` and `top_p`"),
    ("21 Opus 4.7", A | {"model": OPUS47, "temperature": 0.5}, 400, "`temperature` is deprecated"),
    ("22 blank stop", A | {"stop_sequences": ["\n"]}, 400, "stop_sequences:"),
    ("23 stream is text", A | {"stream": "true"}, 400, "stream:"),
    ("24 small budget", A | {"thinking": {"type": "enabled", "budget_tokens": 10}}, 400, "thinking.enabled"),
    ("24 budget over cap", A | {"thinking": {"type": "enabled", "budget_tokens": 1024}}, 400, "`max_tokens` must"),
    (
        "24 budget on 4.7",
        A | {"model": OPUS47, "max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 1024}},
        400,
        "thinking",
    ),
    (
        "24 bad schema",
        A | {"tools": [ANTHROPIC_TOOL | {"input_schema": {"type": "array"}}]},
        400,
        "tools.0.custom.input_schema",
    ),
    ("24 choice without tools", A | {"tool_choice": {"type": "any"}}, 400, "tool_choice:"),
    (
        "24 use without result",
        A | {"messages": [*TURNS, {"role": "user", "content": "y"}]},
        400,
        "messages.1: `tool_use`",
    ),
    ("24 result without use", A | {"messages": parts(RESULT)}, 400, "messages.0: unexpected"),
    (
        "24 result after text",
        A | {"messages": [*TURNS, *parts({"type": "text", "text": "y"}, RESULT)]},
        400,
        "messages.2: `tool_result` blocks must come first",
    ),
    ("25 too long", anthropic_body("字 " * 260_000), 400, "prompt is too long"),
]


@pytest.mark.parametrize(
    ("body", "status", "code", "param"), [pytest.param(*case[1:], id=case[0]) for case in OPENAI_CASES]
)
def test_openai_refuses(body: Body, status: int, code: str | None, param: str | None) -> None:
    found = refusal("openai", body)
    assert found is not None
    assert (found.status, found.code, found.param) == (status, code, param)


@pytest.mark.parametrize(
    ("body", "status", "begins"), [pytest.param(*case[1:], id=case[0]) for case in ANTHROPIC_CASES]
)
def test_anthropic_refuses(body: Body, status: int, begins: str) -> None:
    found = refusal("anthropic", body)
    assert found is not None
    assert found.status == status
    assert found.message.startswith(begins)


SOUND: list[tuple[str, str, Body]] = [
    ("plain", "openai", B),
    ("temperature on GPT-5.4, which does not reason by default", "openai", B | {"temperature": 0.7}),
    ("temperature on GPT-5.5 told not to reason", "openai", openai_body(model="gpt-5.5", temperature=0.3, reasoning_effort="none")),
    ("temperature 1 anywhere", "openai", openai_body(model=OPUS47, temperature=1)),
    ("the old cap on Claude", "openai", openai_body(model=SONNET, max_tokens=9)),
    ("an image", "openai", openai_image(data_url(PNG))),
    ("a video as image_url", "openai", openai_image(data_url(MP4, "video/mp4"), model=GEMINI)),
    ("a video as video_url", "openai", openai_body(model=GEMINI) | {"messages": parts({"type": "video_url", "video_url": {"url": data_url(MP4, "video/mp4")}})}),
    ("a video as bare video_url", "openai", openai_body(model=GEMINI) | {"messages": parts({"type": "video_url", "video_url": data_url(MP4, "video/mp4")})}),
    ("a video as file", "openai", openai_body(model=GEMINI) | {"messages": parts({"type": "file", "file": {"filename": "a.mp4", "file_data": data_url(MP4, "video/mp4")}})}),
    ("a tool turn", "openai", B | {"tools": [OPENAI_TOOL], "messages": [*asked("x", "a", "b"), {"role": "tool", "tool_call_id": "b", "content": "1"}, {"role": "tool", "tool_call_id": "a", "content": "2"}]}),
    ("plain", "anthropic", A),
    ("an image", "anthropic", anthropic_image(PNG)),
    ("GPT without images", "anthropic", anthropic_body(model="gpt-5.4-low")),
    ("prefill where the model takes it", "anthropic", A | {"messages": [*A["messages"], {"role": "assistant", "content": "I"}]}),
    ("thinking with a budget", "anthropic", A | {"max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2000}}),
    ("a tool turn", "anthropic", A | {"tools": [ANTHROPIC_TOOL], "messages": [*TURNS, *parts(RESULT, {"type": "text", "text": "and?"})]}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "body"), [pytest.param(*case[1:], id=f"{case[1]}: {case[0]}") for case in SOUND])
def test_a_sound_request_passes(dialect: str, body: Body) -> None:
    assert refusal(dialect, body) is None


def test_unknown_fields_pass_chat_completions_unless_it_is_told_to_be_strict() -> None:
    assert refusal("openai", B | {"foo": 1}, reject_unknown=False) is None
    assert refusal("openai", B | {"foo": 1}, reject_unknown=True) is not None


@pytest.mark.parametrize("version", [None, "2023-06-01", "2026-10-21"])
def test_known_versions_pass(version: str | None) -> None:
    assert refusal("anthropic", A, version=version) is None


def test_an_unknown_version_is_refused_before_anything_else() -> None:
    found = refusal("anthropic", {}, version="2020-01-01")
    assert found is not None
    assert "is not a valid version" in found.message


def test_the_newest_version_has_no_sampling_parameters() -> None:
    found = refusal("anthropic", A | {"temperature": 1}, version="2026-10-21")
    assert found is not None
    assert found.message == "temperature: Extra inputs are not permitted"


def test_the_newest_version_allows_a_cap_of_zero() -> None:
    assert refusal("anthropic", A | {"max_tokens": 0}, version="2026-10-21") is None


def test_of_several_mistakes_the_earlier_rule_answers() -> None:
    """Each body has all mistakes of the rest of the list; mending one at a time shows the order."""
    broken = {"model": "nope", "messages": [], "max_completion_tokens": 0, "temperature": 9, "stop": [1], "stream": 1}
    mended: list[tuple[str, Any]] = [
        ("model", "gpt-5.4"),
        ("messages", B["messages"]),
        ("max_completion_tokens", 5),
        ("temperature", 1),
        ("stop", "x"),
        ("stream", True),
    ]
    for name, value in mended:
        found = refusal("openai", broken)
        assert found is not None
        assert found.param == name
        broken[name] = value
    assert refusal("openai", broken) is None


def test_twenty_one_large_images_are_too_many_for_claude() -> None:
    part = {"type": "image_url", "image_url": {"url": data_url(picture((2001, 1)))}}
    body = openai_body(model=SONNET)
    assert refusal("openai", body | {"messages": parts(*[part] * 20)}) is None
    found = refusal("openai", body | {"messages": parts(*[part] * 21)})
    assert found is not None
    assert found.code == "image_too_large"


def test_every_model_answers_where_it_is_listed_and_nowhere_else() -> None:
    for card in MODELS.values():
        assert (refusal("openai", openai_body(model=card.id)) is None) == bool(card.openai.listed)
        assert (refusal("anthropic", anthropic_body(model=card.id)) is None) == bool(card.anthropic.listed)
