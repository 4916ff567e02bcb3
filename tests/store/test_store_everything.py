"""Any sequence of everything one can do keeps every message within reach and every cost counted once.

The deeds are done by a clerk who keeps books of their own (`clerk.py`); after each one both are compared
(`audit.py`).
"""

from __future__ import annotations

import io
import random
import shutil
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from msgspec import structs

from lib.store import Store, open_store
from lib.transfer.archive import write_zip
from lib.transfer.document import AttemptCopy, ConversationCopy, Found, Spend
from lib.transfer.own_file import to_json
from lib.transfer.reading import Item, read_import
from tests.store.audit import check, summed
from tests.store.clerk import Clerk

Life = tuple[tuple[str, int, int], ...]


# --- exports and imports ----------------------------------------------------------------------------------------------


def exported(store: Store, chats: list[str] | None = None) -> list[Item]:
    """Some conversations as one JSON file, or all of them as a zip with the spend of those that are gone."""
    owner, file = store.owner(), io.BytesIO()
    copies = [store.transfers.copy(owner, name) for name in (store.transfers.ids(owner) if chats is None else chats)]
    if chats is None:
        write_zip(file, copies, [tuple(store.transfers.loose_spend(owner)[0])], form="json", at_ms=0)
    else:
        file.write(to_json(tuple(copies)))
    items = list(read_import(file))
    assert [item.conversation for item in items if isinstance(item, Found)] == copies
    return items


def imported(store: Store, items: list[Item]) -> str:
    run = store.transfers.begin_import(store.owner(), "Parlour", "all.zip")
    for item in items:
        if isinstance(item, Found):
            store.transfers.take(store.owner(), run, item)
        else:
            assert isinstance(item, Spend)
            store.transfers.take_spend(store.owner(), run, item.attempts)
    return run


def copies_in(items: list[Item]) -> list[ConversationCopy]:
    return [item.conversation for item in items if isinstance(item, Found)]


class Elsewhere:
    """A second installation that only imports. What a file brought stays as it was in the file until it is undone."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.chats: dict[str, tuple[str, ConversationCopy]] = {}
        self.attempts: dict[str, tuple[str, AttemptCopy]] = {}

    def take(self, items: list[Item]) -> None:
        run = imported(self.store, items)
        for item in items:
            if isinstance(item, Found) and item.conversation.id in self.chats:
                continue
            if isinstance(item, Found):
                self.chats[item.conversation.id] = (run, item.conversation)
            assert isinstance(item, Found | Spend)
            for one in item.conversation.attempts if isinstance(item, Found) else item.attempts:
                self.attempts.setdefault(one.id, (run, one))

    def undo(self, at: int) -> None:
        """Take one import back; attempts of a conversation that another import brought stay with that one."""
        owner = self.store.owner()
        if not (runs := self.store.transfers.imports(owner)):
            return
        run = runs[at % len(runs)].public_id
        assert self.store.transfers.undo(owner, run) == 0
        self.chats = {name: it for name, it in self.chats.items() if it[0] != run}
        heirs = {one.id: run for run, copy in self.chats.values() for one in copy.attempts}
        for name, (by, one) in list(self.attempts.items()):
            if by == run and name in heirs:
                self.attempts[name] = (heirs[name], one)
            elif by == run:
                del self.attempts[name]

    def check(self) -> None:
        owner = self.store.owner()
        assert sorted(self.store.transfers.ids(owner)) == sorted(self.chats)
        for name, (_, copy) in self.chats.items():
            assert self._sorted(self.store.transfers.copy(owner, name)) == self._sorted(copy)
            costs = [self.attempts[one.id][1].cost for one in copy.attempts]
            paid = Counter[str]()
            for cost in costs:
                paid[cost.currency] += cost.nano or 0
            there = self.store.conversations.get(owner, name).totals
            assert {total.currency: total.nano for total in there} == dict(paid)
            assert sum(total.n for total in there) == len(costs)
        rows = self.store.ledger.latest(owner, 10_000, demo=None)
        assert sorted((row.cost.currency, row.cost.nano or -1) for row in rows) == sorted(
            (one.cost.currency, one.cost.nano or -1) for _, one in self.attempts.values()
        )
        assert self.store.ledger.verify(owner) == []

    def _sorted(self, copy: ConversationCopy) -> ConversationCopy:
        """With the costs that were imported first, in an order that two installations share."""

        def of(attempts: tuple[AttemptCopy, ...]) -> tuple[AttemptCopy, ...]:
            return tuple(sorted((self.attempts[one.id][1] for one in attempts), key=lambda one: one.id))

        messages = tuple(structs.replace(one, attempts=of(one.attempts)) for one in copy.messages)
        return structs.replace(copy, messages=messages, spend=of(copy.spend))


# --- what can be done -------------------------------------------------------------------------------------------------


DEEDS = (
    *("new", "send", "again", "edit", "edit and send", "continue", "fork", "delete", "delete", "delete chat"),
    *("undo", "undo", "choose", "organise", "organise", "name by model", "correct", "purge"),
    *("import again", "travel", "undo travel", "bring back", "undo import"),
)


class World:
    """Two installations, the files that were exported from the first, and the imports it took."""

    def __init__(self, here: Store, there: Store) -> None:
        self.clerk, self.elsewhere = Clerk(here), Elsewhere(there)
        self.files: list[list[Item]] = []
        self.clerk.ask(None, None)

    def do(self, deed: str, a: int, b: int) -> None:
        """One deed; `a` says on which conversation and `b` on which message, as far as there are any."""
        self.act(deed, a, b)
        check(self.clerk)

    def act(self, deed: str, a: int, b: int) -> None:
        """The same without a look at the books."""
        if deed in ("undo", "correct", "purge"):
            self._with_trash_or_ledger(deed, a)
        elif deed in ("import again", "travel", "undo travel", "bring back", "undo import"):
            self._with_files(deed, a, b)
        else:
            self._with_a_chat(deed, a, b)

    def _with_trash_or_ledger(self, deed: str, a: int) -> None:
        match deed:
            case "undo":
                self.clerk.undo(a)
            case "correct":
                self.clerk.correct(a)
            case "purge":
                self.clerk.purge()

    def _with_a_chat(self, deed: str, a: int, b: int) -> None:
        clerk = self.clerk
        live = [name for name, chat in clerk.chats.items() if not chat.deleted]
        if deed == "new" or not live:
            clerk.ask(None, None)
            return
        chat = live[a % len(live)]
        messages = list(clerk.chats[chat].live)
        match deed:
            case "organise":
                clerk.organise(chat, b)
            case "name by model":
                clerk.name_by_model(chat)
            case "delete chat":
                clerk.delete_chat(chat)
            case _ if not messages or deed == "send":
                clerk.ask(chat, clerk.store.conversations.get(clerk.owner, chat).active_leaf)
            case _:
                self._with_a_message(deed, chat, messages[b % len(messages)])

    def _with_a_message(self, deed: str, chat: str, message: str) -> None:
        clerk, said = self.clerk, self.clerk.chats[chat].messages[message]
        asked = message if said.role == "user" else said.parent
        match deed:
            case "again" if asked:
                clerk.answer(chat, asked)
            case "continue" if asked:
                clerk.answer(chat, asked, continues=message if said.role == "assistant" else None)
            case "edit" | "edit and send":
                clerk.edit(chat, message, send=deed != "edit")
            case "fork":
                clerk.fork(chat, message)
            case "delete":
                clerk.delete(chat, message)
            case "choose":
                clerk.store.conversations.choose(clerk.owner, chat, message)
                shown = clerk.store.conversations.transcript(clerk.owner, chat).messages
                assert message in [one.public_id for one in shown]

    def _with_files(self, deed: str, a: int, b: int) -> None:
        clerk, owner = self.clerk, self.clerk.owner
        match deed:
            case "import again":
                before = exported(clerk.store)
                imported(clerk.store, before)
                assert exported(clerk.store) == before
            case "travel":
                ids = clerk.store.transfers.ids(owner)
                self.files.append(exported(clerk.store, None if b % 3 or not ids else [ids[a % len(ids)]]))
                self.elsewhere.take(self.files[-1])
                self.elsewhere.check()
            case "undo travel":
                self.elsewhere.undo(a)
                self.elsewhere.check()
            case "bring back" if self.files:
                items = self.files[a % len(self.files)]
                clerk.came_back(imported(clerk.store, items), copies_in(items))
            case "undo import":
                self._undo_import(a)

    def _undo_import(self, a: int) -> None:
        clerk = self.clerk
        if runs := clerk.store.transfers.imports(clerk.owner):
            run = runs[a % len(runs)].public_id
            clerk.store.transfers.undo(clerk.owner, run)
            clerk.undone(run)

    def at_the_end(self) -> None:
        """Every version can be shown; with everything restored, the other place gets the very same; then it is empty."""
        clerk = self.clerk
        while clerk.trashed():
            clerk.undo(0)
        for name, chat in clerk.chats.items():
            for message in chat.messages:
                clerk.store.conversations.choose(clerk.owner, name, message)
                shown = clerk.store.conversations.transcript(clerk.owner, name).messages
                assert message in [one.public_id for one in shown]
        check(clerk, shown=True)
        there = self.elsewhere
        while there.store.transfers.imports(there.store.owner()):
            there.undo(0)
        there.check()
        assert there.attempts == {} and there.store.conversations.list(there.store.owner()) == []
        self._with_files("travel", 0, 1)
        assert summed(clerk.spent.values()).keys() == {one.cost.currency for _, one in there.attempts.values()}
        there.undo(0)
        there.check()


@settings(max_examples=4, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
class EverythingMachine(RuleBasedStateMachine):
    """Hypothesis looks for the sequence that loses something (SQLite, for speed)."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.stores = [open_store("", self.folder / name) for name in ("here", "there")]
        self.world = World(*self.stores)

    @rule(deed=st.sampled_from(DEEDS), a=st.integers(0, 9), b=st.integers(0, 99))
    def do(self, deed: str, a: int, b: int) -> None:
        self.world.do(deed, a, b)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.world.at_the_end()
            finally:
                for store in self.stores:
                    store.close()
                shutil.rmtree(self.folder)


TestEverythingMachine = EverythingMachine.TestCase


BACK = (("delete chat", 0, 0), ("purge", 0, 0), ("bring back", 0, 0))
LIVES = {
    "the spend of a deleted version comes back": (("again", 0, 0), ("delete", 0, 2), ("travel", 0, 1), *BACK),
    "the price of a title comes back": (("name by model", 0, 0), ("travel", 0, 1), *BACK),
    "as many new messages as were destroyed": (
        *(("travel", 0, 1), *BACK, ("delete", 0, 0), ("purge", 0, 0), ("send", 0, 0), ("undo import", 0, 0)),
    ),
    "the spend before its conversation, undone first": (
        *(("delete chat", 0, 0), ("travel", 0, 1), ("undo", 0, 0), ("travel", 0, 1), ("undo travel", 1, 0)),
    ),
    "hidden by two deletions, and asked for by the lower one": (
        *(("send", 0, 0), ("edit", 0, 3), ("delete", 0, 2), ("delete", 0, 0), ("undo", 1, 0), ("fork", 0, 4)),
    ),
    "what one answer was continued from is destroyed": (
        *(("continue", 0, 1), ("delete", 0, 1), ("purge", 0, 0), ("travel", 0, 1), ("import again", 0, 0)),
    ),
}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_a_life_that_is_easily_miscounted(life: Life, tmp_path: Path) -> None:
    with closing(open_store("", tmp_path / "here")) as here, closing(open_store("", tmp_path / "there")) as there:
        world = World(here, there)
        for deed in life:
            world.do(*deed)
        world.at_the_end()


def test_a_random_life_loses_nothing_on_either_database(store: Store, tmp_path: Path) -> None:
    dice = random.Random(5)
    with closing(open_store("", tmp_path / "there")) as there:
        world = World(store, there)
        for _ in range(30):
            world.do(dice.choice(DEEDS), dice.randrange(10), dice.randrange(100))
        world.at_the_end()
