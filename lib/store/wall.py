"""Local days and clock times in SQL: one shift per stretch of time, since not every engine knows time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, case, literal_column

from lib.store.days import start_of

DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MONDAY = 3
"""1970 began on a Thursday: day 0 is three days after a Monday."""
Shifts = tuple[tuple[int, int], ...]
"""(from which UTC ms, how many ms to add), the first one for everything before the second."""


@lru_cache(maxsize=256)
def clock_shifts(start: date, end: date, zone: ZoneInfo) -> Shifts:
    """What the wall clock is ahead of UTC on the local days [start, end)."""
    days = [start_of(start + timedelta(days=at), zone) for at in range((end - start).days + 1)]
    found = [(days[0], _ahead(days[0], zone))]
    for low, high in pairwise(days):
        if _ahead(low, zone) != _ahead(high, zone):
            at = next((ms for ms in range(low, high, MINUTE_MS) if _ahead(ms, zone) != found[-1][1]), high)
            found.append((at, _ahead(at, zone)))
    return tuple(found)


@lru_cache(maxsize=256)
def day_shifts(start: date, end: date, zone: ZoneInfo) -> Shifts:
    """What to add so that every instant of the local days [start, end) falls into its own day of 24 hours.

    The days are those of `days.day_of`. A shift changes in the middle of a day that is shorter or longer than others,
    so that both its midnights stay where they are.
    """
    starts = [start_of(start + timedelta(days=at), zone) for at in range((end - start).days + 1)]
    first = (start.toordinal() - _EPOCH_ORDINAL) * DAY_MS
    shifts = [first + at * DAY_MS - ms for at, ms in enumerate(starts)]
    found = [(starts[0], shifts[0])]
    for at, (low, high) in enumerate(pairwise(starts)):
        if shifts[at + 1] != found[-1][1]:
            found.append((min(low + DAY_MS // 2, high), shifts[at + 1]))
    return tuple(found)


def aligned(start: date, end: date, one: ZoneInfo, other: ZoneInfo) -> bool:
    """Whether the hours of both clocks begin together on these days."""
    minutes = {shift % HOUR_MS for zone in (one, other) for _, shift in clock_shifts(start, end, zone)}
    return len(minutes) == 1


def day_sql(ms: ColumnElement[Any], shifts: Shifts) -> ColumnElement[Any]:
    """The ordinal of the local day of an instant, with `day_shifts`."""
    return _shifted(ms, shifts) // whole(DAY_MS) + whole(_EPOCH_ORDINAL)


def hour_sql(ms: ColumnElement[Any], shifts: Shifts) -> ColumnElement[Any]:
    """The hour the clock shows, with `clock_shifts`."""
    return _shifted(ms, shifts) // whole(HOUR_MS) % whole(24)


def weekday_sql(ms: ColumnElement[Any], shifts: Shifts) -> ColumnElement[Any]:
    """The weekday the calendar shows, 0 is Monday, with `clock_shifts`."""
    days = _shifted(ms, shifts) // whole(DAY_MS)
    return (days + whole(_MONDAY)) % whole(7)


def _shifted(ms: ColumnElement[Any], shifts: Shifts) -> ColumnElement[Any]:
    if len(shifts) == 1:
        return ms + whole(shifts[0][1])
    until: list[Any] = [(ms < whole(end), whole(shift)) for (_, shift), (end, _) in pairwise(shifts)]
    return ms + case(*until, else_=whole(shifts[-1][1]))


def _ahead(ms: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).utcoffset() or timedelta()
    return round(offset.total_seconds()) * 1000


def whole(number: int) -> ColumnElement[int]:
    """A number written out: PostgreSQL takes two equal parameters for two different expressions to group by."""
    return literal_column(str(number), BigInteger)
