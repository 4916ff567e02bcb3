"""A file's name is shown on one line, without tricks; it never becomes a path."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.attachments.names import display_name


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\me\\scan.png", "scan.png"),
        ("/", "file"),
        ("", "file"),
        ("..", "file"),
        (".", "file"),
        (" \t\n", "file"),
        ("\x00\x01", "file"),
        ("folder/", "folder"),
        ("folder/..", "folder"),
        (".gitignore", ".gitignore"),
        ("a\x00b.txt", "ab.txt"),
        ("two\nlines.txt", "two lines.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("zero\u200bwidth\ufeff.txt", "zerowidth.txt"),
        ("Cafe\u0301.txt", "Café.txt"),
        ("e\u200b\u0301.txt", "é.txt"),
        ("\u3164\u2800", "file"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("nul .txt", "_nul .txt"),
        ("COM1.png", "_COM1.png"),
        ("COM¹", "_COM¹"),
        ("console.txt", "console.txt"),
        ("com10.txt", "com10.txt"),
        ("trailing. . ", "trailing"),
        ("日本語 ファイル.csv", "日本語 ファイル.csv"),
        ("a\ud800b", "ab"),
        ("Screenshot 10:22:33.png", "Screenshot 10:22:33.png"),
    ],
)
def test_a_name_is_shown_without_its_tricks(raw: str, shown: str) -> None:
    assert display_name(raw) == shown


def test_a_long_name_keeps_its_ending() -> None:
    name = display_name("x" * 4096 + ".jpeg")
    assert len(name) == 120 and name.endswith("x….jpeg")
    assert len(display_name("y" * 500)) == 120
    assert len(display_name("y" * 500 + "." + "z" * 500)) == 120
    assert display_name("é" * 50_000 + ".png").endswith("….png")


def test_marks_do_not_pile_up() -> None:
    assert len(display_name("a" + "\u0335" * 90)) == 5


@given(st.text(max_size=300))
def test_any_name_becomes_one_visible_line_and_stays_it(raw: str) -> None:
    name = display_name(raw)
    assert 0 < len(name) <= 120
    assert not set(name) & set("/\\\n\r\x00\u202e\u200b") and name not in (".", "..")
    assert name == name.strip() == unicodedata.normalize("NFC", name)
    assert display_name(name) == name
    name.encode("utf-8")
