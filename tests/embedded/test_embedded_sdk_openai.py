"""The official openai SDK is content with everything the embedded gateway sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from lib.embedded import EmbeddedGateway
from lib.embedded.answers import NOTE
from tests.embedded.requests_table import OPENAI_TOOL, data_url, openai_body, openai_image, picture


@pytest.fixture(scope="module")
def sdk(embedded: EmbeddedGateway) -> Iterator[openai.OpenAI]:
    base = f"{embedded.base_url}/gw_llm_power/v1"
    strict = {"_strict_response_validation": True}
    with openai.OpenAI(base_url=base, api_key=embedded.key.reveal(), max_retries=0, timeout=20, **strict) as caller:
        yield caller


def test_a_whole_answer(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(**openai_body("echo hello"))
    assert answer.object == "chat.completion"
    assert answer.model == "gpt-5.4"
    assert answer.choices[0].message.content == "hello" + NOTE
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_says_the_same_as_the_whole(sdk: openai.OpenAI) -> None:
    whole = sdk.chat.completions.create(**openai_body("n=60"))
    chunks = list(
        sdk.chat.completions.create(**openai_body("n=60", stream=True, stream_options={"include_usage": True}))
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk.choices[0].delta.role for chunk in chunks if chunk.choices].count("assistant") == 1
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 60


def test_without_include_usage_no_chunk_has_usage(sdk: openai.OpenAI) -> None:
    chunks = list(sdk.chat.completions.create(**openai_body(stream=True)))
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_the_stream_helper_gathers_the_final_completion(sdk: openai.OpenAI) -> None:
    with sdk.chat.completions.stream(**openai_body("echo hello")) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content == "hello" + NOTE


def test_the_cap_ends_with_length(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(**openai_body("n=500", max_completion_tokens=20))
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 20


def test_a_stop_sequence_is_not_part_of_the_answer(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(**openai_body("echo one STOP two", stop=["STOP"]))
    assert answer.choices[0].message.content == "one "
    assert answer.choices[0].finish_reason == "stop"


def test_reasoning_is_visible_and_counted(sdk: openai.OpenAI) -> None:
    chunks = list(
        sdk.chat.completions.create(
            **openai_body("think about rain", stream=True, stream_options={"include_usage": True})
        )
    )
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    reasoning = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
    assert "The question has 1 word and 1 token." in reasoning
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.completion_tokens_details is not None
    assert 0 < (usage.completion_tokens_details.reasoning_tokens or 0) < usage.completion_tokens


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_tool_goes_round(sdk: openai.OpenAI, streamed: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "get_weather in Porto for 3 days"}]
    body = {"model": "gpt-5.4", "messages": messages, "tools": [OPENAI_TOOL]}
    if streamed:
        with sdk.chat.completions.stream(**body) as stream:
            choice: Any = stream.get_final_completion().choices[0]
    else:
        choice = sdk.chat.completions.create(**body).choices[0]
    call = choice.message.tool_calls[0]
    assert choice.finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert call.function.arguments == '{"city":"Porto","days":3,"unit":"celsius"}'
    messages += [
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump(include={"id", "type", "function"})]},
        {"role": "tool", "tool_call_id": call.id, "content": "17 degrees"},
    ]
    messages[1]["tool_calls"][0]["function"].pop("parsed_arguments", None)
    answer = sdk.chat.completions.create(**body).choices[0]
    assert "17 degrees" in (answer.message.content or "")
    assert answer.finish_reason == "stop"


def test_two_named_tools_are_called_at_once(sdk: openai.OpenAI) -> None:
    other = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
    body = openai_body("call get_weather and get_time", tools=[OPENAI_TOOL, other])
    with sdk.chat.completions.stream(**body) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert calls is not None
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]


def test_a_forced_tool_is_called_and_a_forbidden_one_is_not(sdk: openai.OpenAI) -> None:
    forced = sdk.chat.completions.create(**openai_body("hello", tools=[OPENAI_TOOL], tool_choice="required"))
    assert forced.choices[0].finish_reason == "tool_calls"
    free = sdk.chat.completions.create(**openai_body("use get_weather", tools=[OPENAI_TOOL], tool_choice="none"))
    assert free.choices[0].finish_reason == "stop"


def test_an_image_is_described(sdk: openai.OpenAI) -> None:
    body = openai_image(data_url(picture((40, 30), "JPEG", "#d22828"), "image/jpeg"))
    answer = sdk.chat.completions.create(**body).choices[0].message.content or ""
    assert "JPEG" in answer
    assert "40 × 30" in answer
    assert "red" in answer


def test_the_model_list(sdk: openai.OpenAI, embedded: EmbeddedGateway) -> None:
    listed = list(sdk.models.list())
    assert [model.id for model in listed] == list(embedded.models)
    assert len(listed) == 45
    assert sdk.models.retrieve("gpt-5.5-low").id == "gpt-5.5-low"


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (openai_body(model="gpt-9"), openai.NotFoundError, "model_not_found"),
        (openai_body(temperature=3), openai.BadRequestError, "decimal_above_max_value"),
        (openai_body(model="fault-rate_limit:gpt-5.4"), openai.RateLimitError, "rate_limit_exceeded"),
        (openai_body(model="fault-server:gpt-5.4"), openai.InternalServerError, None),
        (openai_body(model="fault-echo_key:gpt-5.4"), openai.AuthenticationError, "invalid_api_key"),
    ],
)
def test_errors_become_the_sdks_own(
    sdk: openai.OpenAI, body: dict[str, Any], kind: type[openai.APIStatusError], code: str | None
) -> None:
    with pytest.raises(kind) as caught:
        sdk.chat.completions.create(**body)
    assert caught.value.code == code
    assert caught.value.request_id is not None
    assert caught.value.request_id.startswith("req_")


def test_a_wrong_key_is_an_authentication_error_that_masks_it(embedded: EmbeddedGateway) -> None:
    with (
        openai.OpenAI(base_url=f"{embedded.base_url}/v1", api_key="sk-wrong-key-0123456789", max_retries=0) as caller,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        caller.models.list()
    assert "wrong-key" not in str(caught.value)


def test_an_error_in_the_stream_is_raised_after_the_text_before_it(sdk: openai.OpenAI) -> None:
    pieces: list[str] = []
    with pytest.raises(openai.APIError, match="error"):
        for chunk in sdk.chat.completions.create(**openai_body("n=50", model="fault-error:gpt-5.4", stream=True)):
            pieces.append(chunk.choices[0].delta.content or "")
    assert "".join(pieces).startswith("*Demo text")
