"""Tables from outside: encodings, separators, and numbers that are never guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import BadInput
from lib.sheets import MAX_BYTES, beside_number, decoded, number_of, sheet_of, uses_decimal_comma


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Größe €", "utf-8"),
        ("Größe €", "utf-8-sig"),
        ("Größe €", "utf-16"),
        ("Müller; Übergröße", "cp1252"),
        ("模型,价格", "gb18030"),
        ("plain", "ascii"),
    ],
)
def test_text_is_text_in_any_encoding(text: str, encoding: str) -> None:
    assert decoded(text.encode(encoding)) == text


def test_what_is_no_text_is_refused() -> None:
    for data in (b"PK\x03\x04\0\0", b"\xff\xfe\0\0"):
        with pytest.raises(BadInput):
            decoded(data)
    with pytest.raises(BadInput):
        decoded(b"x" * (MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2\n", ";"),
        ("a\tb\n1,5\t2;3\n", "\t"),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |\n", "|"),
        ("a  b\n1  2\n", " "),
    ],
)
def test_the_separator_is_told_from_the_lines(text: str, separator: str) -> None:
    sheet = sheet_of(text)
    assert sheet.separator == separator
    assert [len(row.cells) for row in sheet.rows] == [2, 2]


def test_lines_are_counted_as_an_editor_does() -> None:
    sheet = sheet_of('a,b\n\n"one\ntwo",2\n,\nlast,3\n')
    assert [(row.line, row.cells[0]) for row in sheet.rows] == [(1, "a"), (3, "one\ntwo"), (6, "last")]


def test_a_cell_without_end_is_refused_and_a_long_one_cut() -> None:
    assert len(sheet_of("a,b\n" + "x" * 5_000 + ",1").rows[1].cells[0]) == 2_000
    with pytest.raises(BadInput):
        sheet_of('a,b\n"' + "x" * 200_000)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("2.50", "2.50"),
        ("$2.50 / 1M tokens", "2.50"),
        ("USD 0.000002", "0.000002"),
        ("2.5e-06", "0.0000025"),
        ("2.5E-6", "0.0000025"),
        ("1,234.5", "1234.5"),
        ("1.234,5", "1234.5"),
        ("1 234,5", "1234.5"),
        ("1'234'567", "1234567"),
        ("0,125", "0.125"),
        ("12,5", "12.5"),
        ("1,234,567", "1234567"),
        ("-3", "-3"),
        ("−3", "-3"),
        (".5", "0.5"),
        ("¥16/M", "16"),
        ("2.50 1M", "2.50"),
        ("free", "0"),
        ("-$0.50", "-0.50"),
        ("- € 3,5", "-3.5"),
        ("USD -0.5", "-0.5"),
        ("-USD 0.5", "-0.5"),
        ("(0.50)", "-0.50"),
        ("($0.50)", "-0.50"),
        ("0.50-", "-0.50"),
        ("$2.50 (list)", "2.50"),
        ("2-3", "2"),
    ],
)
def test_a_number_is_read_exactly(cell: str, number: str) -> None:
    assert number_of(cell) == Decimal(number)


@pytest.mark.parametrize("cell", ["", " ", "-", "n/a", "None", "—", "?"])
def test_unknown_is_not_zero(cell: str) -> None:
    assert number_of(cell) is None


@pytest.mark.parametrize(
    ("cell", "reason"), [("1,250", "ambiguous"), ("soon", "no_number"), ("1e99", "no_number"), ("1.2.3", "ambiguous")]
)
def test_what_cannot_be_read_says_why(cell: str, reason: str) -> None:
    with pytest.raises(BadInput) as error:
        number_of(cell)
    assert error.value.reason == reason


def test_the_table_tells_what_its_commas_mean() -> None:
    assert uses_decimal_comma(["1", "1,250", "2,5"]) is True
    assert uses_decimal_comma(["1,250", "0.5"]) is False
    assert uses_decimal_comma(["1,250", "7"]) is None
    assert (number_of("1,250", True), number_of("1,250", False)) == (Decimal("1.250"), Decimal(1250))


@pytest.mark.parametrize(("cell", "comma"), [("2,50", False), ("1.5", True), ("0,125", False), ("0.125", True)])
def test_a_cell_that_does_not_fit_its_table_is_not_guessed(cell: str, comma: bool) -> None:
    with pytest.raises(BadInput) as error:
        number_of(cell, comma)
    assert error.value.reason == "ambiguous"


def test_what_stands_beside_a_number_is_kept() -> None:
    assert beside_number("$2.50 / 1M").split() == ["$", "/", "1M"]
    assert beside_number("per token") == "per token"


@given(st.decimals("-1000000", "1000000", places=6), st.booleans())
@settings(max_examples=80)
def test_any_decimal_survives_being_written_and_read(number: Decimal, comma: bool) -> None:
    text = f"{number:f}"
    assert number_of(text.replace(".", ",") if comma else text, comma) == number


@given(st.text(max_size=200))
@settings(max_examples=120)
def test_any_text_has_rows_and_any_cell_a_number_or_a_reason(text: str) -> None:
    for row in sheet_of(text).rows:
        for cell in row.cells:
            try:
                number_of(cell)
            except BadInput:
                continue


@given(st.binary(max_size=200))
@settings(max_examples=120)
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        assert isinstance(decoded(data), str)
    except BadInput as error:
        assert error.reason == "not_text"
