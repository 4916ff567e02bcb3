"""What the usage page looks at, as its address says it: every choice stands in the URL, and a click changes the URL.

Nothing here knows Streamlit: an address is a mapping of names to their values, and reading what `address_of` wrote
gives the same view. Whatever an address says that makes no sense is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal, get_args

from msgspec import Struct, structs

from lib.errors import BadInput
from lib.insight_words import Cursor, Filter, Only, Order
from lib.local_time import day_of, zone_of

TabName = Literal["overview", "models", "chats", "tokens", "speed", "requests"]
PeriodName = Literal["today", "7d", "30d", "90d", "month", "year", "custom"]
Versus = Literal["before", "year", "none"]
"""before: the equally many days before · year: the same days a year earlier."""
Split = Literal["base", "family", "variant"]
Pace = Literal["first", "rate", "errors"]
"""What the heat map shows: the first words, tokens per second, or how often it went wrong."""
_DAYS: dict[PeriodName, int] = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "year": 365}
_LONGEST, _MOST = 300, 60
"""Characters of a value and values of a name that are still read from an address."""
_LAST_MS = 1 << 42


class View(Struct, frozen=True):
    """See the module. `start` and `last` are the days of a custom period, both inclusive.

    `page` is where a page of requests begins ("after-ID-VALUE"), `request` the one that is looked at.
    """

    tab: TabName = "overview"
    period: PeriodName = "30d"
    start: date | None = None
    last: date | None = None
    versus: Versus = "before"
    zone: str = ""
    gateways: tuple[int, ...] = ()
    families: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    only: Only = "all"
    folder: str | None = None
    tag: str | None = None
    conversation: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    weekday: int | None = None
    hour: int | None = None
    currency: str | None = None
    demo: bool = False
    by: Split = "base"
    pace: Pace = "first"
    summed: bool = False
    order: Order = "newest"
    page: str = ""
    request: int | None = None

    @property
    def narrowed(self) -> bool:
        """Whether it leaves anything out besides days."""
        return any(getattr(self, name) not in (None, (), "all") for name in NARROWING)


NARROWING = (
    "gateways", "families", "bases", "variants", "purposes", "outcomes", "only", "folder", "tag", "conversation",
    "from_ms", "weekday", "hour",
)  # fmt: skip
"""The fields that are filters, each shown as one pill (`to_ms` goes with `from_ms`)."""

_NAMES = {
    "tab": "tab", "period": "period", "start": "from", "last": "to", "versus": "vs", "zone": "zone",
    "gateways": "gateway", "families": "family", "bases": "model", "variants": "variant", "purposes": "purpose",
    "outcomes": "status", "only": "only", "folder": "folder", "tag": "tag", "conversation": "in",
    "from_ms": "since", "to_ms": "until", "weekday": "weekday", "hour": "hour", "currency": "currency",
    "demo": "demo", "by": "by", "pace": "pace", "summed": "summed", "order": "order", "page": "page",
    "request": "request",
}  # fmt: skip
"""Field → its name in an address."""


def view_of(address: Mapping[str, Sequence[str]]) -> View:
    """The view an address asks for."""
    found: dict[str, Any] = {}
    for field, name in _NAMES.items():
        values = [value for value in address.get(name, ()) if len(value) <= _LONGEST][:_MOST]
        if values and (value := _READ[field](values)) is not None:
            found[field] = value
    if (found.get("from_ms") is None) is not (found.get("to_ms") is None):
        found.pop("from_ms", None), found.pop("to_ms", None)
    return View(**found)


def address_of(view: View) -> dict[str, list[str]]:
    """The address of a view; what is as usual is not in it."""
    usual = View()
    found = {}
    for field, name in _NAMES.items():
        value = getattr(view, field)
        if value != getattr(usual, field):
            found[name] = [_written(one) for one in (value if isinstance(value, tuple) else (value,))]
    return found


def turned(view: View, **changes: Any) -> View:
    """The view after a choice. Another set of requests begins at its first page."""
    if not changes.keys() <= {"page", "request"}:
        changes = {"page": "", "request": None} | changes
    return structs.replace(view, **changes)


def without(view: View, field: str) -> View:
    """The view after a filter was taken away."""
    usual = View()
    gone = {field: getattr(usual, field)} | ({"to_ms": None} if field == "from_ms" else {})
    return turned(view, **gone)


def plain(view: View) -> View:
    """The view without any filter."""
    for field in NARROWING:
        view = without(view, field)
    return view


def days_of(view: View, today: date) -> tuple[date, date]:
    """The local days [start, end) that are looked at."""
    tomorrow = today + timedelta(days=1)
    if view.period == "custom":
        start = view.start or view.last or today - timedelta(days=6)
        last = view.last or (today if view.start is None else view.start)
        return min(start, last), max(start, last) + timedelta(days=1)
    if view.period == "month":
        return today.replace(day=1), tomorrow
    return tomorrow - timedelta(days=_DAYS[view.period]), tomorrow


def filter_of(view: View, today: date) -> Filter:
    """The requests that are looked at. `view.zone` is a real zone here."""
    start, end = days_of(view, today)
    same = {name: getattr(view, name) for name in (*NARROWING, "to_ms", "currency", "demo")}
    return Filter(start, end, view.zone, **same)


def compared(filter: Filter, versus: Versus) -> Filter | None:
    """The requests these are compared with. A stretch of hours has nothing to be compared with."""
    if versus == "none" or filter.from_ms is not None:
        return None
    if versus == "before":
        return filter.before
    start = _year_before(filter.start)
    return structs.replace(filter, start=start, end=start + timedelta(days=filter.days))


def _year_before(day: date) -> date:
    """A year earlier on the same weekday: 52 weeks."""
    return day - timedelta(weeks=52)


def cursor_of(page: str) -> tuple[Cursor | None, bool]:
    """(where a page begins, whether it is read backwards from there)."""
    found = re.fullmatch(r"(after|before)-(\d{1,19})(?:-(\d{1,19}))?", page)
    if found is None:
        return None, False
    value = None if found[3] is None else int(found[3])
    return Cursor(int(found[2]), value), found[1] == "before"


def page_of(cursor: Cursor, *, backwards: bool) -> str:
    """The same as a text for the address."""
    value = "" if cursor.value is None else f"-{cursor.value}"
    return f"{'before' if backwards else 'after'}-{cursor.id}{value}"


def known_zone(name: str, usual: str) -> str:
    """`name` when it is a time zone, else the usual one."""
    try:
        zone_of(name)
    except BadInput:
        return usual
    return name if name else usual


def stretch_words(from_ms: int, to_ms: int, zone: str) -> str:
    """A stretch of time in words: "12 Nov 2026" for a whole day, "12 Nov 2026 to 14 Nov 2026" for several."""
    first, last = day_of(from_ms, zone_of(zone)), day_of(to_ms - 1, zone_of(zone))
    if first != last:
        return f"{day_words(first)} to {day_words(last)}"
    return day_words(first)


def day_words(day: date) -> str:
    """ "12 Nov 2026"."""
    return f"{day.day} {day:%b %Y}"


def _written(value: Any) -> str:
    return "1" if value is True else value.isoformat() if isinstance(value, date) else str(value)


def _one_of(kind: Any) -> Callable[[list[str]], Any]:
    allowed = get_args(kind)
    return lambda values: values[0] if values[0] in allowed else None


def _text(values: list[str]) -> str:
    return values[0]


def _texts(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _day(values: list[str]) -> date | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", values[0]):
        return None
    try:
        found = date.fromisoformat(values[0])
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None


def _whole(low: int, high: int) -> Callable[[list[str]], int | None]:
    def read(values: list[str]) -> int | None:
        if not re.fullmatch(r"-?\d{1,19}", values[0], re.ASCII):
            return None
        return number if low <= (number := int(values[0])) < high else None

    return read


def _numbers(values: list[str]) -> tuple[int, ...]:
    found = (_whole(-(2**63), 2**63)([one]) for one in values)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _flag(values: list[str]) -> bool:
    return values[0] in ("1", "true")


def _page(values: list[str]) -> str | None:
    return values[0] if cursor_of(values[0])[0] else None


_READ: dict[str, Callable[[list[str]], Any]] = {
    "tab": _one_of(TabName),
    "period": _one_of(PeriodName),
    "start": _day,
    "last": _day,
    "versus": _one_of(Versus),
    "zone": _text,
    "gateways": _numbers,
    **dict.fromkeys(("families", "bases", "variants", "purposes", "outcomes"), _texts),
    "only": _one_of(Only),
    **dict.fromkeys(("folder", "tag", "conversation", "currency"), _text),
    "from_ms": _whole(0, _LAST_MS),
    "to_ms": _whole(0, _LAST_MS),
    "weekday": _whole(0, 7),
    "hour": _whole(0, 24),
    "demo": _flag,
    "by": _one_of(Split),
    "pace": _one_of(Pace),
    "summed": _flag,
    "order": _one_of(Order),
    "page": _page,
    "request": _whole(0, 2**63),
}
