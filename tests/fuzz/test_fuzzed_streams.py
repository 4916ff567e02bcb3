"""Thousands of answers, damaged at random: what was said before the damage is kept, and nothing is made up.

Valid streams come from `streams.py`, the damage from `damage.py`; `slow_reader.py` says what the damaged bytes can
explain. Seeds are numbers, so a stream that fails once fails again.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from lib.cards import DialectName
from lib.dialects import DIALECTS
from lib.errors import GatewayError
from lib.events import Event, Failed, Finished
from lib.gateway import Gateway
from tests.dialects.recorded import events_of, gathered, joined
from tests.fuzz.damage import damaged, first_difference, in_reads
from tests.fuzz.slow_reader import explained, in_order, joined_halves, sayable, split_at_tags
from tests.fuzz.streams import Valid, made
from tests.gateway.asking import KEY, an_ask, asked, card_of, sum_of
from tests.gateway.raw_server import RawServer, streams

both_dialects = pytest.mark.parametrize("dialect", ["openai", "anthropic"])
CALLS_PER_BYTE = 3
CALLS_AT_LEAST = 1_000


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


@both_dialects
def test_valid_answers_are_read_as_they_were_written(dialect: DialectName, count: Callable[[int, int], int]) -> None:
    for number in range(count(150, 3_000)):
        valid = made(dialect, f"valid {number}")
        events, about = outcome(dialect, valid.body, number), f"{dialect} {number}"
        answer, written = gathered(events), joined_halves(valid.written("text"))
        thought, text = split_at_tags(written) if dialect == "openai" and "</think>" in written else ("", written)
        assert isinstance(events[-1], Finished) and events[-1].raw == valid.finish, about
        assert answer.text == text, about
        assert answer.reasoning == (thought or joined_halves(valid.written("reasoning"))), about
        assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == list(valid.calls), about


@both_dialects
def test_damaged_answers_lose_nothing_before_the_damage_and_invent_nothing(
    dialect: DialectName, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    number, letters, ends = 0, 0, Counter[str]()
    for number in range(1, count(300, 10_000) + 1):
        valid, body = a_damaged_answer(dialect, number)
        events = outcome(dialect, body, number)
        ends[type(events[-1]).__name__] += 1
        letters += assert_nothing_lost(valid, body, events, number)
        assert_nothing_invented(valid, body, events, number)
    assert min(ends.values()) > number // 20  # both ends are met often
    measured(
        f"{dialect}: {number:,} damaged streams in 3 cuttings each, 0 crashed, 0 above {CALLS_PER_BYTE} calls a byte, "
        f"0 of {letters:,} characters before the damage lost, 0 invented"
    )


@both_dialects
def test_the_door_says_of_damaged_answers_what_the_decoder_says(
    server: RawServer, dialect: DialectName, count: Callable[[int, int], int]
) -> None:
    """Over a real connection, in other reads again."""
    for number in range(1, count(15, 300) + 1):
        _, body = a_damaged_answer(dialect, number)
        endpoint = server.endpoint(streams(*in_reads(random.Random(-number), body)))
        answer = sum_of(asyncio.run(asked_once(endpoint.base_url, dialect)))
        alone = gathered(events_of(DIALECTS[dialect], [body]))
        assert (answer.text, answer.reasoning, answer.tool_calls) == (alone.text, alone.reasoning, alone.tool_calls)
        assert (answer.finish and answer.finish.raw) == (alone.finish and alone.finish.raw), number
        assert (answer.error is None) == (alone.error is None), number


async def asked_once(base_url: str, dialect: DialectName) -> list[Event]:
    """One request, which is not repeated."""
    door = Gateway(card_of(base_url, dialect), KEY, pace_s=0)
    try:
        return await asked(door, an_ask(), dialect, retry=False)
    finally:
        await door.aclose()


def a_damaged_answer(dialect: str, number: int) -> tuple[Valid, bytes]:
    dice = random.Random(f"damage {dialect} {number}")
    valid = made(dialect, str(number))
    return valid, damaged(dice, valid.body, made(dialect, f"other {dice.randrange(500)}").body)


def outcome(dialect: DialectName, body: bytes, number: int) -> list[Event]:
    """The events of these bytes; they are the same however the bytes are cut, and say one end."""
    whole, calls = worked(lambda: events_of(DIALECTS[dialect], [body]))
    assert calls <= CALLS_AT_LEAST + CALLS_PER_BYTE * len(body), (number, calls, len(body))
    dice, events = random.Random(number), joined(whole)
    for reads in (in_reads(dice, body), [body[at : at + 1] for at in range(len(body))]):
        assert joined(events_of(DIALECTS[dialect], reads)) == events, (dialect, number)
    assert isinstance(events[-1], Finished | Failed), (dialect, number)
    assert sum(isinstance(event, Finished | Failed) for event in events) <= 2
    if isinstance(events[-1], Failed):
        assert isinstance(events[-1].error, GatewayError)
    return events


def worked(does: Callable[[], list[Event]]) -> tuple[list[Event], int]:
    """What comes out, and how many functions were called for it: a bound on work that no busy machine moves."""
    calls = 0

    def note(_frame: FrameType, what: str, _argument: Any) -> None:
        nonlocal calls
        calls += what in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        found = does()
    finally:
        sys.setprofile(before)
    return found, calls


def assert_nothing_lost(valid: Valid, body: bytes, events: list[Event], number: int) -> int:
    """All that the intact beginning says has come out; how many letters these were.

    Not counted: half a character, half a tag and the blanks around reasoning in tags, when the damage cuts there.
    """
    at, answer = first_difference(valid.body, body), gathered(events)
    written, thought = told(valid.written("text", at)), ""
    text = written
    if valid.dialect == "openai":
        thought, text = split_at_tags(written)
    reasoning = thought or told(valid.written("reasoning", at))
    assert answer.text.startswith(text), (valid.dialect, number)
    assert answer.reasoning.startswith(reasoning), (valid.dialect, number)
    for call in range(len(valid.calls)):
        arguments = "".join(say.arguments for end, say in valid.says if end <= at and say.call == call)
        assert not arguments or answer.tool_calls[call].arguments.startswith(arguments), (valid.dialect, number)
    return len(text) + len(reasoning)


def told(written: str) -> str:
    """A text as far as it can be told: a first half at its end waits for the other one."""
    return joined_halves(written[:-1] if "\ud800" <= written[-1:] <= "\udbff" else written)


def assert_nothing_invented(valid: Valid, body: bytes, events: list[Event], number: int) -> None:
    answer, said = gathered(events), sayable(body)
    if valid.dialect == "openai" and "<think>" in "".join("".join(said.text).split()):
        assert in_order(answer.text, said.text) and in_order(answer.reasoning, said.both), number
    else:
        assert explained(answer.text, said.text), (valid.dialect, number)
        assert explained(answer.reasoning, said.reasoning), (valid.dialect, number)
    for call in answer.tool_calls:
        assert call.arguments == "{}" or explained(call.arguments, said.arguments), (valid.dialect, number)
