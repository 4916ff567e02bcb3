"""Exports and imports at the store: what leaves comes back the same, once, and can be taken out again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec import structs
from sqlalchemy import func, select

from lib.cards import GatewayCard
from lib.errors import NotFound
from lib.ids import new_id, new_public_id
from lib.ledger import Attempt, Cost, ModelRef
from lib.messages import ImagePart, Params, TextPart
from lib.store import Store, open_store, schema
from lib.store.rows import StoredKey
from lib.store.schema import metadata
from lib.tokens import TokenCount
from lib.transfer.archive import ENDINGS
from lib.transfer.archive import exported as file_of
from lib.transfer.document import ConversationCopy, Found, MessageCopy, Skipped, Spend
from lib.transfer.own_file import to_json
from lib.transfer.reading import read_import
from tests.store.acts import answered, attempt, begin, end, turn
from tests.transfer.documents import conversations

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
CANARY = "sk-CANARY-4f2a9b77c1d3"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """Another, empty installation."""
    with closing(open_store("", tmp_path / "other")) as store:
        yield store


def a_whole_life(store: Store) -> str:
    """Versions, an attachment, an edit, a failed attempt, a correction of a cost, a deleted version, a title."""
    owner = store.owner()
    card = store.gateways.add(owner, GatewayCard(0, "Mine", "https://gateway.example"))
    store.gateways.set_key(owner, card.id, StoredKey(CANARY.encode(), b"nonce", CANARY[-4:]))
    ref = ModelRef(card.id, "gpt-5.4-hc", "gpt-5.4", "gpt-5.4", "hc", effort="high")
    parts = (TextPart("look"), ImagePart("image/png", PNG))
    asked = turn("x", ref=ref, params=Params(temperature=0.5), system="Be brief.")
    first = store.answers.begin(owner, structs.replace(asked, parts=parts), epoch="here")
    failed = attempt(first.attempt_id, outcome="failed", error_kind="server", cost=Cost(), usage_source="none")
    good = attempt(number=2, usage_raw='{"total_tokens": 160}', count=TokenCount(None, 0, None, None, 7, None))
    store.answers.finish(first.answer_id, end(failed, good, text="**first**", reasoning="hm", reasoning_ms=900))
    again = begin(store, "", conversation=first.conversation, parent=first.user_message, ref=ref)
    store.answers.finish(again.answer_id, end(attempt(again.attempt_id), text="second", state="stopped"))
    more = begin(store, "and then?", conversation=first.conversation, parent=again.message, ref=ref)
    store.answers.finish(more.answer_id, end(attempt(more.attempt_id, cost=Cost(reported_nano=5)), text="the end"))
    gone = begin(store, "", conversation=first.conversation, parent=more.user_message, ref=ref)
    store.answers.finish(gone.answer_id, end(attempt(gone.attempt_id), text="not wanted"))
    store.messages.delete(owner, first.conversation, gone.message)
    store.messages.edit(owner, first.conversation, more.user_message, "and after that?")
    corrected = store.ledger.latest(owner)[0].id
    store.ledger.add_cost(owner, corrected, "manual", Cost(nano=77, output_nano=77, source="entered"), "a bill came")
    title = Attempt(new_id(), 1, 1_800_000_000_000, 1_800_000_000_500, "ok", "tiny", purpose="title", cost=Cost(nano=3))
    store.ledger.record(owner, ref, (title,), conversation=first.conversation)
    return first.conversation


def exported(store: Store) -> bytes:
    """Everything, as one file."""
    owner = store.owner()
    copies = tuple(store.transfers.copy(owner, name) for name in store.transfers.ids(owner))
    return to_json(copies, tuple(store.transfers.loose_spend(owner)[0]))


def imported(store: Store, data: bytes) -> str:
    owner = store.owner()
    run = store.transfers.begin_import(owner, "Parlour", "all.json")
    for item in read_import(io.BytesIO(data)):
        match item:
            case Found():
                store.transfers.take(owner, run, item)
            case Spend(attempts):
                store.transfers.take_spend(owner, run, attempts)
            case Skipped(reason):
                raise AssertionError(reason)
    return run


def sums(store: Store) -> list[tuple[Any, ...]]:
    """The ledger, event by event, with its cost in force; the rollup agrees."""
    owner = store.owner()
    assert store.ledger.verify(owner) == []
    rows = store.ledger.latest(owner, 1000, demo=None)
    facts = [
        (row.at_ms, row.model, row.purpose, row.outcome, row.cost.nano, row.cost.currency, row.count) for row in rows
    ]
    return sorted(facts, key=repr)


def n_rows(store: Store) -> dict[str, int]:
    """How many rows each table has, but for those that only say that a thing is known."""
    tables = [table for table in metadata.tables.values() if table.name not in ("schema_step", "gateway", "usage_item")]
    return store._db.read(
        lambda connection: {
            table.name: connection.scalar(select(func.count()).select_from(table))
            for table in tables
            if table.name not in ("usage_rollup", "usage_speed", "zone")
        }
    )


def test_an_export_comes_back_the_same_in_an_empty_installation(store: Store, other: Store) -> None:
    chat = a_whole_life(store)
    file = exported(store)
    imported(other, file)
    assert other.transfers.copy(other.owner(), chat) == store.transfers.copy(store.owner(), chat)
    assert exported(other) == file
    assert sums(other) == sums(store)


def test_the_reader_sees_the_same_branch_with_the_same_costs(store: Store, other: Store) -> None:
    chat = a_whole_life(store)
    imported(other, exported(store))
    here, there = (s.conversations.transcript(s.owner(), chat).messages for s in (store, other))
    assert [(m.text, m.siblings, m.cost, m.state, m.parts) for m in there] == [
        (m.text, m.siblings, m.cost, m.state, m.parts) for m in here
    ]
    mine, theirs = (s.conversations.get(s.owner(), chat) for s in (store, other))
    assert (theirs.title, theirs.n_messages, theirs.totals) == (mine.title, mine.n_messages, mine.totals)
    assert not theirs.unread


def test_spend_of_deleted_chats_travels_too(store: Store, other: Store) -> None:
    gone = answered(store)
    store.conversations.delete(store.owner(), gone.conversation)
    kept = answered(store)
    file = exported(store)
    imported(other, file)
    assert other.transfers.ids(other.owner()) == [kept.conversation]
    assert sums(other) == sums(store) and len(sums(other)) == 2


@pytest.mark.parametrize("times", [1, 2])
def test_importing_again_changes_nothing(store: Store, other: Store, times: int) -> None:
    a_whole_life(store)
    file = exported(store)
    imported(other, file)
    before, spent = n_rows(other), sums(other)
    for _ in range(times):
        imported(other, file)
    assert {name: n for name, n in n_rows(other).items() if name != "import_run"} == {
        name: n for name, n in before.items() if name != "import_run"
    }
    assert sums(other) == spent
    assert len(other.transfers.imports(other.owner())) == 1


def test_importing_where_it_came_from_counts_nothing_twice(store: Store) -> None:
    chat = a_whole_life(store)
    spent, file = sums(store), exported(store)
    imported(store, file)
    assert sums(store) == spent
    store.conversations.delete(store.owner(), chat)
    (item,) = (item for item in read_import(io.BytesIO(file)) if isinstance(item, Found))
    assert store.transfers.standing(store.owner(), item) == "in_trash"


def test_a_chat_that_was_destroyed_comes_back_with_its_costs_and_no_new_spend(store: Store) -> None:
    chat = a_whole_life(store)
    spent, file, before = sums(store), exported(store), store.conversations.transcript(store.owner(), chat)
    total = store.conversations.get(store.owner(), chat).totals
    store.conversations.delete(store.owner(), chat)
    store.trash.purge(store.owner(), 4_000_000_000_000, 0)
    imported(store, file)
    assert sums(store) == spent
    after = store.conversations.transcript(store.owner(), chat)
    assert [message.cost for message in after.messages] == [message.cost for message in before.messages]
    assert {t.currency: t.n for t in total}.keys() == {
        t.currency for t in store.conversations.get(store.owner(), chat).totals
    }


def spend_by_month(store: Store) -> list[tuple[Any, ...]]:
    """What conversations used in each month, those that came to nothing left out."""
    kept = select(schema.conversation_month).where(schema.conversation_month.c.n != 0)
    return sorted(tuple(row) for row in store._db.read(lambda connection: connection.execute(kept).all()))


def test_spend_by_month_goes_with_the_conversation(store: Store, other: Store) -> None:
    chat, owner = a_whole_life(store), store.owner()
    file, before = exported(store), spend_by_month(store)
    store.conversations.delete(owner, chat)
    store.trash.purge(owner, 4_000_000_000_000, 0)
    assert spend_by_month(store) == before
    imported(store, file)
    tied = spend_by_month(store)
    assert {row[0] for row in tied}.isdisjoint(row[0] for row in before) and len(tied) == len(before)
    store.ledger.rebuild(owner)
    assert spend_by_month(store) == tied
    run = imported(other, file)
    other.transfers.undo(other.owner(), run)
    assert spend_by_month(other) == []


def test_an_import_can_be_undone(store: Store, other: Store) -> None:
    answered(other, "mine stays")
    before, spent = n_rows(other), sums(other)
    a_whole_life(store)
    run = imported(other, exported(store))
    assert n_rows(other) != before
    assert other.transfers.undo(other.owner(), run) == 0
    assert n_rows(other) == before
    assert sums(other) == spent
    assert other.transfers.imports(other.owner()) == []
    imported(other, exported(store))  # and it may come again
    assert len(other.transfers.ids(other.owner())) == 2


def test_undo_leaves_a_chat_that_was_gone_on_with(store: Store, other: Store) -> None:
    chat, second = a_whole_life(store), answered(store).conversation
    run = imported(other, exported(store))
    leaf = other.conversations.get(other.owner(), chat).active_leaf
    answered(other, "one more", conversation=chat, parent=leaf)
    assert other.transfers.undo(other.owner(), run) == 1
    assert other.transfers.ids(other.owner()) == [chat]
    with pytest.raises(NotFound):
        other.conversations.get(other.owner(), second)
    assert other.ledger.verify(other.owner()) == []
    (left,) = other.transfers.imports(other.owner())
    assert left.n_kept == 1


def test_no_export_contains_a_key(store: Store) -> None:
    chat = a_whole_life(store)
    owner = store.owner()
    gateway = store.gateways.list(owner)[0]
    store.gateways.save_settings(owner, gateway.id, {"note": CANARY})
    store.preferences.set(owner, "note", CANARY)
    copy = store.transfers.copy(owner, chat)
    files = [exported(store), *(file_of(copy, form, zone="UTC") for form in ENDINGS)]
    for file in files:
        assert CANARY.encode() not in file and CANARY[-4:].encode() not in file
        assert b"gateway.example" not in file


def test_what_is_imported_can_be_found_and_gone_on_with(store: Store, other: Store) -> None:
    copy = ConversationCopy(
        new_public_id(),
        "From elsewhere",
        1_700_000_000_000,
        1_700_000_001_000,
        "abcdefgh-2",
        (
            MessageCopy("abcdefgh-1", "user", 1_700_000_000_000, parts=(TextPart("hi"),), text="hi"),
            MessageCopy("abcdefgh-2", "assistant", 1_700_000_001_000, "abcdefgh-1", text="hello", state="done"),
        ),
    )
    run = store.transfers.begin_import(store.owner(), "ChatGPT", "export.zip")
    taken = store.transfers.take(store.owner(), run, Found("ChatGPT", "abc", copy))
    assert (taken.standing, taken.n_messages, taken.n_attempts) == ("new", 2, 0)
    (listed,) = store.conversations.list(store.owner())
    assert (listed.title, listed.last_ms, listed.unread) == ("From elsewhere", 1_700_000_001_000, False)
    answered(store, "go on", conversation=copy.id, parent="abcdefgh-2")
    assert [m.text for m in store.conversations.transcript(store.owner(), copy.id).messages][:2] == ["hi", "hello"]
    again = structs.replace(copy, id=new_public_id(), title="Another name")
    assert store.transfers.standing(store.owner(), Found("Claude", "xyz", again)) == "here"  # the same words


def test_two_chats_with_the_same_words_both_travel(store: Store, other: Store) -> None:
    answered(store, "ping", answer="pong")
    answered(store, "ping", answer="pong")
    imported(other, exported(store))
    assert len(other.transfers.ids(other.owner())) == 2
    assert sums(other) == sums(store)


def test_public_ids_that_are_taken_are_made_anew(store: Store) -> None:
    """Two owners of one database may import the same file."""
    a_whole_life(store)
    file, stranger = exported(store), new_id()
    (item,) = (item for item in read_import(io.BytesIO(file)) if isinstance(item, Found))
    run = store.transfers.begin_import(stranger, "Parlour", "f.json")
    assert store.transfers.take(stranger, run, item).standing == "new"
    (name,) = store.transfers.ids(stranger)
    assert name != item.conversation.id
    theirs = store.transfers.copy(stranger, name)
    assert [m.text for m in theirs.messages] == [m.text for m in item.conversation.messages]
    assert not {m.id for m in theirs.messages} & {m.id for m in item.conversation.messages}


def test_loose_spend_comes_in_batches(store: Store) -> None:
    for _ in range(5):
        store.conversations.delete(store.owner(), answered(store).conversation)
    seen, after = [], -1
    while batch := store.transfers.loose_spend(store.owner(), after, 2)[0]:
        after = store.transfers.loose_spend(store.owner(), after, 2)[1]
        seen.append(len(batch))
    assert seen == [2, 2, 1]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    folder = tmp_path_factory.mktemp("two")
    with closing(open_store("", folder / "a")) as first, closing(open_store("", folder / "b")) as second:
        yield first, second


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(conversations())
def test_any_tree_travels_from_store_to_store(two: tuple[Store, Store], copy: ConversationCopy) -> None:
    copies, runs = [], []
    for store in two:
        runs.append(imported(store, to_json((copy,))))
        (name,) = store.transfers.ids(store.owner())
        copy = store.transfers.copy(store.owner(), name)
        copies.append(copy)
    assert copies[0] == copies[1]
    assert sums(two[0]) == sums(two[1])
    for store, run in zip(two, runs, strict=True):
        assert store.transfers.undo(store.owner(), run) == 0
        assert store.ledger.latest(store.owner(), demo=None) == []
        assert store.ledger.verify(store.owner()) == []


def test_a_file_cannot_make_room_in_a_budget(store: Store, owner: int) -> None:
    """A cost below nothing is no cost: it is unknown."""
    answered(store)
    (copy,) = store.transfers.copy(owner, store.transfers.ids(owner)[0]).attempts
    forged = structs.replace(copy, id="forged", costs=(structs.replace(copy.costs[0], nano=-(10**12)),))
    run = store.transfers.begin_import(owner, "Parlour", "forged.json")
    assert store.transfers.take_spend(owner, run, (forged,)) == 1
    assert sorted(row.cost.nano or 0 for row in store.ledger.latest(owner, 9)) == [0, 1_000]
    assert store.ledger.verify(owner) == []
