"""The course of a period: its hours, days or months, also those in which nothing was asked.

A bucket is named by its local time, which sorts: "2026-11-20T14" for an hour, "2026-11-20", "2026-11".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

import pandas as pd

from lib.insight_words import OTHER, Filter
from lib.ledger import Tally
from lib.local_time import local, ms_of, next_month, start_of, zone_of
from lib.reports.figures import known, tokens_in, tokens_out, totals

Split = Literal["base", "family", "variant"]
Figure = Literal["cost_nano", "requests", "tokens_in", "tokens_out", "each_nano", "first_ms"]
_POINTS = 60
"""So many points a small line can show."""
_WHOLE = ("requests", "unpriced", "estimated", "tokens")


def labels_of(filter: Filter) -> list[str]:
    """Every bucket of the filter's grain, in order."""
    days = [filter.start + timedelta(days=at) for at in range(max(0, filter.days))]
    if filter.grain == "hour":
        return [f"{day}T{hour:02}" for day in days for hour in range(24)]
    if filter.grain == "month":
        return list(dict.fromkeys(f"{day:%Y-%m}" for day in days))
    return [day.isoformat() for day in days]


def label_of(tally: Tally, filter: Filter) -> str:
    """The bucket of one of the tallies of a series."""
    if tally.at_ms is not None:
        return f"{local(tally.at_ms, zone_of(filter.zone)):%Y-%m-%dT%H}"
    day = tally.day or filter.start
    return f"{day:%Y-%m}" if filter.grain == "month" else day.isoformat()


def span_of(label: str, zone: str) -> tuple[int, int]:
    """The UTC ms [from, to) of a bucket; an hour that the clock shows twice is both. Raises ValueError."""
    info = zone_of(zone)
    if "T" in label:
        hour = datetime.strptime(label, "%Y-%m-%dT%H")
        following = hour + timedelta(hours=1)
        return ms_of(hour.replace(tzinfo=info)), ms_of(following.replace(tzinfo=info))
    if len(label) == len("2026-11"):
        first = date.fromisoformat(f"{label}-01")
        return start_of(first, info), start_of(next_month(first), info)
    day = date.fromisoformat(label)
    return start_of(day, info), start_of(day + timedelta(days=1), info)


def course(tallies: Iterable[Tally], currency: str, filter: Filter, by: Split) -> pd.DataFrame:
    """One row per bucket and name, of a series by `by`: names come costliest first, the rest (OTHER) last.

    Columns: bucket, key (text), requests, unpriced, estimated, tokens (int64), cost_nano (Int64; <NA> where there
    were requests and none has a known cost).
    """
    kept = [tally for tally in tallies if tally.currency == currency]
    names = _ranked(kept, by)
    found = {(label_of(tally, filter), getattr(tally, by)): tally for tally in kept}
    nothing = Tally()
    rows = [(bucket, name, found.get((bucket, name), nothing)) for bucket in labels_of(filter) for name in names]
    frame = pd.DataFrame(
        {
            "bucket": pd.Series([bucket for bucket, _, _ in rows], dtype="object"),
            "key": pd.Series([name for _, name, _ in rows], dtype="object"),
            "requests": [tally.n for *_, tally in rows],
            "unpriced": [tally.n_unpriced for *_, tally in rows],
            "estimated": [tally.n_estimated for *_, tally in rows],
            "tokens": [tokens_in(tally) + tokens_out(tally) for *_, tally in rows],
        }
    ).astype(dict.fromkeys(_WHOLE, "int64"))
    frame["cost_nano"] = pd.array([known(tally) for *_, tally in rows], dtype="Int64")
    return frame


def _ranked(tallies: Sequence[Tally], by: Split) -> list[str]:
    sums: dict[str, tuple[int, int]] = {}
    for tally in tallies:
        cost, n = sums.get(getattr(tally, by), (0, 0))
        sums[getattr(tally, by)] = (cost + tally.cost_nano, n + tally.n)
    return sorted(sums, key=lambda name: (name == OTHER, -sums[name][0], -sums[name][1], name))


def summed(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with everything before added up; what is unknown adds nothing."""
    added = frame.copy()
    added["cost_nano"] = frame["cost_nano"].fillna(0)
    for column in ("cost_nano", *_WHOLE):
        added[column] = added.groupby("key", sort=False)[column].cumsum()
    return added


def sparkline(tallies: Iterable[Tally], currency: str, filter: Filter, figure: Figure) -> list[float]:
    """One figure per bucket, or per few neighbours of many; of an average only those that have one."""
    labels = labels_of(filter)
    width = max(1, math.ceil(len(labels) / _POINTS))
    place = {label: at // width for at, label in enumerate(labels)}
    found: list[list[Tally]] = [[] for _ in range(math.ceil(len(labels) / width))]
    for tally in tallies:
        at = place.get(label_of(tally, filter))
        if at is not None:
            found[at].append(tally)
    drawn = [_figure(there, currency, figure) for there in found]
    if figure in ("each_nano", "first_ms"):
        return [value for value in drawn if value is not None]
    return [value or 0.0 for value in drawn]


def _figure(tallies: Sequence[Tally], currency: str, figure: Figure) -> float | None:
    if figure == "first_ms":
        n = sum(tally.n_first_visible for tally in tallies)
        return sum(tally.first_visible_ms for tally in tallies) / n if n else None
    value: int | None = getattr(totals(tallies, currency), figure)
    return None if value is None else value / 1e9 if figure.endswith("nano") else float(value)
