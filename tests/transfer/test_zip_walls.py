"""Zip files that want too much are refused before they are unpacked, and nothing is ever written to a path."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import pytest

from lib.errors import BadInput
from lib.transfer import reading
from lib.transfer.document import Found
from lib.transfer.own_file import to_json
from lib.transfer.reading import read_import
from tests.transfer.documents import said


def packed(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def read(data: bytes) -> list[object]:
    return list(read_import(io.BytesIO(data)))


def refused(data: bytes) -> str:
    with pytest.raises(BadInput) as refusal:
        read(data)
    return refusal.value.reason


def test_a_member_that_swells_a_hundredfold_is_refused() -> None:
    assert refused(packed(**{"conversations.json": b"[" + b" " * (8 << 20) + b"]"})) == "import_bomb"


def test_members_that_are_too_much_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FILE_LIMIT", 1000)
    assert (
        refused(packed(**{"a.json": b"[" + os.urandom(300).hex().encode(), "b.json": b"x" * 600})) == "import_too_large"
    )


def test_a_plain_file_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FILE_LIMIT", 1000)
    assert refused(b"[" + b" " * 1000 + b"]") == "import_too_large"


def test_a_lie_about_the_size_does_not_help() -> None:
    data = bytearray(packed(**{"conversations.json": b"[]" + b" " * 5000}))
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 2)  # the directory says two bytes unpacked
    assert refused(bytes(data)) in {"import_bomb", "import_damaged"}


def test_a_locked_member_says_so() -> None:
    data = bytearray(packed(**{"conversations.json": b"[]"}))
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.find(mark) + offset] |= 1
    assert refused(bytes(data)) == "import_locked"


def test_nothing_but_pictures_is_nothing() -> None:
    assert refused(packed(**{"a.png": b"x", "json": b"[]"})) == "import_unknown"


def test_hostile_names_are_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = to_json((said("hi"),))
    found = read(packed(**{"../../evil.json": file, "/tmp/evil2.json": file, "C:\\evil3.json": file}))
    assert sum(isinstance(item, Found) for item in found) == 3
    assert list(tmp_path.iterdir()) == []
    assert not Path("/tmp/evil2.json").exists() and not (tmp_path.parent / "evil.json").exists()
