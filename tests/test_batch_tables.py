"""The tables of a batch: typed values, guarded files, and what differs between runs."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.batch import Batch, Field, Result, RowState, Run
from lib.batch import Row as BatchRow
from lib.batch_tables import agreement, as_csv, as_json, as_parquet, columns_of, compared, frame_of, live_table
from lib.ledger import ModelRef
from lib.ui.batch_words import ROW_STATES, problem_words

FIELDS = (
    Field("name"),
    Field("size", "number"),
    Field("count", "integer"),
    Field("clear", "yes_no"),
    Field("seen on", "date"),
    Field("colours", "list"),
)
VALUES = {"name": "=1+1", "size": 2, "count": 3, "clear": True, "seen on": "2026-03-29", "colours": ["red", "blue"]}
ROWS = [BatchRow("a", 1, '=HYPERLINK("x").png'), BatchRow("b", 2, "b.png"), BatchRow("c", 3, "c.png")]
RUN = Run("run", ModelRef(1, "gpt-5.4", "gpt-5.4", "standard", "openai"), created_ms=1_770_000_000_000)


def result(row: str, state: RowState = "done", **how: Any) -> Result:
    return Result(row, "run", state, **how)


def table() -> pd.DataFrame:
    found = {
        "a": result("a", text="said", values=VALUES, cost_nano=1_234_567_890, in_tokens=10, duration_ms=1500),
        "b": result("b", "invalid", values=dict.fromkeys(VALUES), problems=("wrong_type:size",)),
    }
    return frame_of(ROWS, found, FIELDS, ROW_STATES, problem_words)


def lines(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_csv_reads_back_and_no_cell_is_a_formula() -> None:
    first, second, third = lines(as_csv(table()))
    assert first["File"] == '\'=HYPERLINK("x").png'
    assert first["name"] == "'=1+1"
    assert (first["size"], first["count"], first["clear"]) == ("2.0", "3", "true")
    assert (first["seen on"], first["colours"]) == ("2026-03-29", "red; blue")
    assert (first["Cost"], first["Currency"], first["Seconds"]) == ("1.23456789", "USD", "1.5")
    assert second["Problems"] == "size is of another type."
    assert second["Cost"] == second["size"] == second["colours"] == ""
    assert third["State"] == ROW_STATES["waiting"]


def test_parquet_keeps_the_types_and_exact_costs() -> None:
    read = pd.read_parquet(io.BytesIO(as_parquet(table())), dtype_backend="pyarrow")
    kinds = {name: str(kind) for name, kind in read.dtypes.items()}
    assert kinds["count"].startswith("int64")
    assert kinds["clear"].startswith("bool")
    assert kinds["seen on"].startswith("date32")
    assert "list<" in kinds["colours"]
    assert read["Cost"][0] == Decimal("1.23456789")
    assert read["seen on"][0] == date(2026, 3, 29)
    assert list(read["colours"][0]) == ["red", "blue"]
    assert read["Cost"].isna().tolist() == [False, True, True]


def test_json_holds_typed_values_and_null_for_what_is_not_known() -> None:
    read = json.loads(as_json(table(), Batch("x", "Name", "Prompt", FIELDS), RUN))
    assert read["model"] == "gpt-5.4"
    first, second, _ = read["rows"]
    assert (first["count"], first["clear"], first["colours"]) == (3, True, ["red", "blue"])
    assert (first["seen on"], first["Cost"]) == ("2026-03-29", "1.23456789")
    assert second["Cost"] is None


def test_an_empty_batch_makes_all_three_files() -> None:
    empty = frame_of([], {}, FIELDS, ROW_STATES, problem_words)
    assert lines(as_csv(empty)) == []
    assert as_parquet(empty).startswith(b"PAR1")
    assert json.loads(as_json(empty, Batch("x", "", ""), RUN))["rows"] == []


def test_a_field_that_is_called_like_a_column_of_ours_stands_beside_it() -> None:
    fields = (Field("cost", "number"), Field("File"))
    assert columns_of(fields) == {"cost": "cost (field)", "File": "File (field)"}
    made = frame_of(ROWS, {"a": result("a", values={"cost": 5.0, "File": "x"})}, fields, ROW_STATES, problem_words)
    assert made["cost (field)"][0] == 5.0
    assert made["File"][0] == ROWS[0].name


@pytest.mark.parametrize("kind", ["text", "number", "integer", "yes_no", "date", "list"])
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4))
@settings(max_examples=15, deadline=None)
def test_a_value_of_another_type_is_unknown_and_never_an_error(kind: Any, value: Any) -> None:
    if isinstance(value, int) and abs(value) >= 2**63:
        return  # never read into a result
    fields = (Field("x", kind),)
    made = frame_of(ROWS, {"a": result("a", values={"x": value})}, fields, ROW_STATES, problem_words)
    as_csv(made)
    as_json(made, Batch("x", "", ""), RUN)


def test_the_live_table_says_unknown_where_nothing_is_known() -> None:
    styled = live_table(ROWS, {"a": result("a", text="**said** `this`")}, (), ROW_STATES, "USD")
    assert list(styled.data["Answer"])[:2] == ["said this", ""]
    assert styled.data["Cost"].isna().all()
    assert list(styled.data["State"]) == [ROW_STATES["done"], ROW_STATES["waiting"], ROW_STATES["waiting"]]


def runs_of(first: Any, second: Any) -> list[tuple[str, dict[str, Result]]]:
    return [
        ("one", {"a": result("a", values={"name": first}), "b": result("b", "failed")}),
        ("two", {"a": result("a", values={"name": second}), "b": result("b", values={"name": "x"})}),
    ]


def test_runs_agree_without_regard_to_case_and_spaces_where_all_have_answered() -> None:
    assert agreement(ROWS, runs_of("Red  Fox", "red fox"), FIELDS[:1]) == [("name", 1, 1)]
    assert agreement(ROWS, runs_of("red", "blue"), FIELDS[:1]) == [("name", 0, 1)]
    assert agreement(ROWS, runs_of(None, "blue"), FIELDS[:1]) == [("name", 0, 1)]


def test_what_differs_is_marked_and_nothing_else() -> None:
    marked = compared(ROWS, runs_of("red", "blue"), FIELDS[:1], ROW_STATES).to_html()
    assert marked.count("background-color") == 1  # one rule, for both cells of the line
    alike = compared(ROWS, runs_of("red", "RED"), FIELDS[:1], ROW_STATES).to_html()
    assert "background-color" not in alike


def test_runs_without_fields_are_compared_by_their_answers() -> None:
    styled = compared(ROWS, [("one", {"a": result("a", text="yes")}), ("two", {})], (), ROW_STATES)
    assert styled.data["Answer", "one"][0] == "yes"
    assert styled.data["Answer", "two"][0] == ROW_STATES["waiting"]
