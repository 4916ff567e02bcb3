"""One answer at a time in a conversation; the rest waits in order, and nothing is sent twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lib.errors import AnswerRunning, BadInput, GatewayError, NotFound, StoreBusy
from lib.events import Failed, TextDelta
from tests.generation.scripted import SETTINGS, WHOLE, Hold, House, ScriptedDoor, eventually

Open = Callable[..., House]


def waiting(house: House, chat: str) -> list[str]:
    return [item.parts[0].text for item in house.store.queue.list(house.owner, chat)]


def all_said(house: House, chat: str, count: int) -> list[str]:
    return eventually(lambda: len(said := house.asked(chat)) == count and not waiting(house, chat) and said)


def test_what_is_sent_meanwhile_goes_next_and_in_order(open_house: Open) -> None:
    hold, door = Hold(), ScriptedDoor(*WHOLE)
    door.scripts = [(hold, *WHOLE)]
    house = open_house(door)
    sent = house.send("one")
    assert [house.send(text, sent.conversation).message for text in ("two", "three", "four")] == [None] * 3
    assert waiting(house, sent.conversation) == ["two", "three", "four"]
    hold.let_go.set()
    assert all_said(house, sent.conversation, 4) == ["one", "two", "three", "four"]
    eventually(lambda: len(house.ledger()) == 4)
    assert door.most_busy == 1


def test_followers_are_let_go_when_the_next_answer_can_be_found(open_house: Open) -> None:
    first, second, door = Hold(), Hold(), ScriptedDoor()
    door.scripts = [(first, *WHOLE), (second, *WHOLE)]
    house = open_house(door)
    sent = house.send("one")
    house.send("two", sent.conversation)
    live = house.live(sent.message)
    first.let_go.set()
    eventually(lambda: live.over)
    following = house.desk.running_in(sent.conversation)
    assert following is not None and following.message != sent.message
    second.let_go.set()


@pytest.mark.parametrize("ending", ["failed", "stopped"])
def test_after_a_failure_or_a_stop_the_queue_waits_until_it_is_resumed(open_house: Open, ending: str) -> None:
    hold, door = Hold(), ScriptedDoor(*WHOLE)
    door.scripts = [(hold, Failed(GatewayError("server", "", status=500)))]
    house = open_house(door)
    sent = house.send("one")
    house.send("two", sent.conversation)
    house.send("three", sent.conversation)
    assert hold.reached.wait(2)
    house.desk.stop(sent.message) if ending == "stopped" else hold.let_go.set()
    assert house.end_of(sent.message).state == ending
    eventually(lambda: house.store.conversations.get(house.owner, sent.conversation).queue_paused)
    assert waiting(house, sent.conversation) == ["two", "three"] and len(door.asked) == 1
    house.desk.resume_queue(sent.conversation)
    assert all_said(house, sent.conversation, 3) == ["one", "two", "three"]


def test_the_queue_survives_a_restart(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(hold))
    sent = house.send("one")
    house.send("two", sent.conversation)
    house.close()
    again = open_house(ScriptedDoor(*WHOLE))
    assert waiting(again, sent.conversation) == ["two"]
    again.desk.resume_queue(sent.conversation)
    assert all_said(again, sent.conversation, 2) == ["one", "two"]


def test_a_replayed_key_is_sent_once(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    with ThreadPoolExecutor(8) as pool:
        sent = set(pool.map(lambda _: house.send("hi", key="k1"), range(1000)))
    assert len(sent) == 1 and len(door.asked) <= 1
    [one] = sent
    house.end_of(one.message)
    assert len(door.asked) == 1 and house.asked(one.conversation) == ["hi"]


def test_a_key_replayed_after_a_restart_gives_the_first_answer(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    sent = house.send("hi", key="k1")
    house.end_of(sent.message)
    house.close()
    door = ScriptedDoor(*WHOLE)
    assert open_house(door).send("hi", key="k1") == sent
    assert not door.asked


def test_a_replayed_key_of_a_queued_message_is_queued_once(open_house: Open) -> None:
    hold, door = Hold(), ScriptedDoor(*WHOLE)
    door.scripts = [(hold, *WHOLE)]
    house = open_house(door)
    sent = house.send("one")
    for _ in range(20):
        house.send("two", sent.conversation, key="k2")
    assert waiting(house, sent.conversation) == ["two"]
    hold.let_go.set()
    assert all_said(house, sent.conversation, 2) == ["one", "two"]
    house.send("two", sent.conversation, key="k2")
    assert house.asked(sent.conversation) == ["one", "two"]


def test_fifty_senders_at_once_lose_nothing_and_run_one_at_a_time(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    chat = house.ask("first").conversation
    start = threading.Barrier(50)

    def sender(number: int) -> None:
        start.wait()
        house.send(f"m{number}", chat)

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(sender, range(50)))
    said = eventually(lambda: len(said := house.asked(chat)) == 51 and said, 20)
    eventually(lambda: len(house.ledger()) == 51)
    assert sorted(said) == sorted(["first", *(f"m{number}" for number in range(50))])
    assert door.most_busy == 1 and len(door.asked) == 51
    assert len({paid.id for paid in house.ledger()}) == 51


def test_a_message_queued_in_the_instant_of_the_end_is_not_left_behind(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    chat = house.ask("first").conversation
    real_add = house.store.queue.add

    def ends_first(*arguments: Any, **options: Any) -> object:
        hold.let_go.set()
        eventually(lambda: house.row(running.message).state == "done")
        return real_add(*arguments, **options)

    hold = Hold()
    door.scripts = [(hold, *WHOLE)]
    running = house.send("one", chat)
    house.store.queue.add = ends_first  # type: ignore[method-assign]
    house.send("two", chat)
    assert all_said(house, chat, 3) == ["first", "one", "two"]


def test_a_busy_database_after_the_end_does_not_strand_the_queue(
    open_house: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.generation.engine._NEXT_PAUSES_S", (0.01, 0.01, 0.01))
    hold, door = Hold(), ScriptedDoor(*WHOLE)
    door.scripts = [(hold, *WHOLE)]
    house = open_house(door)
    sent = house.send("one")
    house.send("two", sent.conversation)
    real, failures = house.store.queue.peek, iter((True, True))

    def busy(*arguments: object) -> object:
        if next(failures, False):
            raise StoreBusy("busy")
        return real(*arguments)

    house.store.queue.peek = busy  # type: ignore[method-assign]
    hold.let_go.set()
    assert all_said(house, sent.conversation, 2) == ["one", "two"]


def test_an_item_taken_out_in_time_is_not_sent(open_house: Open) -> None:
    hold, door = Hold(), ScriptedDoor(*WHOLE)
    door.scripts = [(hold, *WHOLE)]
    house = open_house(door)
    sent = house.send("one")
    house.send("two", sent.conversation)
    [item] = house.store.queue.list(house.owner, sent.conversation)
    house.store.queue.remove(house.owner, item.public_id)
    hold.let_go.set()
    house.end_of(sent.message)
    assert house.asked(sent.conversation) == ["one"]


def test_an_answer_is_repeated_beside_the_first(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    row = house.ask("one")
    question = house.store.conversations.transcript(house.owner, row.conversation).messages[0].public_id
    second = house.desk.again(row.conversation, question, SETTINGS)
    house.end_of(second.message)
    assert house.store.conversations.transcript(house.owner, row.conversation).messages[-1].sibling_count == 2


def test_a_second_answer_beside_a_running_one_is_refused(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(TextDelta("a"), hold))
    sent = house.send("one")
    question = house.store.conversations.transcript(house.owner, sent.conversation).messages[0].public_id
    with pytest.raises(AnswerRunning):
        house.desk.again(sent.conversation, question, SETTINGS)


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_message_is_refused_and_nothing_is_stored(open_house: Open, text: str) -> None:
    house = open_house()
    with pytest.raises(BadInput):
        house.send(text)
    assert house.store.conversations.list(house.owner) == []


def test_a_message_to_a_deleted_conversation_is_not_found(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    chat = house.ask().conversation
    house.store.conversations.delete(house.owner, chat)
    with pytest.raises(NotFound):
        house.send("more", chat)
