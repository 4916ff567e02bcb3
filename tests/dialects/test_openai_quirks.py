"""Chat Completions answers as relays really send them, beyond the recorded ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.dialects import DIALECTS
from lib.dialects.openai_chat.decoder import Decoder
from lib.dialects.verdict import outcome
from lib.events import Event, Failed, Finished, Skipped, Started, TextDelta, ToolCallDelta, UsageReported
from tests.dialects.recorded import CUT, DONE, STOP, chunk, events_of, gathered, in_pieces

OPENAI = DIALECTS["openai"]


def read(body: bytes) -> dict[str, Any]:
    whole = outcome(gathered(events_of(OPENAI, [body])))
    assert outcome(gathered(events_of(OPENAI, in_pieces(body, 1)))) == whole
    return whole


def calls(*pieces: dict[str, Any], finish: str = "tool_calls") -> list[dict[str, Any]]:
    body = b"".join(chunk({"tool_calls": [piece]}) for piece in pieces) + chunk(finish=finish) + DONE
    answer = read(body)
    assert answer["finish_reason"] == "tool_calls"
    return list(answer["tool_calls"])


def call(arguments: Any, **more: Any) -> dict[str, Any]:
    name = {"name": more.pop("name")} if "name" in more else {}
    return {"function": {"arguments": arguments, **name}, **more}


def body(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> bytes:
    return json.dumps(
        {"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}
    ).encode()


# Framing


def test_text_comes_out_with_the_bytes_that_complete_it() -> None:
    decoder = Decoder()
    assert decoder.feed(chunk({"content": "Hel"})) == [Started("c1", "m"), TextDelta("Hel")]
    for _ in range(5):
        assert decoder.feed(chunk({"content": "lo"})) == [TextDelta("lo")]


def test_the_end_waits_for_the_usage_that_follows_the_finish() -> None:
    decoder = Decoder()
    decoder.feed(chunk({"content": "x"}))
    assert decoder.feed(chunk(finish="stop")) == []
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
    assert [type(event) for event in decoder.feed(usage + DONE)] == [UsageReported, Finished]
    assert decoder.ended
    assert decoder.feed(chunk({"content": "ghost"})) == decoder.close() == []


def test_a_comment_wrapped_into_data_is_passed_over() -> None:
    answer = read(b"data: : OPENROUTER PROCESSING\n\n" + chunk({"content": "a"}) + STOP)
    assert (answer["text"], answer["complete"]) == ("a", True)


def test_two_events_without_a_blank_line_between_them_are_both_read() -> None:
    glued = chunk({"content": "a"}).rstrip() + b"\n" + chunk({"content": "b"}).rstrip() + b"\n"
    assert read(glued + STOP)["text"] == "ab"
    assert read(glued + b"event: x\n" + STOP)["text"] == "ab"


def test_two_events_without_any_line_end_between_them_are_both_read() -> None:
    assert read(chunk({"content": "a"}).rstrip() + chunk({"content": "b"}) + STOP)["text"] == "ab"


def test_done_glued_to_the_last_event_or_to_a_json_body_is_the_end() -> None:
    assert read(chunk({"content": "a"}, "stop").rstrip() + b"[DONE]\n\n")["complete"]
    assert read(body({"content": "a"}) + b"data: [DONE]\n\n")["text"] == "a"
    assert read(body({"content": "a"}) + b"\n\n[DONE]")["complete"]


def test_a_malformed_event_in_the_middle_is_counted_and_passed_over() -> None:
    events = events_of(OPENAI, [chunk({"content": "a"}) + b'data: {"broken\n\n' + chunk({"content": "b"}) + STOP])
    assert gathered(events).text == "ab"
    assert events.count(Skipped("not JSON")) == 1
    assert gathered(events).complete


def test_the_event_that_a_cut_left_half_is_not_counted_and_says_nothing() -> None:
    events = events_of(OPENAI, [chunk({"content": "a"}) + chunk({"content": "bcd"})[:-9]])
    assert [type(event) for event in events] == [Started, TextDelta, Failed]


def test_foreign_events_are_ignored() -> None:
    foreign = b'event: rag\ndata: {"documents": [1]}\n\ndata: 12\n\ndata: "x"\n\ndata: null\n\ndata: [1]\n\n'
    assert read(foreign + chunk({"content": "a"}) + foreign + STOP)["text"] == "a"


def test_invalid_utf8_becomes_a_replacement_character() -> None:
    assert read(chunk({"content": "a?b"}).replace(b"?", b"\xff") * 5 + STOP)["text"] == "a\ufffdb" * 5


def test_the_halves_of_a_character_in_two_deltas_are_joined() -> None:
    pieces = [
        b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % text for text in (b"x", b"y", b"z\\ud83d", b"\\ude00!")
    ]
    assert read(b"".join(pieces) + STOP)["text"] == "xyz😀!"
    pieces[3:] = [b'data: {"choices":[{"delta":{"content":"plain"}}]}\n\n'] * 2
    assert read(b"".join(pieces) + STOP)["text"] == "xyz\ufffdplainplain"
    lonely = [b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % text for text in (b"\\ude00a", b"b\\ud83d")]
    assert read(b"".join(lonely) + STOP)["text"] == "\ufffdab\ufffd"


def test_newline_delimited_json_is_read_line_by_line() -> None:
    lines = (
        (chunk({"content": "a"}) + chunk({"content": "b"}) + chunk(finish="stop"))
        .replace(b"data: ", b"")
        .replace(b"\n\n", b"\n")
    )
    answer = read(lines)
    assert (answer["text"], answer["complete"]) == ("ab", True)
    decoder = Decoder()
    assert TextDelta("a") in decoder.feed(lines.split(b"\n")[0] + b"\n")


def test_native_ollama_lines_are_read() -> None:
    lines = [
        {"model": "q", "message": {"role": "assistant", "content": "Hel", "thinking": "hm"}, "done": False},
        {"model": "q", "message": {"role": "assistant", "content": "lo"}, "done": False},
        {
            "model": "q",
            "message": {"content": ""},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 5,
            "eval_count": 2,
        },
    ]
    answer = read(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    assert (answer["text"], answer["reasoning"], answer["complete"]) == ("Hello", "hm", True)
    assert (answer["usage"]["input"], answer["usage"]["output"]) == (5, 2)


def test_an_error_written_into_the_stream_without_data_ends_it() -> None:
    answer = read(chunk({"content": "a"}) + b'{"error":{"message":"upstream gone","code":502}}\n')
    assert answer["text"] == "a"
    assert (answer["error"]["kind"], answer["error"]["where"]) == ("server", "stream")


# Payload


def test_blank_finish_words_are_no_finish() -> None:
    pieces = b"".join(chunk({"content": "a"}, finish) for finish in ("", "null", None))
    answer = read(pieces)
    assert (answer["text"], answer["error"]["kind"]) == ("aaa", "truncated")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("eos", "stop"),
        ("STOP", "stop"),
        ("end_turn", "stop"),
        ("something_new", "stop"),
        ("MAX_TOKENS", "length"),
        ("max_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("function_call", "tool_calls"),
        ("SAFETY", "content_filter"),
        ("content_filter", "content_filter"),
    ],
)
def test_finish_words_of_all_vendors_are_understood(word: str, reason: str) -> None:
    answer = read(chunk({"content": "a"}, word) + DONE)
    assert (answer["finish_reason"], answer["raw_finish_reason"], answer["complete"]) == (reason, word, True)


def test_a_finish_of_error_is_not_complete() -> None:
    answer = read(chunk({"content": "a"}, "error") + DONE)
    assert (answer["finish_reason"], answer["complete"], answer["error"]["kind"]) == ("error", False, "server")


def test_a_stop_in_every_piece_gives_way_to_the_real_reason() -> None:
    answer = read(chunk({"content": "a"}, "stop") + chunk({"content": "b"}, "length") + DONE)
    assert (answer["text"], answer["finish_reason"]) == ("ab", "length")


def test_a_finish_beside_late_text_is_seen() -> None:
    answer = read(chunk({"content": "a"}) * 6 + chunk({"content": "b"}, "length"))
    assert (answer["text"], answer["finish_reason"], answer["complete"]) == ("aaaaaab", "length", True)


def test_text_after_the_finish_is_kept() -> None:
    assert read(chunk({"content": "a"}, "stop") + chunk({"content": "b"}) + DONE)["text"] == "ab"


def test_content_may_be_a_list_of_parts() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}]
    answer = read(chunk({"content": parts}) + STOP)
    assert (answer["text"], answer["reasoning"]) == ("a", "hm")


def test_fields_of_the_wrong_type_are_ignored() -> None:
    wrong = [{"content": 5}, {"content": {"a": 1}}, {"tool_calls": "x"}, {"tool_calls": [None, 3]}, {"reasoning": {}}]
    odd = b'data: {"choices":{"0":1}}\n\ndata: {"choices":[null,5,"x"]}\n\ndata: {"id":3,"model":[],"choices":[]}\n\n'
    answer = read(odd + b"".join(chunk(delta) for delta in wrong) + chunk({"content": "a"}) + STOP)
    assert (answer["text"], answer["complete"]) == ("a", True)


def test_only_the_first_choice_is_taken() -> None:
    other = b'data: {"choices":[{"index":1,"delta":{"content":"no"}}]}\n\n'
    assert read((chunk({"content": "a"}) + other) * 5 + STOP)["text"] == "aaaaa"


def test_a_whole_message_at_the_end_counts_only_when_nothing_came_before() -> None:
    last = b'data: {"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}\n\n' + DONE
    assert read(chunk({"content": "Hel"}) + chunk({"content": "lo"}) + last)["text"] == "Hello"
    assert read(chunk({"role": "assistant"}) + last)["text"] == "Hello"


def test_an_old_completion_text_is_read() -> None:
    assert read(b'data: {"choices":[{"index":0,"text":"a"}]}\n\n' + STOP)["text"] == "a"


def test_done_without_any_answer_is_empty() -> None:
    error = read(DONE)["error"]
    assert (error["kind"], error["retryable"]) == ("empty", True)
    error = read(b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":0}}\n\n' + DONE)["error"]
    assert error["kind"] == "empty"


def test_heartbeats_alone_are_empty_and_prose_is_not_json() -> None:
    assert read(b": ping\n\n: ping\n\n")["error"]["kind"] == "empty"
    assert read(b"\n\n \n")["error"]["kind"] == "empty"
    error = read(b"Internal Server Error")["error"]
    assert (error["kind"], error["message"], error["status"]) == ("not_json", "Internal Server Error", 200)


def test_a_body_that_is_cut_or_broken_is_named_so() -> None:
    whole = body({"content": "Hello"})
    assert read(whole[:-20])["error"]["kind"] == "truncated"
    assert read(b'{"a": nope}')["error"]["kind"] == "not_json"


def test_a_byte_order_mark_before_a_body_is_dropped() -> None:
    assert read(b"\xef\xbb\xbf\n" + body({"content": "a"}))["text"] == "a"


def test_a_pretty_printed_body_is_one_document() -> None:
    pretty = json.dumps(json.loads(body({"content": "Hello\nyou"})), indent=2).encode()
    assert read(pretty)["text"] == "Hello\nyou"
    assert read(pretty.replace(b"\n", b"\r\n"))["text"] == "Hello\nyou"


def test_a_body_without_a_finish_is_whole_nevertheless() -> None:
    answer = read(body({"content": "a"}, finish=None) + b"\n")
    assert (answer["finish_reason"], answer["raw_finish_reason"], answer["complete"]) == ("stop", None, True)


def test_a_finish_seen_makes_a_broken_connection_harmless() -> None:
    events = events_of(OPENAI, [chunk({"content": "a"}, "stop")], CUT)
    assert events[-1] == Finished("stop", "stop")
    assert events_of(OPENAI, [chunk({"content": "a"})], CUT)[-1] == Failed(CUT)


# Errors inside a 200


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (b'data: {"error":"insufficient quota"}\n\n', "quota"),
        (b'data: [{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}]\n\n', "rate_limit"),
        (b'data: {"success":false,"message":"no available channel for model x"}\n\n', "no_channel"),
        (b'event: error\ndata: {"message":"overloaded","type":"overloaded_error"}\n\n', "overloaded"),
        (b"event: error\ndata: plain words\n\n", "server"),
        (b'data: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n', "overloaded"),
        (
            b'data: {"error":{"message":"{\\"error\\":{\\"message\\":\\"deep\\",\\"code\\":\\"insufficient_quota\\"}}"}}\n\n',
            "quota",
        ),
    ],
)
def test_an_error_in_the_stream_ends_it_and_keeps_the_text(event: bytes, kind: str) -> None:
    answer = read(chunk({"content": "Half"}) + event + b"")
    assert answer["text"] == "Half"
    assert (answer["error"]["kind"], answer["error"]["where"], answer["error"]["status"]) == (kind, "stream", None)
    assert not answer["complete"]


@pytest.mark.parametrize("empty", ["null", "false", '""', "{}"])
def test_an_error_field_that_says_nothing_is_no_error(empty: str) -> None:
    piece = b'data: {"choices":[{"delta":{"content":"a"}}],"error":%s}\n\n' % empty.encode()
    assert read(piece * 5 + STOP)["text"] == "aaaaa"


def test_an_error_shape_of_its_own_is_found_when_no_answer_came() -> None:
    error = read(b'data: {"detail":"Invalid API key"}\n\n')["error"]
    assert (error["kind"], error["message"]) == ("auth", "Invalid API key")
    error = read(b'{"code":401,"msg":"no"}')["error"]
    assert (error["kind"], error["where"], error["status"]) == ("auth", "body", 200)


# Reasoning


def test_the_name_of_the_reasoning_may_change_midway() -> None:
    pieces = [
        {"reasoning_content": "a"},
        {"reasoning": "b"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "c"}]},
        {"content": "x"},
    ]
    answer = read(b"".join(chunk(piece) for piece in pieces) + STOP)
    assert (answer["reasoning"], answer["text"]) == ("abc", "x")


@pytest.mark.parametrize(
    ("pieces", "reasoning", "text"),
    [
        (["<think>a</think>b"], "a", "b"),
        (["\n", "<think>", "\na\n", "</think>", "\n\n", "b"], "a", "b"),
        (["<think>never closed"], "never closed", ""),
        (["<think>a < b </thin", "g> c</think>d"], "a < b </thing> c", "d"),
        (["<think></think>b"], "", "b"),
        (["<thinking>b"], "", "<thinking>b"),
        (["<"], "", "<"),
        (["  ", "<thi"], "", "  <thi"),
        (["a<think>b</think>"], "", "a<think>b</think>"),
        (["<think>a</think>b<think>c</think>"], "a", "b<think>c</think>"),
    ],
)
def test_think_tags_open_reasoning_only_at_the_very_start(pieces: list[str], reasoning: str, text: str) -> None:
    answer = read(b"".join(chunk({"content": piece}) for piece in pieces) + STOP)
    assert (answer["reasoning"], answer["text"]) == (reasoning, text)
    every_letter = read(b"".join(chunk({"content": letter}) for letter in "".join(pieces)) + STOP)
    assert (every_letter["reasoning"], every_letter["text"]) == (reasoning, text)


# Tool calls


def test_the_same_index_with_a_new_id_is_a_new_call() -> None:
    found = calls(
        call('{"a":1}', index=0, id="x", name="f"), call('{"b":2}', index=0, id="y", name="g"), call("", index=0)
    )
    assert [(one["id"], one["arguments"]) for one in found] == [("x", '{"a":1}'), ("y", '{"b":2}')]


def test_a_call_that_is_sent_twice_counts_once() -> None:
    whole = call('{"a":1}', index=0, id="x", name="f")
    assert calls(whole, whole) == [{"id": "x", "name": "f", "arguments": '{"a":1}'}]


def test_a_call_without_id_and_arguments_gets_both() -> None:
    (found,) = calls(call(None, index=0, name="f"))
    assert found["id"]
    assert found["arguments"] == "{}"


def test_calls_without_index_and_id_are_told_apart_by_being_whole() -> None:
    found = calls(call('{"a":1}', name="f"), call('{"a":2}', name="f"), call('{"b":', name="g"), call("3}"))
    assert [(one["name"], one["arguments"]) for one in found] == [("f", '{"a":1}'), ("f", '{"a":2}'), ("g", '{"b":3}')]
    assert len({one["id"] for one in found}) == 3


def test_arguments_as_an_object_are_written_as_json() -> None:
    assert calls(call({"a": "é"}, index=0, id="x", name="f"))[0]["arguments"] == '{"a":"é"}'


def test_braces_sent_ahead_of_the_real_arguments_are_dropped() -> None:
    found = calls(call("{}", index=0, id="x", name="f"), call('{"a":', index=0), call("1}", index=0))
    assert found[0]["arguments"] == '{"a":1}'
    assert calls(call("{}", index=0, id="x", name="f"))[0]["arguments"] == "{}"


def test_indices_may_skip_and_come_as_strings() -> None:
    found = calls(
        call('{"a":', index=3, id="x", name="f"), call("{}", index="7", id="y", name="g"), call("1}", index=3)
    )
    assert [(one["id"], one["arguments"]) for one in found] == [("x", '{"a":1}'), ("y", "{}")]


def test_the_old_function_call_is_a_tool_call() -> None:
    answer = read(
        chunk({"function_call": {"name": "f", "arguments": "{"}}) + chunk({"function_call": {"arguments": "}"}}) + STOP
    )
    assert [(one["name"], one["arguments"]) for one in answer["tool_calls"]] == [("f", "{}")]


def test_a_stop_after_tool_calls_is_for_them() -> None:
    assert calls(call("{}", index=0, id="x", name="f"), finish="stop")


def test_a_cut_leaves_the_arguments_as_they_came() -> None:
    events = events_of(OPENAI, [chunk({"tool_calls": [call('{"a', index=0, id="x", name="f")]})])
    assert gathered(events).tool_calls[0].arguments == '{"a'
    assert isinstance(events[-1], Failed)
    assert ToolCallDelta(0, "x", "f", '{"a') in events


# Usage


def usage_of(raw: dict[str, Any]) -> Any:
    return gathered(events_of(OPENAI, [chunk({"content": "a"}) + chunk(finish="stop", usage=raw) + DONE])).usage


def test_figures_may_be_strings_and_the_total_is_computed() -> None:
    usage = usage_of({"prompt_tokens": "7", "completion_tokens": 2.0})
    assert (usage.input, usage.output, usage.total) == (7, 2, 9)


@pytest.mark.parametrize("value", [None, "", "x", -1, True, 1.5, 10**30, [], {}])
def test_a_figure_that_is_none_is_unknown_and_not_zero(value: Any) -> None:
    usage = usage_of({"prompt_tokens": value, "completion_tokens": 2})
    assert (usage.input, usage.output) == (None, 2)


def test_anthropic_names_have_anthropic_meaning() -> None:
    usage = usage_of(
        {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 7, "output_tokens": 5}
    )
    assert (usage.input, usage.output, usage.cached_input, usage.cache_write, usage.total) == (110, 5, 100, 7, 115)
    assert usage.semantic == "anthropic_excl"


def test_a_cache_larger_than_the_prompt_lies_outside_it_and_is_marked() -> None:
    raw = {"prompt_tokens": 3, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 100}}
    usage = usage_of(raw)
    assert (usage.input, usage.semantic, usage.anomaly) == (103, "ambiguous", "cached_outside_input")


def test_reasoning_that_only_the_total_counts_is_added_and_marked() -> None:
    raw = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 115,
        "completion_tokens_details": {"reasoning_tokens": 100},
    }
    usage = usage_of(raw)
    assert (usage.output, usage.total, usage.anomaly) == (105, 115, "reasoning_outside_output")


@pytest.mark.parametrize(
    "raw", [{"prompt_cache_hit_tokens": 4}, {"cached_tokens": 4}, {"prompt_tokens_details": {"cached_tokens": 4}}]
)
def test_the_cache_is_found_under_its_names(raw: dict[str, Any]) -> None:
    assert usage_of({"prompt_tokens": 9, "completion_tokens": 1, **raw}).cached_input == 4


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (0.00014, "0.00014"),
        ("0.5", "0.5"),
        (1e-06, "0.000001"),
        (0, "0"),
        (None, None),
        (-1, None),
        ("x", None),
        (True, None),
    ],
)
def test_the_reported_cost_is_kept_as_decimal_text(cost: Any, text: str | None) -> None:
    assert usage_of({"prompt_tokens": 9, "completion_tokens": 1, "cost": cost}).cost == text
    assert usage_of({"prompt_tokens": 9, "completion_tokens": 1, "response_cost": cost}).cost == text


def test_the_raw_usage_is_kept_beside_the_figures() -> None:
    raw = {"prompt_tokens": 9, "completion_tokens": 1, "odd": {"x": [1]}}
    events: list[Event] = events_of(OPENAI, [chunk({"content": "a"}, "stop", usage=raw)])
    (reported,) = [event for event in events if isinstance(event, UsageReported)]
    assert json.loads(reported.raw) == raw


def test_an_event_over_the_cap_fails_as_too_large_and_keeps_the_text() -> None:
    decoder = Decoder(max_event=1000)
    events = decoder.feed(chunk({"content": "a"}) + chunk({"content": "b" * 2000}) + STOP)
    assert gathered(events).text == "a"
    assert isinstance(events[-1], Failed)
    assert events[-1].error.kind == "too_large"
    assert decoder.close() == []


def test_a_document_over_the_cap_fails_as_too_large() -> None:
    decoder = Decoder(max_event=1000)
    events = [event for piece in in_pieces(body({"content": "b" * 2000}), 100) for event in decoder.feed(piece)]
    assert [type(event) for event in events] == [Failed]
