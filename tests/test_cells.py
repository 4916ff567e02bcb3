"""Text for a spreadsheet: nothing in it can run, and reading the CSV gives the cells back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.cells import csv_of, guarded


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@SUM(A1)", "  =1", "\t=1", "＝1", "\r=1"])
def test_a_formula_becomes_text(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "-5", "-5.25", "12", "a=b", "1 + 1", "x-y"])
def test_numbers_and_plain_words_stay(text: str) -> None:
    assert guarded(text) == text


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), min_size=1), max_size=5))
def test_reading_the_csv_gives_the_guarded_cells_back(rows: list[list[str]]) -> None:
    assert list(csv.reader(io.StringIO(csv_of(rows), newline=""))) == [[guarded(cell) for cell in row] for row in rows]
