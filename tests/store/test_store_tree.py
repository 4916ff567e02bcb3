"""Any sequence of deeds keeps every message within reach, and the ledger's sum and count as they were."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from lib.errors import NotFound, ParlourError
from lib.store import Store, open_store, schema
from tests.store.acts import answered

_c, _m = schema.conversation.c, schema.message.c


class Tree:
    """A store, and what a careful clerk knows about it: every message ever made, and every answer's cost."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.owner = store.owner()
        self.chats = [answered(store, "first").conversation]
        self.made = 2
        self.answers = 1

    def messages(self, chat: str) -> list[str]:
        """The public ids of all visible messages of a conversation."""
        query = select(_m.public_id).join(schema.conversation, _c.id == _m.conversation_id)
        query = query.where(_c.public_id == chat, _m.deleted_ms.is_(None)).order_by(_m.id)
        return self.store._db.read(lambda connection: list(connection.scalars(query)))

    def do(self, deed: str, chat: str, message: str | None) -> None:
        store, owner = self.store, self.owner
        if message is None:
            self._send(chat, None)
        elif deed == "send":
            self._send(chat, store.conversations.get(owner, chat).active_leaf)
        elif deed == "edit":
            store.messages.edit(owner, chat, message, "other words")
            self.made += 1
        elif deed == "again":
            self._again(chat, message)
        elif deed == "continue":
            self._continue(chat, message)
        elif deed == "fork":
            fork = store.messages.fork(owner, chat, message)
            self.made += len(store.conversations.transcript(owner, fork).messages)
            self.chats.append(fork)
        elif deed == "delete":
            store.messages.delete(owner, chat, message)
        elif deed == "choose":
            store.conversations.choose(owner, chat, message)

    def _send(self, chat: str, leaf: str | None) -> None:
        answered(self.store, "more", conversation=chat, parent=leaf)
        self.made, self.answers = self.made + 2, self.answers + 1

    def _again(self, chat: str, message: str) -> None:
        found = self.store.messages.get(self.owner, message)
        asked = found.public_id if found.role == "user" else found.parent
        answered(self.store, "", conversation=chat, parent=asked)
        self.made, self.answers = self.made + 1, self.answers + 1

    def _continue(self, chat: str, message: str) -> None:
        found = self.store.messages.get(self.owner, message)
        if found.role == "assistant":
            onward = {"parent": found.parent, "continues": message, "kept": found.text}
            answered(self.store, "", conversation=chat, answer=found.text + " on", **onward)
            self.made, self.answers = self.made + 1, self.answers + 1

    def undo(self, at: int) -> None:
        """Restore something from the trash."""
        trash = self.store.trash.list(self.owner)
        if trash:
            item = trash[at % len(trash)]
            if item.message is None:
                self.store.conversations.restore(self.owner, item.conversation)
            else:
                self.store.messages.restore(self.owner, item.conversation, item.message)

    def check(self) -> None:
        self._every_message_is_within_reach()
        self._what_is_shown_is_there()
        assert len(self.store.ledger.latest(self.owner, 10_000)) == self.answers
        assert sum(row.cost.nano or 0 for row in self.store.ledger.latest(self.owner, 10_000)) == 1_000 * self.answers

    def _every_message_is_within_reach(self) -> None:
        """Through a branch that can be chosen, or through something in the trash."""
        rows = self.store._db.read(lambda connection: connection.execute(select(schema.message)).all())
        assert len(rows) == self.made
        by_id = {row.id: row for row in rows}
        trash = self.store.trash.list(self.owner)
        binned = {item.message for item in trash}
        deletions = {row.deletion_id for row in rows if row.public_id in binned}
        gone = self._deleted_conversations()
        for row in rows:
            if row.conversation_id in gone:
                continue
            assert row.deleted_ms is None or row.deletion_id in deletions
            parent = by_id.get(row.parent_id)
            assert row.parent_id is None or parent is not None
            assert row.deleted_ms or parent is None or parent.deleted_ms is None

    def _deleted_conversations(self) -> set[int]:
        listed = {item.conversation for item in self.store.trash.list(self.owner) if item.message is None}
        query = select(_c.id).where(_c.deleted_ms.is_not(None), _c.public_id.in_(listed))
        return set(self.store._db.read(lambda connection: list(connection.scalars(query))))

    def _what_is_shown_is_there(self) -> None:
        for chat in self.chats:
            try:
                found = self.store.conversations.get(self.owner, chat)
            except NotFound:
                continue
            visible = self.messages(chat)
            branch = self.store.conversations.transcript(self.owner, chat).messages
            assert found.n_messages == len(visible)
            assert bool(branch) == bool(visible)
            assert {message.public_id for message in branch} <= set(visible)
            assert all(message.public_id in message.siblings for message in branch)


DEEDS = ("send", "edit", "again", "continue", "fork", "delete", "choose", "delete")


@settings(max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
class TreeMachine(RuleBasedStateMachine):
    """Hypothesis looks for the sequence that loses something (SQLite, for speed)."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.tree = Tree(open_store("", self.folder))

    def _chat(self, at: int) -> str | None:
        there = [chat for chat in self.tree.chats if chat not in self._gone()]
        return there[at % len(there)] if there else None

    def _gone(self) -> set[str]:
        return {item.conversation for item in self.tree.store.trash.list(self.tree.owner) if item.message is None}

    @rule(deed=st.sampled_from(DEEDS), chat=st.integers(0, 9), message=st.integers(0, 99))
    def do(self, deed: str, chat: int, message: int) -> None:
        name = self._chat(chat)
        if name is not None:
            there = self.tree.messages(name)
            self.tree.do(deed, name, there[message % len(there)] if there else None)

    @rule(at=st.integers(0, 9))
    def undo(self, at: int) -> None:
        self.tree.undo(at)

    @precondition(lambda self: len(self._gone()) < len(self.tree.chats))
    @rule(chat=st.integers(0, 9))
    def delete_conversation(self, chat: int) -> None:
        name = self._chat(chat)
        assert name
        self.tree.store.conversations.delete(self.tree.owner, name)

    @invariant()
    def all_is_within_reach(self) -> None:
        if hasattr(self, "tree"):
            self.tree.check()

    def teardown(self) -> None:
        if hasattr(self, "tree"):
            assert self.tree.store.ledger.verify(self.tree.owner) == []
            self.tree.store.close()
            shutil.rmtree(self.folder)


TestTreeMachine = TreeMachine.TestCase


@pytest.mark.parametrize("seed", range(2))
def test_random_deeds_lose_nothing_on_either_database(store: Store, seed: int) -> None:
    dice, tree = random.Random(seed), Tree(store)
    for _ in range(40):
        chat = dice.choice(tree.chats)
        there = tree.messages(chat)
        deed = dice.choice((*DEEDS, "undo", "undo"))
        if deed == "undo":
            tree.undo(dice.randrange(9))
        else:
            tree.do(deed, chat, dice.choice(there) if there else None)
        tree.check()
    assert store.ledger.verify(tree.owner) == []


def test_a_deed_that_fails_changes_nothing(store: Store) -> None:
    tree = Tree(store)
    chat, other = tree.chats[0], answered(store, "other")
    for deed in DEEDS[1:]:
        with pytest.raises(ParlourError):
            tree.do(deed, chat, other.message)
    tree.made, tree.answers, tree.chats = tree.made + 2, tree.answers + 1, [*tree.chats, other.conversation]
    tree.check()
