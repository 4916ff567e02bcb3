"""Stored keys open only where they were sealed, and the key file is made once, whole, and for us alone."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from lib.errors import SettingsError
from lib.keys import FILE_NAME, KeyBox
from lib.secret import Secret

CANARY = "sk-CANARY-0a1b2c3d4e5f"
PLACE: dict[str, Any] = {"owner": 1, "gateway": "g1", "origin": "https://gw.example:443"}


def test_a_sealed_key_opens_again_also_after_a_restart(tmp_path: Path) -> None:
    sealed, nonce = KeyBox(tmp_path).seal(Secret(CANARY), **PLACE)
    assert KeyBox(tmp_path).open(sealed, nonce, **PLACE) == Secret(CANARY)
    assert CANARY.encode() not in sealed + nonce


@pytest.mark.parametrize(
    "other",
    [
        {"owner": 2},
        {"gateway": "g2"},
        {"origin": "https://evil.example:443"},
        {"origin": "http://gw.example:443"},
        {"origin": "https://gw.example:8443"},
        {"gateway": "g1\0https", "origin": "//gw.example:443"},
    ],
)
def test_a_key_opens_nowhere_else(tmp_path: Path, other: dict[str, Any]) -> None:
    box = KeyBox(tmp_path)
    sealed, nonce = box.seal(Secret(CANARY), **PLACE)
    with pytest.raises(SettingsError) as caught:
        box.open(sealed, nonce, **{**PLACE, **other})
    assert (caught.value.field, caught.value.message) == ("key", "unreadable")


def test_a_changed_cipher_text_or_nonce_does_not_open(tmp_path: Path) -> None:
    box = KeyBox(tmp_path)
    sealed, nonce = box.seal(Secret(CANARY), **PLACE)
    flipped = bytes([sealed[0] ^ 1]) + sealed[1:]
    for bad_sealed, bad_nonce in (
        (flipped, nonce),
        (sealed[:-1], nonce),
        (b"", nonce),
        (sealed, nonce[::-1]),
        (sealed, b""),
    ):
        with pytest.raises(SettingsError):
            box.open(bad_sealed, bad_nonce, **PLACE)


def test_the_same_key_is_sealed_differently_each_time(tmp_path: Path) -> None:
    box = KeyBox(tmp_path)
    made = [box.seal(Secret(CANARY), **PLACE) for _ in range(50)]
    assert len({nonce for _, nonce in made}) == len({sealed for sealed, _ in made}) == 50


def test_the_key_file_is_ours_alone_and_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    KeyBox(folder)
    file = folder / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    file.chmod(0o644)
    KeyBox(folder)
    assert file.read_bytes() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [found.name for found in folder.iterdir()] == [FILE_NAME]


def test_a_mild_umask_does_not_open_the_key_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        KeyBox(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_key_file_is_said_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        KeyBox(tmp_path)
    assert (caught.value.field, caught.value.message) == (FILE_NAME, "damaged_key_file")
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(SettingsError):
        KeyBox(tmp_path / "data")
    (tmp_path / "other" / FILE_NAME).mkdir(parents=True)
    with pytest.raises(SettingsError):
        KeyBox(tmp_path / "other")


def test_two_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    boxes: list[KeyBox] = []
    gate = threading.Barrier(8)

    def start() -> None:
        gate.wait()
        boxes.append(KeyBox(tmp_path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sealed, nonce = boxes[0].seal(Secret(CANARY), **PLACE)
    assert [box.open(sealed, nonce, **PLACE) for box in boxes] == [Secret(CANARY)] * 8


def test_without_the_key_file_stored_keys_are_unreadable_and_no_more(tmp_path: Path) -> None:
    sealed, nonce = KeyBox(tmp_path).seal(Secret(CANARY), **PLACE)
    (tmp_path / FILE_NAME).unlink()
    with pytest.raises(SettingsError, match="unreadable"):
        KeyBox(tmp_path).open(sealed, nonce, **PLACE)
