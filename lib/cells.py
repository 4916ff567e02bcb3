"""Text on its way into a spreadsheet: what could run there as a formula is made plain text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

_FORMULA = re.compile(r"[\s\0]*[=+\-@＝＋－＠]|[\t\r\n]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def guarded(text: str) -> str:
    """`text` with an apostrophe in front when a spreadsheet could run it (OWASP, "CSV injection"); numbers stay."""
    return f"'{text}" if not _NUMBER.fullmatch(text) and _FORMULA.match(text) else text


def csv_of(rows: Iterable[Sequence[str]]) -> str:
    """Rows of text as CSV (RFC 4180), every cell guarded."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([guarded(cell) for cell in row] for row in rows)
    return written.getvalue()
