"""What the store remembers of a model's past answers, and how long a branch is, on both databases."""

from __future__ import annotations

import pytest

from lib.errors import NotFound
from lib.messages import FilePart, ImagePart, TextPart
from lib.store import Store
from lib.store.measures import Past
from lib.tokens import TokenCount
from tests.store.acts import REF, answered, attempt, begin, end, with_ledger

PLAIN = TokenCount(90, 10, 0, 0, 40, 0)


def past(store: Store, model: str = REF.model, gateway: int = REF.gateway_id) -> Past:
    return store.measures.past(store.owner(), gateway, model)


def test_reported_answers_teach_newest_first(store: Store) -> None:
    with_ledger(store, attempt(count=PLAIN, chars_in=400, chars_out=160))
    with_ledger(store, attempt(count=TokenCount(200, 0, 0, 0, 80, 0), chars_in=800, chars_out=300))
    assert past(store) == Past(((200, 800), (100, 400)), ((80, 300), (40, 160)), (80, 40))


def test_what_was_not_reported_whole_teaches_nothing(store: Store) -> None:
    for fields in ({"usage_source": "estimated"}, {"usage_source": "reported_partial"}, {"outcome": "stopped"}):
        with_ledger(store, attempt(count=PLAIN, chars_in=400, chars_out=160, **fields))
    assert past(store) == Past()


def test_a_request_with_pictures_says_nothing_about_text(store: Store) -> None:
    with_ledger(store, attempt(count=PLAIN, chars_in=400, chars_out=160, media_in=80))
    assert past(store) == Past((), ((40, 160),), (40,))


def test_hidden_reasoning_says_nothing_about_visible_text(store: Store) -> None:
    with_ledger(store, attempt(count=TokenCount(100, 0, 0, 0, 40, 60), chars_in=400, chars_out=160))
    assert past(store) == Past(((100, 400),), (), (100,))


def test_titles_other_models_gateways_and_owners_are_apart(store: Store) -> None:
    with_ledger(store, attempt(count=PLAIN, chars_in=400, chars_out=160, purpose="title"))
    assert past(store) == past(store, model="another") == past(store, gateway=8) == Past()
    with_ledger(store, attempt(count=PLAIN, chars_in=400, chars_out=160))
    assert past(store) != Past()
    assert past(store, model="another") == past(store, gateway=8) == Past()
    assert store.measures.past(store.owner() + 1, REF.gateway_id, REF.model) == Past()


def test_the_shown_branch_is_measured_from_its_root(store: Store) -> None:
    owner = store.owner()
    first = answered(store, "hello", answer="an answer")
    parts = (TextPart("grüße"), ImagePart("image/png", b"x"), FilePart("letter.txt", "x" * 400))
    second = begin(store, conversation=first.conversation, parent=first.message, parts=parts)
    store.answers.finish(second.answer_id, end(attempt(second.attempt_id), text=""))
    branch = store.measures.branch(owner, first.conversation)
    assert [(size.role, size.chars, size.attached) for size in branch] == [
        ("user", 5, False),
        ("assistant", 9, False),
        ("user", 5 + 400 + 2 * 10, True),
        ("assistant", 0, False),
    ]
    store.conversations.choose(owner, first.conversation, first.message)
    begin(store, '{"type":"image"} as words', conversation=first.conversation, parent=first.message)
    assert [size.attached for size in store.measures.branch(owner, first.conversation)][-2:] == [False, False]


def test_an_unknown_conversation_has_no_branch(store: Store) -> None:
    with pytest.raises(NotFound):
        store.measures.branch(store.owner(), "nowhere")
