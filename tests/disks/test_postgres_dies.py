"""PostgreSQL goes away in the middle of everything, and comes back: nothing lost, nothing sent or stored twice."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lib.errors import AnswerRunning, StoreError
from lib.events import Finished, TextDelta, UsageReported
from lib.ids import new_public_id
from lib.messages import Ask
from lib.store.rows import AnswerRow
from tests.disks.wire import CutLine
from tests.generation.scripted import SETTINGS, USAGE, House, ScriptedDoor, eventually
from tests.postgres_server import OwnServer, own_server

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("quick")]
WORDS = tuple(f"word{number} " for number in range(12))
ANSWER = "".join(WORDS)
SCRIPT = tuple(step for word in WORDS for step in (TextDelta(word), 0.01))
WHOLE = (*SCRIPT, UsageReported(USAGE, "{}"), Finished("stop"))


@pytest.fixture(scope="module")
def mortal() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


class Talker(threading.Thread):
    """Asks one question after the other in a chat of its own, as a patient user: what is refused is sent again."""

    def __init__(self, house: House, name: str) -> None:
        super().__init__(name=f"talker-{name}", daemon=True)
        self._house = house
        self._chat: str | None = None
        self.leave = threading.Event()
        self.asked: list[str] = []
        self.refused = 0
        self.unsent = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.leave.is_set():
                self._ask(f"{self.name} {len(self.asked)}")
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.error = error

    def _ask(self, text: str) -> None:
        key = new_public_id()
        self.asked.append(text)
        sent = self._tried(lambda: self._house.desk.send(self._chat, text, SETTINGS, key=key))
        self._chat = sent.conversation
        if sent.message:
            message = sent.message
            eventually(lambda: (live := self._house.live(message)) is None or (live.over and not live.unsaved), 30)
            row = self._tried(lambda: self._house.row(message))
            if row.state == "failed":
                row = self._again(row)
            assert (row.state, row.text) == ("done", ANSWER), row

    def _again(self, row: AnswerRow) -> AnswerRow:
        """It failed before it was sent, for want of a database: one click."""
        assert row.error_kind == "StoreBusy" and not row.text
        self.unsent += 1
        house, owner = self._house, self._house.owner
        branch = self._tried(lambda: house.store.conversations.transcript(owner, row.conversation)).messages
        question = branch[-2].public_id
        while True:
            try:
                house.desk.again(row.conversation, question, SETTINGS)
            except StoreError:
                time.sleep(0.02)
                continue
            except AnswerRunning:
                pass  # the click before was heard after all
            found = self._end_of_last(row.conversation)
            if found.state != "failed":
                return found

    def _end_of_last(self, chat: str) -> AnswerRow:
        house = self._house
        read = self._tried(lambda: house.store.conversations.transcript(house.owner, chat))
        last = read.messages[-1].public_id
        eventually(lambda: (live := house.live(last)) is None or (live.over and not live.unsaved), 30)
        found: AnswerRow = self._tried(lambda: house.row(last))
        return found

    def _tried(self, act: Callable[[], Any]) -> Any:
        ends_at = time.monotonic() + 30
        while True:
            try:
                return act()
            except StoreError:
                self.refused += 1
                assert time.monotonic() < ends_at
                time.sleep(0.02)


def audit(house: House, door: ScriptedDoor, asked: list[str]) -> None:
    """Every question once in the store, sent once, answered once, paid for once."""
    store, owner = house.store, house.owner
    eventually(lambda: not store.answers.running(owner) and not house.engine.unsaved(), 20)
    chats = [one.public_id for one in store.conversations.list(owner, limit=1_000)]
    said = [each for chat in chats for each in store.transfers.copy(owner, chat).messages]
    assert Counter(one.text for one in said if one.role == "user") == Counter(asked)
    done = [one.text for one in said if one.role == "assistant" and one.state == "done"]
    assert done == [ANSWER] * len(asked)
    assert Counter(_question(ask) for ask in door.asked) == Counter(asked)
    paid = [row for row in store.ledger.latest(owner, 10_000) if row.cost.nano]
    assert len(paid) == len(asked)
    assert store.ledger.verify(owner) == []


def _question(ask: Ask) -> str:
    return ask.messages[-1].text


def test_a_server_that_dies_again_and_again_loses_and_doubles_nothing(
    mortal: OwnServer, tmp_path: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    door, dice = ScriptedDoor(*WHOLE), random.Random(19)
    house = House(tmp_path, door, url=mortal.url)
    talkers = [Talker(house, str(number)) for number in range(4)]
    for talker in talkers:
        talker.start()
    slowest, deaths = 0.0, count(2, 50)
    for _ in range(deaths):
        time.sleep(dice.uniform(0.1, 0.5))
        mortal.die()
        mortal.start()
        slowest = max(slowest, _recovered_after(house))
    for talker in talkers:
        talker.leave.set()
    for talker in talkers:
        talker.join(60)
        assert talker.error is None, talker.error
    asked = [text for talker in talkers for text in talker.asked]
    audit(house, door, asked)
    house.close()
    refused = sum(talker.refused for talker in talkers)
    assert slowest < 5
    measured(
        f"{deaths} restarts (immediate) under 4 talkers: {len(asked)} questions, {refused} refusals and {sum(talker.unsent for talker in talkers)} answers that were not sent, all repeated; "
        f"0 lost, 0 doubled, recovery at most {slowest:.2f} s"
    )


def _recovered_after(house: House) -> float:
    """Seconds from the server's first answer to our first write."""
    began = time.monotonic()
    while True:
        try:
            house.store.drafts.set(house.owner, "", "still here")
        except StoreError:
            time.sleep(0.01)
        else:
            return time.monotonic() - began


def test_a_commit_whose_answer_got_lost_is_found_again(
    mortal: OwnServer, tmp_path: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    folder = tmp_path / "line"
    folder.mkdir()
    line = CutLine(mortal.url, folder)
    door = ScriptedDoor(*WHOLE[:3], *WHOLE[-2:])
    house = House(tmp_path / "data", door, url=line.url)
    before = len(house.store.ledger.latest(house.owner, 10_000))
    asked, cuts = [], 0
    for at in range(1, count(5, 40)):
        text, key = f"cut at {at}", new_public_id()
        line.cut(at)
        sent = Talker(house, "one")._tried(lambda text=text, key=key: house.desk.send(None, text, SETTINGS, key=key))
        asked.append(text)
        message = sent.message
        eventually(
            lambda message=message: (live := house.live(message)) is None or (live.over and not live.unsaved), 10
        )
        assert house.row(message).state == "done", (at, house.row(message))
        cuts += line.cuts
        assert len([ask for ask in door.asked if _question(ask) == text]) == 1
    line.cut(0)
    assert len(house.store.ledger.latest(house.owner, 10_000)) - before == len(asked)
    assert house.store.ledger.verify(house.owner) == [] and house.store.answers.running(house.owner) == []
    said = [one.title for one in house.store.conversations.list(house.owner, limit=1_000)]
    assert Counter(title for title in said if title.startswith("cut at")) == Counter(asked)
    house.close()
    line.close()
    assert cuts
    measured(f"{cuts} commits whose answer was lost: each write found again, 0 doubled, one POST per question")


@pytest.mark.parametrize("again", [True, False])
def test_a_question_committed_unknown_to_us_is_sent_when_it_is_asked_again_or_given_up(
    mortal: OwnServer, tmp_path: Path, again: bool
) -> None:
    folder = tmp_path / "line"
    folder.mkdir()
    line, door = CutLine(mortal.url, folder), ScriptedDoor(*WHOLE[:3], *WHOLE[-2:])
    house, key, text = House(tmp_path / "data", door, url=line.url), new_public_id(), new_public_id()
    line.cut(_commits_before_begin(house) + 1, for_good=True)
    asked = len(door.asked)
    with pytest.raises(StoreError):
        house.desk.send(None, text, SETTINGS, key=key)
    assert line.cuts == 1 and len(door.asked) == asked
    line.mend()
    [row] = house.store.answers.running(house.owner)
    if again:
        assert house.desk.send(None, text, SETTINGS, key=key).message == row.message
        assert house.end_of(row.message).state == "done"
        assert len(door.asked) == asked + 1
    else:
        assert house.desk.recover(stale_ms=0) == 1
        told = house.row(row.message)
        assert (told.state, told.error_kind) == ("failed", "StoreBusy") and len(door.asked) == asked
        assert house.desk.recover(stale_ms=0) == 0
    assert house.store.answers.running(house.owner) == []
    house.close()
    line.close()


def _commits_before_begin(house: House) -> int:
    """How many transactions `send` has made when it begins the answer: found by counting."""
    real, commits, seen = house.store.answers.begin, [0], [0]
    dialect = house.store._db.engine.dialect
    do_commit = dialect.do_commit

    def counted(connection: Any) -> None:
        commits[0] += 1
        do_commit(connection)

    def begin(*args: Any, **kw: Any) -> Any:
        seen[0] = commits[0]
        return real(*args, **kw)

    dialect.do_commit, house.store.answers.begin = counted, begin  # type: ignore[method-assign]
    house.ask(new_public_id())
    dialect.do_commit, house.store.answers.begin = do_commit, real  # type: ignore[method-assign]
    return seen[0]
