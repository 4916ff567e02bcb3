"""A key cannot be printed by accident, and what looks like one is masked."""

from __future__ import annotations

import base64
import copy
import html
import json
import logging
import pickle
import time
import traceback
from collections.abc import Callable
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import SettingsError
from lib.secret import Secret, key_from, mentions, redact
from tests.canary.searching import Searcher

CANARY = "sk-CANARY-0a1b2c3d4e5f"
KEY = Secret(CANARY)
visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=80)


def test_no_way_of_printing_shows_the_key(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("parlour.test").warning("%s %r %s", KEY, KEY, {"key": KEY})
    shown = f"{KEY} {KEY!r} {KEY!s} {KEY:>40} {[KEY]} %s" % KEY + caplog.text + ascii(KEY) + format(KEY)
    assert "CANARY" not in shown
    assert "…4e5f" in shown


def test_a_traceback_with_local_variables_does_not_show_the_key() -> None:
    key = KEY
    try:
        raise ValueError(key)
    except ValueError as error:
        found = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "CANARY" not in found.replace('CANARY = "', "")


def test_a_key_is_neither_pickled_nor_copied_nor_encoded() -> None:
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode, msgspec.to_builtins):
        with pytest.raises(TypeError):
            attempt(KEY)
    assert not hasattr(KEY, "__dict__")


def test_the_hint_of_a_short_key_gives_nothing_away() -> None:
    assert (KEY.hint, Secret("sk-1234567").hint, Secret("").hint) == ("4e5f", "", "")
    assert repr(Secret("sk-1234567")) == "Secret('…')"


def test_equal_keys_are_equal() -> None:
    assert Secret(CANARY) == KEY
    assert hash(Secret(CANARY)) == hash(KEY)
    assert Secret("another-key") != KEY
    assert KEY != CANARY
    assert KEY
    assert not Secret("")


@settings(max_examples=60)
@given(
    value=visible, before=st.sampled_from(["", " ", "\n\t", "Bearer ", "bearer  "]), after=st.sampled_from(["", "\r\n"])
)
def test_what_surrounds_a_pasted_key_is_taken_off(value: str, before: str, after: str) -> None:
    if not value.lower().startswith("bearer"):
        assert key_from(before + value + after).reveal() == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("Bearer ", "too_short"),
        ("sk-123", "too_short"),
        ("sk-CANARY\n-second-line", "bad_characters"),
        ("sk-CANARY\0-0a1b2c3d", "bad_characters"),
        ("sk-CANARY-ключ-12345", "bad_characters"),
        ("sk-CANARY 0a1b 2c3d", "bad_characters"),
        ("sk-CANARY-" + "x" * 600, "bad_characters"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_without_repeating_it(text: str, why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        key_from(text)
    assert (caught.value.field, caught.value.message) == ("key", why)
    assert "CANARY" not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))


@settings(max_examples=80)
@given(value=visible, before=st.text(max_size=30), after=st.text(max_size=30))
def test_a_known_key_is_masked_wherever_it_stands(value: str, before: str, after: str) -> None:
    for form in (value, quote(value, safe=""), quote(value)):
        found = redact(before + form + after, (Secret(value),))
        assert value not in found or value in before + after + "…" + value[-4:]


@pytest.mark.parametrize("size", range(6, len(CANARY)))
def test_a_key_cut_off_at_the_end_is_masked(size: int) -> None:
    odd = Secret(CANARY.replace("sk-", "vk_"))
    for dots in ("", "…"):
        assert "CAN" not in redact(f"wrong key {odd.reveal()[:size]}{dots}", (odd,))


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefgh12345678",
        "key sk-abcdefgh12345678 is wrong",
        "pk-live-abcdefgh and rk-abcdefgh",
        "token eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl",
        '{"x-api-key":"sk-ant-api03-abcdefgh_12"}',
    ],
)
def test_what_looks_like_any_key_is_masked(text: str) -> None:
    found = redact(text)
    assert "[key]" in found
    assert "abcdefgh" not in found
    assert "eyJ" not in found


@pytest.mark.parametrize(
    "text",
    [
        "You didn't provide an API key. Use Bearer auth.",
        "Incorrect API key provided: sk-a***xyz.",
        "request id: 2026112012000098765 (req_0123456789abcdef0123456789abcdef)",
        "Unsupported parameter: 'max_tokens'",
        "",
    ],
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert redact(text, (KEY,)) == text


FORMS: dict[str, Callable[[str], str]] = {
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64, moved by one": lambda key: base64.b64encode(b"k" + key.encode()).decode(),
    "base64, moved by two": lambda key: base64.b64encode(b"k=" + key.encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "hex": lambda key: key.encode().hex(),
    "HEX with colons": lambda key: key.encode().hex(":").upper(),
    "JSON": lambda key: json.dumps(key),
    "JSON escapes": lambda key: "".join(f"\\u{ord(sign):04x}" for sign in key),
    "HTML": html.escape,
    "HTML entities": lambda key: "".join(f"&#{ord(sign)};" for sign in key),
    "every byte in percent": lambda key: "".join(f"%{ord(sign):02X}" for sign in key),
    "reversed": lambda key: key[::-1],
    "its first half": lambda key: key[: len(key) // 2] + "…",
    "its middle": lambda key: "…" + key[4:-4] + "…",
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=15)
@given(value=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=24, max_size=60))
def test_a_key_is_masked_in_every_form_that_programs_give_it(form: str, value: str) -> None:
    if len(set(value)) < 12:
        return  # a key of few signs is in its own mask
    written = FORMS[form](value)
    found = redact(f"The key ({written}) is wrong", (Secret(value),))
    assert mentions(written, Secret(value))
    assert Searcher(value).search("", found) == []
    assert found.startswith("The key (")


def test_one_form_does_not_leave_the_rest_of_another() -> None:
    value = "00000000000>00000123456789:"
    written = base64.urlsafe_b64encode(value.encode()).decode()
    assert Searcher(value).search("", redact(f"The key ({written}) is wrong", (Secret(value),))) == []
    assert Searcher(value).search("", redact(f"The key ({written[:34]}", (Secret(value),))) == []


def test_a_row_of_backslashes_takes_no_longer_than_other_text() -> None:
    began = time.process_time()
    assert not mentions("\\" * 40_000, KEY)
    assert time.process_time() - began < 3.0


def test_a_text_without_the_key_does_not_mention_it() -> None:
    for text in ("", "req_0123456789abcdef0123456789abcdef", "gpt-5.4", "sk-", "a" * 600, "00" * 300):
        assert not mentions(text, KEY)
        assert redact(text, (KEY,)) == text
