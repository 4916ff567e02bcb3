"""A bill as a gateway exports it (CSV or any pasted table), as lines of exact amounts.

Lines that cannot be read are listed with their number; the others are kept. Sizes are bounded, encodings and decimal
commas are told from the content, and no cell is ever more than text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

from lib.bills.headings import columns_of, form_of, is_aggregated
from lib.bills.line import Bill, BillForm, BillLine, Code, Column, Trouble
from lib.errors import BadInput
from lib.local_time import ms_of, zone_of
from lib.money import MAX_NANO
from lib.sheets import SheetRow, beside_number, decoded, number_of, sheet_of, uses_decimal_comma

MAX_LINES = 100_000
POINTS_PER_USD = 500_000
"""new-api's quota: 500,000 points are one US dollar, unless its operator set another value."""

_CONSUMED, _REFUNDED = frozenset({"2", "consume", "消费"}), frozenset({"6", "refund", "退款"})
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_GERMAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})[ ,T]*(\d{1,2}):(\d{2})(?::(\d{2}))?")
_SLASHED = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?")
_CODE = re.compile(r"\b(USD|CNY|RMB|EUR|GBP|JPY|KRW|INR)\b", re.IGNORECASE)
_SIGNS = {"$": "USD", "€": "EUR", "¥": "CNY", "￥": "CNY", "元": "CNY", "£": "GBP", "₩": "KRW", "₹": "INR"}
_CENTS = re.compile(r"¢|\bcents?\b|\bct\b", re.IGNORECASE)
_SECONDS, _MILLISECONDS = range(10**9, 10**11), range(10**12, 10**14)


class _Reader:
    """How the lines of one bill are read; made once, used for every line."""

    def __init__(self, form: BillForm, columns: Mapping[Column, int], points: Decimal | None, zone: ZoneInfo) -> None:
        self.form, self.columns, self.points, self.zone = form, columns, points, zone
        self.comma: bool | None = None
        self.currency = "USD"
        self.cents = False

    def cell(self, row: SheetRow, column: Column) -> str:
        at = self.columns.get(column, -1)
        return _UNSEEN.sub("", row.cells[at]).strip() if 0 <= at < len(row.cells) else ""

    def line(self, row: SheetRow) -> BillLine | Trouble | None:
        """The line; None when it bills nothing."""
        kind = self.cell(row, "kind").lower()
        if self.form == "new-api" and kind and kind not in _CONSUMED | _REFUNDED:
            return None
        try:
            nano = self._nano(self.cell(row, "amount"))
            tokens = [self._tokens(self.cell(row, name)) for name in ("tokens_in", "tokens_out", "tokens_cached")]
            at_ms = _time(self.cell(row, "time"), self.zone)
            currency = self._currency(row)
        except BadInput as error:
            return Trouble(row.line, _code(error.reason), str(error)[:80])
        if nano is None:
            return Trouble(row.line, "no_amount")
        refunded = self.form == "new-api" and kind in _REFUNDED
        ids = dict.fromkeys(self.cell(row, name)[:200] for name in ("id", "id_too"))
        # new-api numbers its own log lines; that is no id of a request.
        kept = tuple(one for one in ids if one and not (self.form == "new-api" and one.isdecimal()))
        return BillLine(
            row.line,
            at_ms,
            self.cell(row, "model")[:200],
            tokens[0],
            tokens[1],
            -abs(nano) if refunded else nano,
            currency,
            kept,
            tokens[2],
        )

    def _nano(self, cell: str) -> int | None:
        number = number_of(cell, self.comma)
        if number is None:
            return None
        beside = beside_number(cell)
        signed = _currency_in(beside)
        amount = number
        if self.points and not signed:  # "$0.50" is no number of points
            amount = number / self.points
        elif _CENTS.search(beside) or (self.cents and not signed):
            amount = number / 100
        nano = int((amount * 10**9).to_integral_value(ROUND_HALF_EVEN))
        if abs(nano) > MAX_NANO:
            raise BadInput("no_amount", cell)
        return nano

    def _tokens(self, cell: str) -> int | None:
        number = number_of(cell, self.comma if self.comma is not None else False)
        if number is None:
            return None
        if number < 0 or number != int(number):
            raise BadInput("negative_tokens", cell)
        return int(number)

    def _currency(self, row: SheetRow) -> str:
        """Raises BadInput('currency') for one that is not known, or where the line names two."""
        cell = self.cell(row, "currency")
        told = _coded(cell.upper()) if re.fullmatch("[A-Za-z]{3}", cell) else _currency_in(cell)
        beside = _currency_in(beside_number(self.cell(row, "amount")))
        if (cell and not told) or (told and beside and told != beside):
            raise BadInput("currency", cell)
        return told or beside or self.currency


def _currency_in(text: str) -> str | None:
    """The currency that a code or a sign in `text` means."""
    code = _CODE.search(text)
    return _coded(code.group().upper()) if code else next((_SIGNS[sign] for sign in _SIGNS if sign in text), None)


def _coded(code: str) -> str:
    return "CNY" if code == "RMB" else code


def read_bill(
    given: str | bytes,
    form: BillForm | None = None,
    *,
    columns: Mapping[Column, int] | None = None,
    zone: str = "UTC",
    points_per_unit: int | None = None,
    currency: str = "USD",
    separator: str | None = None,
) -> Bill:
    """The lines of a bill. `form` and `columns` (counted from 0) override what the headings suggest.

    Times without a zone are in `zone`. With `points_per_unit` amounts are points; new-api's quota column is in points
    of 500,000 to the dollar. `currency` is that of amounts which name none, nor does their heading.

    Raises BadInput 'too_large', 'not_text', 'zone' or 'points'.
    """
    if points_per_unit is not None and points_per_unit <= 0:
        raise BadInput("points")
    info = zone_of(zone)
    sheet = sheet_of(decoded(given) if isinstance(given, bytes) else given, separator)
    headings = sheet.rows[0].cells if sheet.rows else ()
    chosen = form or form_of(headings)
    places = dict(columns) if columns is not None else columns_of(headings)
    problem = _problem(headings, places, named=columns is not None)
    if problem is not None:
        return Bill(chosen, troubles=(Trouble(1, problem, " ".join(headings)[:80]),), columns=places, headings=headings)
    in_points = chosen == "new-api" and _is_quota(headings, places)
    points = points_per_unit or (POINTS_PER_USD if in_points else None)
    reader = _Reader(chosen, places, Decimal(points) if points else None, info)
    heading = headings[places["amount"]] if 0 <= places["amount"] < len(headings) else ""
    reader.currency, reader.cents = _currency_in(heading) or currency, bool(_CENTS.search(heading))
    body = sheet.rows[1:]
    reader.comma = uses_decimal_comma(reader.cell(row, "amount") for row in body)
    found = [reader.line(row) for row in body[:MAX_LINES]]
    over = tuple(Trouble(row.line, "too_many") for row in body[MAX_LINES : MAX_LINES + 1])
    return Bill(
        chosen,
        tuple(one for one in found if isinstance(one, BillLine)),
        tuple(one for one in found if isinstance(one, Trouble)) + over,
        sum(one is None for one in found),
        places,
        headings,
    )


def _problem(headings: tuple[str, ...], places: Mapping[Column, int], *, named: bool) -> Code | None:
    if not headings or "amount" not in places:
        return "no_columns"
    return "aggregated" if is_aggregated(headings) and not named else None


def _is_quota(headings: tuple[str, ...], places: Mapping[Column, int]) -> bool:
    at = places["amount"]
    return at < len(headings) and headings[at].strip().lower() in ("quota", "额度")


def _code(reason: str) -> Code:
    known: tuple[Code, ...] = ("ambiguous", "no_time", "negative_tokens", "currency")
    codes: dict[str, Code] = {code: code for code in known}
    return codes.get(reason, "no_amount")


def _time(cell: str, zone: ZoneInfo) -> int | None:
    """UTC milliseconds of a time as exports write it: ISO 8601, Unix seconds or milliseconds, "3.5.2026 12:00".

    None for an empty cell. Raises BadInput('no_time') for anything else, also for 03/05/2026, which may be two days.
    """
    if not cell:
        return None
    if cell.isascii() and cell.isdecimal():
        number = int(cell) if len(cell) < 20 else 0
        if number in _SECONDS or number in _MILLISECONDS:
            return number * 1000 if number in _SECONDS else number
        raise BadInput("no_time", cell)
    try:
        moment = _moment(cell)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return ms_of(aware.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise BadInput("no_time", cell) from error


def _moment(cell: str) -> datetime:
    german, slashed = _GERMAN.fullmatch(cell), _SLASHED.fullmatch(cell)
    if german:
        day, month, year, hour, minute, second = (int(part or 0) for part in german.groups())
        return datetime(year, month, day, hour, minute, second)
    if slashed:
        return datetime(*(int(part or 0) for part in slashed.groups()))  # type: ignore[arg-type]
    return datetime.fromisoformat(cell.removesuffix(" UTC") + "+00:00" if cell.endswith(" UTC") else cell)
