"""Exports of other programs: their trees, their odd corners, and files that only look like them."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import BadInput
from lib.transfer.document import ConversationCopy, Found, Skipped
from lib.transfer.reading import Item, read_import
from tests.transfer.test_own_format import assert_sound

FIXTURES = Path(__file__).parent / "fixtures"
ALL = sorted(FIXTURES.glob("*.json"))


def items_of(name: str) -> list[Item]:
    return read((FIXTURES / f"{name}.json").read_bytes())


def read(data: bytes) -> list[Item]:
    return list(read_import(io.BytesIO(data)))


def chats(name: str) -> list[ConversationCopy]:
    return [item.conversation for item in items_of(name) if isinstance(item, Found)]


def outline(chat: ConversationCopy) -> list[tuple[int | None, str, str]]:
    """(place of the parent, role, text) of every message."""
    places = {message.id: at for at, message in enumerate(chat.messages)}
    return [(places.get(message.parent or ""), message.role, message.text) for message in chat.messages]


def shown(chat: ConversationCopy) -> list[str]:
    return [message.text for message in chat.branch]


def test_chatgpt_keeps_both_answers_and_joins_the_one_around_a_tool() -> None:
    bread = chats("chatgpt")[0]
    assert outline(bread) == [
        (None, "user", "How much water for 500 g of rye?"),
        (0, "assistant", "I will look that up.\n\nAbout **400 g**: rye binds more water."),
        (1, "user", "Thanks!"),
        (0, "assistant", "80 % of the flour's weight, so 400 g."),
    ]
    assert shown(bread)[-1] == "80 % of the flour's weight, so 400 g."
    thoughtful = bread.messages[3]
    assert (thoughtful.reasoning, thoughtful.model and thoughtful.model.model) == ("Rye needs 80 %.", "o3")
    assert (bread.title, bread.created_ms) == ("Bread with rye", 1_731_000_000_123)


def test_chatgpt_pictures_leave_a_note_and_empty_chats_are_skipped() -> None:
    _, picture, empty = items_of("chatgpt")
    assert isinstance(picture, Found) and picture.left_out == 1
    assert picture.conversation.messages[0].text.startswith("[Picture, not in this import]")
    assert empty == Skipped("empty", "New chat")


def test_claude_has_branches_thoughts_and_attached_text() -> None:
    tea, older = chats("claude")
    assert outline(tea) == [
        (None, "user", "Summarise this.\n\ntea.txt:\n\nGreen tea: 80 °C."),
        (0, "assistant", "Brew at 80 °C."),
        (1, "user", "And black tea?"),
        (2, "assistant", "Boiling."),
        (0, "assistant", "Use water of 80 °C."),
    ]
    assert tea.messages[1].reasoning == "One fact only."
    assert shown(tea)[-1] == "Boiling."
    assert outline(older)[1][0] == 0
    assert older.title == "An older export without parents"


def test_open_webui_thoughts_come_apart_from_the_answer() -> None:
    (primes,) = chats("open_webui")
    first, second = primes.messages[1:]
    assert first.text == "No: 7 × 13."
    assert first.reasoning == "7 * 13 = 91\nso 91 > 7 is composite"
    assert (second.state, primes.active) == ("cut", second.id)


@pytest.mark.parametrize("name", ["librechat", "librechat_nested"])
def test_librechat_is_read_flat_and_nested(name: str) -> None:
    (capitals,) = chats(name)
    assert outline(capitals) == [
        (None, "user", "Capital of Peru?"),
        (0, "assistant", "Lima."),
        (0, "assistant", "It is Lima."),
        (2, "user", "And Chile?"),
        (3, "assistant", "Sant"),
    ]
    assert capitals.messages[2].reasoning == "Peru: Lima."
    assert capitals.messages[4].state == "cut"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_the_name_of_a_file_does_not_matter_and_a_zip_is_opened(path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/conversations.json", path.read_bytes())
        archive.writestr("export/user.json", '{"name": "me"}')
        archive.writestr("export/file-Ab12.png", b"not looked at")
    plain, zipped = read(path.read_bytes()), read(packed.getvalue())
    assert [type(item) for item in zipped] == [type(item) for item in plain]


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
@settings(max_examples=60)
@given(data=st.data())
def test_any_value_may_be_anything(path: Path, data: st.DataObject) -> None:
    whole = json.loads(path.read_bytes())
    target: Any = copy.deepcopy(whole)
    whole = target
    while True:
        keys = list(target) if isinstance(target, dict) else list(range(len(target)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(target[key], dict | list) and data.draw(st.integers(0, 3)):
            target = target[key]
            continue
        target[key] = data.draw(
            st.sampled_from([None, True, -1, 1e300, 10**30, "", "\ud800", "x" * 3, [], {}, [[]], {"a": None}, [1, "a"]])
        )
        break
    try:
        items = read(json.dumps(whole).encode())
    except BadInput as error:
        assert error.reason.startswith("import_")
        return
    for item in items:
        if isinstance(item, Found):
            assert_sound(item.conversation)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "import_unknown"),
        (b"Dear diary", "import_unknown"),
        (b"\x89PNG\r\n", "import_unknown"),
        (b"[1, 2", "import_not_json"),
        (b'{"format": "parlour"', "import_not_json"),
        (b'{"format": "parlour", "version": "one"}', "import_not_json"),
        (b"[" * 100_000, "import_too_deep"),
        (b"PK\x03\x04 and nothing", "import_damaged"),
    ],
)
def test_a_file_that_is_nothing_of_this_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(BadInput) as refusal:
        read(data)
    assert refusal.value.reason == reason


def test_foreign_json_is_skipped_entry_by_entry() -> None:
    assert read(b'[{"title": "a shopping list"}, 7]') == [
        Skipped("unknown_shape", "a shopping list"),
        Skipped("unknown_shape", ""),
    ]


def test_a_chat_of_many_turns_is_no_matter() -> None:
    """A chain that would break any recursion."""
    turns = [{"uuid": f"m{at}", "sender": ("human", "assistant")[at % 2], "text": f"turn {at}"} for at in range(20_000)]
    (item,) = read(json.dumps([{"uuid": "long", "name": "long", "chat_messages": turns}]).encode())
    assert isinstance(item, Found)
    assert len(item.conversation.branch) == 20_000
