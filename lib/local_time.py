"""Local days and months of an IANA zone as stretches of UTC milliseconds, exact on the days a clock is turned."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lib.errors import BadInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone. Raises BadInput('zone')."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput("zone", f"unknown time zone {name[:60]!r}") from error


def local(ms: int, zone: ZoneInfo) -> datetime:
    """An instant as the zone's clock shows it."""
    return (_EPOCH + ms * _MS).astimezone(zone)


def ms_of(moment: datetime) -> int:
    """The UTC milliseconds of a moment that knows its zone."""
    return (moment - _EPOCH) // _MS


def start_of(day: date, zone: ZoneInfo) -> int:
    """The UTC ms at which `day` begins: its first midnight, or the moment at which that midnight is skipped."""
    return ms_of(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC))


def day_of(ms: int, zone: ZoneInfo) -> date:
    """The local day of an instant. A day runs from its first midnight to the next one's, so days never overlap."""
    day = local(ms, zone).date()
    following = day + timedelta(days=1)
    return following if ms >= start_of(following, zone) else day


def next_month(day: date) -> date:
    """The first day of the month after."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def month_window(month: str, zone: ZoneInfo) -> tuple[int, int]:
    """The UTC ms [start, end) of a month such as "2026-10". Raises BadInput('month')."""
    found = _MONTH.fullmatch(month)
    if found is None or int(found.group(1)) < 1970:
        raise BadInput("month", month[:20])
    first = date(int(found.group(1)), int(found.group(2)), 1)
    return start_of(first, zone), start_of(next_month(first), zone)
