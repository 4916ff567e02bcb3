"""The event stream reader against the rules of the WHATWG HTML standard (9.2) and its three differences."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.dialects.sse import Splitter, SseEvent


def split(*pieces: bytes, max_event: int = 1 << 20) -> list[tuple[str, bytes]]:
    splitter = Splitter(max_event)
    events = [event for piece in pieces for event in splitter.feed(piece)]
    return [(event.name, event.data) for event in events + splitter.finish()]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_in_lf_crlf_or_cr(end: bytes) -> None:
    body = end.join([b"event: a", b"data: 1", b"", b"data: 2", b"", b""])
    assert split(body) == [("a", b"1"), ("", b"2")]
    assert split(*(body[at : at + 1] for at in range(len(body)))) == [("a", b"1"), ("", b"2")]


def test_mixed_line_ends_and_a_crlf_cut_in_two_make_no_phantom_event() -> None:
    assert split(b"data: 1\r", b"\ndata: 2\r", b"\n", b"\r\ndata: 3\n\r\n") == [("", b"1\n2"), ("", b"3")]


def test_one_byte_order_mark_is_dropped_even_in_pieces() -> None:
    assert split(b"\xef", b"\xbb", b"\xbfdata: 1\n\n") == [("", b"1")]
    assert split(b"\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\ndata: 2\n\n") == [("", b"2")]


def test_at_most_one_space_after_the_colon_is_dropped() -> None:
    assert split(b"data:1\n\ndata:  2\n\n") == [("", b"1"), ("", b" 2")]


def test_data_lines_are_joined_by_a_line_feed() -> None:
    assert split(b"data: {\ndata:\ndata\ndata: }\n\n") == [("", b"{\n\n\n}")]


def test_comments_ids_retries_and_unknown_fields_say_nothing() -> None:
    assert split(b": hello\nid: 7\nretry: 100\nfoo: bar\n\n\ndata: 1\n: x\n\n") == [("", b"1")]


def test_an_event_without_data_is_not_reported_and_its_name_is_forgotten() -> None:
    assert split(b"event: ping\n\nevent: ping\ndata:\n\ndata: 1\n\n") == [("", b"1")]


def test_only_cr_and_lf_end_a_line() -> None:
    text = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg".encode()
    assert split(b"data: " + text + b"\n\n") == [("", text)]


def test_the_last_event_is_reported_although_its_end_never_came() -> None:
    assert split(b"data: 1\n\ndata: 2") == [("", b"1"), ("", b"2")]
    assert split(b"data: 1\n\ndata: 2\n") == [("", b"1"), ("", b"2")]


def test_a_bare_json_line_is_an_event_of_its_own() -> None:
    assert split(b'data: 1\n{"error": 1}\n\ndata: 2\n\n') == [("", b"1"), ("", b'{"error": 1}'), ("", b"2")]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_event_over_the_cap_stops_the_reading_and_leaves_what_came_before(size: int) -> None:
    body = b"data: 1\n\ndata: " + b"x" * 50 + b"\n\ndata: 2\n\n"
    splitter = Splitter(max_event=40)
    events = [event for at in range(0, len(body), size) for event in splitter.feed(body[at : at + size])]
    assert events == [SseEvent("", b"1")]
    assert splitter.too_large
    assert splitter.finish() == []


def test_many_small_data_lines_count_against_the_cap_together() -> None:
    splitter = Splitter(max_event=100)
    splitter.feed(b"data: 12345678\n" * 50)
    assert splitter.too_large


@given(
    st.lists(
        st.sampled_from([b"data: 1", b"data:", b"event: e", b": c", b"", b"\r", b"\n", b"\r\n", b"{}", b"\xef\xbb\xbf"])
    ),
    st.lists(st.integers(0, 80), max_size=6),
)
@settings(max_examples=150, deadline=None)
def test_cuts_never_change_the_events(lines: list[bytes], cuts: list[int]) -> None:
    body = b"\n".join(lines)
    bounds = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[start:end] for start, end in pairwise(bounds)]
    assert split(*pieces) == split(body)


def test_the_cost_is_linear_in_one_huge_line_and_in_many_small_events() -> None:
    """20 MB in small reads and 100,000 events: well under a second each; a quadratic reader takes minutes."""
    line = b"data: " + b"A" * 20_000_000 + b"\n\n"
    splitter, before = Splitter(1 << 26), time.process_time()
    for at in range(0, len(line), 4096):
        splitter.feed(line[at : at + 4096])
    events = Splitter().feed(b"data: {}\n\n" * 100_000)
    assert len(events) == 100_000
    assert time.process_time() - before < 3
