"""Pages follow an answer: each with a cursor of its own, in this process or in another."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest

from lib.events import Event, ReasoningDelta, RefusalDelta, TextDelta
from lib.generation import Followed, LiveAnswer, StoredAnswer
from tests.generation.scripted import WHOLE, Hold, House, ScriptedDoor, eventually

Open = Callable[..., House]


class Reader(threading.Thread):
    """Reads a followed answer to its end, piece by piece."""

    def __init__(self, live: Followed, pause: float = 0.05) -> None:
        super().__init__()
        self.text = self.reasoning = ""
        self._live, self._pause = live, pause
        self.start()

    def run(self) -> None:
        version, over = -1, False
        while not over:
            news = self._live.news(len(self.reasoning), len(self.text))
            self.reasoning += news.reasoning
            self.text += news.text
            over = news.over
            version = self._live.wait(version, self._pause)


@pytest.mark.parametrize("seed", range(5))
def test_every_follower_sees_every_character_exactly_once(seed: int) -> None:
    chance = random.Random(seed)
    live = LiveAnswer(1, "m", "c")
    readers = [Reader(live) for _ in range(6)]
    text = reasoning = ""
    for _ in range(400):
        piece = "".join(chance.choices("aé漢🙂\n \ud800", k=chance.randint(0, 6)))
        batch: list[Event] = []
        for kind in chance.choices((TextDelta, ReasoningDelta, RefusalDelta), k=chance.randint(1, 3)):
            batch.append(kind(piece))
            text, reasoning = (text, reasoning + piece) if kind is ReasoningDelta else (text + piece, reasoning)
        live.take(batch)
    readers += [Reader(live) for _ in range(2)]  # who comes late reads from the start
    live.end("done")
    for reader in readers:
        reader.join(5)
    assert {(reader.text, reader.reasoning) for reader in readers} == {(text, reasoning)}


def test_waiting_returns_at_once_when_the_answer_is_over() -> None:
    live = LiveAnswer(1, "m", "c")
    live.end("done")
    assert live.wait(live.version, 60.0) == live.version


def test_another_process_sees_the_growth_and_the_end(open_house: Open) -> None:
    first, second = Hold(), Hold()
    house = open_house(ScriptedDoor(TextDelta("one "), first, TextDelta("two "), second, *WHOLE[3:]))
    sent = house.send()
    stored = StoredAnswer(house.store, house.owner, sent.message)
    reader = Reader(stored)
    eventually(lambda: reader.text == "one ")
    first.let_go.set()
    eventually(lambda: reader.text == "one two ")
    second.let_go.set()
    reader.join(3)
    assert (reader.text, stored.over, stored.news(0, 0).state) == ("one two ", True, "done")


def test_the_desk_follows_an_answer_of_another_engine_in_the_store(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(TextDelta("a"), hold, *WHOLE))
    sent = house.send()
    runs, house.engine._runs = house.engine._runs, {}
    assert isinstance(house.desk.running_in(sent.conversation), StoredAnswer)
    house.engine._runs = runs
    assert house.desk.running_in(sent.conversation) is house.live(sent.message)
    hold.let_go.set()
