"""Stop: at every moment, from here and from elsewhere; and the orderly end of the whole engine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from lib.events import AttemptBegan, Finished, ReasoningDelta, Started, TextDelta, UsageReported
from lib.tokens import Usage
from tests.generation.scripted import WHOLE, Hold, House, ScriptedDoor, eventually, retried

Open = Callable[..., House]


def stopped_at(house: House, hold: Hold) -> tuple[str, str]:
    """Send, wait until the answer is at `hold`, stop it; (state, text)."""
    sent = house.send("y" * 40)
    assert sent.message and hold.reached.wait(2)
    house.desk.stop(sent.message)
    row = house.end_of(sent.message)
    return row.state, row.text


def test_stop_before_the_first_token_is_an_estimate_of_the_input(open_house: Open) -> None:
    hold, door = Hold(), ScriptedDoor()
    door.script = (hold,)
    house = open_house(door)
    assert stopped_at(house, hold) == ("stopped", "")
    [paid] = house.ledger()
    assert (paid.outcome, paid.usage_source, paid.count.input, paid.count.output) == ("stopped", "estimated", 10, 0)
    assert paid.cost.nano == 20_000 and paid.cost.high_nano is not None
    assert door.closed == 1


def test_stop_while_streaming_keeps_the_text(open_house: Open) -> None:
    hold, door = Hold(), ScriptedDoor()
    door.script = (Started(), ReasoningDelta("hm"), TextDelta("so far"), hold)
    house = open_house(door)
    assert stopped_at(house, hold) == ("stopped", "so far")
    [paid] = house.ledger()
    assert (paid.outcome, paid.usage_source) == ("stopped", "estimated")
    assert door.closed == 1


def test_reported_partial_usage_counts_the_input_and_at_least_the_text(open_house: Open) -> None:
    begun = UsageReported(Usage(input=700, output=1, semantic="anthropic_excl"), '{"input_tokens":700}')
    hold = Hold()
    house = open_house(ScriptedDoor(Started(), begun, TextDelta("x" * 40), hold))
    stopped_at(house, hold)
    [paid] = house.ledger()
    assert (paid.usage_source, paid.count.input, paid.count.output) == ("reported_partial", 700, 10)
    assert paid.cost.low_nano is not None and paid.cost.low_nano >= 700 * 2_000  # the reported input is certain


def test_reported_output_larger_than_the_text_is_believed(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(UsageReported(Usage(input=7, output=50)), TextDelta("x" * 40), hold))
    stopped_at(house, hold)
    assert house.ledger()[0].count.output == 50


def test_stop_while_waiting_for_a_retry(open_house: Open) -> None:
    door = ScriptedDoor(*retried(wait=60.0), *WHOLE)
    house = open_house(door)
    sent = house.send()
    eventually(lambda: (live := house.live(sent.message)) and live.news(0, 0).phase == "retrying")
    house.desk.stop(sent.message)
    assert house.end_of(sent.message).state == "stopped"
    assert [paid.outcome for paid in house.ledger()] == ["refused"] and len(door.asked) == 1


def test_stop_during_the_preparation_sends_nothing(open_house: Open) -> None:
    reached, let_go, door = threading.Event(), threading.Event(), ScriptedDoor(*WHOLE)
    house = open_house(door)

    def hang() -> None:
        reached.set()
        let_go.wait(5)

    house.doors.prepare = hang
    sent = house.send()
    assert reached.wait(2)
    house.desk.stop(sent.message)
    assert house.end_of(sent.message).state == "stopped"
    let_go.set()
    assert not door.asked and not house.ledger()


def test_stop_in_the_same_instant_as_the_end_is_done(open_house: Open) -> None:
    door = ScriptedDoor()
    house = open_house(door)
    door.script = (*WHOLE, lambda: house.engine._runs[sent.message].stop(), 10.0)
    hold = Hold()
    door.script = (hold, *door.script)
    sent = house.send()
    hold.let_go.set()
    assert house.end_of(sent.message).state == "done"
    assert house.ledger()[0].usage_source == "reported"


def test_stop_pressed_twice_and_after_the_end_changes_nothing(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(hold))
    sent = house.send()
    assert hold.reached.wait(2)
    for _ in range(3):
        house.desk.stop(sent.message)
    assert house.end_of(sent.message).state == "stopped"
    house.desk.stop(sent.message)
    assert len(house.ledger()) == 1


def test_stop_from_another_process_works_within_half_a_second(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(TextDelta("a"), hold))
    sent = house.send()
    assert hold.reached.wait(2)
    began = time.monotonic()
    assert house.store.answers.request_stop(house.owner, sent.message)
    assert house.end_of(sent.message).state == "stopped"
    assert time.monotonic() - began < 0.7


class StubbornDoor(ScriptedDoor):
    """Does not let go when it is cancelled."""

    async def answer(self, ask, dialect, take, *, card=None) -> None:  # type: ignore[no-untyped-def]
        take([AttemptBegan(1), TextDelta("kept")])
        while not self.closed:
            try:
                await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                self.busy = 1
            if self.busy:
                take([TextDelta(" more")])


def test_a_door_that_does_not_let_go_is_neither_waited_for_nor_heard(
    open_house: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.generation.run.STOP_S", 0.05)
    door = StubbornDoor()
    house = open_house(door)
    sent = house.send()
    live = eventually(lambda: (live := house.live(sent.message)).texts()[0] and live)
    house.desk.stop(sent.message)
    row = house.end_of(sent.message)
    time.sleep(0.1)
    door.closed = 1
    assert row.state == "stopped" and row.text.startswith("kept")
    assert live.texts()[0] == row.text


def test_a_deleted_conversation_stops_its_answer_and_keeps_the_spend(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(TextDelta("a"), hold))
    sent = house.send()
    assert hold.reached.wait(2)
    house.store.conversations.delete(house.owner, sent.conversation)
    assert house.end_of(sent.message).state == "stopped"
    assert [paid.outcome for paid in house.ledger()] == ["stopped"]


def test_closing_keeps_running_answers_as_interrupted(open_house: Open) -> None:
    holds = [Hold() for _ in range(3)]
    door = ScriptedDoor()
    door.scripts = [(TextDelta("kept"), hold) for hold in holds]
    house = open_house(door)
    sent = [house.send() for _ in holds]
    assert all(hold.reached.wait(2) for hold in holds)
    began = time.monotonic()
    house.engine.close(5.0)
    assert time.monotonic() - began < 2.0
    rows = [house.row(one.message) for one in sent]
    assert {(row.state, row.text) for row in rows} == {("interrupted", "kept")}
    assert [paid.outcome for paid in house.ledger()] == ["unknown"] * 3
    assert door.closed == 3


def test_closing_does_not_wait_longer_than_the_drain_for_a_loop_that_hangs(open_house: Open) -> None:
    let_go = threading.Event()
    house = open_house(ScriptedDoor(TextDelta("kept"), lambda: let_go.wait(5), *WHOLE))
    sent = house.send()
    eventually(lambda: house.live(sent.message).texts()[0])
    house.engine.drain(0.3)
    row = house.row(sent.message)
    let_go.set()
    assert (row.state, row.text) == ("interrupted", "kept")
    eventually(lambda: house.live(sent.message).over)
    assert house.row(sent.message).text == "kept" and len(house.ledger()) == 1


def test_what_is_sent_while_the_engine_closes_is_kept_and_not_sent(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    house.engine.drain()
    sent = house.send("later")
    assert house.row(sent.message).state == "interrupted"
    assert house.asked(sent.conversation) == ["later"]
    assert not door.asked and not house.ledger()


def test_an_answer_that_ends_while_closing_does_not_begin_the_next(open_house: Open) -> None:
    hold = Hold()
    door = ScriptedDoor(hold, *WHOLE)
    house = open_house(door)
    sent = house.send("first")
    house.send("second", sent.conversation)
    assert hold.reached.wait(2)
    house.engine._closing = True
    hold.let_go.set()
    assert house.end_of(sent.message).state == "done"
    house.engine.close(2.0)
    assert len(door.asked) == 1
    assert [item.parts[0].text for item in house.store.queue.list(house.owner, sent.conversation)] == ["second"]


def test_finished_without_a_door_left_is_still_whole(open_house: Open) -> None:
    house = open_house(ScriptedDoor(TextDelta("a"), Finished("length")))
    row = house.ask()
    assert (
        row.state,
        house.store.conversations.transcript(house.owner, row.conversation).messages[-1].finish_reason,
    ) == (
        "done",
        "length",
    )
