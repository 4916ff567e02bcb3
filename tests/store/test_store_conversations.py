"""Conversations, their tree and their text, on both databases."""

from __future__ import annotations

import pytest

from lib.errors import NotFound
from lib.messages import Params, TextPart
from lib.store import Store
from lib.store.rows import Settings
from tests.store.acts import answered, attempt, begin, end


def titles(store: Store, query: str = "") -> list[str]:
    return [found.title for found in store.conversations.list(store.owner(), query=query)]


def test_the_newest_conversation_comes_first_and_pages_follow(store: Store, owner: int) -> None:
    for number in range(5):
        store.conversations.create(owner, title=f"c{number}")
    first = store.conversations.list(owner, limit=2)
    assert [found.title for found in first] == ["c4", "c3"]
    rest = store.conversations.list(owner, before=first[-1].public_id)
    assert [found.title for found in rest] == ["c2", "c1", "c0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("100%", ["100% sure"]),
        ("%", ["100% sure"]),
        ("_", ["snake_case"]),
        ("ÜBER", ["Über uns"]),
        ("über", ["Über uns"]),
        ("strasse", ["Straße"]),
        ("漢字", ["漢字 🦊"]),
        ("🦊", ["漢字 🦊"]),
        ("back\\", ["back\\slash"]),
        ("nothing", []),
        ("'; DROP TABLE conversation; --", []),
        ("\x00\ud800", []),
    ],
)
def test_titles_are_searched_literally_whatever_their_case(
    store: Store, owner: int, query: str, found: list[str]
) -> None:
    for title in ("100% sure", "snake_case", "Über uns", "Straße", "漢字 🦊", "back\\slash"):
        store.conversations.create(owner, title=title)
    assert titles(store, query) == found


def test_any_text_can_be_stored_and_what_cannot_is_shown(store: Store, owner: int) -> None:
    nasty = "emoji 👩‍👩‍👧 漢字 \u202e rtl \x00 nul \ud83d half"
    begun = begin(store, nasty, system=nasty, params=Params(stop=(nasty,)))
    store.answers.checkpoint(begun.answer_id, nasty, nasty, (TextPart(nasty),))
    store.answers.finish(
        begun.answer_id, end(text=nasty, reasoning=nasty, error_message=nasty, parts=(TextPart(nasty),))
    )
    question, answer = store.conversations.transcript(owner, begun.conversation).messages
    shown = "emoji 👩‍👩‍👧 漢字 \u202e rtl ␀ nul \ufffd half"
    assert {question.text, answer.text, answer.reasoning, answer.error_message} == {shown}


def test_a_title_is_one_bounded_line(store: Store, owner: int) -> None:
    begun = begin(store, "first line\n\n  second " + "word " * 1000)
    title = store.conversations.get(owner, begun.conversation).title
    assert title.startswith("first line second word") and title.endswith("word…") and len(title) <= 60
    assert len(store.conversations.get(owner, begin(store, "漢" * 500).conversation).title) == 60


def test_a_name_given_by_hand_is_kept(store: Store, owner: int) -> None:
    made = store.conversations.create(owner, title="mine")
    begin(store, "something else", conversation=made.public_id)
    assert titles(store) == ["mine"]
    store.conversations.rename(owner, made.public_id, "  new\nname ")
    assert titles(store, "NEW NAME") == ["new name"]


def test_settings_are_kept_per_conversation(store: Store, owner: int) -> None:
    made = store.conversations.create(owner)
    settings = Settings(3, "claude-opus-5-low", "anthropic", Params(max_tokens=9, stop=("\n",)), "be kind")
    store.conversations.save_settings(owner, made.public_id, settings)
    assert store.conversations.get(owner, made.public_id).settings == settings


def test_a_deleted_conversation_is_gone_until_it_is_restored(store: Store, owner: int) -> None:
    begun = answered(store)
    store.conversations.delete(owner, begun.conversation)
    assert titles(store) == []
    with pytest.raises(NotFound):
        store.conversations.transcript(owner, begun.conversation)
    assert [found.public_id for found in store.conversations.list(owner, deleted=True)] == [begun.conversation]
    assert store.conversations.restore(owner, begun.conversation).title == "hello"
    assert len(store.conversations.transcript(owner, begun.conversation).messages) == 2


def test_regenerating_makes_a_sibling_and_shows_it(store: Store, owner: int) -> None:
    first = answered(store, answer="one")
    second = answered(store, "", conversation=first.conversation, parent=first.user_message, answer="two")
    question, answer = store.conversations.transcript(owner, first.conversation).messages
    assert (answer.text, answer.siblings, answer.sibling_index) == ("two", (first.message, second.message), 1)
    assert (question.sibling_count, second.user_message) == (1, first.user_message)


def test_choosing_a_version_goes_down_to_where_it_was_left(store: Store, owner: int) -> None:
    first = answered(store, answer="one")
    deeper = answered(store, "and then", conversation=first.conversation, parent=first.message)
    second = answered(store, "", conversation=first.conversation, parent=first.user_message, answer="two")
    assert store.conversations.get(owner, first.conversation).active_leaf == second.message
    assert store.conversations.choose(owner, first.conversation, first.message) == deeper.message
    texts = [message.text for message in store.conversations.transcript(owner, first.conversation).messages]
    assert texts == ["hello", "one", "and then", "an answer"]


def test_an_edited_question_is_a_new_root(store: Store, owner: int) -> None:
    first = answered(store)
    edited = answered(store, "hello, better", conversation=first.conversation)
    messages = store.conversations.transcript(owner, first.conversation).messages
    assert [message.text for message in messages] == ["hello, better", "an answer"]
    assert messages[0].siblings == (first.user_message, edited.user_message)


def test_the_last_turns_start_with_a_question_and_say_that_more_came_before(store: Store, owner: int) -> None:
    begun = answered(store, "q0")
    for number in range(1, 6):
        begun = answered(store, f"q{number}", conversation=begun.conversation, parent=begun.message)
    part = store.conversations.transcript(owner, begun.conversation, last=2)
    assert [message.text for message in part.messages] == ["q4", "an answer", "q5", "an answer"]
    assert part.has_earlier and part.messages[0].parent is not None
    whole = store.conversations.transcript(owner, begun.conversation, last=6)
    assert len(whole.messages) == 12 and not whole.has_earlier


def test_a_transcript_up_to_a_message_ends_there(store: Store, owner: int) -> None:
    begun = answered(store, "q0")
    answered(store, "q1", conversation=begun.conversation, parent=begun.message)
    part = store.conversations.transcript(owner, begun.conversation, leaf=begun.user_message)
    assert [message.text for message in part.messages] == ["q0"]


def test_a_long_branch_is_read_in_few_queries(store: Store, owner: int) -> None:
    from sqlalchemy import event

    begun = answered(store, "q0")
    for number in range(1, 30):
        begun = answered(store, f"q{number}", conversation=begun.conversation, parent=begun.message)
    said: list[str] = []
    event.listen(store._db.engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    assert len(store.conversations.transcript(owner, begun.conversation).messages) == 60
    assert len([statement for statement in said if "SELECT" in statement]) <= 5


def test_a_message_of_another_conversation_is_not_found(store: Store, owner: int) -> None:
    one, other = answered(store), answered(store)
    with pytest.raises(NotFound):
        store.conversations.transcript(owner, one.conversation, leaf=other.message)
    with pytest.raises(NotFound):
        store.conversations.choose(owner, one.conversation, other.message)


def test_totals_are_kept_per_currency_and_survive_deletion(store: Store, owner: int) -> None:
    from lib.ledger import Cost

    begun = begin(store)
    rows = (
        attempt(begun.attempt_id),
        attempt(cost=Cost(nano=5, currency="CNY", source="gateway")),
        attempt(cost=Cost()),
    )
    store.answers.finish(begun.answer_id, end(*rows))
    totals = store.conversations.get(owner, begun.conversation).totals
    assert [(total.currency, total.nano, total.n, total.n_unpriced) for total in totals] == [
        ("CNY", 5, 1, 0),
        ("USD", 1000, 2, 1),
    ]
    assert sum(total.in_tokens for total in totals) == 3 * 124
    store.conversations.delete(owner, begun.conversation)
    assert store.ledger.total_of_conversation(owner, begun.conversation) == totals
