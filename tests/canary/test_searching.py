"""The search finds what is there: a copy planted in each form, whole, cut, packed. Else its zero would mean nothing."""

from __future__ import annotations

import base64
import gzip
import io
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.canary.searching import ENCODINGS, TEXTS, WIDE, Found, Searcher, pieces

KEY = 'sk-CANARY-q7Rz+2V/xK=9&m<"w%4TbJ'
SEARCHER = Searcher(KEY)
AROUND = b"\x00\x17 nothing of interest \xff\xfe {} \x80"


def planted(copy: bytes) -> list[Found]:
    return SEARCHER.search("here", AROUND + copy + AROUND)


def zipped(data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("readme.txt", "nothing")
        archive.writestr("inner/file.json", data)
    return buffer.getvalue()


@pytest.mark.parametrize("form", TEXTS)
def test_a_copy_in_each_form_is_found(form: str) -> None:
    for encoding in ENCODINGS if form in WIDE else ("utf-8",):
        assert planted(TEXTS[form](KEY).encode(encoding))


@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_found_wherever_it_begins(encode: Callable[[bytes], bytes], before: int) -> None:
    assert planted(encode(b"x" * before + KEY.encode() + b"y"))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zlib, fastest": lambda data: zlib.compress(data, 1),
    "zlib, best": lambda data: zlib.compress(data, 9),
    "zip": zipped,
    "zip, stored": lambda data: zipped(data, zipfile.ZIP_STORED),
    "zip, bzip2": lambda data: zipped(data, zipfile.ZIP_BZIP2),
    "zip in gzip": lambda data: gzip.compress(zipped(data)),
    "zip in zip in zip": lambda data: zipped(zipped(zipped(data))),
    "gzip without its end": lambda data: gzip.compress(data + b"and some more")[:-12],
    "zip without its end": lambda data: zipped(data)[:-60],
}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_packed_copies_are_found(pack: Callable[[bytes], bytes]) -> None:
    assert planted(pack(b'{"key": "' + KEY.encode() + b'"}'))


@settings(max_examples=60)
@given(start=st.integers(0, len(KEY) - 24), size=st.integers(19, len(KEY)))
def test_a_part_of_nineteen_signs_is_enough(start: int, size: int) -> None:
    part = KEY[start : start + size][: len(KEY) - 4 - start]
    if len(part) >= 19:
        assert planted(part.encode())


def test_the_last_four_signs_may_be_shown() -> None:
    assert planted(f"Stored, ends in {KEY[-4:]}".encode()) == []
    assert all(piece in KEY[:-4] for piece in pieces(KEY))


@settings(max_examples=30)
@given(st.binary(max_size=2000))
def test_other_bytes_hold_nothing(data: bytes) -> None:
    assert SEARCHER.search("here", data) == []


def test_what_is_found_is_named_and_counted() -> None:
    found = SEARCHER.search("a frame", KEY + " " + KEY)
    assert {(each.place, each.form) for each in found} == {("a frame", "as it is")}
    assert {each.times for each in found} == {2}
    assert "gzip at 2" in SEARCHER.search("log", b"ab" + gzip.compress(KEY.encode()))[0].place


def test_a_value_over_several_pages_of_a_database_is_found_by_its_rows(tmp_path: Path) -> None:
    """SQLite cuts long values; the cut may go through the key."""
    from tests.canary.everything import cells

    path = tmp_path / "some.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT, raw BLOB)")
        for shift in range(64):
            database.execute("INSERT INTO note (body) VALUES (?)", ("." * (4000 + shift) + KEY,))
        database.execute("INSERT INTO note (raw) VALUES (?)", (zlib.compress(KEY.encode()),))
    database.close()
    found = SEARCHER.search_all(cells(path))
    assert {each.place.partition(" ›")[0] for each in found} == {"some.db note.body", "some.db note.raw"}
    assert max(each.times for each in found) == 64
