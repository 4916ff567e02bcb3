"""Pictures, video and documents in messages: bytes only while they are sent, counted, and never left out silently."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import structs

from lib.attachments import Attachment, Form
from lib.cards import Abilities, ModelCard
from lib.errors import BadInput, GatewayError, NotFound
from lib.events import AttemptBegan, Failed, Finished, Started, TextDelta, UsageReported
from lib.generation import Desk
from lib.generation.media import within_body, without_gone
from lib.ledger import ModelRef
from lib.messages import FilePart, ImagePart, Message, Part, TextPart, VideoPart
from lib.store.rows import Settings, StoredMessage
from lib.tokens import Usage
from tests.generation.scripted import SETTINGS, WHOLE, Hold, House, ScriptedDoor, eventually

Open = Callable[..., House]
PICTURE = ImagePart("image/png", b"\x89PNG picture", name="cat.png", width=1000, height=1000, size=12)
CLIP = VideoPart("video/mp4", b"clip", name="cat.mp4", seconds=10.0, size=4)
LETTER = FilePart("letter.txt", "x" * 400)
SEES = ModelCard("m", "m", "gpt", openai=Abilities(True, True, False), anthropic=Abilities(True, False, False))
BLIND = ModelCard("blind", "blind", "deepseek", openai=Abilities(True, False, False))
TO_BLIND = Settings(7, "blind")
MEDIA = 1_229
"""Tokens of the picture on a model of which no formula is known."""


def seeing(house: House) -> House:
    house.doors.cards = (SEES, BLIND)
    return house


def ask(house: House, *parts: Part, chat: str | None = None, settings: Settings = SETTINGS) -> StoredMessage:
    """Send and wait; the answer as it is shown."""
    sent = house.desk.send(chat, parts, settings)
    row = house.end_of(sent.message or "")
    return house.store.messages.get(house.owner, row.message)


def chat_of(house: House, answer: StoredMessage) -> str:
    return house.row(answer.public_id).conversation


def usage(input: int) -> tuple[object, ...]:
    return (Started("r", "m"), TextDelta("An answer."), UsageReported(Usage(input=input, output=3)), Finished("stop"))


def test_a_message_may_be_nothing_but_files(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*WHOLE)))
    answer = ask(house, PICTURE)
    assert answer.state == "done"
    assert house.store.conversations.get(house.owner, chat_of(house, answer)).title == "cat.png"


def test_the_bytes_are_with_the_request_and_not_with_the_message(open_house: Open) -> None:
    door = ScriptedDoor(*WHOLE)
    house = seeing(open_house(door))
    answer = ask(house, PICTURE, TextPart("what is it?"))
    assert door.asked[0].messages[0].parts == (PICTURE, TextPart("what is it?"))
    asked = house.store.conversations.transcript(house.owner, chat_of(house, answer)).messages[0]
    [kept] = [part for part in asked.parts if isinstance(part, ImagePart)]
    assert kept.data == b"" and kept.size == 12 and (kept.url or "").startswith("stored:")
    ask(house, TextPart("and now?"), chat=chat_of(house, answer))
    assert door.asked[1].messages[0].parts[0] == PICTURE


def test_what_was_attached_stops_waiting_with_the_message(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*WHOLE)))
    waiting = house.store.attachments.add(
        house.owner, "new", Attachment("cat.png", "image", "image/png", 12, (Form("original", (PICTURE,)),))
    )
    sent = house.desk.send(None, (*waiting.parts, TextPart("hi")), SETTINGS, attached=(waiting.public_id,))
    assert not house.store.attachments.list(house.owner, "new")
    house.end_of(sent.message or "")
    assert door_of(house).asked[0].messages[0].parts[0] == PICTURE


def test_what_is_queued_stops_waiting_too(open_house: Open) -> None:
    hold = Hold()
    house = seeing(open_house(ScriptedDoor(hold, *WHOLE)))
    first = house.send("first")
    waiting = house.store.attachments.add(
        house.owner,
        first.conversation,
        Attachment("cat.png", "image", "image/png", 12, (Form("original", (PICTURE,)),)),
    )
    queued = house.desk.send(first.conversation, waiting.parts, SETTINGS, attached=(waiting.public_id,))
    assert queued.message is None and not house.store.attachments.list(house.owner, first.conversation)
    hold.let_go.set()
    eventually(lambda: len(door_of(house).asked) == 2)
    assert door_of(house).asked[1].messages[-1].parts[0] == PICTURE
    eventually(lambda: not house.engine.running())


def door_of(house: House) -> ScriptedDoor:
    assert isinstance(house.doors.behind, ScriptedDoor)
    return house.doors.behind


def test_a_new_picture_for_a_model_that_takes_none_is_refused_before_anything_is_stored(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*WHOLE)))
    with pytest.raises(BadInput, match=r"cat\.png") as refused:
        house.desk.send(None, (PICTURE, TextPart("what?")), TO_BLIND)
    assert refused.value.reason == "image_not_taken"
    with pytest.raises(BadInput):
        house.desk.send(None, (CLIP,), SETTINGS)
    with pytest.raises(BadInput):
        house.desk.temporary.send(None, (PICTURE,), TO_BLIND)
    assert not house.store.conversations.list(house.owner) and not door_of(house).asked


def test_a_picture_question_is_not_asked_again_of_a_model_that_takes_none(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*WHOLE)))
    answer = ask(house, PICTURE, TextPart("what?"))
    with pytest.raises(BadInput, match=r"cat\.png"):
        house.desk.again(chat_of(house, answer), answer.parent or "", TO_BLIND)
    with pytest.raises(NotFound):
        house.desk.again(chat_of(house, answer), "nothing", TO_BLIND)
    with pytest.raises(BadInput, match=r"cat\.png"):
        house.desk.edit_and_send(chat_of(house, answer), answer.parent or "", "who?", TO_BLIND)


def test_pictures_of_the_history_are_left_out_and_the_answer_says_so(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*WHOLE)))
    first = ask(house, PICTURE, TextPart("what?"))
    assert first.left_out == 0
    second = ask(house, TextPart("tell me more"), chat=chat_of(house, first), settings=TO_BLIND)
    sent = door_of(house).asked[1].messages
    assert [part for message in sent for part in message.parts if isinstance(part, ImagePart)] == []
    assert "cat.png" in sent[0].text and second.left_out == 1
    third = ask(house, TextPart("and?"), chat=chat_of(house, first))
    assert third.left_out == 0 and door_of(house).asked[2].messages[0].parts[0] == PICTURE
    house.close()
    reopened = open_house()
    assert reopened.store.messages.get(reopened.owner, second.public_id).left_out == 1


def test_a_stopped_request_with_a_picture_is_estimated_with_the_picture(open_house: Open) -> None:
    hold = Hold()
    house = seeing(open_house(ScriptedDoor(hold)))
    sent = house.desk.send(None, (PICTURE, LETTER, TextPart("y" * 40)), SETTINGS)
    assert hold.reached.wait(5)
    house.desk.stop(sent.message or "")
    house.end_of(sent.message or "")
    [paid] = house.ledger()
    text = 40 + 400 + 2 * len("letter.txt")
    assert paid.usage_source == "estimated" and paid.count.input == MEDIA + text // 4
    assert paid.cost.nano == (paid.count.input or 0) * 2_000


def test_an_orphan_is_estimated_with_the_pictures_of_its_history(open_house: Open) -> None:
    hold, door = Hold(), ScriptedDoor(*WHOLE)
    house = seeing(open_house(door))
    first = ask(house, PICTURE, TextPart("y" * 40))
    door.script = (TextDelta("so far"), hold)
    house.desk.send(chat_of(house, first), (TextPart("z" * 40),), SETTINGS)
    live = eventually(lambda: house.engine.running())[0]
    eventually(lambda: house.row(live.message).text)
    assert Desk(house.store, house.engine, house.doors, house.owner).recover(0) == 1
    paid = house.ledger()[-1]
    text = 40 + len("Hello world") + 40
    assert paid.outcome == "unknown" and paid.count.input == MEDIA + -(-text // 4)
    hold.let_go.set()


@pytest.mark.parametrize(("reported", "ignored"), [(12, True), (300, True), (400, False), (MEDIA + 10, False)])
def test_a_picture_that_the_report_does_not_show_was_dropped(open_house: Open, reported: int, ignored: bool) -> None:
    house = seeing(open_house(ScriptedDoor(*usage(reported))))
    answer = ask(house, PICTURE, TextPart("what is it?"))
    assert answer.cost and answer.cost.media_ignored is ignored


def test_words_alone_are_never_suspected(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*usage(1))))
    answer = ask(house, TextPart("long " * 400))
    assert answer.cost and not answer.cost.media_ignored


def test_a_request_with_pictures_does_not_teach_how_text_is_counted(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*usage(2_000))))
    ask(house, PICTURE, TextPart("what is it?"))
    ask(house, TextPart("x" * 400))
    past = house.store.measures.past(house.owner, 7, "m")
    assert past.asked == ((2_000, 400),) and len(past.lengths) == 2


def test_the_branch_is_measured_with_documents_and_pictures(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*WHOLE)))
    answer = ask(house, PICTURE, LETTER, TextPart("what?"))
    asked, _ = house.store.measures.branch(house.owner, chat_of(house, answer))
    assert asked.chars == 5 + 400 + 2 * len("letter.txt") and asked.attached
    assert [(part.width, part.height, part.data) for part in asked.media] == [(1000, 1000, b"")]


def test_the_oldest_are_left_out_when_all_together_are_too_large() -> None:
    clip = VideoPart("video/mp4", url="stored:x", name="old.mp4", seconds=9.0, size=9_000_000)
    takes = ModelCard("g", "g", "gemini", openai=Abilities(True, True, True))
    branch = [Message("user", (structs.replace(clip, name=f"{at}.mp4"), TextPart("what?"))) for at in range(3)]
    kept, n = within_body(branch, takes, "openai", spare_last=True)
    assert n == 2 and kept[2] == branch[2] and "0.mp4" in kept[0].text and "1.mp4" in kept[1].text
    assert within_body(branch[:1], takes, "openai", spare_last=True) == (tuple(branch[:1]), 0)
    small = [Message("user", (PICTURE,)), branch[2]]
    assert within_body(small, takes, "openai", spare_last=True) == (tuple(small), 0)


def test_the_oldest_are_left_out_when_all_together_are_too_many_or_too_wide() -> None:
    takes = ModelCard("c", "c", "claude", openai=Abilities(True, True, False), context=200_000)
    pages = [Message("user", tuple(structs.replace(PICTURE, name=f"{at}.pdf") for _ in range(20))) for at in range(6)]
    kept, n = within_body(pages, takes, "openai", spare_last=True)
    assert n == 20 and "0.pdf" in kept[0].text and kept[1:] == tuple(pages[1:])
    wide = [Message("user", (structs.replace(PICTURE, width=2_400, name="wide.png"),)), pages[0]]
    kept, n = within_body(wide, takes, "openai", spare_last=True)
    assert n == 1 and "wide.png" in kept[0].text and kept[1] == pages[0]
    assert within_body(wide[:1] * 3, takes, "openai", spare_last=True)[1] == 0


def test_a_file_whose_bytes_are_gone_is_never_sent_as_a_reference() -> None:
    gone = structs.replace(PICTURE, data=b"", url="stored:" + "0" * 64)
    [kept], n = without_gone([Message("user", (gone, TextPart("what?")))])
    assert n == 1 and "gone" in kept.text and all(isinstance(part, TextPart) for part in kept.parts)
    elsewhere = Message("user", (ImagePart("image/png", url="https://example.org/cat.png"), PICTURE))
    assert without_gone([elsewhere]) == ((elsewhere,), 0)


def test_a_temporary_chat_leaves_out_what_is_not_taken(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*WHOLE)))
    sent = house.desk.temporary.send(None, (PICTURE, TextPart("what?")), SETTINGS)
    eventually(lambda: not house.engine.running())
    more = house.desk.temporary.send(sent.conversation, "more", TO_BLIND)
    eventually(lambda: not house.engine.running())
    shown = house.desk.temporary.messages(sent.conversation)[-1]
    assert (shown.public_id, shown.left_out) == (more.message, 1)
    assert door_of(house).asked[0].messages[0].parts[0] == PICTURE


def test_other_words_keep_the_pictures_in_a_temporary_chat_too(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*WHOLE)))
    desk = house.desk.temporary
    sent = desk.send(None, (PICTURE, TextPart("what?")), SETTINGS)
    eventually(lambda: not house.engine.running())
    asked = desk.messages(sent.conversation)[0]
    desk.edit_and_send(sent.conversation, asked.public_id, "which colour?", SETTINGS)
    eventually(lambda: not house.engine.running())
    assert desk.messages(sent.conversation)[0].parts == (PICTURE, TextPart("which colour?"))
    assert door_of(house).asked[1].messages[0].parts[0] == PICTURE


def test_a_title_is_asked_for_with_the_names_of_files(open_house: Open) -> None:
    house = seeing(open_house(ScriptedDoor(*WHOLE)))
    house.store.preferences.set(house.owner, "model_titles", True)
    priced = structs.replace(SEES, prices=structs.replace(SEES.prices, input=1, output=1), price_source="gateway")
    house.doors.cards = (priced,)
    house.doors.ref = lambda settings: ModelRef(7, "m", "m", "gpt")  # type: ignore[method-assign]
    ask(house, PICTURE)
    eventually(lambda: len(door_of(house).asked) == 2)
    assert "cat.png" in door_of(house).asked[1].messages[0].text


def test_the_failure_of_a_gateway_that_takes_no_picture_is_its_own(open_house: Open) -> None:
    refused = GatewayError("bad_request", "no images", status=400)
    house = seeing(open_house(ScriptedDoor(AttemptBegan(1), Failed(refused))))
    answer = ask(house, PICTURE)
    assert (answer.state, answer.error_kind) == ("failed", "bad_request")
    assert [row.cost.nano for row in house.ledger()] == [0]
