"""Where a period's spending is heading: days spent so far, and a band for those to come.

Whole past days are drawn again, of the same weekday when there are three weeks of them, and added up many times; the
band runs from the 10th to the 90th percentile of those sums, its middle is the median. The draws come from a generator
seeded with the figures themselves: the same days give the same band.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from msgspec import Struct, structs

Basis = Literal["none", "days", "weekdays"]
"""none: fewer than three whole days are known, so no band · days: all alike · weekdays: each by its own kind."""

FEWEST_DAYS = 3
WEEKDAYS_FROM = 21
_RUNS = 400
_LOW, _MIDDLE, _HIGH = 10, 50, 90


class ForecastDay(Struct, frozen=True):
    """One day of the period; all amounts are cumulated from its first day. `spent` is None for days to come."""

    day: date
    spent: int | None
    low: int | None = None
    middle: int | None = None
    high: int | None = None


class Forecast(Struct, frozen=True):
    """Amounts in nano-units. `low`, `middle`, `high` are of the whole period; None where nothing can be said.

    `reached_on` is the day on which the limit is expected to be reached, `reached_earliest` on which it may be (one
    time in ten); None when it is not within the period. When it has been reached, both are that day.
    """

    basis: Basis
    spent: int
    days: tuple[ForecastDay, ...]
    known_days: int
    low: int | None = None
    middle: int | None = None
    high: int | None = None
    limit: int | None = None
    reached_on: date | None = None
    reached_earliest: date | None = None

    @property
    def reached(self) -> bool:
        return self.limit is not None and self.spent >= self.limit


def forecast(
    spent: Mapping[date, int],
    start: date,
    end: date,
    today: date,
    *,
    history: Mapping[date, int] | None = None,
    limit: int | None = None,
) -> Forecast:
    """The forecast of the period from `start` to before `end`, seen from `today`.

    `spent` are nano-units by local day of the period, `history` of days before it; a day without spending need not
    be named. Known are the whole days from the first one named to yesterday. Today counts with what it has spent at
    least. Raises ValueError when the period is empty.
    """
    if start >= end:
        raise ValueError("the period is empty")
    past = _past(spent, history or {}, today)
    so_far = _so_far(spent, start, min(end, today + timedelta(days=1)))
    total = so_far[-1].spent or 0 if so_far else 0
    to_come = _span(max(start, today), end)
    basis: Basis = "none" if len(past) < FEWEST_DAYS else "weekdays" if len(past) >= WEEKDAYS_FROM else "days"
    days = (*so_far, *(ForecastDay(day, None) for day in to_come if day > today))
    if not to_come:  # over: it is what it is
        return _with_limit(Forecast(basis, total, days, len(past), total, total, total, limit))
    if basis == "none":
        return _with_limit(Forecast(basis, total, days, len(past), limit=limit))
    spent_today = spent.get(today, 0) if to_come[0] == today else 0
    pools = [_pool(past, day, basis == "weekdays") for day in to_come]
    bands = dict(zip(to_come, _bands(pools, total - spent_today, spent_today), strict=True))
    days = tuple(ForecastDay(day.day, day.spent, *bands.get(day.day, (None, None, None))) for day in days)
    return _with_limit(Forecast(basis, total, days, len(past), *bands[to_come[-1]], limit))


def _past(spent: Mapping[date, int], history: Mapping[date, int], today: date) -> dict[date, int]:
    """Every whole day from the first known one to yesterday, also those without any spending."""
    known = {**history, **spent}
    first = min((day for day in known if day < today), default=today)
    return {day: known.get(day, 0) for day in _span(first, today)}


def _so_far(spent: Mapping[date, int], start: date, end: date) -> tuple[ForecastDay, ...]:
    total, days = 0, []
    for day in _span(start, end):
        total += spent.get(day, 0)
        days.append(ForecastDay(day, total))
    return tuple(days)


def _pool(past: Mapping[date, int], day: date, by_weekday: bool) -> list[int]:
    return [nano for known, nano in past.items() if not by_weekday or known.weekday() == day.weekday()]


def _bands(pools: Sequence[Sequence[int]], before: int, spent_first: int) -> list[tuple[int, int, int]]:
    """Per day to come the cumulated low, middle and high; the first day costs at least what it has spent already."""
    draws = random.Random(repr((pools, before, spent_first)))  # noqa: S311 - a band, not a secret
    runs: list[list[int]] = []
    for _ in range(_RUNS):
        reached, run = before, []
        for at, pool in enumerate(pools):
            drawn = pool[draws.randrange(len(pool))]
            reached += drawn if at else max(drawn, spent_first)
            run.append(reached)
        runs.append(run)
    return [_band(sorted(run[at] for run in runs)) for at in range(len(pools))]


def _band(sums: Sequence[int]) -> tuple[int, int, int]:
    last = len(sums) - 1
    return sums[last * _LOW // 100], sums[last * _MIDDLE // 100], sums[last * _HIGH // 100]


def _with_limit(found: Forecast) -> Forecast:
    """With the days on which the limit is, or will be, reached."""
    limit = found.limit
    if limit is None:
        return found
    was = next((day.day for day in found.days if day.spent is not None and day.spent >= limit), None)
    if was is not None:
        return structs.replace(found, reached_on=was, reached_earliest=was)
    expected = next((day.day for day in found.days if day.middle is not None and day.middle >= limit), None)
    earliest = next((day.day for day in found.days if day.high is not None and day.high >= limit), None)
    return structs.replace(found, reached_on=expected, reached_earliest=earliest)


def _span(start: date, end: date) -> list[date]:
    return [start + timedelta(days=at) for at in range((end - start).days)]
