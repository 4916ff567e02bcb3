"""Answers cut and mutated anywhere: no exception, no hang, what came before the damage is kept, nothing is invented."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.dialects import DIALECTS
from lib.dialects.faults import error_from_response
from lib.dialects.model_list import read_model_list
from lib.errors import GatewayError
from lib.events import Event, Failed, Finished, TextDelta
from tests.dialects.recorded import (
    ANSWERS,
    CASES,
    MODEL_LISTS,
    Case,
    dialect_of,
    events_of,
    gathered,
    in_pieces,
    joined,
)

answers = st.sampled_from([case for case in ANSWERS if case.body])
damage = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0, 10, 13, 34, 58, 91, 92, 123, 125, 0xED, 0xFF])), max_size=4
)


def damaged(body: bytes, places: list[tuple[float, int]]) -> bytes:
    mutable = bytearray(body)
    for place, byte in places:
        mutable[int(place * (len(mutable) - 1))] = byte
    return bytes(mutable)


def assert_well_formed(events: list[Event]) -> None:
    """Ends exactly once, and everything in it can be stored as UTF-8."""
    finished = [event for event in events if isinstance(event, Finished)]
    failed = [event for event in events if isinstance(event, Failed)]
    assert len(finished) <= 1
    assert len(failed) <= 1
    assert isinstance(events[-1], Finished | Failed)
    sum_of = gathered(events)
    for text in (sum_of.text, sum_of.reasoning, *(call.arguments for call in sum_of.tool_calls)):
        text.encode()


@given(answers, st.floats(0, 1))
@settings(max_examples=300, deadline=None)
def test_a_cut_anywhere_keeps_a_beginning_of_the_text(case: Case, place: float) -> None:
    cut = case.body[: int(place * len(case.body))]
    events = events_of(dialect_of(case), [cut])
    assert_well_formed(events)
    whole = gathered(events_of(dialect_of(case), [case.body]))
    part = gathered(events)
    if b"data:" in case.body:
        assert whole.text.startswith(part.text)
        assert whole.reasoning.startswith(part.reasoning)
    for call, complete in zip(part.tool_calls, whole.tool_calls, strict=False):
        assert complete.arguments.startswith(call.arguments) or call.arguments == "{}"
    if part.complete:
        assert part.text == whole.text


@given(answers, damage, st.sampled_from([1, 7, 1000]))
@settings(max_examples=300, deadline=None)
def test_damaged_bytes_never_raise_and_cuts_never_change_their_reading(
    case: Case, places: list[tuple[float, int]], size: int
) -> None:
    body = damaged(case.body, places)
    events = events_of(dialect_of(case), [body])
    assert_well_formed(events)
    assert joined(events_of(dialect_of(case), in_pieces(body, size))) == joined(events)


@given(answers, damage)
@settings(max_examples=150, deadline=None)
def test_the_text_before_the_damage_is_kept(case: Case, places: list[tuple[float, int]]) -> None:
    first = min((int(place * (len(case.body) - 1)) for place, _ in places), default=len(case.body))
    if not case.body.startswith((b"data:", b"event:")):
        return
    intact = dialect_of(case).decoder()
    before = "".join(event.text for event in intact.feed(case.body[:first]) if isinstance(event, TextDelta))
    assert gathered(events_of(dialect_of(case), [damaged(case.body, places)])).text.startswith(before)


@given(
    st.sampled_from(["openai", "anthropic"]),
    st.binary(max_size=300),
    st.sampled_from([b"", b"data: ", b"{", b"<", b"event: error\ndata: "]),
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_without_an_exception(name: str, body: bytes, head: bytes) -> None:
    events = events_of(DIALECTS[name], [head + body])  # type: ignore[index]
    assert_well_formed(events)
    assert joined(events_of(DIALECTS[name], in_pieces(head + body, 1))) == joined(events)  # type: ignore[index]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "message",
                    "content",
                    "tool_calls",
                    "function",
                    "arguments",
                    "index",
                    "usage",
                    "prompt_tokens",
                    "error",
                    "type",
                    "content_block",
                    "text",
                    "id",
                    "name",
                    "finish_reason",
                    "reasoning_details",
                    "data",
                    "pricing",
                    "code",
                    "detail",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["openai", "anthropic"]), st.lists(json_values, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_json_is_read_without_an_exception(name: str, values: list[object]) -> None:
    stream = b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)
    assert_well_formed(events_of(DIALECTS[name], [stream]))  # type: ignore[index]
    for value in values:
        assert_well_formed(events_of(DIALECTS[name], [json.dumps(value).encode()]))  # type: ignore[index]


@given(st.sampled_from([200, 301, 400, 401, 429, 500, 503]), json_values)
@settings(max_examples=200, deadline=None)
def test_any_error_body_is_classified_without_an_exception(status: int, value: object) -> None:
    error = error_from_response(status, {"retry-after": "soon"}, json.dumps(value).encode())
    assert error.status == status
    assert len(error.message) <= 600


@given(json_values)
@settings(max_examples=200, deadline=None)
def test_any_model_list_is_read_or_refused_with_a_gateway_error(value: object) -> None:
    try:
        models = read_model_list(200, json.dumps({"data": [value, {"id": "m", "pricing": value}]}).encode())
    except GatewayError:
        return
    assert all(model.id for model in models)


@given(st.sampled_from(MODEL_LISTS), damage)
@settings(max_examples=150, deadline=None)
def test_a_damaged_model_list_is_read_or_refused_with_a_gateway_error(
    case: Case, places: list[tuple[float, int]]
) -> None:
    try:
        models = read_model_list(200, damaged(case.body, places))
    except GatewayError:
        return
    for model in models:
        assert all(price is None or price >= 0 for price in (model.prices.input, model.prices.output))


def test_deeply_nested_json_is_passed_over() -> None:
    for case in CASES[:1]:
        deep = b"data: " + b"[" * 200_000 + b"\n\n" + b"data: " + b'{"error":' * 100_000 + b"\n\n"
        assert_well_formed(events_of(dialect_of(case), [deep + case.body]))
        assert gathered(events_of(dialect_of(case), [deep + case.body])).text == case.expect["text"]
        assert error_from_response(500, {}, b'{"error":' * 100_000).kind == "server"
