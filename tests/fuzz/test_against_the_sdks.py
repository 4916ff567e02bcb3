"""What we read of a valid answer is what the vendors' own clients read of the same bytes.

Where their reading is not the standard's, the streams leave it out (`WITHOUT`), and a test below shows the difference.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator

import pytest

from lib.cards import DialectName
from lib.dialects import DIALECTS
from lib.dialects.sse import Splitter
from lib.events import Event
from tests.dialects.recorded import events_of, gathered
from tests.fuzz.damage import in_reads
from tests.fuzz.official import Heard, Played, events_heard, heard_at
from tests.fuzz.slow_reader import joined_halves
from tests.fuzz.streams import Style, made
from tests.gateway.asking import ask_once
from tests.gateway.raw_server import RawServer, streams

WITHOUT = Style(bom=False, nothing=False, nameless=False, think_tags=False)
both_dialects = pytest.mark.parametrize("dialect", ["openai", "anthropic"])


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


@both_dialects
def test_the_vendors_client_hears_the_same(
    dialect: DialectName, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    played, letters, calls, number = Played(), 0, 0, 0
    for number in range(1, count(200, 10_000) + 1):
        body = made(dialect, f"both {number}", WITHOUT).body
        pieces = in_reads(random.Random(number), body)
        ours, theirs = heard_by_us(events_of(DIALECTS[dialect], pieces)), told(played.hear(dialect, pieces))
        assert ours == theirs, number
        letters, calls = letters + len(ours.text) + len(ours.reasoning), calls + len(ours.calls)
    measured(
        f"{dialect}: {number:,} valid streams, 0 differences from the vendor's client in text and reasoning "
        f"({letters:,} characters), finish, usage and {calls:,} tool calls"
    )


@both_dialects
def test_the_same_over_a_real_connection(
    server: RawServer, dialect: DialectName, count: Callable[[int, int], int]
) -> None:
    for number in range(count(10, 300)):
        body = made(dialect, f"wire {number}", WITHOUT).body
        endpoint = server.endpoint(streams(*in_reads(random.Random(number), body)))
        ours = heard_by_us(ask_once(endpoint.base_url, dialect))
        assert ours == told(heard_at(dialect, endpoint.base_url)), number


def test_the_events_are_the_ones_that_the_vendors_byte_decoder_finds(
    count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    """Below the JSON: names and data of the events themselves."""
    found = 0
    for number in range(count(200, 10_000)):
        pieces = in_reads(random.Random(number), made("anthropic", f"split {number}", WITHOUT).body)
        splitter = Splitter()
        ours = [event for piece in pieces for event in splitter.feed(piece)] + splitter.finish()
        theirs = list(events_heard(pieces))
        assert [(event.name, event.data.decode()) for event in ours] == theirs, number
        found += len(ours)
    measured(f"{found:,} events as the byte decoder of openai-python finds them, 0 differences")


def heard_by_us(events: list[Event]) -> Heard:
    answer = gathered(events)
    usage, finish = answer.usage, answer.finish
    figures = usage and (usage.input, usage.output, usage.cached_input, usage.reasoning)
    calls = [(call.id, call.name, json.loads(call.arguments)) for call in answer.tool_calls]
    return Heard(answer.text, answer.reasoning, finish and finish.raw, figures, calls)


def told(theirs: Heard) -> Heard:
    """Their text with halves of characters joined; they leave these to whoever puts the pieces together."""
    return theirs._replace(text=joined_halves(theirs.text), reasoning=joined_halves(theirs.reasoning))


HELLO = {
    "openai": b'data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\ndata: [DONE]\n\n',
    "anthropic": b'event: message_start\ndata: {"type":"message_start","message":{"content":[],"usage":{}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    b'"content_block":{"type":"text","text":"Hello"}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
}


@pytest.mark.parametrize(
    ("dialect", "differs"),
    [
        ("openai", lambda body: b"\xef\xbb\xbf" + body),
        ("anthropic", lambda body: b"\xef\xbb\xbf" + body),
        ("openai", lambda body: b"data:\n\n" + body),
        ("openai", lambda body: b"id: 7\n" + body.replace(b"\n\n", b"\n\n\n")),
        ("anthropic", lambda body: re.sub(rb"event: \w+\n", b"", body)),
        ("openai", lambda body: body.replace(b"Hello", b"<think></think>Hello")),
    ],
    ids=[
        "a BOM (O)",
        "a BOM (A)",
        "an event without data",
        "a blank line after an id",
        "nameless events",
        "think tags",
    ],
)
def test_what_only_we_take(dialect: DialectName, differs: Callable[[bytes], bytes]) -> None:
    """Why these are not among the streams compared: the standard, or relays, have them; the vendors' clients fail."""
    body = differs(HELLO[dialect])
    assert gathered(events_of(DIALECTS[dialect], [body])).text == "Hello"
    try:
        theirs = Played().hear(dialect, [body]).text
    except (ValueError, RuntimeError, AttributeError) as error:
        theirs = type(error).__name__
    assert theirs != "Hello"
