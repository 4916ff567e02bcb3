"""Messages answers as relays really send them, beyond the recorded ones."""

from __future__ import annotations

import json
from typing import Any

from lib.dialects import DIALECTS
from lib.dialects.anthropic_messages.decoder import Decoder
from lib.dialects.verdict import outcome
from lib.events import Failed, Finished, ReasoningSealed, TextDelta, ToolCallDelta, UsageReported
from tests.dialects.recorded import CUT, events_of, gathered, in_pieces

ANTHROPIC = DIALECTS["anthropic"]


def event(**data: Any) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def start(**usage: Any) -> bytes:
    return event(type="message_start", message={"id": "m1", "model": "claude", "content": [], "usage": usage})


def delta(index: int = 0, **data: Any) -> bytes:
    return event(type="content_block_delta", index=index, delta=data)


def block(index: int = 0, **data: Any) -> bytes:
    return event(type="content_block_start", index=index, content_block=data)


def text(words: str) -> bytes:
    return delta(type="text_delta", text=words)


def end(reason: str | None = "end_turn", **usage: Any) -> bytes:
    return event(type="message_delta", delta={"stop_reason": reason}, usage=usage) + event(type="message_stop")


def read(body: bytes) -> dict[str, Any]:
    whole = outcome(gathered(events_of(ANTHROPIC, [body])))
    assert outcome(gathered(events_of(ANTHROPIC, in_pieces(body, 1)))) == whole
    return whole


def test_text_comes_out_with_the_bytes_that_complete_it() -> None:
    decoder = Decoder()
    decoder.feed(start())
    for _ in range(6):
        assert decoder.feed(text("a")) == [TextDelta("a")]
    assert decoder.feed(end())[-1] == Finished("stop", "end_turn")
    assert decoder.close() == decoder.feed(text("ghost")) == []


def test_a_stop_reason_without_message_stop_is_an_end() -> None:
    body = start() + text("a") + event(type="message_delta", delta={"stop_reason": "max_tokens"})
    assert read(body)["finish_reason"] == "length"
    assert events_of(ANTHROPIC, [body], CUT)[-1] == Finished("length", "max_tokens")
    assert events_of(ANTHROPIC, [start() + text("a")], CUT)[-1] == Failed(CUT)


def test_message_stop_without_a_reason_is_an_end() -> None:
    answer = read(start() + text("a") + event(type="message_stop"))
    assert (answer["finish_reason"], answer["raw_finish_reason"], answer["complete"]) == ("stop", None, True)


def test_a_blank_line_between_event_and_data_changes_nothing() -> None:
    body = (start() + text("a") + end()).replace(b"\ndata:", b"\n\ndata:")
    assert read(body)["text"] == "a"


def test_a_type_only_in_the_event_line_is_enough() -> None:
    assert (
        read(
            start()
            + b'event: content_block_delta\ndata: {"index":0,"delta":{"type":"text_delta","text":"a"}}\n\n'
            + end()
        )["text"]
        == "a"
    )


def test_a_whole_tool_input_at_the_start_counts_when_no_piece_follows() -> None:
    whole = block(type="tool_use", id="t1", name="f", input={"city": "Åre"})
    answer = read(start() + whole + event(type="content_block_stop", index=0) + end("tool_use"))
    assert answer["tool_calls"] == [{"id": "t1", "name": "f", "arguments": '{"city":"Åre"}'}]
    pieces = whole + delta(type="input_json_delta", partial_json='{"a":1}')
    assert read(start() + pieces + end("tool_use"))["tool_calls"][0]["arguments"] == '{"a":1}'
    without_stop = read(start() + whole + end("tool_use"))
    assert without_stop["tool_calls"][0]["arguments"] == '{"city":"Åre"}'


def test_a_tool_without_input_gets_an_empty_object() -> None:
    answer = read(start() + block(type="tool_use", id="t1", name="f", input={}) + end("tool_use"))
    assert answer["tool_calls"] == [{"id": "t1", "name": "f", "arguments": "{}"}]


def test_indices_may_skip_and_repeat() -> None:
    first = block(4, type="tool_use", id="t1", name="f", input={}) + delta(
        4, type="input_json_delta", partial_json='{"a":1}'
    )
    second = block(4, type="tool_use", id="t2", name="g", input={}) + delta(
        4, type="input_json_delta", partial_json='{"b":2}'
    )
    answer = read(start() + first + second + end("tool_use"))
    assert [(one["id"], one["arguments"]) for one in answer["tool_calls"]] == [("t1", '{"a":1}'), ("t2", '{"b":2}')]


def test_whole_inputs_under_one_index_stay_apart() -> None:
    calls = block(type="tool_use", id="t1", name="f", input={"a": 1}) + block(
        type="tool_use", id="t2", name="f", input={"b": 2}
    )
    found = read(start() + calls + end("tool_use"))["tool_calls"]
    assert [(one["id"], one["arguments"]) for one in found] == [("t1", '{"a":1}'), ("t2", '{"b":2}')]


def test_tool_input_without_a_block_start_opens_a_call() -> None:
    answer = read(start() + delta(2, type="input_json_delta", partial_json='{"a":1}') + end("tool_use"))
    (call,) = answer["tool_calls"]
    assert (call["arguments"], bool(call["id"])) == ('{"a":1}', True)


def test_input_of_an_unknown_block_is_ignored() -> None:
    body = block(type="server_tool_use", id="s", name="web_search", input={}) + delta(
        type="input_json_delta", partial_json='{"q":1}'
    )
    answer = read(start() + body + text("a") + end())
    assert (answer["tool_calls"], answer["text"], answer["finish_reason"]) == ([], "a", "stop")


def test_thinking_is_reasoning_and_is_sealed() -> None:
    body = block(type="thinking", thinking="a", signature="") + delta(type="thinking_delta", thinking="b")
    body += delta(type="signature_delta", signature="sig") + block(1, type="redacted_thinking", data="xyz")
    events = events_of(ANTHROPIC, [start() + body + text("c") + end()])
    assert gathered(events).reasoning == "ab"
    assert ReasoningSealed("sig") in events
    assert ReasoningSealed(None, "xyz") in events


def test_think_tags_are_text_here() -> None:
    assert read(start() + text("<think>a</think>") + end())["text"] == "<think>a</think>"


def test_usage_is_the_largest_of_each_field() -> None:
    body = start(input_tokens=10, output_tokens=3, cache_read_input_tokens=5) + text("a")
    body += event(type="message_delta", delta={}, usage={"output_tokens": 9, "input_tokens": None})
    usage = read(body + end(output_tokens=7, input_tokens=0, cache_read_input_tokens=0))["usage"]
    assert (usage["input"], usage["output"], usage["cached_input"], usage["total"]) == (15, 9, 5, 24)


def test_one_hour_cache_writes_are_told_apart() -> None:
    cache = {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 6}
    events = events_of(ANTHROPIC, [start(input_tokens=1, cache_creation_input_tokens=10, cache_creation=cache) + end()])
    (usage,) = [event.usage for event in events if isinstance(event, UsageReported)]
    assert (usage.input, usage.cache_write, usage.cache_write_1h) == (11, 10, 6)
    assert usage.semantic == "anthropic_excl"


def test_an_openai_error_in_the_stream_is_understood() -> None:
    answer = read(start() + text("Half") + b'data: {"error":{"message":"x","code":"insufficient_quota"}}\n\n')
    assert (answer["text"], answer["error"]["kind"], answer["error"]["where"]) == ("Half", "quota", "stream")


def test_an_error_event_carries_its_request_id() -> None:
    error = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}, "request_id": "req_9"}
    found = read(event(**error))["error"]
    assert (found["kind"], found["request_id"], found["type"]) == ("rate_limit", "req_9", "rate_limit_error")


def test_a_whole_message_may_hold_calls_thinking_and_text() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": "Look."},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        {"type": "new_thing"},
        None,
    ]
    body = json.dumps({"type": "message", "id": "m", "content": content, "stop_reason": "tool_use"}).encode()
    answer = read(body)
    assert (answer["reasoning"], answer["text"], answer["finish_reason"]) == ("hm", "Look.", "tool_calls")
    assert answer["tool_calls"] == [{"id": "t1", "name": "f", "arguments": '{"a":1}'}]


def test_an_empty_message_is_a_whole_answer() -> None:
    answer = read(
        b'{"type":"message","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":0}}'
    )
    assert (answer["text"], answer["complete"], answer["usage"]["output"]) == ("", True, 0)


def test_fields_of_the_wrong_type_are_ignored() -> None:
    odd = [
        event(type="content_block_delta", index="x", delta=None),
        event(type="content_block_start", index=None, content_block=5),
        event(type="message_delta", delta=[], usage="many"),
        event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": 5}),
        b'data: {"type": 7}\n\n',
    ]
    answer = read(start() + b"".join(odd) + text("a") + end())
    assert (answer["text"], answer["complete"]) == ("a", True)


def test_a_cut_leaves_the_arguments_as_they_came() -> None:
    body = (
        start()
        + block(type="tool_use", id="t1", name="f", input={})
        + delta(type="input_json_delta", partial_json='{"a')
    )
    events = events_of(ANTHROPIC, [body])
    assert gathered(events).tool_calls[0].arguments == '{"a'
    assert ToolCallDelta(0, "t1", "f") in events
    assert isinstance(events[-1], Failed)
    assert events[-1].error.kind == "truncated"


def test_the_figures_of_a_whole_message_come_after_its_words() -> None:
    """Whatever the words are in: figures before all words would count as an announcement only."""
    for content in ("Hello", [{"type": "text", "text": "Hello"}]):
        message = {"type": "message", "content": content, "usage": {"input_tokens": 3, "output_tokens": 2}}
        told = events_of(ANTHROPIC, [json.dumps(message | {"stop_reason": "end_turn"}).encode()])
        kinds = [type(one) for one in told if isinstance(one, TextDelta | UsageReported)]
        assert kinds == [TextDelta, UsageReported], content
