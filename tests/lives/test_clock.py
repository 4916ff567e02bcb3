"""The machine's clock is turned while answers are written: nothing times out, nothing is reordered, nobody is buried.

Deadlines and durations are measured by the monotonic clock; the wall clock only says when something was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from lib import ids
from lib.events import AttemptBegan, Finished, Started, TextDelta, UsageReported
from lib.generation import Desk, Engine
from lib.generation.follow import StoredAnswer
from lib.generation.silence import Silence
from lib.store import open_store
from lib.tokens import Usage
from tests.generation.scripted import SETTINGS, WHOLE, Hold, House, ScriptedDoor, ScriptedDoors, eventually, retried

Open = Callable[..., House]
HOUR, DAY = 3_600_000, 86_400_000
JUMPS = (HOUR, -HOUR, DAY, -DAY)


class Clock:
    """The wall clock, `off_ms` wrong."""

    def __init__(self) -> None:
        self.off_ms = 0

    def time_ns(self) -> int:
        return time.time_ns() + self.off_ms * 1_000_000

    def set_to(self, ms: int) -> None:
        self.off_ms = ms - time.time_ns() // 1_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    turned = Clock()
    monkeypatch.setattr(ids, "time", turned)
    monkeypatch.setattr(ids, "_last_ms", ids._last_ms)  # or the tests that follow would get ids of another day
    return turned


def jumps(turned: Clock, by: int) -> Callable[[], None]:
    def jump() -> None:
        turned.off_ms += by

    return jump


@pytest.mark.parametrize("by", JUMPS)
def test_a_jump_in_the_middle_of_an_answer_ends_nothing_and_measures_nothing_wrong(
    open_house: Open, clock: Clock, by: int, measured: Callable[[str], None]
) -> None:
    jump = jumps(clock, by)
    usage = UsageReported(Usage(input=9, output=2))
    script = (
        AttemptBegan(1),
        jump,
        Started("r", "m"),
        TextDelta("one "),
        jump,
        TextDelta("two"),
        usage,
        Finished("stop"),
    )
    house = open_house(ScriptedDoor(*script))
    began = time.monotonic()
    rows = [house.ask(f"question {at}") for at in range(5)]
    took_ms = (time.monotonic() - began) * 1000
    assert [(row.state, row.text) for row in rows] == [("done", "one two")] * 5
    paid = house.ledger()
    assert [one.outcome for one in paid] == ["ok"] * 5
    assert all(0 <= (one.duration_ms or 0) <= took_ms for one in paid)
    assert all(0 <= (one.first_visible_ms or 0) <= took_ms for one in paid)
    assert not house.store.ledger.verify(house.owner)
    measured(f"5 answers with 10 jumps of {by // HOUR:+} h: 0 ended by them, durations right, sums right")


@pytest.mark.parametrize("by", JUMPS)
def test_the_order_of_messages_and_of_the_ledger_is_the_order_they_came_in(
    open_house: Open, clock: Clock, by: int
) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    chat = house.ask("0").conversation
    for number in range(1, 6):
        clock.off_ms += by * (-1) ** number
        house.end_of(house.send(str(number), chat).message or "")
    asked = [message.text for message in house.store.conversations.transcript(house.owner, chat).messages[::2]]
    assert asked == [str(number) for number in range(6)]
    first = house.store.conversations.transcript(house.owner, chat).messages[0]
    clock.off_ms -= DAY
    again = house.desk.again(chat, first.public_id, SETTINGS)
    house.end_of(again.message or "")
    versions = house.store.messages.versions(house.owner, chat, again.message or "")
    assert versions[-1].public_id == again.message
    found = [row.id for row in house.ledger()]
    assert found == sorted(found) and len(set(found)) == 7


def test_waiting_for_a_retry_is_as_long_as_it_was_said(open_house: Open, clock: Clock) -> None:
    script = (*retried(wait=0.2), jumps(clock, -DAY), *WHOLE)
    house = open_house(ScriptedDoor(*script))
    began = time.monotonic()
    assert house.ask().state == "done"
    assert 0.2 <= time.monotonic() - began < 5
    assert [row.outcome for row in house.ledger()] == ["refused", "ok"]


def test_a_stop_elsewhere_and_a_checkpoint_are_not_held_up(open_house: Open, clock: Clock) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(TextDelta("kept"), jumps(clock, -DAY), hold))
    sent = house.send()
    assert hold.reached.wait(5)
    eventually(lambda: house.row(sent.message or "").text == "kept", 3)
    assert house.store.answers.request_stop(house.owner, sent.message or "")
    assert house.end_of(sent.message or "").state == "stopped"


@pytest.mark.parametrize("by", JUMPS)
def test_how_long_another_process_has_been_waiting_does_not_jump(
    open_house: Open, monkeypatch: pytest.MonkeyPatch, by: int
) -> None:
    house = open_house(ScriptedDoor(Hold()))
    stored = StoredAnswer(house.store, house.owner, house.send().message or "")
    turned = SimpleNamespace(time=lambda: time.time() + by / 1000, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr("lib.generation.follow.time", turned)
    assert 0 <= stored.news(0, 0).waited_s < 60


@pytest.mark.parametrize("by", JUMPS)
def test_after_a_restart_the_dead_are_found_whatever_the_clock_says(open_house: Open, clock: Clock, by: int) -> None:
    house = open_house(ScriptedDoor(TextDelta("kept"), Hold()))
    sent = house.send()
    eventually(lambda: house.row(sent.message or "").text == "kept", 3)
    clock.off_ms += by
    engine = Engine(house.store.answers)
    try:
        another = Desk(house.store, engine, ScriptedDoors(ScriptedDoor()), house.owner, epoch="the next process")
        assert another.recover(15_000) == 1
    finally:
        engine.close()
    assert house.row(sent.message or "").state == "interrupted"
    (paid,) = house.ledger()
    assert paid.outcome == "unknown" and (paid.duration_ms or 0) >= 0


@pytest.mark.postgres
def test_with_several_processes_the_living_are_spared_and_the_dead_found_whatever_their_clocks_say(
    postgres: str, tmp_path: Path, clock: Clock, measured: Callable[[str], None]
) -> None:
    """Each process has a clock of its own; here the other one's is turned while it looks."""
    with closing(open_store(postgres, tmp_path / "data")) as store:
        owner, stopped = store.owner(), threading.Event()
        engines = [Engine(store.answers), Engine(store.answers)]
        here, there = (
            Desk(store, engine, ScriptedDoors(ScriptedDoor(TextDelta("kept"), Hold())), owner) for engine in engines
        )
        try:
            sent = here.send(None, "hi", SETTINGS)
            looks = 0
            ends_at = time.monotonic() + 2.5
            while time.monotonic() < ends_at:
                clock.off_ms = (*JUMPS, 0)[looks % 5]
                assert there.recover(1_500) == 0
                clock.off_ms = 0
                looks += 1
                stopped.wait(0.1)
            assert [row.message for row in store.answers.running(owner)] == [sent.message]
            clock.off_ms = DAY
            eventually(lambda: store.answers.running(owner)[0].heartbeat_ms > ids.now_ms() - 5_000)
            engines[0]._tell(_hangs_until(stopped))  # its last sign of life is a day ahead of what follows
            clock.off_ms = 0
            eventually(lambda: there.recover(1_500) == 1, 10)
            assert store.answers.get(owner, sent.message or "").state == "interrupted"
        finally:
            stopped.set()
            for engine in engines:
                engine.close()
    measured(f"{looks} looks by a clock up to a day wrong: 0 living answers ended, the dead one found")


def _hangs_until(stopped: threading.Event) -> Callable[[], object]:
    return lambda: stopped.wait(20)


def test_silence_is_measured_here_and_not_by_what_the_signs_say(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("lib.generation.silence.time.monotonic", lambda: now[0])
    look = Silence().longer_than(10_000)
    assert look([(1, 5), (2, 9**9)]) == set()
    now[0] += 9.9
    assert look([(1, 4), (2, 9**9)]) == set()  # another sign is a sign, also an earlier one
    now[0] += 0.1
    assert look([(1, 4), (2, 9**9), (3, 0)]) == {2}
    assert look([(1, 4)]) == set()
    now[0] += 9.9
    assert look([(1, 4), (2, 9**9)]) == {1}  # who was away begins anew
    assert Silence().longer_than(0)([(1, 1)]) == {1}


@pytest.mark.parametrize(
    "moment",
    [
        "2027-03-28T00:59:59.990Z",  # Europe/Berlin: the hour from 2 to 3 is left out
        "2027-10-31T00:59:59.990Z",  # and here it comes twice
        "2028-02-28T22:59:59.990Z",  # into the leap day
        "2028-02-29T22:59:59.990Z",  # and out of it
        "2027-12-31T22:59:59.990Z",  # into the next year
    ],
)
def test_answers_across_a_turned_clock_a_leap_day_and_a_new_year_are_counted_once(
    open_house: Open, clock: Clock, moment: str
) -> None:
    clock.set_to(round(datetime.fromisoformat(moment).timestamp() * 1000))
    house = open_house(ScriptedDoor(*WHOLE))
    house.store.ledger.set_zones(house.owner, ("Europe/Berlin", "UTC", "America/New_York"))
    house.ask("before")
    for ahead in (HOUR, -DAY, DAY):
        clock.off_ms += ahead
        house.ask("after")
    assert len(house.ledger()) == 4 and {one.outcome for one in house.ledger()} == {"ok"}
    assert not house.store.ledger.verify(house.owner)
