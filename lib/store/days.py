"""Local days and months as stretches of UTC time, exact on the days a clock is turned."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lib.errors import BadInput


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone. Raises BadInput('zone')."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput("zone", f"unknown time zone {name[:60]!r}") from error


@lru_cache(maxsize=4096)
def start_of(day: date, zone: ZoneInfo) -> int:
    """The UTC epoch ms at which `day` begins in `zone`: its first midnight, or the moment that midnight is skipped."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).timestamp() * 1000)


def day_of(ms: int, zone: ZoneInfo) -> date:
    """The local day of an instant.

    A day is one stretch from its first midnight to the next, also where a clock turned back over midnight showed
    the old date once more: so days never overlap and every sum of days is the sum of the whole.
    """
    day = datetime.fromtimestamp(ms / 1000, zone).date()
    following = day + timedelta(days=1)
    return following if ms >= start_of(following, zone) else day


def month_bucket(day: date) -> int:
    """Months since year 0."""
    return day.year * 12 + day.month - 1


def first_of(bucket: int) -> date:
    """The first day of a month bucket."""
    return date(bucket // 12, bucket % 12 + 1, 1)


def hour_start(ms: int, zone: ZoneInfo) -> int:
    """The UTC epoch ms at which the hour that the wall clock shows began, but not before its day did."""
    local = datetime.fromtimestamp(ms / 1000, zone)
    since = (local.minute * 60 + local.second) * 1000 + ms % 1000
    return max(ms - since, start_of(day_of(ms, zone), zone))


def month_of(ms: int) -> int:
    """The bucket of the UTC month of an instant."""
    return month_bucket(datetime.fromtimestamp(ms // 1000, UTC).date())


def month_start(bucket: int) -> int:
    """The UTC epoch ms at which a UTC month begins."""
    return (first_of(bucket) - date(1970, 1, 1)).days * 86_400_000
