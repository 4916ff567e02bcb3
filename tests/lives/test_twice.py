"""The same submit more than once: by impatient fingers, by a repeated frame, by a page that outlived the process."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.generation import Desk, Engine
from lib.generation.doors import Sent
from lib.store import Store
from tests.generation.scripted import SETTINGS, WHOLE, Hold, House, ScriptedDoor, ScriptedDoors, eventually
from tests.lives.sight import all_asked

Open = Callable[..., House]
KINDS = ("new", "idle", "busy", "edited", "temporary")


class Impatience:
    """Sends one message of one kind again and again, and counts what left."""

    def __init__(self, house: House, door: ScriptedDoor, kind: str, seed: int) -> None:
        self.house, self.door, self.kind, self.seed = house, door, kind, seed
        self.chance = random.Random(seed)
        self.key, self.text = f"key {seed}", f"message {seed}"
        self.hold = Hold()
        self.chat: str | None = None
        self.asked: str = ""
        if kind in ("idle", "edited"):
            row = house.ask(f"before {seed}")
            self.chat = row.conversation
            self.asked = house.store.conversations.transcript(house.owner, row.conversation).messages[0].public_id
        elif kind == "busy":
            door.scripts.append((self.hold, *WHOLE))
            self.chat = house.send(f"before {seed}").conversation
            assert self.hold.reached.wait(5)
        elif kind == "temporary":
            self.chat = house.desk.temporary.send(None, f"before {seed}", SETTINGS).conversation
            eventually(lambda: house.desk.running_in(self.chat or "") is None)

    def submit(self, desk: Desk) -> Sent:
        if self.kind == "edited":
            return desk.edit_and_send(self.chat or "", self.asked, self.text, SETTINGS, key=self.key)
        if self.kind == "temporary":
            return desk.temporary.send(self.chat, self.text, SETTINGS, key=self.key)
        return desk.send(self.chat, self.text, SETTINGS, key=self.key)

    def at_once(self, desk: Desk, fingers: int) -> list[Sent]:
        """As many threads at the same moment."""
        start, got = threading.Barrier(fingers), []

        def go() -> None:
            start.wait()
            got.append(self.submit(desk))

        threads = [threading.Thread(target=go) for _ in range(fingers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(got) == fingers
        return got

    def times_sent(self) -> int:
        return sum(ask.messages[-1].text == self.text for ask in self.door.asked)


@pytest.fixture
def another_desk(open_house: Open) -> Iterator[Callable[[House], Desk]]:
    """A desk over the same store that remembers nothing: what a restarted process has."""
    engines: list[Engine] = []

    def make(house: House) -> Desk:
        engine = Engine(house.store.answers)
        engines.append(engine)
        return Desk(house.store, engine, ScriptedDoors(house.doors.behind), house.owner)

    yield make
    for engine in engines:
        engine.close(2.0)


@pytest.mark.parametrize("kind", KINDS)
def test_one_submit_is_one_request_however_often_it_comes(
    open_house: Open,
    kind: str,
    another_desk: Callable[[House], Desk],
    count: Callable[[int, int], int],
    measured: Callable[[str], None],
) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    later = another_desk(house)
    tries, submits = count(10, 200), 0
    for seed in range(tries):
        one = Impatience(house, door, kind, seed)
        sent = one.at_once(house.desk, one.chance.randint(2, 5))
        assert len({(found.conversation, found.message) for found in sent}) == 1
        if one.kind != "temporary":  # a restart forgets those
            sent += one.at_once(later, 2)
        one.hold.let_go.set()
        chat = sent[0].conversation
        eventually(lambda one=one: one.times_sent() == 1)  # type: ignore[misc]
        eventually(lambda: not house.engine.running())
        if one.kind != "temporary":
            sent.append(one.submit(later))
            assert all_asked(house, chat).count(one.text) == 1
            assert not house.store.queue.list(house.owner, chat)
        assert one.times_sent() == 1
        submits += len(sent)
    measured(f"{kind}: {tries:,} messages submitted {submits:,} times, each sent exactly once, 0 stored twice")


def test_a_message_that_waits_is_not_added_again_by_a_page_that_outlived_the_process(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(hold))
    chat = house.send("one", key="first").conversation
    house.send("two", chat, key="second")
    house.close()
    door = ScriptedDoor(*WHOLE)
    again = open_house(door)
    again.desk.recover(15_000)
    for _ in range(2):
        again.send("two", chat, key="second")
        again.send("one", chat, key="first")
    assert not door.asked and len(again.store.queue.list(again.owner, chat)) == 1
    again.desk.resume_queue(chat)
    eventually(lambda: again.asked(chat) == ["one", "two"])
    again.send("two", chat, key="second")
    eventually(lambda: not again.engine.running())
    assert again.asked(chat) == ["one", "two"] and len(door.asked) == 1


def test_after_a_restart_a_key_of_a_queue_that_goes_on_is_known_too(open_house: Open) -> None:
    """Others wait already, so the message would be queued: that it was answered long ago is looked up first."""
    hold = Hold()
    house = open_house(ScriptedDoor(*WHOLE))
    chat = house.send("one", key="first").conversation
    eventually(lambda: not house.engine.running())
    house.close()
    door = ScriptedDoor(hold, *WHOLE)
    again = open_house(door)
    again.send("two", chat)
    again.send("three", chat)
    assert again.send("one", chat, key="first").conversation == chat
    hold.let_go.set()
    eventually(lambda: again.asked(chat) == ["one", "two", "three"] and not again.engine.running())
    assert len(door.asked) == 2


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_key_that_waits_adds_nothing(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    from lib.store import open_store
    from tests.store.acts import REF, answered, turn

    url = request.getfixturevalue("postgres") if backend == "postgres" else ""
    store: Store = open_store(url, tmp_path / "data")
    try:
        chat, owner = answered(store).conversation, store.owner()
        parts = turn("next").parts
        first = store.queue.add(owner, chat, parts, REF, key="k")
        again = store.queue.add(owner, chat, parts, REF, key="k")
        assert first == again and store.queue.list(owner, chat) == [first] and first.public_id == "k"
        assert store.queue.has(owner, "k") and not store.queue.has(owner + 1, "k")
        assert store.answers.begun_by(owner, "nobody") is None
    finally:
        store.close()
