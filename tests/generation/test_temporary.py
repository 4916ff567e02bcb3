"""Temporary conversations: answered like others, kept nowhere, counted all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lib.errors import AnswerRunning, BadInput, NotFound
from lib.events import AttemptBegan
from lib.generation import temporary
from lib.store.rows import StoredMessage
from tests.generation.scripted import SETTINGS, WHOLE, Hold, House, ScriptedDoor, eventually, retried

Open = Callable[..., House]
SECRET = "tell-nobody-4711"


def ended(house: House, chat: str) -> tuple[StoredMessage, ...]:
    """The messages, once nothing runs any more."""
    eventually(lambda: all(message.state != "running" for message in house.desk.temporary.messages(chat)))
    eventually(lambda: house.desk.running_in(chat) is None)
    return house.desk.temporary.messages(chat)


def test_an_answer_is_shown_like_a_stored_one_and_only_its_numbers_are_kept(open_house: Open, tmp_path: Path) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    sent = house.desk.temporary.send(None, SECRET, SETTINGS)
    asked, told = ended(house, sent.conversation)
    assert (asked.role, asked.text, told.text, told.state, told.parent) == (
        "user",
        SECRET,
        "Hello world",
        "done",
        asked.public_id,
    )
    (row,) = house.ledger()
    assert (row.conversation, row.message, row.purpose, row.cost.nano) == (None, None, "chat", 400_000)
    assert told.cost and (told.cost.nano, told.cost.count) == (row.cost.nano, row.count)
    assert house.store.conversations.list(house.owner) == []
    house.close()
    found = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert not found


def test_the_next_message_carries_what_was_said(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    chat = house.desk.temporary.send(None, "one", SETTINGS).conversation
    ended(house, chat)
    house.desk.temporary.send(chat, "two", SETTINGS)
    assert [message.text for message in ended(house, chat)] == ["one", "Hello world", "two", "Hello world"]
    assert [message.text for message in door.asked[-1].messages] == ["one", "Hello world", "two"]


def test_it_is_followed_and_stopped_like_any_other(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(*WHOLE[:2], hold))
    sent = house.desk.temporary.send(None, "one", SETTINGS)
    assert hold.reached.wait(5) and sent.message
    live = house.desk.running_in(sent.conversation)
    assert live and live.texts()[0] == "Hello "
    with pytest.raises(AnswerRunning):
        house.desk.temporary.send(sent.conversation, "two", SETTINGS)
    house.desk.stop(sent.message)
    told = ended(house, sent.conversation)[-1]
    assert (told.state, told.text) == ("stopped", "Hello ")
    assert [row.outcome for row in eventually(house.ledger)] == ["stopped"]
    assert house.desk.text_of(sent.message) == "Hello "


def test_versions_live_beside_each_other(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    desk = house.desk.temporary
    sent = desk.send(None, "one", SETTINGS)
    asked, told = ended(house, sent.conversation)
    desk.again(sent.conversation, asked.public_id, SETTINGS)
    again = ended(house, sent.conversation)[-1]
    assert again.siblings == (told.public_id, again.public_id)
    desk.edit_and_send(sent.conversation, asked.public_id, "one, better", SETTINGS)
    assert [message.text for message in ended(house, sent.conversation)] == ["one, better", "Hello world"]
    desk.choose(sent.conversation, asked.public_id)
    assert desk.messages(sent.conversation)[-1].public_id == again.public_id
    with pytest.raises(BadInput):
        desk.edit_and_send(sent.conversation, asked.public_id, " ", SETTINGS)
    assert desk.messages(sent.conversation)[-1].public_id == again.public_id
    assert len(house.ledger()) == 3


def test_the_same_key_sends_once(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    chat = house.desk.temporary.send(None, "one", SETTINGS).conversation
    ended(house, chat)
    first = house.desk.temporary.send(chat, "two", SETTINGS, key="k")
    ended(house, chat)
    assert house.desk.temporary.send(chat, "two", SETTINGS, key="k") == first
    assert len(ended(house, chat)) == 4


def test_a_forgotten_one_is_gone_and_still_counted(open_house: Open) -> None:
    hold = Hold()
    house = open_house(ScriptedDoor(*WHOLE[:2], hold))
    sent = house.desk.temporary.send(None, "one", SETTINGS)
    assert hold.reached.wait(5)
    house.desk.temporary.forget(sent.conversation)
    with pytest.raises(NotFound):
        house.desk.temporary.messages(sent.conversation)
    eventually(house.ledger)
    assert not house.desk.temporary.knows(sent.conversation)


def test_every_attempt_is_counted(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*retried(), *WHOLE[1:]))
    chat = house.desk.temporary.send(None, "one", SETTINGS).conversation
    told = ended(house, chat)[-1]
    assert [row.outcome for row in house.ledger()] == ["refused", "ok"]
    assert told.cost and told.cost.n_attempts == 2
    assert house.store.ledger.verify(house.owner) == []


def test_the_longest_idle_is_forgotten_when_there_are_too_many(
    open_house: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "MOST_CHATS", 2)
    house = open_house(ScriptedDoor(AttemptBegan(1), *WHOLE))
    chats = []
    for number in range(3):
        chats.append(house.desk.temporary.send(None, str(number), SETTINGS).conversation)
        ended(house, chats[-1])
    assert [house.desk.temporary.knows(chat) for chat in chats] == [False, True, True]


def test_a_foreign_id_is_not_found(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    stored = house.ask("stored")
    with pytest.raises(NotFound):
        house.desk.temporary.send(stored.conversation, "x", SETTINGS)
    with pytest.raises(NotFound):
        house.desk.text_of("nothing")
