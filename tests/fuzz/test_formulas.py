"""No cell of any file that leaves for a spreadsheet is a formula there, whatever a model, a gateway or a person wrote."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from msgspec import structs

from lib.batch import Field, Result
from lib.batch import Row as BatchRow
from lib.batch_tables import as_csv, as_parquet, frame_of
from lib.cells import guarded
from lib.ids import id_at
from lib.insight_words import Filter
from lib.ledger import Cost, LedgerRow, ModelRef
from lib.reports import requests_csv, requests_parquet
from lib.statements import papers
from lib.statements.document import Adjustment, Statement
from lib.store import Store, open_store
from lib.store.encoding import storable
from lib.ui.answer_files import files_of
from lib.ui.batch_words import ROW_STATES
from tests.fuzz.nasty import FORMULAS, LINES, NASTY, WRITING
from tests.fuzz.places import filled_with
from tests.store.acts import attempt

TEXTS = tuple(dict.fromkeys(map(storable, (*FORMULAS, *LINES, *WRITING))))
"""As the store gives them back."""
WRITES = re.compile(r"csv\.writer\(|DictWriter\(|\.to_csv\(|\.to_excel\(")
WRITERS = {"lib/cells.py", "lib/reports/requests.py", "lib/intake/sheets.py"}
"""The last one reads tables for a model; nothing of it is downloaded."""
MARCH_MS = 1_741_000_000_000


def is_formula(cell: str) -> bool:
    """What a spreadsheet could run: the first sign that counts is = + - @ in any width, or a tab or line end comes first.

    Plain numbers are not; what cannot be seen, and blanks, do not count. Another way to say it than `lib.cells`.
    """
    seen = "".join(letter for letter in cell if unicodedata.category(letter)[0] not in "CZ")
    first = unicodedata.normalize("NFKC", seen[:1])[:1]
    return cell[:1] in ("\t", "\r", "\n") or (first in ("=", "+", "-", "@") and not plain_number(cell))


def plain_number(cell: str) -> bool:
    return cell.isascii() and cell.removeprefix("-").replace(".", "", 1).isdigit() and cell[-1].isdigit()


def cells_of(text: str | bytes) -> list[str]:
    data = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    return [cell for line in csv.reader(io.StringIO(data, newline="")) for cell in line]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with closing(open_store("", tmp_path_factory.mktemp("formulas"))) as store:
        march = attempt(id_at(MARCH_MS), cost=Cost(nano=-5, currency="USD"), response_id="r")
        store.ledger.record(store.owner(), ModelRef(7, "m", "b", "f", "v"), (march,))
        yield store


@pytest.fixture(scope="module")
def row(store: Store) -> LedgerRow:
    (found,) = store.insight.export(store.owner(), Filter(date(2025, 3, 1), date(2025, 4, 1)))
    return found


@pytest.fixture(scope="module")
def statement(store: Store) -> Statement:
    closed = store.statements.close(store.owner(), "2025-03", "UTC")
    found = store.statements.get(store.owner(), closed.public_id)
    adjusted = Adjustment(1, "2025-02", 1, "m", "USD", 1, -2, 3, "a bill came")
    return structs.replace(found, adjustments=(adjusted,))


def batch_frame(texts: Sequence[str]) -> pd.DataFrame:
    fields = (Field(texts[0][:80] or "x"), Field("many", "list"))
    rows = [BatchRow(str(at), at, text) for at, text in enumerate(texts)]
    results = {
        row.public_id: Result(row.public_id, "run", "done", text=row.name, currency=row.name, cost_nano=-1,
                              values={fields[0].name: row.name, "many": [row.name, row.name]})
        for row in rows
    }  # fmt: skip
    return frame_of(rows, results, fields, ROW_STATES, lambda result: result.text)


def answer_tables(text: str) -> str:
    cell = text.replace("|", "\\|").replace("\n", " ").replace("\r", " ")
    files = files_of(f"| {cell} | b |\n|---|---|\n| {cell} | {cell} |\n")
    return "".join(file.text for file in files)


EXPORTS: dict[str, Callable[[Sequence[str], LedgerRow, Statement], str | bytes]] = {
    "ledger": lambda texts, row, _: requests_csv([filled_with(row, text) for text in texts], "UTC"),
    "statement rows": lambda texts, row, _: "".join(papers.rows_csv([filled_with(row, text) for text in texts], "UTC")),
    "statement": lambda texts, _, statement: "".join(papers.csv(filled_with(statement, text)) for text in texts),
    "batch": lambda texts, *_: as_csv(batch_frame(texts)),
    "answer table": lambda texts, *_: "".join(answer_tables(text) for text in texts),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_no_cell_is_a_formula(name: str, row: LedgerRow, statement: Statement, measured: Callable[[str], None]) -> None:
    cells = cells_of(EXPORTS[name](TEXTS, row, statement))
    assert [cell for cell in cells if is_formula(cell)] == []
    travelled = [text for text in TEXTS if any(text.strip() in cell for cell in cells)]
    assert len(travelled) > len(TEXTS) * 3 // 4
    measured(f"{name}: {len(TEXTS)} texts in every column, {len(cells):,} cells, 0 formulas")


def test_no_heading_is_a_formula() -> None:
    """A batch's columns are called as somebody wishes."""
    for text in TEXTS:
        assert not any(map(is_formula, cells_of(as_csv(batch_frame([text]))))), repr(text)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_guarded_text_is_the_text_behind_an_apostrophe(text: str) -> None:
    assert not is_formula(guarded(text))
    assert guarded(text) in (text, f"'{text}")


def test_numbers_and_words_are_left_alone() -> None:
    for text in ("-5", "-0.25", "12", "", "a=b", "1 - 2", "x@example.org", "…"):
        assert guarded(text) == text


@pytest.mark.parametrize("name", ["ledger", "batch"])
def test_parquet_has_texts_as_they_were(name: str, row: LedgerRow) -> None:
    """It has types: a text is no formula there, and nothing is put in front of it."""
    texts = [storable(text) for text in NASTY]
    rows = [filled_with(row, text) for text in texts]
    made = requests_parquet(rows, "UTC") if name == "ledger" else as_parquet(batch_frame(texts))
    table = pd.read_parquet(io.BytesIO(made), dtype_backend="pyarrow")
    assert list(table["model" if name == "ledger" else "File"]) == texts


def test_every_file_with_separators_goes_through_the_guard() -> None:
    """Nobody else writes CSV, and nobody writes the sheets of a spreadsheet program."""
    found = {str(path) for path in Path("lib").rglob("*.py") if WRITES.search(path.read_text())}
    assert found == WRITERS
