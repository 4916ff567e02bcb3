"""Spreadsheets (xlsx, xlsb, xls, ods): every sheet as lines of comma-separated values under its name."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from lib.attachments import Attachment
from lib.intake.archives import archive
from lib.intake.job import Job
from lib.intake.outbox import Refused
from lib.intake.plain_text import as_text

ZIPPED = (
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
    "application/vnd.oasis.opendocument.spreadsheet",
)
OLD = "application/vnd.ms-excel"
SHEETS = (*ZIPPED, OLD)
MOST_CELLS = 4_000_000
"""Cells of one sheet, empty ones too: a single value in the last cell of the last row would make 17
thousand million."""


def sheets(job: Job) -> Attachment:
    """All visible sheets as one text. Raises `Refused`."""
    if job.media_type in ZIPPED:
        with archive(job.path):
            pass  # only its list of contents
    try:
        # By its path it would be read as what its name ends in.
        with Path(job.path).open("rb") as file, CalamineWorkbook.from_filelike(file) as book:
            return _as_text(book, job)
    except PasswordError as error:
        raise Refused("protected") from error
    except (CalamineError, ValueError, OSError) as error:
        raise Refused("damaged") from error


def _as_text(book: CalamineWorkbook, job: Job) -> Attachment:
    out, more = io.StringIO(), False
    names = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
    for name in names:
        sheet = book.get_sheet_by_name(name)
        if len(names) > 1:
            out.write(f"{'' if out.tell() == 0 else chr(10)}--- Sheet: {_one_line(name)} ---\n")
        more = _write(sheet, out, job.limits.text_chars) or more
        if out.tell() > job.limits.text_chars:
            more = True
            break
    return as_text(job, out.getvalue(), more=more, pages=len(names))


def _write(sheet: CalamineSheet, out: io.StringIO, most: int) -> bool:
    """The sheet's rows; whether some were left out."""
    if sheet.total_height * sheet.total_width > MOST_CELLS:
        raise Refused("too_much_memory")
    writer = csv.writer(out, lineterminator="\n")
    for row in sheet.iter_rows():
        writer.writerow(_without_empty_end([_cell(value) for value in row]))
        if out.tell() > most:
            return True
    return False


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _without_empty_end(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _one_line(name: str) -> str:
    return " ".join(name.split())
