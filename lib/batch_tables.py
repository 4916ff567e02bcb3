"""What a batch found, as tables: to look at while it runs, to compare runs, and to take away as CSV, Parquet or JSON.

Values keep the type of their field. Amounts stay whole nano-units until they are shown; what is not known is missing,
never 0. Names of files, fields and all values are foreign text: a table draws them as text, and the CSV is guarded
against formulas.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from lib.batch import Batch, Field, FieldType, Result, RowState, Run
from lib.batch import Row as BatchRow
from lib.cells import csv_of
from lib.money import UNKNOWN, money, money_exact

FIRST = ("File", "State")
LAST = ("Answer", "Problems", "Tokens in", "Tokens out", "Seconds", "Cost", "Currency")
"""Columns around those of the fields; a field of such a name is told apart by `columns_of`."""
_SHORT = 300
"""Characters of an answer in a cell; the whole one is shown beside the file."""
_SIGNS = re.compile(r"\*+(?=\S)|(?<=\S)\*+|__|`+|(?m:^#+ )")
_DIFFERS = "background-color: color-mix(in srgb, #c9930f 26%, transparent); font-weight: 600"

_DTYPES: dict[FieldType, Any] = {
    "text": "string",
    "number": "Float64",
    "integer": "Int64",
    "yes_no": "boolean",
    "date": pd.ArrowDtype(pa.date32()),
    "list": pd.ArrowDtype(pa.list_(pa.string())),
}
_MONEY = pd.ArrowDtype(pa.decimal128(28, 9))

Words = Mapping[RowState, str]


def columns_of(fields: Sequence[Field]) -> dict[str, str]:
    """The column of each field, by its name: the name itself unless a column of ours is called so."""
    taken = {name.casefold() for name in (*FIRST, *LAST, "Time")}
    return {field.name: f"{field.name} (field)" if field.name.casefold() in taken else field.name for field in fields}


# --- to look at -------------------------------------------------------------------------------------------------------


def live_table(
    rows: Sequence[BatchRow], results: Mapping[str, Result], fields: Sequence[Field], words: Words, currency: str
) -> Any:
    """One line for each file, styled: what is known of it now. `results` are by the row's public id."""
    found = [results.get(row.public_id, Result(row.public_id, "")) for row in rows]
    columns: dict[str, Any] = {
        "File": _text([row.name for row in rows]),
        "State": _text([words[result.state] for result in found]),
    }
    for field in fields:
        columns[columns_of(fields)[field.name]] = _column(field, found)
    if not fields:
        columns["Answer"] = _text([_short(result.text) for result in found])
    columns["Tokens"] = _whole([_sum(result.in_tokens, result.out_tokens) for result in found])
    columns["Cost"] = _whole([result.cost_nano for result in found])
    columns["Time"] = _seconds(found)
    table = pd.DataFrame(columns)
    return table.style.format({"Cost": _amount(currency), "Tokens": _thousands, "Time": _time}, na_rep=UNKNOWN)


def _short(text: str) -> str:
    one_line = " ".join(_SIGNS.sub("", text[: 4 * _SHORT]).split())
    return one_line if len(one_line) <= _SHORT else f"{one_line[:_SHORT].rstrip()}…"


def _amount(currency: str) -> Callable[[Any], str]:
    return lambda nano: UNKNOWN if pd.isna(nano) else money(int(nano), currency)


def _thousands(number: Any) -> str:
    return UNKNOWN if pd.isna(number) else f"{int(number):,}"


def _time(seconds: Any) -> str:
    if pd.isna(seconds):
        return UNKNOWN
    return "<0.1 s" if 0 < float(seconds) < 0.05 else f"{float(seconds):.1f} s"


# --- to compare -------------------------------------------------------------------------------------------------------


def compared(
    rows: Sequence[BatchRow], runs: Sequence[tuple[str, Mapping[str, Result]]], fields: Sequence[Field], words: Words
) -> Any:
    """Every field of every run side by side, what differs marked; the answers instead where there are no fields.

    `runs` are names, all different, each with its results by row.
    """
    columns: dict[tuple[str, str], Any] = {("", "File"): _text([row.name for row in rows])}
    marks: dict[tuple[str, str], list[str]] = {}
    for field in fields:
        differing = [_differ(row, runs, field) for row in rows]
        for name, results in runs:
            at = (columns_of(fields)[field.name], name)
            columns[at] = _column(field, [_of(results, row) for row in rows])
            marks[at] = [_DIFFERS if differs else "" for differs in differing]
    for name, results in runs if not fields else ():
        columns["Answer", name] = _text(
            [_short(_of(results, row).text) or words[_of(results, row).state] for row in rows]
        )
    table = pd.DataFrame(columns)
    styles = pd.DataFrame({at: marks.get(at, [""] * len(rows)) for at in columns})
    return table.style.apply(lambda _: styles, axis=None).format(na_rep=UNKNOWN)


def agreement(
    rows: Sequence[BatchRow], runs: Sequence[tuple[str, Mapping[str, Result]]], fields: Sequence[Field]
) -> list[tuple[str, int, int]]:
    """For each field: its name, how many rows all runs fill alike, and how many rows all of them have answered."""
    both = [row for row in rows if all(_of(results, row).state in ("done", "invalid") for _, results in runs)]
    return [(field.name, sum(not _differ(row, runs, field) for row in both), len(both)) for field in fields]


def _differ(row: BatchRow, runs: Sequence[tuple[str, Mapping[str, Result]]], field: Field) -> bool:
    """Whether runs that answered have other values; words are compared without their case and their spaces."""
    answered = [_of(results, row) for _, results in runs if _of(results, row).state in ("done", "invalid")]
    values = [_plain(result.values.get(field.name)) for result in answered]
    return any(value != values[0] for value in values)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _of(results: Mapping[str, Result], row: BatchRow) -> Result:
    return results.get(row.public_id) or Result(row.public_id, "")


# --- to take away -----------------------------------------------------------------------------------------------------


def frame_of(
    rows: Sequence[BatchRow],
    results: Mapping[str, Result],
    fields: Sequence[Field],
    words: Words,
    problem: Callable[[Result], str],
) -> pd.DataFrame:
    """Everything, each value in its type; `problem` says in words what is wrong with a result."""
    found = [_of(results, row) for row in rows]
    columns: dict[str, Any] = {
        "File": _text([row.name for row in rows]),
        "State": _text([words[result.state] for result in found]),
    }
    for field in fields:
        columns[columns_of(fields)[field.name]] = _column(field, found)
    costs = [None if result.cost_nano is None else Decimal(result.cost_nano).scaleb(-9) for result in found]
    return pd.DataFrame(
        columns
        | {
            "Answer": _text([result.text or None for result in found]),
            "Problems": _text([problem(result) or None for result in found]),
            "Tokens in": _whole([result.in_tokens for result in found]),
            "Tokens out": _whole([result.out_tokens for result in found]),
            "Seconds": _seconds(found),
            "Cost": pd.Series(costs, dtype=_MONEY),
            "Currency": _text([None if result.cost_nano is None else result.currency for result in found]),
        }
    )


def as_csv(frame: pd.DataFrame) -> bytes:
    """For spreadsheets: guarded against formulas, UTF-8 with a mark, unknown is empty."""
    lines = [[_cell(value) for value in line] for line in frame.itertuples(index=False, name=None)]
    return csv_of([list(map(str, frame.columns)), *lines]).encode("utf-8-sig")


def as_parquet(frame: pd.DataFrame) -> bytes:
    """Columns in their types: whole numbers, dates, lists, and exact decimals for the cost."""
    written = io.BytesIO()
    frame.to_parquet(written, index=False)
    return written.getvalue()


def as_json(frame: pd.DataFrame, batch: Batch, run: Run) -> bytes:
    """The rows as objects, with what was asked and which model answered. A cost is exact, and so a text."""
    said = {
        "batch": batch.name,
        "prompt": batch.prompt,
        "model": run.ref.model,
        "asked_at": datetime.fromtimestamp(run.created_ms / 1000, UTC).isoformat(timespec="seconds"),
        "rows": [
            {str(name): _json_value(value) for name, value in zip(frame.columns, line, strict=True)}
            for line in frame.itertuples(index=False, name=None)
        ],
    }
    return json.dumps(said, ensure_ascii=False, indent=2, allow_nan=False).encode("utf-8")


def _cell(value: Any) -> str:
    if _is_list(value):
        return "; ".join(map(str, value))
    if _is_missing(value):
        return ""
    if pd.api.types.is_bool(value):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return money_exact(int(value.scaleb(9)))
    return str(value)


def _json_value(value: Any) -> Any:
    if _is_list(value):
        return list(value)
    if _is_missing(value):
        return None
    if isinstance(value, Decimal):
        return money_exact(int(value.scaleb(9)))
    if isinstance(value, date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _is_list(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str)


def _is_missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


# --- columns ----------------------------------------------------------------------------------------------------------


def _column(field: Field, results: Sequence[Result]) -> Any:
    values = [_typed(result.values.get(field.name), field.type) for result in results]
    return pd.Series(values, dtype=_DTYPES[field.type])


def _typed(value: Any, kind: FieldType) -> Any:
    """The value if it is of its type; anything else, which an older Parlour may have kept, is unknown."""
    match kind, value:
        case "text", str():
            return value
        case "yes_no", bool():
            return value
        case "integer", int() if not isinstance(value, bool):
            return value
        case "number", int() | float() if not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        case "date", str():
            return _date(value)
        case "list", list():
            return [str(item) for item in value]
    return None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _text(values: Sequence[str | None]) -> pd.Series:
    return pd.Series(values, dtype="string")


def _whole(values: Sequence[int | None]) -> pd.Series:
    return pd.Series(values, dtype="Int64")


def _seconds(results: Sequence[Result]) -> pd.Series:
    return pd.Series(
        [None if result.duration_ms is None else result.duration_ms / 1000 for result in results], dtype="Float64"
    )


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None and second is None else (first or 0) + (second or 0)
