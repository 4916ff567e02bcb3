"""A price list that a person pastes or brings as a file (CSV, TOML, Markdown table) as rows of exact numbers.

Rows that cannot be read are listed with their line and reason; the others are kept. The unit is what the list says,
in a heading, a column or beside a number; when it says nothing the rows have none, and `units` has to tell.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from msgspec import Struct, convert, structs

from lib.cards import Prices
from lib.dialects import price_text
from lib.errors import BadInput
from lib.money import MAX_PRICE
from lib.price_book.columns import PRICE_FIELDS, Field, columns_of, field_of
from lib.sheets import SheetRow, beside_number, decoded, number_of, sheet_of, uses_decimal_comma

Form = Literal["auto", "table", "toml"]
Code = Literal[
    "no_model",
    "no_price",
    "no_number",
    "ambiguous",
    "negative",
    "too_large",
    "twice",
    "units_differ",
    "not_toml",
    "no_columns",
]
"""ambiguous: "1,250" may be a thousand or one and a quarter · twice: the model stands further up with another price ·
units_differ: its prices are for different amounts of tokens, or in different currencies."""

MAX_TEXT = 2_000_000
MAX_MODELS = 5_000
_MAX_ID = 256
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_CENTS = re.compile(r"¢|\bcents?\b|\bct\b", re.IGNORECASE)
_ASSIGNED = re.compile(r'^\s*(\[.+\]|[\w."-]+\s*=.*)\s*$', re.MULTILINE)
_CODE = re.compile(r"\b(USD|CNY|RMB|EUR|GBP|JPY|KRW|INR)\b", re.IGNORECASE)
_SIGNS = {"£": "GBP", "₩": "KRW", "₹": "INR"}


class Trouble(Struct, frozen=True):
    """A row that was left out, by its line in the text; `detail` is what stood there (untrusted, short)."""

    line: int
    code: Code
    detail: str = ""


class Listed(Struct, frozen=True):
    """A row as it stands in the list: exact numbers, for `tokens` tokens each in `currency` (None: not told).

    `cents`: the numbers are hundredths of the currency's unit.
    """

    line: int
    model: str
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    tokens: int | None = None
    cents: bool = False
    currency: str | None = None

    @property
    def numbers(self) -> dict[str, Decimal]:
        """The prices that are named, by field."""
        found = {name: getattr(self, name) for name in PRICE_FIELDS}
        return {name: number for name, number in found.items() if number is not None}


class PriceList(Struct, frozen=True):
    """What could be read. `columns` says where each field stood; `headings` is the first row of a table."""

    rows: tuple[Listed, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    columns: Mapping[Field, int] = {}
    headings: tuple[str, ...] = ()


class _Told(Struct, frozen=True):
    tokens: int | None = None
    cents: bool = False
    currency: str | None = None


def read_prices(
    given: str | bytes, form: Form = "auto", *, columns: Mapping[Field, int] | None = None, separator: str | None = None
) -> PriceList:
    """The rows of a price list. `columns` overrides where the fields stand in a table, counted from 0.

    Raises BadInput 'too_large' (2 million characters) or 'not_text'. Everything else that is wrong is a trouble.
    """
    text = decoded(given) if isinstance(given, bytes) else given
    if len(text) > MAX_TEXT:
        raise BadInput("too_large")
    if form == "toml" or (form == "auto" and _looks_like_toml(text)):
        return _read_toml(text)
    return _read_table(text, columns, separator)


def prices_of(row: Listed, tokens: int, cents: bool = False, *, currency: str = "USD") -> Prices:
    """A row as prices, its numbers being for so many tokens. Rounded to a whole pico-unit, half to even.

    Raises BadInput 'too_large' beyond one unit of currency per token.
    """
    scale = Decimal(10**12) / tokens / (100 if cents else 1)
    picos = {name: int((number * scale).to_integral_value(ROUND_HALF_EVEN)) for name, number in row.numbers.items()}
    if any(pico > MAX_PRICE for pico in picos.values()):
        raise BadInput("too_large", row.model)
    return convert({**picos, "currency": row.currency or currency}, Prices)


def _read_table(text: str, columns: Mapping[Field, int] | None, separator: str | None) -> PriceList:
    sheet = sheet_of(text, separator)
    if not sheet.rows:
        return PriceList()
    first = sheet.rows[0]
    guessed, heading = columns_of(first.cells)
    places = dict(columns) if columns is not None else guessed
    if columns is not None:
        priced = [at for field, at in places.items() if field in PRICE_FIELDS and at < len(first.cells)]
        heading = not any(char.isdigit() for at in priced for char in first.cells[at])
    if not set(places) & set(PRICE_FIELDS) or "model" not in places:
        return PriceList(
            troubles=(Trouble(first.line, "no_columns", _short(" ".join(first.cells))),), headings=first.cells
        )
    body = sheet.rows[1:] if heading else sheet.rows
    used = [at for field, at in places.items() if field in PRICE_FIELDS]
    comma = uses_decimal_comma(cell for row in body for at, cell in enumerate(row.cells) if at in used)
    over = {field: _told(first.cells[at]) for field, at in places.items() if heading and at < len(first.cells)}
    found = [_row(row, places, over, comma) for row in body]
    return _collected(found, places, first.cells if heading else ())


def _row(
    row: SheetRow, places: Mapping[Field, int], over: Mapping[Field, _Told], comma: bool | None
) -> Listed | Trouble:
    cells = {field: row.cells[at] for field, at in places.items() if 0 <= at < len(row.cells)}
    model = _model(cells.get("model", ""))
    if not model:
        return Trouble(row.line, "no_model", _short(" ".join(row.cells)))
    numbers: dict[str, Decimal] = {}
    spoken: list[_Told] = []
    beside = _told(f"{cells.get('unit', '')} {cells.get('currency', '')}")
    for field in PRICE_FIELDS:
        try:
            number = number_of(cells.get(field, ""), comma)
        except BadInput as error:
            return Trouble(row.line, "ambiguous" if error.reason == "ambiguous" else "no_number", _short(cells[field]))
        if number is not None:
            numbers[field] = number
            said = _joined(_told(beside_number(cells[field])), over.get(field, _Told()))
            spoken.append(said)
            if _contradict(beside, said) or _mixes_cents(spoken):
                return Trouble(row.line, "units_differ", _short(cells[field]))
            beside = _joined(beside, said)
    return _listed(row.line, model, numbers, beside)


def _listed(line: int, model: str, numbers: Mapping[str, Decimal], told: _Told) -> Listed | Trouble:
    if not numbers:
        return Trouble(line, "no_price", model)
    if any(number < 0 for number in numbers.values()):
        return Trouble(line, "negative", model)
    return Listed(line, model, **numbers, tokens=told.tokens, cents=told.cents, currency=told.currency)


def _collected(found: list[Listed | Trouble], places: Mapping[Field, int], headings: tuple[str, ...] = ()) -> PriceList:
    """Rows and troubles apart; the same model a second time is kept only in the troubles, if it says another price."""
    rows: dict[str, Listed] = {}
    troubles = [one for one in found if isinstance(one, Trouble)]
    for row in found:
        if isinstance(row, Trouble):
            continue
        known = rows.setdefault(row.model, row)
        if structs.replace(row, line=known.line) != known:
            troubles.append(Trouble(row.line, "twice", row.model))
    kept = list(rows.values())
    troubles += [Trouble(row.line, "too_large", row.model) for row in kept[MAX_MODELS:]]
    return PriceList(tuple(kept[:MAX_MODELS]), tuple(sorted(troubles, key=lambda one: one.line)), places, headings)


def _told(text: str) -> _Told:
    """Unit and currency as a heading, a cell of its own, or the words beside a number tell them."""
    sign = next((code for mark, code in _SIGNS.items() if mark in text), None)
    code = _CODE.search(text)
    named = code.group().upper().replace("RMB", "CNY") if code else price_text.currency_in(text)
    return _Told(price_text.tokens_per_unit(text), bool(_CENTS.search(text)), sign or named)


def _joined(first: _Told, then: _Told) -> _Told:
    return _Told(first.tokens or then.tokens, first.cents or then.cents, first.currency or then.currency)


def _contradict(one: _Told, other: _Told) -> bool:
    units = {one.tokens, other.tokens} - {None}
    return len(units) > 1 or len({one.currency, other.currency} - {None}) > 1


def _mixes_cents(spoken: list[_Told]) -> bool:
    """One number says that it is in cents, and another one that it is in whole units of a currency."""
    return any(one.cents for one in spoken) and any(one.currency and not one.cents for one in spoken)


def _model(cell: str) -> str:
    name = _UNSEEN.sub("", cell).strip().strip("`*\"'").strip()
    return name if 0 < len(name) <= _MAX_ID else ""


def _short(text: str) -> str:
    return _UNSEEN.sub("", text)[:80]


def _looks_like_toml(text: str) -> bool:
    lines = [line for line in text[:20_000].splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return bool(lines) and sum(bool(_ASSIGNED.match(line)) for line in lines) * 3 > len(lines) * 2


def _read_toml(text: str) -> PriceList:
    """`[gpt-5.4]` with `input = 2.5`, `["gpt-5.4"]`, `[[model]]` with `id = …`, or `"gpt-5.4" = { input = 2.5 }`.

    `unit` and `currency` at the top hold for all that name none.
    """
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"line (\d+)", str(error))
        return PriceList(troubles=(Trouble(int(found.group(1)) if found else 1, "not_toml", _short(str(error))),))
    top = _told(f"{data.get('unit', '')} {data.get('currency', '')}")
    lines = text.splitlines()
    return _collected([_toml_row(name, fields, top, lines) for name, fields in _tables(data, "")], {})


def _tables(data: Mapping[str, Any], path: str, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every table that names a price, with its model: an id in it, or the keys that lead to it."""
    if any(field_of(name) in PRICE_FIELDS and not isinstance(value, dict | list) for name, value in data.items()):
        named = next((data[name] for name in ("id", "model", "name") if isinstance(data.get(name), str)), None)
        yield named or path, data
        return
    for name, value in data.items():
        inner = name if path in ("", "models", "model", "prices", "price") else f"{path}.{name}"
        for table in value if isinstance(value, list) else (value,):
            if isinstance(table, dict) and depth < 8:
                yield from _tables(table, inner, depth + 1)


def _toml_row(name: str, fields: Mapping[str, Any], top: _Told, lines: list[str]) -> Listed | Trouble:
    line = next((at for at, text in enumerate(lines, 1) if name and _in_toml(name, text)), 1)
    model = _model(name)
    if not model:
        return Trouble(line, "no_model", _short(name))
    numbers: dict[str, Decimal] = {}
    spoken: list[_Told] = []
    told = _told(f"{fields.get('unit', '')} {fields.get('currency', '')}")
    for key, value in fields.items():
        field = field_of(key)
        if field not in PRICE_FIELDS or field in numbers or isinstance(value, dict | list):
            continue
        try:
            number = number_of("" if isinstance(value, bool) else str(value), False)
        except BadInput:
            return Trouble(line, "no_number", _short(str(value)))
        if number is not None:
            numbers[field] = number
            said = _joined(_told(key), _told(beside_number(str(value))))
            spoken.append(said)
            if _contradict(told, said) or _mixes_cents(spoken):
                return Trouble(line, "units_differ", _short(str(value)))
            told = _joined(told, said)
    return _listed(line, model, numbers, _joined(told, top))


def _in_toml(name: str, text: str) -> bool:
    return name in text.replace('"', "").replace("'", "")
