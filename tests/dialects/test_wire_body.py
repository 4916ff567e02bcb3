"""A body with media is the same JSON as without laziness, its length is known, and it can be sent again."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.cards import WireForm
from lib.dialects import DIALECTS
from lib.dialects.wire_body import PIECE, Base64, written
from lib.messages import Ask, ImagePart, Message, TextPart, VideoPart

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
media = st.builds(Base64, st.binary(max_size=200), words)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words | media,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


def plain(value: Any) -> Any:
    """The same value with its media as the strings that they stand for."""
    if isinstance(value, Base64):
        return value.prefix + base64.b64encode(value.data).decode()
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


@given(st.dictionaries(words, values, max_size=5))
@settings(max_examples=150, deadline=None)
def test_what_is_sent_is_the_json_of_the_whole_strings(sent: dict[str, Any]) -> None:
    body = written(sent)
    whole = b"".join(body)
    assert json.loads(whole) == plain(sent)
    assert len(whole) == body.length


@pytest.mark.parametrize("size", [0, 1, 2, 3, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 2])
def test_pieces_join_without_padding_between_them(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    pieces = list(written({"media": Base64(data, "data:video/mp4;base64,")}))
    assert base64.b64decode(json.loads(b"".join(pieces))["media"].partition(",")[2]) == data
    assert max(map(len, pieces)) <= PIECE * 4 // 3


def test_a_body_can_be_sent_again() -> None:
    body = written({"a": Base64(b"one"), "b": [Base64(b"two"), "three"]})
    assert b"".join(body) == b"".join(body) == b'{"a":"b25l","b":["dHdv","three"]}'


def test_a_body_without_media_is_one_piece() -> None:
    body = written({"a": "é"})
    assert body.whole == b'{"a":"\xc3\xa9"}'
    assert list(body) == [body.whole]
    assert written({"a": Base64(b"")}).whole is None


def test_text_that_looks_like_a_mark_stays_text() -> None:
    seen: list[Any] = json.loads(b"".join(written({"a": ["media:" + "0" * 32, Base64(b"x"), "media:"]})))["a"]
    assert seen == ["media:" + "0" * 32, "eA==", "media:"]


@given(st.binary(max_size=30), st.binary(max_size=30), words)
def test_lazy_text_equals_what_it_stands_for(one: bytes, other: bytes, prefix: str) -> None:
    lazy, text = Base64(one, prefix), prefix + base64.b64encode(one).decode()
    assert lazy == text
    assert text == lazy
    assert str(lazy) == text
    assert len(lazy) == len(text)
    assert hash(lazy) == hash(text)
    assert (lazy == Base64(other, prefix)) == (one == other)
    assert lazy != 7


def test_text_that_no_bytes_stand_for_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        written({"a": "\ud800"})
    with pytest.raises(TypeError, match="object cannot be sent"):
        written({"a": object()})


@pytest.mark.parametrize("name", DIALECTS)
def test_media_of_an_ask_are_not_copied_into_its_body(name: str) -> None:
    data = b"\x89PNG\r\n\x1a\n" + bytes(100)
    parts = (ImagePart("image/png", data), TextPart("what?"))
    sent = DIALECTS[name].body(Ask("m", (Message("user", parts),)), WireForm())  # type: ignore[index]
    block = sent["messages"][0]["content"][0]
    lazy = block["image_url"]["url"] if name == "openai" else block["source"]["data"]
    assert isinstance(lazy, Base64)
    assert lazy.data is data


def test_a_video_of_an_ask_is_not_copied_either() -> None:
    data = b"clip"
    ask = Ask("m", (Message("user", (VideoPart("video/mp4", data),)),))
    for form in ("image_url", "video_url", "video_url_string", "file"):
        sent = DIALECTS["openai"].body(ask, WireForm(video=form))  # type: ignore[arg-type]
        assert b"data:video/mp4;base64,Y2xpcA==" in b"".join(written(sent))
