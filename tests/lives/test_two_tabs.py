"""Two tabs on one conversation, each doing whatever it likes at the same time: nothing is lost, doubled or overtaken."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import select

from lib.cards import ModelCard
from lib.errors import AnswerRunning, BadInput, NotFound
from lib.events import Finished, Started, TextDelta, UsageReported
from lib.messages import Ask
from lib.store import schema
from lib.store.database import Database
from lib.store.rows import StoredMessage
from lib.tokens import Usage
from tests.generation.scripted import SETTINGS, House, ScriptedDoor, eventually

Open = Callable[..., House]
DEEDS = ("send", "send", "stop", "edit", "save", "again", "continue", "fork", "delete", "undo", "unqueue", "resume")
REFUSED = (AnswerRunning, NotFound, BadInput)
_m, _c, _a = schema.message.c, schema.conversation.c, schema.answer.c


class CountingDoor(ScriptedDoor):
    """Answers in a few small steps, and knows how many requests of one conversation it has at the same time."""

    def __init__(self) -> None:
        super().__init__(
            *(Started("r", "m"), TextDelta("one "), 0.002, TextDelta("two")),
            *(UsageReported(Usage(input=9, output=2)), Finished("stop")),
        )
        self.at_once: Counter[str] = Counter()
        self.most = 0

    async def answer(self, ask: Ask, dialect: str, take: Callable[..., None], *, card: ModelCard | None = None) -> None:
        whose = next(message.text for message in ask.messages if message.role == "user").split(":")[0]
        self.at_once[whose] += 1
        self.most = max(self.most, self.at_once[whose])
        try:
            await super().answer(ask, dialect, take, card=card)
        finally:
            self.at_once[whose] -= 1


class Tab:
    """One page: it acts on what it last saw of the conversation, which may be old by now."""

    def __init__(self, house: House, chat: str, name: str, chance: random.Random) -> None:
        self.house, self.chat, self.name, self.chance = house, chat, name, chance
        self.said: list[str] = []
        self.deleted: list[str] = []
        self.taken_back: list[str] = []
        self.refused = 0
        self.defects: list[BaseException] = []

    def act(self, deeds: int) -> None:
        for number in range(deeds):
            try:
                self._do(self.chance.choice(DEEDS), f"{self.name}{number}")
            except REFUSED:
                self.refused += 1
            except BaseException as defect:  # noqa: BLE001  a thread's exception would only be printed
                self.defects.append(defect)

    def _seen(self) -> list[StoredMessage]:
        return list(self.house.store.conversations.transcript(self.house.owner, self.chat).messages)

    def _one(self, role: str) -> str:
        found = [message.public_id for message in self._seen() if message.role == role]
        if not found:
            raise NotFound("message")
        return self.chance.choice(found)

    def _do(self, deed: str, text: str) -> None:
        house, owner, desk, chat = self.house, self.house.owner, self.house.desk, self.chat
        match deed:
            case "send":
                desk.send(chat, text, SETTINGS)
                self.said.append(text)
            case "edit":
                desk.edit_and_send(chat, self._one("user"), text, SETTINGS)
                self.said.append(text)
            case "save":
                house.store.messages.edit(owner, chat, self._one("user"), text)
                self.said.append(text)
            case "stop" if running := desk.running_in(chat):
                desk.stop(running.message)
            case "again":
                desk.again(chat, self._one("user"), SETTINGS)
            case "continue":
                desk.continue_answer(chat, self._one("assistant"), SETTINGS)
            case "fork":
                house.store.messages.fork(owner, chat, self._one("assistant"))
            case "delete":
                message = self._one(self.chance.choice(("user", "assistant")))
                house.store.messages.delete(owner, chat, message)
                self.deleted.append(message)
            case "undo" if self.deleted:
                house.store.messages.restore(owner, chat, self.deleted.pop())
            case "unqueue":
                self._unqueue()
            case "resume":
                desk.resume_queue(chat)

    def _unqueue(self) -> None:
        for item in self.house.store.queue.list(self.house.owner, self.chat)[:1]:
            self.house.store.queue.remove(self.house.owner, item.public_id)
            self.taken_back.append(item.parts[0].text)  # type: ignore[union-attr]


@pytest.fixture
def in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before every transaction each thread waits as long as its own dice say: so the tabs meet everywhere."""
    here = threading.local()
    really = Database._twice

    def jostled(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        if not hasattr(here, "dice"):
            here.dice = random.Random(threading.current_thread().name)
        time.sleep(here.dice.choice((0.0, 0.0, 0.0005, 0.002)))
        return really(self, *args, **kwargs)

    monkeypatch.setattr(Database, "_twice", jostled)


@pytest.mark.parametrize("part", range(5))
@pytest.mark.usefixtures("in_between")
def test_two_tabs_lose_nothing_and_never_answer_twice_at_once(
    open_house: Open, part: int, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    door = CountingDoor()
    house = open_house(door)
    house.desk.send(None, "warm:", SETTINGS)
    times, said, refused = count(3, 100), 0, 0
    for seed in range(part * times, (part + 1) * times):
        tabs = _meet(house, seed)
        said += sum(len(tab.said) for tab in tabs)
        refused += sum(tab.refused for tab in tabs)
    eventually(lambda: not house.engine.running())
    house.store.check()
    assert not house.store.ledger.verify(house.owner)
    assert len(house.ledger()) == len(door.asked)
    assert door.most == 1
    measured(
        f"{times} interleavings, {said:,} messages accepted, 0 lost, 0 doubled ({refused:,} deeds refused with a "
        f"reason), {len(door.asked):,} requests, never two at once in a conversation"
    )


def _meet(house: House, seed: int) -> list[Tab]:
    """Two tabs at once on a new conversation, then everything comes to rest."""
    chance = random.Random(seed)
    chat = house.send(f"{seed}:first").conversation
    tabs = [Tab(house, chat, f"{seed}:{name}", random.Random(chance.random())) for name in "ab"]
    threads = [threading.Thread(target=tab.act, args=(6,), name=f"{seed} {tab.name}") for tab in tabs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not [defect for tab in tabs for defect in tab.defects]
    _come_to_rest(house, chat)
    wanted = Counter([f"{seed}:first", *(text for tab in tabs for text in tab.said)])
    found = Counter([*_kept(house, chat), *(text for tab in tabs for text in tab.taken_back)])
    assert found == wanted
    return tabs


def _come_to_rest(house: House, chat: str) -> None:
    def rested() -> bool:
        if _running(house, chat):
            return False
        if not house.store.queue.list(house.owner, chat):
            return True
        house.desk.resume_queue(chat)
        return False

    eventually(rested, 20)


def _running(house: House, chat: str) -> int:
    here = select(_c.id).where(_c.public_id == chat).scalar_subquery()
    query = select(_a.id).where(_a.conversation_id == here, schema.IS_RUNNING)
    return len(house.store._db.read(lambda connection: connection.scalars(query).all()))


def _kept(house: House, chat: str) -> list[str]:
    """Everything the user said in any branch, also what is in the trash."""
    here = select(_c.id).where(_c.public_id == chat).scalar_subquery()
    query = select(_m.text).where(_m.conversation_id == here, _m.role == "user")
    return list(house.store._db.read(lambda connection: connection.scalars(query).all()))
