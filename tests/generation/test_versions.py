"""Editing and sending, continuing what was cut, sending a queued message first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import structs

from lib.cards import ModelCard
from lib.errors import AnswerRunning, BadInput, GatewayError, NotFound
from lib.events import AttemptBegan, Failed, Started, TextDelta
from lib.generation.asking import CONTINUE
from lib.ledger import ModelRef
from lib.messages import ImagePart, Params, TextPart
from lib.store.rows import StoredMessage
from tests.generation.scripted import SETTINGS, WHOLE, Hold, House, ScriptedDoor, eventually

Open = Callable[..., House]
CUT = GatewayError("truncated", "the stream ended", where="stream")
HALF = (AttemptBegan(1), Started("r", "m"), TextDelta("Half an ans "), Failed(CUT))
ANTHROPIC = structs.replace(SETTINGS, dialect="anthropic")


def branch(house: House, chat: str) -> tuple[StoredMessage, ...]:
    return house.store.conversations.transcript(house.owner, chat).messages


def cut(house: House, door: ScriptedDoor) -> tuple[str, str]:
    """A conversation with an answer that was cut: its id and the answer's."""
    door.scripts = [HALF]
    row = house.ask("question")
    assert row.state == "cut"
    return row.conversation, row.message


def test_a_cut_answer_is_continued_beside_itself_and_shown_whole(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    chat, old = cut(house, door)
    hold = Hold()
    door.scripts = [(hold, *WHOLE)]
    sent = house.desk.continue_answer(chat, old, SETTINGS)
    assert sent.message and hold.reached.wait(5)
    live = house.live(sent.message)
    assert live and live.news(0, 0).text == "Half an ans "
    hold.let_go.set()
    row = house.end_of(sent.message)
    assert (row.state, row.text) == ("done", "Half an ans Hello world")
    shown = branch(house, chat)[-1]
    assert (shown.continues, shown.kept_chars, shown.siblings) == (old, 12, (old, sent.message))
    assert house.store.messages.get(house.owner, old).text == "Half an ans "


def test_a_model_that_does_not_go_on_by_itself_is_asked_to(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    chat, old = cut(house, door)
    house.end_of(house.desk.continue_answer(chat, old, SETTINGS).message or "")
    asked = [(message.role, message.text) for message in door.asked[-1].messages]
    assert asked == [("user", "question"), ("assistant", "Half an ans "), ("user", CONTINUE)]


@pytest.mark.parametrize(
    ("prefill", "effort", "goes_on"),
    [(True, None, True), (True, "high", False), (False, None, False), (None, None, False)],
)
def test_a_prefill_is_sent_where_the_model_takes_it(
    open_house: Open, prefill: bool | None, effort: str | None, goes_on: bool
) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    chat, old = cut(house, door)
    house.doors.model = lambda gateway_id, model: ModelCard(model, model, model, prefill=prefill)  # type: ignore[method-assign]
    settings = structs.replace(ANTHROPIC, params=Params(reasoning_effort=effort))
    house.doors.ref = lambda settings: ModelRef(7, "m", "m", "m", dialect="anthropic")  # type: ignore[method-assign]
    row = house.end_of(house.desk.continue_answer(chat, old, settings).message or "")
    assert (door.asked[-1].messages[-1].role == "assistant") is goes_on
    assert row.text == ("Half an ansHello world" if goes_on else "Half an ans Hello world")


def test_a_continuation_costs_what_it_used_itself(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    chat, old = cut(house, door)
    before = house.store.messages.get(house.owner, old).cost
    sent = house.desk.continue_answer(chat, old, SETTINGS)
    house.end_of(sent.message or "")
    assert [row.message for row in house.ledger()] == [old, sent.message]
    cost = house.store.messages.get(house.owner, sent.message or "").cost
    assert cost and cost.nano == 100 * 2_000 + 20 * 10_000 and cost.n_attempts == 1
    assert house.store.messages.get(house.owner, old).cost == before


def test_a_continuation_that_brings_nothing_still_shows_what_was_kept(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    chat, old = cut(house, door)
    door.scripts = [(AttemptBegan(1), Failed(GatewayError("overloaded", "busy", status=503)))]
    row = house.end_of(house.desk.continue_answer(chat, old, SETTINGS).message or "")
    assert (row.state, row.text) == ("failed", "Half an ans ")


def test_an_empty_or_running_answer_is_not_continued(open_house: Open) -> None:
    door, hold = ScriptedDoor(*WHOLE), Hold()
    house = open_house(door)
    door.scripts = [(AttemptBegan(1), Failed(GatewayError("auth", "no", status=401)))]
    failed = house.ask()
    with pytest.raises(BadInput):
        house.desk.continue_answer(failed.conversation, failed.message, SETTINGS)
    door.scripts = [(hold, *WHOLE)]
    sent = house.send("again", failed.conversation)
    with pytest.raises(AnswerRunning):
        house.desk.continue_answer(failed.conversation, sent.message or "", SETTINGS)
    hold.let_go.set()


def test_an_edited_answer_can_be_continued(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    row = house.ask()
    edited = house.store.messages.edit(house.owner, row.conversation, row.message, "In verse: ")
    ended = house.end_of(house.desk.continue_answer(row.conversation, edited, SETTINGS).message or "")
    assert ended.text == "In verse: Hello world"


def test_save_and_send_asks_with_other_words_beside_the_old(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    first = house.ask("one")
    house.end_of(house.send("two", first.conversation).message or "")
    asked = branch(house, first.conversation)[2]
    sent = house.desk.edit_and_send(first.conversation, asked.public_id, "two, better", SETTINGS)
    house.end_of(sent.message or "")
    assert house.asked(first.conversation) == ["one", "two, better"]
    assert [message.text for message in door.asked[-1].messages] == ["one", "Hello world", "two, better"]
    root = branch(house, first.conversation)[0]
    house.end_of(house.desk.edit_and_send(first.conversation, root.public_id, "zero", SETTINGS).message or "")
    assert house.asked(first.conversation) == ["zero"]


def test_save_and_send_keeps_the_attachments(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = open_house(door)
    picture = ImagePart("image/png", b"\x89PNG", size=4)
    sent = house.desk.send(None, (picture, TextPart("what?")), SETTINGS)
    house.end_of(sent.message or "")
    asked = branch(house, sent.conversation)[0]
    again = house.desk.edit_and_send(sent.conversation, asked.public_id, "who?", SETTINGS)
    house.end_of(again.message or "")
    assert door.asked[-1].messages[0].parts == (picture, TextPart("who?"))


def test_only_messages_of_this_conversation_are_edited(open_house: Open) -> None:
    house = open_house(ScriptedDoor(*WHOLE))
    one, two = house.ask("one"), house.ask("two")
    theirs = branch(house, two.conversation)[0].public_id
    for message, error in ((theirs, NotFound), (one.message, BadInput), ("nothing", NotFound)):
        with pytest.raises(error):
            house.desk.edit_and_send(one.conversation, message, "x", SETTINGS)


def test_send_now_puts_a_waiting_message_first(open_house: Open) -> None:
    door, hold = ScriptedDoor(*WHOLE), Hold()
    house = open_house(door)
    door.scripts = [(hold, *WHOLE)]
    sent = house.send("one")
    for text in ("two", "three"):
        house.send(text, sent.conversation)
    last = house.store.queue.list(house.owner, sent.conversation)[-1]
    house.store.queue.update(house.owner, last.public_id, "three, better")
    house.desk.send_now(sent.conversation, last.public_id)
    hold.let_go.set()
    eventually(lambda: len(branch(house, sent.conversation)) == 6 and house.desk.running_in(sent.conversation) is None)
    assert house.asked(sent.conversation) == ["one", "three, better", "two"]


def test_a_sent_or_queued_message_clears_its_draft_and_no_other(open_house: Open) -> None:
    door, hold = ScriptedDoor(*WHOLE), Hold()
    house = open_house(door)
    drafts = house.store.drafts
    drafts.set(house.owner, "", "hi")
    door.scripts = [(hold, *WHOLE)]
    sent = house.send("hi")
    assert drafts.get(house.owner, "") == ""
    drafts.set(house.owner, "", "another chat")
    drafts.set(house.owner, sent.conversation, "next")
    house.send("next", sent.conversation)
    assert (drafts.get(house.owner, sent.conversation), drafts.get(house.owner, "")) == ("", "another chat")
    drafts.set(house.owner, sent.conversation, "kept")
    hold.let_go.set()
    eventually(lambda: len(branch(house, sent.conversation)) == 4 and house.desk.running_in(sent.conversation) is None)
    first = branch(house, sent.conversation)[0]
    house.end_of(house.desk.edit_and_send(sent.conversation, first.public_id, "other", SETTINGS).message or "")
    assert drafts.get(house.owner, sent.conversation) == "kept"
