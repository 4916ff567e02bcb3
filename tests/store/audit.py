"""Compare a store with its clerk's books (`clerk.py`), through the store's public functions only."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from lib.errors import NotFound
from lib.ids import new_id
from lib.search import parse
from lib.store.rows import Conversation
from tests.store.clerk import COMMON, Chat, Clerk, Spent

Totals = dict[str, tuple[int, int, int]]
STRANGER = new_id()


def check(clerk: Clerk, *, shown: bool = False) -> None:
    """Everything is where the clerk's books say; nothing else is there. `shown` looks at what is shown of all chats."""
    listed = {one.public_id: one for deleted in (False, True) for one in _listed(clerk, deleted)}
    assert {name: one.deleted_ms is not None for name, one in listed.items()} == {
        name: chat.deleted for name, chat in clerk.chats.items()
    }
    for at, (name, chat) in enumerate(clerk.chats.items()):
        of_it = [spent for spent in clerk.spent.values() if spent.chat == name]
        assert totals(listed[name]) == summed(of_it)
        assert listed[name].n_messages == len(chat.live)
        if not chat.deleted:
            check_tree(clerk, name, chat)
            check_place(chat, listed[name])
        if not chat.deleted and (shown or at == clerk.said % len(clerk.chats)):
            check_shown(clerk, name, chat)
    trash = clerk.store.trash.list(clerk.owner)
    assert sorted((item.conversation, item.message or "", item.n_messages) for item in trash) == sorted(
        (name, message or "", n) for name, message, n in clerk.trashed()
    )
    check_ledger(clerk)
    check_budget(clerk)
    check_search(clerk)
    check_stranger(clerk)


def _listed(clerk: Clerk, deleted: bool) -> list[Conversation]:
    return clerk.store.conversations.list(clerk.owner, limit=1_000, deleted=deleted)


def check_budget(clerk: Clerk) -> None:
    """What was spent stays spent, whatever became of the chats; and only what has not ended is held."""
    found = clerk.store.budgets.standings(clerk.owner)[0]
    spent = [one.nano for one in clerk.spent.values() if one.currency == "USD"]
    assert (found.spent_nano, found.held_nano) == (sum(nano or 0 for nano in spent), sum(clerk.held.values()))


def check_tree(clerk: Clerk, name: str, chat: Chat) -> None:
    """Every version that is not in the trash, and which of them each attempt belongs to."""
    copy = clerk.store.transfers.copy(clerk.owner, name)
    assert {one.id: (one.role, one.parent, one.text) for one in copy.messages} == {
        one: (said.role, said.parent, said.text) for one, said in chat.live.items()
    }
    found = {(one.request_id, message.id) for message in copy.messages for one in message.attempts}
    found |= {(one.request_id, None) for one in copy.spend}
    assert len(copy.attempts) == len(found)
    assert found == {
        (request, spent.message if spent.message in chat.live else None)
        for request, spent in clerk.spent.items()
        if spent.chat == name
    }
    assert copy.folder == chat.folder


def check_place(chat: Chat, there: Conversation) -> None:
    assert (there.title, set(there.tags)) == (chat.title, chat.tags)
    assert (there.pinned, there.archived) == (chat.pinned, chat.archived)


def check_shown(clerk: Clerk, name: str, chat: Chat) -> None:
    """One whole branch, with all versions of each of its messages."""
    shown = clerk.store.conversations.transcript(clerk.owner, name).messages
    assert [one.public_id for one in shown] == (chat.above(shown[-1].public_id) if chat.live else [])
    assert all(one.siblings == versions(chat, one.public_id) for one in shown)


def versions(chat: Chat, message: str) -> tuple[str, ...]:
    parent = chat.messages[message].parent
    return tuple(one for one, said in chat.live.items() if said.parent == parent)


def check_ledger(clerk: Clerk) -> None:
    """As many events as there were attempts, each at its cost in force, and a rollup that adds up."""
    rows = clerk.store.ledger.latest(clerk.owner, 10_000, demo=None)
    assert sorted((row.id, row.cost.currency, row.cost.nano) for row in rows) == sorted(
        (spent.event, spent.currency, spent.nano) for spent in clerk.spent.values()
    )
    assert clerk.store.ledger.verify(clerk.owner) == []


def totals(there: Conversation) -> Totals:
    """Per currency: how many attempts, how many without a price, the sum of the others."""
    return {total.currency: (total.n, total.n_unpriced, total.nano) for total in there.totals if total.n}


def summed(all_spent: Iterable[Spent]) -> Totals:
    found: Totals = {}
    for spent in all_spent:
        n, unpriced, nano = found.get(spent.currency, (0, 0, 0))
        found[spent.currency] = (n + 1, unpriced + (spent.nano is None), nano + (spent.nano or 0))
    return found


def check_search(clerk: Clerk) -> None:
    """The word that all messages have finds the newest of each conversation; a message's own word finds just it."""
    words = [COMMON] if not clerk.said else [COMMON, f"w{clerk.said}w", f"w{1 + len(clerk.spent) % clerk.said}w"]
    for word in words:
        found = clerk.store.search.find(clerk.owner, parse(word, typing=False), limit=1_000)
        assert found.next is None
        assert {hit.conversation.public_id: hit.message for hit in found.hits} == {
            name: said[-1]
            for name, chat in clerk.chats.items()
            if not chat.deleted and (said := [one for one, it in chat.live.items() if word in it.text])
        }


def check_stranger(clerk: Clerk) -> None:
    """Somebody else sees nothing of it."""
    store = clerk.store
    assert store.transfers.ids(STRANGER) == store.conversations.list(STRANGER) == store.trash.list(STRANGER) == []
    assert store.ledger.latest(STRANGER, demo=None) == store.transfers.loose_spend(STRANGER)[0] == []
    assert store.search.find(STRANGER, parse(COMMON)).hits == ()
    assert store.folders.list(STRANGER) == store.organising.tags(STRANGER) == store.transfers.imports(STRANGER) == []
    for name, chat in list(clerk.chats.items())[-1:]:
        with pytest.raises(NotFound):
            store.transfers.copy(STRANGER, name)
        for message in list(chat.messages)[-1:]:
            with pytest.raises(NotFound):
                store.messages.get(STRANGER, message)
