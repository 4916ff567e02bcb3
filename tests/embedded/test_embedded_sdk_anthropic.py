"""The official anthropic SDK is content with everything the embedded gateway sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from lib.embedded import EmbeddedGateway
from lib.embedded.answers import NOTE
from tests.embedded.requests_table import ANTHROPIC_TOOL, anthropic_body, anthropic_image, picture


def _sdk(embedded: EmbeddedGateway, **extra: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=f"{embedded.base_url}/gw_llm_power",
        api_key=embedded.key.reveal(),
        max_retries=0,
        timeout=20,
        _strict_response_validation=True,
        **extra,
    )


@pytest.fixture(scope="module")
def sdk(embedded: EmbeddedGateway) -> Iterator[anthropic.Anthropic]:
    with _sdk(embedded) as caller:
        yield caller


def test_a_whole_answer(sdk: anthropic.Anthropic) -> None:
    answer = sdk.messages.create(**anthropic_body("echo hello"))
    assert answer.type == "message"
    assert [block.type for block in answer.content] == ["text"]
    assert answer.content[0].text == "hello" + NOTE
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens > 0


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_both_versions_answer(embedded: EmbeddedGateway, version: str) -> None:
    with _sdk(embedded, default_headers={"anthropic-version": version}) as caller:
        assert caller.messages.create(**anthropic_body()).stop_reason == "end_turn"


def test_the_stream_has_the_documented_order_and_the_same_text(sdk: anthropic.Anthropic) -> None:
    whole = sdk.messages.create(**anthropic_body("n=60"))
    with sdk.messages.stream(**anthropic_body("n=60")) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert [block.text for block in final.content] == [block.text for block in whole.content]
    assert final.usage.output_tokens == whole.usage.output_tokens == 60
    assert final.usage.input_tokens == whole.usage.input_tokens
    raw = [kind for kind in kinds if kind.startswith(("message_", "content_block_st"))]
    assert raw == ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"]


def test_the_events_are_named_and_pinged(sdk: anthropic.Anthropic) -> None:
    with sdk.messages.with_streaming_response.create(**anthropic_body(stream=True)) as response:
        names = [line.removeprefix("event: ") for line in response.iter_lines() if line.startswith("event: ")]
    assert names[:3] == ["message_start", "ping", "content_block_start"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_thinking_comes_in_a_signed_block_of_its_own(sdk: anthropic.Anthropic) -> None:
    with sdk.messages.stream(**anthropic_body("think about rain", max_tokens=1000)) as stream:
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert final.content[0].signature
    whole = sdk.messages.create(**anthropic_body("think about rain", max_tokens=1000))
    assert [block.model_dump() for block in whole.content] == [
        block.model_dump(exclude={"parsed_output"}) for block in final.content
    ]
    assert whole.usage.output_tokens_details is not None
    assert whole.usage.output_tokens_details.thinking_tokens > 0


def test_thinking_that_was_asked_for_is_done(sdk: anthropic.Anthropic) -> None:
    body = anthropic_body("echo hello", max_tokens=3000, thinking={"type": "enabled", "budget_tokens": 1024})
    assert [block.type for block in sdk.messages.create(**body).content] == ["thinking", "text"]


def test_a_stop_sequence_and_the_cap_are_reported(sdk: anthropic.Anthropic) -> None:
    stopped = sdk.messages.create(**anthropic_body("echo one STOP two", stop_sequences=["STOP"]))
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "STOP")
    capped = sdk.messages.create(**anthropic_body("n=300", max_tokens=10))
    assert (capped.stop_reason, capped.usage.output_tokens) == ("max_tokens", 10)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_tool_goes_round(sdk: anthropic.Anthropic, streamed: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "get_weather in Porto for 3 days"}]
    body: dict[str, Any] = anthropic_body(tools=[ANTHROPIC_TOOL]) | {"messages": messages}
    if streamed:
        with sdk.messages.stream(**body) as stream:
            asked = stream.get_final_message()
    else:
        asked = sdk.messages.create(**body)
    call: Any = asked.content[0]
    assert asked.stop_reason == "tool_use"
    assert call.input == {"city": "Porto", "days": 3, "unit": "celsius"}
    use = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "17 degrees"}]}
    messages += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    answer: Any = sdk.messages.create(**body)
    assert answer.stop_reason == "end_turn"
    assert "17 degrees" in answer.content[0].text


def test_an_image_is_described(sdk: anthropic.Anthropic) -> None:
    answer: Any = sdk.messages.create(**anthropic_image(picture((30, 40), "PNG", "#32a046")))
    assert "30 × 40" in answer.content[0].text
    assert "green" in answer.content[0].text


@pytest.mark.parametrize(
    ("body", "kind", "type"),
    [
        (anthropic_body(model="claude-9"), anthropic.NotFoundError, "not_found_error"),
        (anthropic_body(stop_sequences=[" "]), anthropic.BadRequestError, "invalid_request_error"),
        (anthropic_body(model="fault-rate_limit:claude-opus-4-6"), anthropic.RateLimitError, "rate_limit_error"),
        (anthropic_body(model="fault-overloaded:claude-opus-4-6"), anthropic.InternalServerError, "overloaded_error"),
        (anthropic_body(model="fault-quota:claude-opus-4-6"), anthropic.APIStatusError, "billing_error"),
    ],
)
def test_errors_become_the_sdks_own(
    sdk: anthropic.Anthropic, body: dict[str, Any], kind: type[anthropic.APIStatusError], type: str
) -> None:
    with pytest.raises(kind) as caught:
        sdk.messages.create(**body)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == type
    assert caught.value.request_id == caught.value.body["request_id"]


def test_a_wrong_key_is_an_authentication_error(embedded: EmbeddedGateway) -> None:
    with (
        anthropic.Anthropic(base_url=embedded.base_url, api_key="wrong-key-1234", max_retries=0) as caller,
        pytest.raises(anthropic.AuthenticationError),
    ):
        caller.messages.create(**anthropic_body())


def test_an_error_in_the_stream_is_raised(sdk: anthropic.Anthropic) -> None:
    body = anthropic_body("n=50", model="fault-error:claude-opus-4-6")
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"), sdk.messages.stream(**body) as stream:
        stream.get_final_message()
