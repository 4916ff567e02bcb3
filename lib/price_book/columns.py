"""Which column of a price list holds what, by its heading or by where it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

Field = Literal["model", "input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "currency", "unit"]
FIELDS: tuple[Field, ...] = get_args(Field)
PRICE_FIELDS: tuple[Field, ...] = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
_BY_PLACE: tuple[Field, ...] = ("model", "input", "output", "cache_read", "cache_write_5m", "cache_write_1h")

_HOUR = re.compile(r"1[ _-]?h(ou)?r?\b|hour|stunde|above_1hr")
_CACHE = re.compile(r"cach|缓存")
_WRITE = re.compile(r"writ|creat|creation|stor|schreib|写|创建")
_MODEL = re.compile(r"^(model|model[ _-]?(id|name)|id|name|modell|模型.*|slug)$")
_INPUT = re.compile(r"input|prompt|eingabe|\bin\b|输入|提示")
_OUTPUT = re.compile(r"output|completion|response|answer|ausgabe|\bout\b|输出|补全")
_CURRENCY = re.compile(r"^(currency|währung|币种|货币)$")
_UNIT = re.compile(r"^((price[ _-]?)?unit|einheit|单位|per)$")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBER = re.compile(r"\d")


def field_of(heading: str) -> Field | None:
    """What a heading stands for; None when it says nothing that is needed here."""
    plain = _HUMP.sub("_", heading.strip()).lower()
    if _CACHE.search(plain):
        written = _WRITE.search(plain)
        return ("cache_write_1h" if _HOUR.search(plain) else "cache_write_5m") if written else "cache_read"
    spaced = plain.replace("_", " ")
    exact: tuple[tuple[re.Pattern[str], Field], ...] = ((_MODEL, "model"), (_CURRENCY, "currency"), (_UNIT, "unit"))
    for pattern, field in (*exact, (_OUTPUT, "output"), (_INPUT, "input")):
        if pattern.search(spaced):
            return field
    return None


def columns_of(first: Sequence[str]) -> tuple[dict[Field, int], bool]:
    """Where each field stands, from the first row, and whether that row is a heading.

    The first column that fits a field gets it. Without a heading (no model, no price named) the order is taken to be
    model, input, output, cached input, written to cache. An empty table when not even that fits.
    """
    named: dict[Field, int] = {}
    for at, heading in enumerate(first):
        field = field_of(heading)
        if field is not None:
            named.setdefault(field, at)
    if set(named) & set(PRICE_FIELDS) and not any(_NUMBER.fullmatch(cell[:1]) for cell in first[1:]):
        if "model" not in named and 0 not in named.values():
            named["model"] = 0
        return named, True
    if len(first) >= 2 and any(_NUMBER.search(cell) for cell in first[1:]):
        return {field: at for at, field in enumerate(_BY_PLACE) if at < len(first)}, False
    return {}, True
