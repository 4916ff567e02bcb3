"""Pins, folders, tags and the archive, on both databases."""

from __future__ import annotations

import pytest

from lib.errors import BadInput, NotFound
from lib.ids import new_id
from lib.store import Store
from lib.store.rows import Folder, Only, Tag
from tests.store.acts import begin


@pytest.fixture
def chats(store: Store, owner: int) -> list[str]:
    """Five conversations, the oldest first."""
    return [store.conversations.create(owner, title=f"c{number}").public_id for number in range(5)]


def listed(store: Store, **only: object) -> list[str]:
    return [found.title for found in store.conversations.list(store.owner(), only=Only(**only))]  # type: ignore[arg-type]


def test_many_are_pinned_at_once(store: Store, owner: int, chats: list[str]) -> None:
    assert store.organising.pin(owner, [chats[0], chats[3], "unknown"]) == 2
    assert listed(store, pinned=True) == ["c3", "c0"]
    assert listed(store, pinned=False) == ["c4", "c2", "c1"]
    store.organising.pin(owner, [chats[0]], on=False)
    assert [chat.pinned for chat in store.conversations.list(owner)] == [False, True, False, False, False]


def test_the_archive_hides_but_does_not_delete(store: Store, owner: int, chats: list[str]) -> None:
    store.organising.pin(owner, chats)
    store.organising.archive(owner, chats[:2])
    assert listed(store, archived=False) == ["c4", "c3", "c2"]
    assert listed(store, archived=True) == ["c1", "c0"]
    assert listed(store, pinned=True) == ["c4", "c3", "c2"]
    assert len(listed(store)) == 5
    store.organising.archive(owner, chats, on=False)
    assert listed(store, archived=True) == []


def test_a_conversation_is_in_one_folder_at_most(store: Store, owner: int, chats: list[str]) -> None:
    a, b = store.folders.add(owner, "Alpha"), store.folders.add(owner, "beta")
    assert store.organising.move(owner, chats[:3], a.public_id) == 3
    assert store.organising.move(owner, [chats[0]], b.public_id) == 1
    assert store.folders.list(owner) == [Folder(a.public_id, "Alpha", 2), Folder(b.public_id, "beta", 1)]
    assert listed(store, folder=a.public_id) == ["c2", "c1"]
    assert listed(store, folder="") == ["c4", "c3"]
    assert store.conversations.get(owner, chats[0]).folder == b.public_id
    store.organising.move(owner, chats, None)
    assert len(listed(store, folder="")) == 5


def test_a_removed_folder_leaves_its_conversations(store: Store, owner: int, chats: list[str]) -> None:
    folder = store.folders.add(owner, "Alpha")
    store.organising.move(owner, chats[:2], folder.public_id)
    assert store.folders.remove(owner, folder.public_id) == 2
    assert store.folders.list(owner) == []
    assert len(listed(store, folder="")) == 5
    with pytest.raises(NotFound):
        store.organising.move(owner, chats, folder.public_id)
    with pytest.raises(NotFound):
        store.folders.remove(owner, folder.public_id)


def test_folder_names_are_told_apart_whatever_their_case(store: Store, owner: int) -> None:
    first = store.folders.add(owner, "  Große\nReise ")
    assert first.name == "Große Reise"
    assert store.folders.add(owner, "GROSSE REISE").public_id == first.public_id
    other = store.folders.add(owner, "other")
    with pytest.raises(BadInput):
        store.folders.rename(owner, other.public_id, "große reise")
    store.folders.rename(owner, first.public_id, "GROSSE reise")
    assert [folder.name for folder in store.folders.list(owner)] == ["GROSSE reise", "other"]
    with pytest.raises(BadInput):
        store.folders.add(owner, " \n")
    with pytest.raises(NotFound):
        store.folders.rename(owner, "unknown", "name")


def test_tags_are_many_and_vanish_with_their_last_wearer(store: Store, owner: int, chats: list[str]) -> None:
    store.organising.tag(owner, chats[:2], "#Work")
    store.organising.tag(owner, chats[1:3], "WORK")
    store.organising.tag(owner, chats[:1], "漢字")
    assert store.organising.tags(owner) == [Tag("WORK", 3), Tag("漢字", 1)]
    assert store.conversations.get(owner, chats[0]).tags == ("Work", "漢字")
    assert listed(store, tag="work") == ["c2", "c1", "c0"]
    store.organising.tag(owner, chats, "work", on=False)
    assert store.organising.tags(owner) == [Tag("漢字", 1)]
    with pytest.raises(BadInput):
        store.organising.tag(owner, chats, " # ")


def test_many_are_deleted_and_restored_at_once(store: Store, owner: int, chats: list[str]) -> None:
    running = begin(store, "a question", conversation=chats[0])
    assert store.organising.delete(owner, chats[:3]) == 3
    assert store.organising.delete(owner, chats[:3]) == 0
    assert listed(store) == ["c4", "c3"]
    assert store.answers.checkpoint(running.answer_id, "some text"), "the running answer is asked to stop"
    assert store.organising.restore(owner, chats) == 3
    assert len(listed(store)) == 5


def test_the_deleted_cannot_be_organised(store: Store, owner: int, chats: list[str]) -> None:
    store.conversations.delete(owner, chats[0])
    assert store.organising.pin(owner, chats[:1]) == 0
    assert store.organising.tag(owner, chats[:1], "work") == 0
    assert store.organising.tags(owner) == []


def test_what_is_not_ones_own_is_passed_over(store: Store, owner: int, chats: list[str]) -> None:
    folder, stranger = store.folders.add(owner, "mine"), new_id()
    for deed in (store.organising.pin, store.organising.archive, store.organising.delete, store.organising.restore):
        assert deed(stranger, chats) == 0
    assert store.organising.tag(stranger, chats, "work") == 0
    assert store.organising.move(stranger, chats, None) == 0
    with pytest.raises(NotFound):
        store.organising.move(stranger, chats, folder.public_id)
    assert listed(store, pinned=False, archived=False, folder="") == ["c4", "c3", "c2", "c1", "c0"]


def test_filtered_lists_are_paged(store: Store, owner: int, chats: list[str]) -> None:
    store.organising.tag(owner, chats, "work")
    first = store.conversations.list(owner, only=Only(tag="work"), limit=2)
    rest = store.conversations.list(owner, only=Only(tag="work"), before=first[-1].public_id)
    assert [chat.title for chat in (*first, *rest)] == ["c4", "c3", "c2", "c1", "c0"]
