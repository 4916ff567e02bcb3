"""A short life of two chats: each deed is tried until it works, and somebody looks on from outside.

The one who looks on reads the database over a connection of its own, past the engine that a test makes ill: before
every request, whether its question is committed.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lib.attachments import Attachment, Form
from lib.budgets import Budget
from lib.cards import ModelCard
from lib.errors import StoreError
from lib.events import Finished, TextDelta, UsageReported
from lib.generation import LiveAnswer
from lib.ids import new_public_id, now_ms
from lib.messages import Ask, ImagePart, TextPart
from lib.store.rows import AnswerRow
from lib.ui.notices import BY_KIND, notice_for
from tests.disks.ill import IllDatabase
from tests.generation.scripted import SETTINGS, USAGE, Hold, House, ScriptedDoor, eventually

T = TypeVar("T")
ANSWER = "Hello world, whole."
SCRIPT = (TextDelta("Hello "), 0.006, TextDelta("world, "), 0.006, TextDelta("whole."), UsageReported(USAGE, "{}"))
WHOLE = (*SCRIPT, Finished("stop"))
patiently = partial(eventually, seconds=30.0)
COST = 100 * 2_000 + 20 * 10_000
"""Of one answer, in nano-dollars: `USAGE` at `PRICES`."""
FAILED_FOR_THE_STORE = {"StoreBusy", "StoreUnwritable", "StoreDamaged", "StoreError"}


class WatchedDoor(ScriptedDoor):
    """Before it answers, it asks whether the question is in the database."""

    def __init__(self, committed: Callable[[str], bool]) -> None:
        super().__init__(*WHOLE)
        self._committed = committed
        self.uncommitted: list[str] = []

    async def answer(self, ask: Ask, dialect: str, take: Callable[..., None], *, card: ModelCard | None = None) -> None:
        question = ask.messages[-1].text
        if not self._committed(question):
            self.uncommitted.append(question)
        await super().answer(ask, dialect, take, card=card)


class Life:
    """Everything one does in an afternoon, on a copy of the new database `template`."""

    def __init__(self, folder: Path, template: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(template, folder / "parlour.db")
        self.path = folder / "parlour.db"
        self.door = WatchedDoor(self._committed)
        self.house = House(folder, self.door)
        self.ill = IllDatabase(self.house.store)
        self.owner = self.house.owner
        self.refused = 0
        self.unsaved = 0
        self.failed = 0
        self.asked = 0
        self.chat = ""

    def _committed(self, question: str) -> bool:
        with closing(sqlite3.connect(self.path)) as other:
            rows = "SELECT 1 FROM message q JOIN message m ON m.parent_id = q.id JOIN answer a ON a.message_id = m.id"
            return bool(other.execute(f"{rows} WHERE a.state = 'running' AND q.text = ?", [question]).fetchone())

    def close(self) -> None:
        self.ill.heal()
        self.house.close()

    # --- deeds ------------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """All of it."""
        self.set_a_budget()
        self.first, told = self.ask("one", None)
        self.chat = told.conversation
        self.two_at_once()
        self.edit()
        self.with_a_picture()
        self.draft()
        self.another_chat_to_the_trash()
        self.export()

    def tried(self, act: Callable[[], T]) -> T:
        """A user's patience: what was refused with a sentence is tried again, when the disk is well."""
        for _ in range(4):
            try:
                return act()
            except StoreError as error:
                assert notice_for(error).what
                self.refused += 1
                self.ill.heal()
        raise AssertionError("refused although the disk is well")

    def ask(self, text: str, chat: str | None, content: Any = None, **more: Any) -> tuple[str, AnswerRow]:
        """Send and wait for the whole answer: (the question's id, the answer)."""
        key, desk = new_public_id(), self.house.desk

        def send() -> str | None:
            before = len(self.door.asked)
            try:
                return desk.send(chat, content or text, SETTINGS, key=key, **more).message
            except StoreError:
                assert len(self.door.asked) == before, "refused, and sent all the same"
                raise

        self.asked += 1
        message = self.tried(send)
        assert message, "queued behind nothing"
        row = self.whole(message)
        asked = [one for one in self.branch(row.conversation) if one.role == "user"]
        return asked[-1].public_id, row

    def branch(self, chat: str) -> Any:
        return self.tried(lambda: self.house.store.conversations.transcript(self.owner, chat)).messages

    def whole(self, message: str) -> AnswerRow:
        """The stored end of an answer, asked for again when it failed for want of a database."""
        live = self.house.live(message)
        if live:
            self.over(live)
        row = self.tried(lambda: self.house.row(message))
        for _ in range(3):
            row = row if row.state == "done" else self._again(row)
        assert (row.state, row.text) == ("done", ANSWER)
        return row

    def _again(self, row: AnswerRow) -> AnswerRow:
        """It failed before anything was sent, and says why: one click."""
        assert row.state == "failed" and row.error_kind in FAILED_FOR_THE_STORE & set(BY_KIND), row
        self.failed += 1
        self.ill.heal()
        patiently(lambda: not self.house.engine.running())
        question = self.branch(row.conversation)[-2].public_id
        sent = self.tried(lambda: self.house.desk.again(row.conversation, question, SETTINGS))
        assert sent.message
        return self.house.end_of(sent.message)

    def over(self, live: LiveAnswer) -> None:
        """Wait for its end; one that cannot be stored is whole in memory and can be taken along until it can."""
        patiently(lambda: live.over)
        if live.unsaved:
            self.unsaved += 1
            if live.state == "done":
                assert self.house.desk.text_of(live.message) == ANSWER == live.texts()[0]
            assert self.house.desk.unsaved_in(live.conversation) is live
            self.ill.heal()
            patiently(lambda: not live.unsaved)

    def two_at_once(self) -> None:
        """A second question while the first is answered: it waits in the queue, and is sent by itself."""
        hold = Hold()
        self.door.scripts = [(hold, *WHOLE)]
        key, other = new_public_id(), new_public_id()
        send = self.house.desk.send
        self.asked += 2
        first = self.tried(lambda: send(self.chat, "two", SETTINGS, key=key)).message
        assert first
        self._reached(hold, first)
        self.tried(lambda: send(self.chat, "three", SETTINGS, key=other))
        hold.let_go.set()
        live = self.house.live(first)
        if live:
            self.over(live)
        self._queue_goes_on()
        self.door.scripts = []

    def _reached(self, hold: Hold, message: str) -> None:
        live = self.house.live(message)
        patiently(lambda: hold.reached.is_set() or live is None or live.over)

    def _queue_goes_on(self) -> None:
        """By itself, or after one click when the disk was ill at that moment: it is never forgotten."""
        ends_at = time.monotonic() + 0.4
        while self._waiting() and time.monotonic() < ends_at:
            time.sleep(0.03)
        if self._waiting():
            self.ill.heal()
            self.failed += 1
            self.tried(lambda: self.house.desk.resume_queue(self.chat))
        patiently(lambda: not self._waiting())
        for said in self.branch(self.chat):
            if said.role == "assistant":
                self.whole(said.public_id)

    def _waiting(self) -> list[Any]:
        return list(self.tried(lambda: self.house.store.queue.list(self.owner, self.chat)))

    def edit(self) -> None:
        self.tried(lambda: self.house.store.messages.edit(self.owner, self.chat, self.first, "one, in other words"))
        key = new_public_id()
        last = [one for one in self.branch(self.chat) if one.role == "user"][-1]
        self.asked += 1
        desk = self.house.desk
        sent = self.tried(lambda: desk.edit_and_send(self.chat, last.public_id, "four", SETTINGS, key=key))
        assert sent.message
        self.whole(sent.message)

    def with_a_picture(self) -> None:
        part = ImagePart("image/png", b"picture", name="dot.png")
        found = Attachment("dot.png", "image", "image/png", 7, (Form("small", (part,)),), "small", thumb=part)
        files = self.house.store.attachments
        added = self.tried(lambda: self._once(lambda: files.add(self.owner, self.chat, found)))
        content = (*added.parts, TextPart("five"))
        self.ask("five", self.chat, content, attached=(added.public_id,))
        assert self.tried(lambda: files.list(self.owner, self.chat)) == []

    def _once(self, add: Callable[[], Attachment]) -> Attachment:
        """As a page does it: it looks at what waits before it offers to add once more."""
        waiting = self.house.store.attachments.list(self.owner, self.chat)
        return next(iter(waiting), None) or add()

    def draft(self) -> None:
        self.tried(lambda: self.house.store.drafts.set(self.owner, self.chat, "half a thought"))

    def set_a_budget(self) -> None:
        budgets = self.house.store.budgets
        if not self.tried(lambda: budgets.list(self.owner)):
            self.tried(lambda: budgets.add(self.owner, Budget("person", 10**12, period="always")))

    def another_chat_to_the_trash(self) -> None:
        _, told = self.ask("six", None)
        store, gone = self.house.store, told.conversation
        self.tried(lambda: store.conversations.delete(self.owner, gone))
        self.tried(lambda: store.trash.purge(self.owner, now_ms() + 1, 0))
        assert [one.public_id for one in self.tried(lambda: store.conversations.list(self.owner))] == [self.chat]

    def export(self) -> None:
        copy = self.tried(lambda: self.house.store.transfers.copy(self.owner, self.chat, media=("image",)))
        said = [one.text for one in copy.messages if one.role == "user"]
        assert sorted(said) == sorted(["one", "one, in other words", "two", "three", "four", "five"])
        assert {one.text for one in copy.messages if one.role == "assistant" and one.state == "done"} == {ANSWER}

    # --- afterwards -------------------------------------------------------------------------------------------------

    def audit(self) -> None:
        """With the disk well again: everything is there once, everything that was sent is paid for once."""
        self.ill.heal()
        store, owner = self.house.store, self.owner
        patiently(lambda: not store.answers.running(owner) and not self.house.engine.unsaved())
        shown = [(one.role, one.text) for one in self.branch(self.chat)]
        said = [("user", text) for text in ("four", "five")]
        assert shown == [each for question in said for each in (question, ("assistant", ANSWER))]
        assert store.drafts.get(owner, self.chat) == "half a thought"
        rows = store.ledger.latest(owner, 1_000)
        paid = [row for row in rows if row.cost.nano]
        assert self.door.uncommitted == []
        assert len(self.door.asked) == len(paid) == self.asked
        assert {row.cost.nano for row in paid} == {COST}
        assert store.ledger.verify(owner) == []
        (standing,) = store.budgets.standings(owner)
        assert (standing.spent_nano, standing.held_nano) == (COST * len(paid), 0)
        store.check()


def lived(folder: Path, template: Path, at: int = 0, illness: str = "", *, lasting: bool = False) -> Life:
    """A whole life with the `at`-th call ill; it is closed, and opened again as after a restart."""
    life = Life(folder, template)
    try:
        life.ill.strike(at, illness, lasting=lasting)
        life.live()
        life.audit()
    except BaseException as error:
        error.add_note(f"call {at}, {illness}, lasting: {lasting}")
        raise
    finally:
        life.close()
    return life
