"""A database of the first release, opened by this one."""

from __future__ import annotations

from tests.store.acts import answered
from tests.store.conftest import Place
from tests.store.step_0001_database import ASKED, CHAT, PUBLIC, TOLD, make_old_database


def test_what_the_first_release_kept_is_there_and_can_be_used(place: Place) -> None:
    make_old_database(place.url, place.folder).close()
    store = place.open()
    owner, chat = store.owner(), PUBLIC[CHAT]
    found = store.conversations.get(owner, chat)
    assert (found.title, found.title_source, found.n_messages) == ("Old title", "user", 2)
    asked, told = store.conversations.transcript(owner, chat).messages
    assert (asked.text, told.text, told.edited, told.copied, told.kept_chars) == (
        "old question",
        "old answer",
        False,
        False,
        0,
    )
    assert (told.continues, told.siblings) == (None, (PUBLIC[TOLD],))
    store.messages.edit(owner, chat, PUBLIC[ASKED], "new question")
    store.messages.delete(owner, chat, PUBLIC[ASKED])
    assert [item.n_messages for item in store.trash.list(owner)] == [2]
    store.messages.restore(owner, chat, PUBLIC[TOLD])
    store.drafts.set(owner, chat, "draft")
    assert len(store.conversations.transcript(owner, store.messages.fork(owner, chat, PUBLIC[TOLD])).messages) == 2
    answered(store, conversation=chat, parent=PUBLIC[TOLD])
    assert not store.conversations.suggest_title(owner, chat, "A model's title")
    assert store.ledger.verify(owner) == []
