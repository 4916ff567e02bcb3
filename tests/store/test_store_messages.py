"""The tree of a conversation: edited, deleted, restored, forked; on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from lib.errors import AnswerRunning, BadInput, NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.messages import ImagePart, Message, TextPart
from lib.store import Store, schema
from tests.store.acts import answered, attempt, begin, end, kept, turn

PICTURE = ImagePart("image/png", b"\x89PNG a picture")


def texts(store: Store, chat: str) -> list[str]:
    return [message.text for message in store.conversations.transcript(store.owner(), chat).messages]


def test_an_edited_question_is_a_version_beside_it_and_what_followed_stays_there(store: Store, owner: int) -> None:
    begun = answered(store, "first", answer="one")
    answered(store, "second", answer="two", conversation=begun.conversation, parent=begun.message)
    edited = store.messages.edit(owner, begun.conversation, begun.user_message, "first, better")
    assert texts(store, begun.conversation) == ["first, better"]
    (shown,) = store.conversations.transcript(owner, begun.conversation).messages
    assert shown.siblings == (begun.user_message, edited) and shown.edited and shown.state is None
    store.conversations.choose(owner, begun.conversation, begun.user_message)
    assert texts(store, begun.conversation) == ["first", "one", "second", "two"]


def test_an_edited_question_keeps_its_attachments(store: Store, owner: int) -> None:
    parts = (PICTURE, TextPart("what is this?"))
    begun = begin(store, parts=parts)
    edited = store.messages.edit(owner, begun.conversation, begun.user_message, "who is this?")
    parts = store.attachments.filled(owner, store.messages.get(owner, edited).parts)
    assert parts == kept(PICTURE, TextPart("who is this?"))
    bare = store.messages.edit(owner, begun.conversation, edited, (TextPart("nobody"),))
    assert store.messages.get(owner, bare).parts == (TextPart("nobody"),)


def test_an_edited_answer_says_so_and_costs_nothing_of_its_own(store: Store, owner: int) -> None:
    begun = answered(store)
    before = store.ledger.total_of_conversation(owner, begun.conversation)
    edited = store.messages.edit(owner, begun.conversation, begun.message, "what I wanted to hear")
    old, new = store.messages.versions(owner, begun.conversation, edited)
    assert (old.text, old.edited, old.cost is not None) == ("an answer", False, True)
    assert (new.text, new.edited, new.cost, new.ref, new.state) == (
        "what I wanted to hear",
        True,
        None,
        old.ref,
        "done",
    )
    assert store.ledger.total_of_conversation(owner, begun.conversation) == before


@pytest.mark.parametrize("content", ["", " \n", ()])
def test_nothing_is_no_edit(store: Store, owner: int, content: str | tuple[()]) -> None:
    begun = answered(store)
    for message in (begun.user_message, begun.message):
        with pytest.raises(BadInput):
            store.messages.edit(owner, begun.conversation, message, content)


def test_an_answer_that_is_being_written_is_not_edited_or_forked(store: Store, owner: int) -> None:
    begun = begin(store)
    with pytest.raises(AnswerRunning):
        store.messages.edit(owner, begun.conversation, begun.message, "no")
    with pytest.raises(AnswerRunning):
        store.messages.fork(owner, begun.conversation, begun.message)
    assert store.messages.fork(owner, begun.conversation, begun.user_message)


def test_save_and_send_makes_a_sibling_with_an_answer_also_of_the_first_message(store: Store, owner: int) -> None:
    begun = answered(store, "first", answer="one")
    again = answered(store, "other first", answer="other", conversation=begun.conversation)
    assert texts(store, begun.conversation) == ["other first", "other"]
    asked = store.messages.versions(owner, begun.conversation, again.user_message)
    assert [message.text for message in asked] == ["first", "other first"]


def test_deleting_takes_what_followed_and_shows_the_version_beside_it(store: Store, owner: int) -> None:
    begun = answered(store, "first", answer="one")
    chat = begun.conversation
    answered(store, "second", answer="two", conversation=chat, parent=begun.message)
    again = answered(store, "", answer="other one", conversation=chat, parent=begun.user_message)
    store.conversations.choose(owner, chat, begun.message)
    before = store.ledger.total_of_conversation(owner, chat)
    assert store.messages.delete(owner, chat, begun.message) == 3
    assert texts(store, chat) == ["first", "other one"]
    assert store.conversations.get(owner, chat).n_messages == 2
    (shown,) = store.messages.versions(owner, chat, again.message)
    assert shown.siblings == (again.message,)
    assert store.ledger.total_of_conversation(owner, chat) == before
    assert store.ledger.verify(owner) == []


def test_undo_brings_back_what_was_deleted_and_shows_it(store: Store, owner: int) -> None:
    begun = answered(store, "first", answer="one")
    chat = begun.conversation
    answered(store, "second", answer="two", conversation=chat, parent=begun.message)
    store.messages.delete(owner, chat, begun.user_message)
    assert texts(store, chat) == []
    store.messages.restore(owner, chat, begun.user_message)
    assert texts(store, chat) == ["first", "one", "second", "two"]
    assert store.conversations.get(owner, chat).n_messages == 4
    assert store.messages.restore(owner, chat, begun.user_message)  # twice is harmless


def test_undo_of_an_inner_deletion_also_brings_back_what_is_above_it(store: Store, owner: int) -> None:
    begun = answered(store, "first", answer="one")
    chat = begun.conversation
    second = answered(store, "second", answer="two", conversation=chat, parent=begun.message)
    store.messages.delete(owner, chat, second.user_message)
    store.messages.delete(owner, chat, begun.user_message)
    assert {item.excerpt for item in store.trash.list(owner)} == {"first", "second"}
    store.messages.restore(owner, chat, second.user_message)
    assert texts(store, chat) == ["first", "one", "second", "two"]
    assert store.trash.list(owner) == []


def test_deleting_a_running_answer_asks_it_to_stop_and_keeps_its_numbers(store: Store, owner: int) -> None:
    begun = begin(store)
    store.messages.delete(owner, begun.conversation, begun.message)
    assert store.answers.checkpoint(begun.answer_id, "half") is True
    assert store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id), state="stopped", text="half"))
    assert len(store.ledger.latest(owner)) == 1 and texts(store, begun.conversation) == ["hello"]


def test_a_new_message_goes_where_the_deleted_one_was(store: Store, owner: int) -> None:
    begun = answered(store)
    store.messages.delete(owner, begun.conversation, begun.message)
    with pytest.raises(NotFound):
        begin(store, "next", conversation=begun.conversation, parent=begun.message)
    leaf = store.conversations.get(owner, begun.conversation).active_leaf
    assert leaf == begun.user_message
    answered(store, "next", conversation=begun.conversation, parent=leaf)
    assert texts(store, begun.conversation) == ["hello", "next", "an answer"]


def test_a_fork_is_the_branch_with_its_files_and_no_second_bill(store: Store, owner: int) -> None:
    begun = answered(store, parts=(PICTURE, TextPart("look")), answer="one")
    chat = begun.conversation
    answered(store, "", answer="another", conversation=chat, parent=begun.user_message)
    before = store.ledger.latest(owner)
    fork = store.messages.fork(owner, chat, begun.message)
    asked, told = store.conversations.transcript(owner, fork).messages
    assert store.attachments.filled(owner, asked.parts) == kept(PICTURE, TextPart("look"))
    assert asked.siblings == (asked.public_id,)
    assert (told.text, told.cost, told.copied, told.siblings) == ("one", None, True, (told.public_id,))
    assert store.conversations.get(owner, fork).totals == ()
    assert store.conversations.get(owner, fork).title == "look (fork)"
    assert not store.conversations.get(owner, fork).unread
    assert store.ledger.latest(owner) == before
    after = answered(store, "on", answer="two", conversation=fork, parent=told.public_id)
    assert texts(store, fork) == ["look", "one", "on", "two"]
    assert texts(store, chat) == ["look", "another"]
    assert after.conversation == fork


def test_a_copied_or_edited_answer_has_a_text_although_nothing_was_sent(store: Store, owner: int) -> None:
    begun = answered(store)
    fork = store.messages.fork(owner, begun.conversation, begun.message, title="mine")
    copy = store.conversations.transcript(owner, fork).messages[-1]
    assert store.messages.get(owner, copy.public_id).text == "an answer"
    with pytest.raises(NotFound):
        store.answers.get(owner, copy.public_id)


def test_a_continued_answer_begins_with_the_kept_text(store: Store, owner: int) -> None:
    begun = begin(store)
    store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id), state="cut", text="half an "))
    onward = {"conversation": begun.conversation, "parent": begun.user_message, "continues": begun.message}
    more = begin(store, "", kept="half an ", **onward)
    row = store.answers.get(owner, more.message)
    assert (row.text, row.kept_chars) == ("half an ", 8)
    store.answers.checkpoint(more.answer_id, "half an answ")
    (swept,) = store.answers.sweep(epoch="next", now_ms=now_ms() + 60_000, stale_ms=1)
    event = store.ledger.latest(owner)[0]
    assert swept.text == "half an answ" and event.outcome == "unknown"
    written = select(schema.usage_event.c.chars_out).where(schema.usage_event.c.id == event.id)
    assert store._db.read(lambda connection: connection.scalar(written)) == 4  # what came, not what was kept
    shown = store.messages.get(owner, more.message)
    assert (shown.continues, shown.kept_chars, shown.siblings) == (begun.message, 8, (begun.message, more.message))


def test_only_the_beginning_of_an_ended_answer_is_continued(store: Store) -> None:
    begun = answered(store, answer="whole")
    onward = {"conversation": begun.conversation, "parent": begun.user_message}
    for continues, beginning in ((begun.message, "hole"), (begun.message, ""), (begun.user_message, "hello")):
        with pytest.raises(BadInput):
            begin(store, "", continues=continues, kept=beginning, **onward)
    with pytest.raises(NotFound):
        begin(store, "", continues=new_public_id(), kept="whole", **onward)


def test_a_suggested_title_never_replaces_one_that_was_typed(store: Store, owner: int) -> None:
    begun = answered(store, "first words of a question")
    assert store.conversations.suggest_title(owner, begun.conversation, "A question")
    found = store.conversations.get(owner, begun.conversation)
    assert (found.title, found.title_source) == ("A question", "model")
    assert not store.conversations.suggest_title(owner, begun.conversation, "Another")
    store.conversations.rename(owner, begun.conversation, "mine")
    assert not store.conversations.suggest_title(owner, begun.conversation, "Another")
    assert store.conversations.get(owner, begun.conversation).title == "mine"


def test_numbers_of_an_unstored_answer_reach_the_ledger_once(store: Store, owner: int) -> None:
    chat = answered(store).conversation
    rows = (attempt(purpose="title"), attempt(purpose="chat"))
    ref = turn().ref
    store.ledger.record(owner, ref, rows[:1], conversation=chat)
    for _ in range(2):
        store.ledger.record(owner, ref, rows[1:])
    named, nowhere, *_ = sorted(
        store.ledger.latest(owner), key=lambda row: (row.purpose != "title", row.conversation or "")
    )
    assert (named.purpose, named.conversation, named.message) == ("title", chat, None)
    assert (nowhere.purpose, nowhere.conversation, nowhere.cost.nano) == ("chat", None, 1_000)
    assert len(store.ledger.latest(owner)) == 3 and store.ledger.verify(owner) == []
    assert store.ledger.total_of_conversation(owner, chat)[0].n == 2


def test_foreign_messages_are_not_found(store: Store) -> None:
    begun = answered(store)
    stranger = new_id()
    deeds = (store.messages.edit, store.messages.delete, store.messages.restore, store.messages.fork)
    for deed in deeds:
        with pytest.raises(NotFound):
            deed(stranger, begun.conversation, begun.message, *(("x",) if deed is deeds[0] else ()))
    assert Message("assistant", (TextPart("an answer"),)).text == store.messages.get(store.owner(), begun.message).text
