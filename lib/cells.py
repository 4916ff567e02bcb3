"""Text on its way into a spreadsheet: what could run there as a formula is made plain text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

_UNSEEN = r"\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
"""Blanks, and what a program may leave out or a person cannot see."""
_FORMULA = re.compile(rf"[{_UNSEEN}]*[=+\-@＝＋－＠﹦﹢﹣﹫]|[\t\r\n]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def guarded(text: str) -> str:
    """`text` with an apostrophe in front when a spreadsheet could run it (OWASP, "CSV injection"); numbers stay."""
    return f"'{text}" if not _NUMBER.fullmatch(text) and _FORMULA.match(text) else text


def csv_of(rows: Iterable[Sequence[str]]) -> str:
    """Rows of text as CSV (RFC 4180), every cell guarded."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([guarded(cell) for cell in row] for row in rows)
    return written.getvalue()
