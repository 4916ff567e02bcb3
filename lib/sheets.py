"""Tables that people bring along: bytes as text, text as rows with line numbers, cells as exact numbers.

What comes in is of unknown make: encodings, separators, decimal commas and sizes are told from the content, and
nothing is guessed where a guess could change an amount. Never through a float.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from lib.errors import BadInput

MAX_BYTES = 16_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_CELL = 2_000

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_HIGH = re.compile(rb"[\x80-\xff]+")
_RULE_LINE = re.compile(r"[\s|:+=-]*-{2,}[\s|:+=-]*")
_BLANKS = re.compile(r"\t|[ \xa0]{2,}")
_AMOUNT = re.compile(
    r"[-−+]?(?:\d{1,3}(?:['’\u00a0\u202f ]\d{3})+(?!\d)(?:[.,]\d+)?|\d(?:[\d.,]*\d)?|[.,]\d+)"
    r"(?:[eE][+-]?\d{1,3}(?!\d))?"
)
_AFTER_SIGN = re.compile(r"[$€£¥￥]\s*(?=[-−+]?[\d.,])")
_SPACES = re.compile(r"['’\u00a0\u202f ]")
_MINUS_BEFORE = re.compile(r"(?:^|[\s(])[-−]\s*(?:[A-Za-z]{3}|[$€£¥￥₩₹])?\s*$")
_BRACKET_BEFORE = re.compile(r"^\s*\(\s*(?:[A-Za-z]{3}|[$€£¥￥₩₹])?\s*$")
_MINUS_AFTER, _BRACKET_AFTER = re.compile(r"\s*[-−]\s*"), re.compile(r"\s*(?:[A-Za-z]{3}|[$€£¥￥₩₹])?\s*\)\s*")
_IN_THOUSANDS = {
    mark: re.compile(rf"[-+]?[1-9]\d{{0,2}}(?:\{mark}\d{{3}})+(?:[^\d{mark}]\d*)?(?:[eE].*)?") for mark in ",."
}
_UNKNOWN = frozenset({"", "-", "–", "—", "?", "n/a", "na", "none", "null", "nan", "unknown", "tbd"})
_FREE = frozenset({"free", "gratis", "kostenlos", "免费"})


class SheetRow(Struct, frozen=True):
    """One row; `line` is where it begins in the text, counted from 1. Cells are stripped."""

    line: int
    cells: tuple[str, ...]


class Sheet(Struct, frozen=True):
    """All rows that hold anything. `cut` rows were beyond the limit and are not in it."""

    rows: tuple[SheetRow, ...]
    separator: str
    cut: int = 0


def decoded(data: bytes) -> str:
    """Bytes of a text file as text: by its byte order mark, else UTF-8, else Windows-1252, else Chinese GB 18030.

    Raises BadInput: 'too_large', or 'not_text' for what is none (it holds NUL bytes).
    """
    if len(data) > MAX_BYTES:
        raise BadInput("too_large")
    mark = next((encoding for bom, encoding in _BOMS if data.startswith(bom)), None)
    text = _as(data, f"{mark}-sig" if mark == "utf-8" else mark) if mark else None
    if text is None:
        names = ("utf-8", "gb18030", "cp1252", "latin-1") if _looks_chinese(data) else ("utf-8", "cp1252", "latin-1")
        text = next((found for name in names if (found := _as(data, name)) is not None), "")
    if "\0" in text:
        raise BadInput("not_text")
    return text


def _looks_chinese(data: bytes) -> bool:
    """Chinese in GB 18030 comes in pairs of high bytes; accented letters in Windows-1252 mostly stand alone."""
    runs = [len(run) for run in _HIGH.findall(data[:200_000])]
    return max(runs, default=0) >= 4 and all(length % 2 == 0 for length in runs)


def _as(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def sheet_of(text: str, separator: str | None = None) -> Sheet:
    """The rows of a pasted or saved table: separated by tabs, semicolons, commas, bars (also Markdown) or blanks.

    `separator` overrides what the first lines suggest. Raises BadInput('too_large') for a cell without end.
    """
    chosen = separator or _separator(text)
    rows: list[SheetRow] = []
    cut = 0
    for line, cells in _split(text, chosen):
        kept = tuple(cell.strip()[:MAX_CELL] for cell in cells[:MAX_COLUMNS])
        if any(kept):
            if len(rows) < MAX_ROWS:
                rows.append(SheetRow(line, kept))
            else:
                cut += 1
    return Sheet(tuple(rows), chosen, cut)


def _separator(text: str) -> str:
    """The one that the first lines agree on most; a comma inside numbers does not count against a semicolon."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:20]
    for mark in ("\t", "|", ";", ","):
        if lines and sum(mark in line for line in lines) * 2 >= len(lines):
            return mark
    return " "


def _split(text: str, separator: str) -> Iterator[tuple[int, Sequence[str]]]:
    if separator in "| ":
        for at, words in enumerate(text.splitlines(), 1):
            if not _RULE_LINE.fullmatch(words):
                yield at, _bars(words) if separator == "|" else _words(words)
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadInput("too_large", f"line {line}") from error
        yield line, cells


def _bars(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().strip("`*") for cell in inner.replace(r"\|", "¦").split("|")]


def _words(line: str) -> list[str]:
    wide = [cell for cell in _BLANKS.split(line.strip()) if cell]
    return wide if len(wide) > 1 else line.split()


def uses_decimal_comma(cells: Iterable[str]) -> bool | None:
    """Whether the numbers among `cells` have decimal commas; None when they do not tell.

    "2,50" and "0,125" do, "1.5" and "1,234.5" do not, "1,250" alone may be either.
    """
    for cell in cells:
        found = _AMOUNT.search(cell)
        told = None if found is None else _told(_SPACES.sub("", found.group()))
        if told is not None:
            return told
    return None


def _told(number: str) -> bool | None:
    last = max(number.rfind(","), number.rfind("."))
    if last < 0:
        return None
    mark, digits = number[last], len(number) - last - 1
    if "," in number and "." in number:
        return mark == ","
    if number.count(mark) > 1:
        return mark == "."  # groups of thousands
    whole = number[:last].lstrip("+-−")
    if digits != 3 or len(whole) > 3 or whole in ("", "0"):
        return mark == ","
    return None if mark == "," else False


def number_of(cell: str, decimal_comma: bool | None = None) -> Decimal | None:
    """The number in a cell, whatever signs and words stand around it; None for a cell that says "unknown".

    "free" is 0; "-$3", "(3)" and "3-" are less than 0. Raises BadInput: 'no_number' for text without any, 'ambiguous'
    for "1,250" in a table that does not tell what its commas mean, and for "1.5" in one of decimal commas.
    """
    plain = cell.strip().lower()
    if plain in _UNKNOWN:
        return None
    if plain in _FREE:
        return Decimal(0)
    sign = _AFTER_SIGN.search(cell)
    found = _AMOUNT.search(cell, sign.end() if sign else 0)
    if found is None or len(found.group()) > 60:
        raise BadInput("no_number", cell[:60])
    digits = _SPACES.sub("", found.group()).replace("−", "-")
    told = _told(digits) if decimal_comma is None else decimal_comma
    if told is None and "," in digits:
        raise BadInput("ambiguous", cell[:60])
    thousands = "." if told else ","
    if thousands in digits and not _IN_THOUSANDS[thousands].fullmatch(digits):
        raise BadInput("ambiguous", cell[:60])
    try:
        number = Decimal(digits.replace(thousands, "").replace(",", "."))
    except InvalidOperation as error:
        raise BadInput("no_number", cell[:60]) from error
    if number and not -30 < number.adjusted() < 16:
        raise BadInput("no_number", cell[:60])
    return -number if number > 0 and _is_negative(cell[: found.start()], cell[found.end() :]) else number


def _is_negative(before: str, after: str) -> bool:
    """As banks and bookkeepers write what is given back."""
    bracketed = _BRACKET_BEFORE.match(before) and _BRACKET_AFTER.fullmatch(after)
    return bool(bracketed or _MINUS_BEFORE.search(before) or _MINUS_AFTER.fullmatch(after))


def beside_number(cell: str) -> str:
    """What a cell says besides its number: "$2.50 / 1M" says "$ / 1M"."""
    sign = _AFTER_SIGN.search(cell)
    found = _AMOUNT.search(cell, sign.end() if sign else 0)
    return cell if found is None else cell[: found.start()] + " " + cell[found.end() :]
