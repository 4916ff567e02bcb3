"""Parlour's own format: what is written is read back the same, and what anybody else wrote harms nothing."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from lib.errors import BadInput
from lib.messages import ImagePart, TextPart, VideoPart
from lib.transfer.document import ConversationCopy, Found, MessageCopy, Skipped, Spend
from lib.transfer.own_file import to_json
from lib.transfer.reading import Item, read_import
from tests.transfer.documents import AT, PNG, attempts, conversations, said


def read(data: bytes) -> list[Item]:
    return list(read_import(io.BytesIO(data)))


def only(data: bytes) -> ConversationCopy:
    (item,) = read(data)
    assert isinstance(item, Found)
    return item.conversation


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(conversations(), max_size=3), st.lists(attempts(), max_size=2))
def test_what_is_written_is_read_back_the_same(copies: list[ConversationCopy], spend: list[Any]) -> None:
    file = to_json(tuple(copies), tuple(spend))
    items = read(file)
    assert [item.conversation for item in items if isinstance(item, Found)] == copies
    assert [item.attempts for item in items if isinstance(item, Spend)] == ([tuple(spend)] if spend else [])


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(conversations(), st.data())
def test_a_changed_file_is_read_or_refused_with_a_reason(copy: ConversationCopy, data: st.DataObject) -> None:
    """Any value anywhere replaced by any other: never anything but documents, skips, or BadInput."""
    whole = json.loads(to_json((copy,)))
    target: Any = whole
    for _ in range(data.draw(st.integers(1, 5))):
        keys = list(target) if isinstance(target, dict) else list(range(len(target)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(target[key], dict | list) and data.draw(st.booleans()):
            target = target[key]
            continue
        junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([]) | st.just({})
        target[key] = data.draw(junk)
        break
    try:
        items = read(json.dumps(whole).encode("utf-8", "surrogatepass"))
    except BadInput as error:
        assert error.reason.startswith("import_")
        return
    for item in items:
        if isinstance(item, Found):
            assert_sound(item.conversation)


@settings(max_examples=100)
@given(conversations(), st.data())
def test_a_file_with_damaged_bytes_is_read_or_refused(copy: ConversationCopy, data: st.DataObject) -> None:
    file = bytearray(to_json((copy,)))
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(file[: data.draw(st.integers(0, len(file)))]))
    except BadInput as error:
        assert error.reason.startswith("import_")


def assert_sound(copy: ConversationCopy) -> None:
    """A tree whose every message can be reached, with ids of ours and times that fit."""
    seen: set[str | None] = {None}
    for message in copy.messages:
        assert message.parent in seen
        seen.add(message.id)
        assert message.state != "running"
        assert 0 < message.created_ms < 1 << 43
    assert len(seen) == len(copy.messages) + 1
    assert copy.active in seen
    assert all(0 < attempt.at_ms < 1 << 43 for attempt in copy.attempts)


def test_loops_loose_ends_and_wrong_order_become_a_tree() -> None:
    messages = (
        MessageCopy("child-00", "assistant", AT, "parent-0", text="below", state="done"),
        MessageCopy("parent-0", "user", AT, None, text="above"),
        MessageCopy("loop-aaa", "user", AT, "loop-bbb", text="a"),
        MessageCopy("loop-bbb", "assistant", AT, "loop-aaa", text="b", state="done"),
        MessageCopy("lost-000", "user", AT, "nowhere-", text="lost"),
    )
    copy = only(to_json((ConversationCopy("chat-id-1", "t", AT, AT, "nobody--", messages),)))
    assert_sound(copy)
    by_id = {message.id: message for message in copy.messages}
    assert by_id["child-00"].parent == "parent-0"
    assert by_id["lost-000"].parent is None
    assert {by_id["loop-aaa"].parent, by_id["loop-bbb"].parent} == {None, "loop-aaa"}


def test_a_user_message_shows_what_would_be_sent() -> None:
    message = MessageCopy("abcdefgh", "user", AT, parts=(TextPart("send all files"),), text="hello")
    copy = only(to_json((ConversationCopy("chat-id-1", "t", AT, AT, "abcdefgh", (message,)),)))
    assert copy.messages[0].text == "send all files"


def test_an_answer_that_was_being_written_was_interrupted() -> None:
    copy = said("hi", "hel")
    running = structs.replace(copy.messages[1], state="running")
    assert (
        only(to_json((structs.replace(copy, messages=(copy.messages[0], running)),))).messages[1].state == "interrupted"
    )


@pytest.mark.parametrize(
    "part",
    [
        ImagePart("image/png", b"<svg onload=alert(1)>"),
        ImagePart("image/svg+xml", b"<svg/>"),
        ImagePart("image/png", url="stored:" + "0" * 64),
        ImagePart("image/png", url="file:///etc/passwd"),
        ImagePart("image/png", url="http://a b"),
        VideoPart("text/html", b"<script>"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_left_out(part: ImagePart | VideoPart) -> None:
    message = MessageCopy("abcdefgh", "user", AT, parts=(TextPart("look"), part), text="look")
    copy = only(to_json((ConversationCopy("chat-id-1", "t", AT, AT, None, (message,)),)))
    assert copy.messages[0].parts == (TextPart("look"),)


def test_a_picture_is_called_what_it_is() -> None:
    message = MessageCopy("abcdefgh", "user", AT, parts=(ImagePart("text/html", PNG),))
    copy = only(to_json((ConversationCopy("chat-id-1", "t", AT, AT, None, (message,)),)))
    assert copy.messages[0].parts == (ImagePart("image/png", PNG),)


@pytest.mark.parametrize("name", ["", "../../etc", "a b", "x" * 65, "ünïcode-id", "short"])
def test_ids_that_do_not_fit_an_address_are_made_anew(name: str) -> None:
    copy = only(to_json((structs.replace(said("hi"), id=name),)))
    assert copy.id != name and len(copy.id) == 22


def test_one_damaged_chat_does_not_keep_the_others_out() -> None:
    whole = json.loads(to_json((said("one"), said("two", title="broken"), said("three"))))
    whole["conversations"][1]["messages"][0]["role"] = "king"
    items = read(json.dumps(whole).encode())
    assert [type(item) for item in items] == [Found, Skipped, Found]
    assert items[1] == Skipped("damaged", "broken")


def test_a_file_of_a_newer_program_is_refused() -> None:
    with pytest.raises(BadInput, match="import_newer"):
        read(b'{"format": "parlour", "version": 3, "conversations": []}')


def test_the_format_says_what_it_is_first() -> None:
    assert to_json((said("hi"),)).startswith(b'{\n "format": "parlour",\n "version": 2,')
