"""Passwords and names: what is kept, what fits, what may be used."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import BadInput
from lib.login.login import accepted
from lib.passwords import USUAL, Work, checked_name, fits, folded, hashed

QUICK = Work(4, 1, 1)


def test_what_is_kept_is_scrypt_with_a_salt_of_its_own_and_the_work_of_32_megabytes() -> None:
    one, other = hashed("walnut kettle"), hashed("walnut kettle")
    assert re.fullmatch(r"\$scrypt\$ln=15,r=8,p=3\$[\w+/-]{22}\$[\w+/-]{43}", one)
    assert one != other
    assert 128 * (1 << USUAL.ln) * USUAL.r == 32 << 20
    assert fits("walnut kettle", one)
    assert not fits("walnut kettlf", one)


@settings(max_examples=60)
@given(st.text(max_size=40), st.text(max_size=40))
def test_only_the_same_password_fits(password: str, other: str) -> None:
    kept = hashed(password, QUICK)
    assert fits(password, kept)
    if folded(password) != folded(other):
        assert not fits(other, kept)


def test_a_password_fits_however_its_letters_were_composed() -> None:
    assert fits("u\u0308berraschung", hashed("\u00fcberraschung", QUICK))


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "walnut kettle",
        "$scrypt$ln=31,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43,
        "$scrypt$ln=0,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43,
        "$scrypt$ln=4,r=99,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43,
        "$argon2id$v=19$m=65536,t=3,p=4$AAAA$AAAA",
        "$scrypt$ln=4,r=1,p=1$A-_-_-_-_-$" + "A" * 43,
    ],
)
def test_nothing_fits_what_is_no_hash_of_ours(kept: str) -> None:
    assert not fits("walnut kettle", kept, QUICK)


def test_an_unknown_name_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from lib import passwords

    done: list[Work] = []
    monkeypatch.setattr(passwords, "_scrypt", lambda password, salt, work: done.append(work) or b"")
    assert not fits("walnut kettle", None)
    assert not fits("walnut kettle", f"$scrypt$ln=15,r=8,p=3$AAAAAAAAAAAAAAAAAAAAAA${'A' * 43}")
    assert done == [USUAL, USUAL]


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "password_short"),
        ("123456789", "password_short"),
        ("1234567890", "password_simple"),
        ("password123", "password_simple"),
        ("aaaaaaaaaaaaaaaa", "password_simple"),
        ("абабабабабаб", "password_simple"),
        ("Anna Schmidt!", "password_name"),
        ("x7" * 251, "password_simple"),
        ("".join(map(chr, range(0x4E00, 0x4E00 + 501))), "password_long"),
    ],
)
def test_a_password_that_everybody_tries_first_is_not_taken(password: str, reason: str) -> None:
    with pytest.raises(BadInput) as error:
        accepted(password, "anna schmidt")
    assert error.value.reason == reason


@pytest.mark.parametrize("password", ["walnut kettle", "длинный пароль", "四字熟語でなくてもよい", "c0rrect horse!"])
def test_other_words_are_taken_in_every_script(password: str) -> None:
    assert accepted(password, "anna") == password


@pytest.mark.parametrize("name", ["", "   ", "a" * 65, "An\nna", "An\u202ena", "An\u200bna", "\x00", "An\u2028na"])
def test_a_name_is_one_line_that_can_be_seen(name: str) -> None:
    with pytest.raises(BadInput):
        checked_name(name)


def test_names_that_look_the_same_are_one() -> None:
    assert checked_name(" \uff21nna ") == "Anna"
    assert {folded(each) for each in ("Anna", " anna", "\uff21NNA", "aNNa ")} == {"anna"}
    assert folded("Straße") == folded("STRASSE")
