"""The trash: what can be restored, for how long, and what is left when it is emptied."""

from __future__ import annotations

from sqlalchemy import func, select

from lib.ids import new_public_id, now_ms
from lib.messages import ImagePart, TextPart
from lib.store import Store, schema
from tests.store.acts import REF, answered, attempt, begin, end, kept

DAY_MS = 86_400_000
ONE, TWO = ImagePart("image/png", b"\x89PNG one"), ImagePart("image/png", b"\x89PNG two")


def blobs(store: Store) -> int:
    query = select(func.count()).select_from(schema.blob)
    return int(store._db.read(lambda connection: connection.scalar(query)) or 0)


def left(store: Store, *tables: str) -> dict[str, int]:
    """How many rows these tables hold."""
    queries = {name: select(func.count()).select_from(schema.metadata.tables[name]) for name in tables}
    return store._db.read(lambda connection: {name: int(connection.scalar(queries[name]) or 0) for name in queries})


def test_the_trash_lists_conversations_and_messages_with_the_days_left(store: Store, owner: int) -> None:
    one, two = answered(store, "first\nchat"), answered(store, "second chat")
    store.conversations.delete(owner, one.conversation)
    store.messages.delete(owner, two.conversation, two.message)
    message, chat = store.trash.list(owner)
    assert (chat.conversation, chat.message, chat.excerpt, chat.n_messages) == (one.conversation, None, "first chat", 2)
    assert (message.conversation, message.message) == (two.conversation, two.message)
    assert (message.title, message.excerpt, message.n_messages) == ("second chat", "an answer", 1)
    assert chat.days_left == message.days_left == 30
    later = store.trash.list(owner, now_ms=now_ms() + 29 * DAY_MS + 1)
    assert {item.days_left for item in later} == {1}
    assert {item.days_left for item in store.trash.list(owner, now_ms=now_ms() + 90 * DAY_MS)} == {0}


def test_what_is_deleted_together_is_one_thing_in_the_trash(store: Store, owner: int) -> None:
    begun = answered(store)
    answered(store, "more", conversation=begun.conversation, parent=begun.message)
    store.messages.delete(owner, begun.conversation, begun.message)
    (item,) = store.trash.list(owner)
    assert (item.message, item.n_messages) == (begun.message, 3)
    store.conversations.delete(owner, begun.conversation)
    assert [found.message for found in store.trash.list(owner)] == [None]


def test_after_thirty_days_it_is_gone_and_the_ledger_is_not(store: Store, owner: int) -> None:
    one, two = answered(store, "one"), answered(store, "two")
    store.queue.add(owner, one.conversation, (TextPart("waiting"),), REF)
    store.drafts.set(owner, one.conversation, "draft")
    store.conversations.delete(owner, one.conversation)
    store.messages.delete(owner, two.conversation, two.message)
    before = [(row.id, row.cost) for row in store.ledger.latest(owner)]
    assert store.trash.purge(owner, now_ms() + 29 * DAY_MS) == 0
    assert len(store.trash.list(owner)) == 2
    assert store.trash.purge(owner, now_ms() + 31 * DAY_MS) == 3
    assert store.trash.list(owner) == []
    kept = {"conversation": 1, "message": 1, "answer": 0, "answer_attempt": 0, "queue_item": 0, "draft": 0}
    assert left(store, *kept) == kept
    assert [(row.id, row.cost) for row in store.ledger.latest(owner)] == before
    assert store.ledger.verify(owner) == []
    answered(store, "on", conversation=two.conversation, parent=two.user_message)


def test_only_files_that_nothing_points_at_go_with_it(store: Store, owner: int) -> None:
    one = answered(store, parts=(ONE, TWO, TextPart("both")))
    two = answered(store, parts=(ONE, TextPart("one")))
    store.queue.add(owner, one.conversation, (ONE, TextPart("queued")), REF)
    assert blobs(store) == 2
    store.conversations.delete(owner, one.conversation)
    store.trash.purge(owner, now_ms(), 0)
    assert blobs(store) == 1
    assert store.attachments.filled(owner, store.messages.get(owner, two.user_message).parts)[0] == kept(ONE)[0]


def test_a_fork_keeps_the_files_of_a_purged_original(store: Store, owner: int) -> None:
    begun = answered(store, parts=(ONE, TextPart("look")))
    fork = store.messages.fork(owner, begun.conversation, begun.message)
    store.conversations.delete(owner, begun.conversation)
    store.trash.purge(owner, now_ms(), 0)
    found = store.conversations.transcript(owner, fork).messages[0].parts
    assert store.attachments.filled(owner, found)[0] == kept(ONE)[0]


def test_what_was_restored_is_not_purged(store: Store, owner: int) -> None:
    begun = answered(store)
    store.messages.delete(owner, begun.conversation, begun.message)
    store.messages.restore(owner, begun.conversation, begun.message)
    store.conversations.delete(owner, begun.conversation)
    store.conversations.restore(owner, begun.conversation)
    assert store.trash.purge(owner, now_ms() + 90 * DAY_MS) == 0
    assert len(store.conversations.transcript(owner, begun.conversation).messages) == 2


def test_an_answer_that_is_still_being_written_keeps_its_conversation(store: Store, owner: int) -> None:
    begun = begin(store)
    store.conversations.delete(owner, begun.conversation)
    assert store.trash.purge(owner, now_ms(), 0) == 0
    store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id), state="stopped"))
    assert store.trash.purge(owner, now_ms(), 0) == 2
    assert len(store.ledger.latest(owner)) == 1


def test_a_purge_takes_the_branches_below_with_it(store: Store, owner: int) -> None:
    begun = answered(store, "one")
    inner = answered(store, "two", conversation=begun.conversation, parent=begun.message)
    store.messages.delete(owner, begun.conversation, inner.message)
    store.messages.delete(owner, begun.conversation, begun.user_message)
    assert store.trash.purge(owner, now_ms(), 0) == 4
    assert left(store, "message") == {"message": 0}
    answered(store, "again", conversation=begun.conversation)


def test_a_conversation_that_was_purged_is_a_new_one(store: Store, owner: int) -> None:
    name = new_public_id()
    answered(store, conversation=name)
    store.conversations.delete(owner, name)
    store.trash.purge(owner, now_ms(), 0)
    answered(store, "anew", conversation=name)
    assert store.conversations.get(owner, name).title == "anew"
