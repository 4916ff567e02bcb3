"""Which refusals are repaired, and how: once, visibly, and never by lifting what protects the user."""

from __future__ import annotations

from typing import Any

import pytest

from lib.cards import WireForm
from lib.dialects import DIALECTS
from lib.dialects.repair import Repair, repair
from lib.errors import GatewayError
from lib.messages import Ask, Message, Params, Tool, ToolCallPart, ToolResultPart, user

FULL = Params(temperature=0.9, top_p=0.5, max_tokens=100, stop=("x",), reasoning_effort="low")
ASK = Ask("m", (user("Hi"),), params=FULL, tools=(Tool("f"),), tool_choice="auto")


def refused(message: str, status: int = 400, **more: Any) -> GatewayError:
    return GatewayError(more.pop("kind", "bad_request"), message, status=status, **more)


def repaired(
    error: GatewayError, dialect: str = "openai", form: WireForm | None = None, ask: Ask = ASK
) -> Repair | None:
    form = form or WireForm()
    return repair(DIALECTS[dialect].body(ask, form), error, form)  # type: ignore[index]


@pytest.mark.parametrize(
    ("message", "facts", "param"),
    [
        (
            "Unsupported value: 'temperature' does not support 0.9 with this model.",
            {"param": "temperature", "code": "unsupported_value"},
            "temperature",
        ),
        ("`temperature` is deprecated for this model.", {}, "temperature"),
        ("temperature: Extra inputs are not permitted", {}, "temperature"),
        ("`temperature` and `top_p` cannot both be specified for this model. Please use only one.", {}, "top_p"),
        ("Unsupported parameter: 'top_p' is not supported with this model.", {}, "top_p"),
        ("Unrecognized request argument supplied: stop", {}, "stop"),
        ("Unsupported parameter: 'stop'", {"param": "stop"}, "stop"),
        ("reasoning_effort is not supported", {}, "reasoning_effort"),
        ("bad", {"param": "tools"}, "tools"),
        ("Unknown parameter: tool_choice", {}, "tool_choice"),
    ],
)
def test_a_named_parameter_is_dropped(message: str, facts: dict[str, Any], param: str) -> None:
    found = repaired(refused(message, **facts))
    assert found == Repair(WireForm(dropped=(param,)), param, "dropped")
    assert param not in DIALECTS["openai"].body(ASK, found.form)
    assert found.told == param


@pytest.mark.parametrize(
    ("first", "second"), [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")]
)
def test_the_cap_is_renamed_either_way(first: Any, second: Any) -> None:
    message = f"Unsupported parameter: '{first}' is not supported with this model. Use '{second}' instead."
    found = repaired(refused(message, param=first, code="unsupported_parameter"), form=WireForm(max_tokens_name=first))
    assert found == Repair(WireForm(max_tokens_name=second), first, "renamed", second)
    sent = DIALECTS["openai"].body(ASK, found.form)
    assert second in sent
    assert first not in sent
    assert found.told == f"{first} → {second}"


@pytest.mark.parametrize("param", ["stream_options", "stream_options.include_usage", None])
def test_stream_options_are_given_up(param: str | None) -> None:
    found = repaired(refused("Unknown field stream_options", param=param))
    assert found == Repair(WireForm(include_usage=False), "stream_options", "dropped")


def test_a_422_is_repaired_too() -> None:
    assert repaired(refused("Extra inputs are not permitted", status=422, param="stream_options")) is not None


@pytest.mark.parametrize(
    "error",
    [
        refused("`temperature`", status=401, kind="auth"),
        refused("`temperature`", status=500, kind="server"),
        refused("max_tokens and context", kind="context_length"),
        refused("temperature: the response was filtered", code="content_filter"),
        refused("blocked by our content policy: `temperature`"),
        refused("Invalid value: 'bot'", param="messages[0].role"),
        refused("no such thing", param="frequency_penalty"),
        refused("Unsupported parameter: 'seed'"),
        refused("please stop sending so much about temperature and tools"),
        refused(
            "max_tokens is too large: 999. This model supports at most 100",
            param="max_completion_tokens",
            code="integer_above_max_value",
        ),
        refused("max_completion_tokens: 100 > 50, which is the maximum allowed number of output tokens"),
    ],
)
def test_everything_else_is_left_as_it_is(error: GatewayError) -> None:
    assert repaired(error) is None


def test_only_what_was_sent_can_be_repaired() -> None:
    bare = Ask("m", (user("Hi"),), stream=False)
    for name in ("temperature", "top_p", "stop", "max_tokens", "stream_options", "tools"):
        assert repaired(refused(f"Unsupported parameter: '{name}'", param=name), ask=bare) is None


def test_the_cap_that_messages_requires_is_never_renamed() -> None:
    assert repaired(refused("max_tokens: Field required", param="max_tokens"), "anthropic") is None


def test_stop_sequences_are_dropped_in_messages() -> None:
    found = repaired(refused("stop_sequences: not supported"), "anthropic")
    assert found is not None
    assert "stop_sequences" not in DIALECTS["anthropic"].body(ASK, found.form)


def test_tools_are_kept_while_calls_are_in_the_conversation() -> None:
    told = Ask(
        "m",
        (user("a"), Message("assistant", (ToolCallPart("c", "f"),)), Message("tool", (ToolResultPart("c", "1"),))),
        tools=(Tool("f"),),
    )
    assert repaired(refused("Unsupported parameter: 'tools'", param="tools"), ask=told) is None


def test_earlier_repairs_are_remembered() -> None:
    found = repaired(refused("`temperature` is deprecated"), form=WireForm(dropped=("top_p",)))
    assert found is not None
    assert found.form.dropped == ("top_p", "temperature")
