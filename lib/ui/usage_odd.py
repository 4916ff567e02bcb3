"""What looks wrong in the figures, in sentences: days that stand out, and answers by another model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import streamlit as st

from lib import reports
from lib.insight.anomalies import OtherModel, Spike, other_models, spikes
from lib.insight_words import Filter
from lib.ledger import Tally
from lib.markdown import label
from lib.money import money
from lib.ui.usage_place import Asked, show_requests, today_in
from lib.ui.usage_view import day_words
from lib.ui.usage_words import several

MOST = 5
"""Sentences of a kind; how many more there are is told."""


def show_odd(asked: Asked, course: Sequence[Tally]) -> None:
    """Draw the sentences; `course` is the period's series in its own grain."""
    _show_spikes(asked, course)
    others = other_models(asked.insight.reported_models(asked.owner, asked.filter))
    lines = [label(other_words(one), limit=400) for one in others[:MOST]]
    if lines:
        st.markdown("  \n".join(lines + _rest(others, "model")))


def _show_spikes(asked: Asked, course: Sequence[Tally]) -> None:
    if asked.filter.grain == "month":
        course = asked.insight.series(asked.owner, asked.filter, grain="day")
    by_day = {one.day: one for one in course if one.day and one.currency == asked.currency}
    first = max(asked.filter.start, asked.choices.first or asked.filter.start)
    end = min(asked.filter.end, today_in(asked.view.zone) + timedelta(days=1))
    found = spikes(daily(by_day.values(), asked.filter, first, end))
    for spike in found[:MOST]:
        from_ms, to_ms = reports.span_of(spike.day.isoformat(), asked.view.zone)
        st.button(label(spike_words(spike, by_day[spike.day], asked.currency)), type="tertiary",
                  key=f"usage-spike-{spike.day}", on_click=show_requests, args=(asked.view,),
                  kwargs={"from_ms": from_ms, "to_ms": to_ms})  # fmt: skip
    if rest := _rest(found, "day"):
        st.caption(rest[0])


def daily(tallies: Iterable[Tally], filter: Filter, first: date, end: date) -> dict[date, int]:
    """What each day of [first, end) cost, nano; 0 without requests, and not there when no cost of it is known.

    A stretch of time within the days makes no course to compare them in: then there is none.
    """
    if filter.from_ms is not None or filter.to_ms is not None:
        return {}
    days = (first + timedelta(days=at) for at in range((end - first).days))
    found = {day: 0 for day in days if filter.weekday in (None, day.weekday())}
    for tally in tallies:
        if tally.day in found:
            if tally.n == tally.n_unpriced:
                del found[tally.day]
            else:
                found[tally.day] = tally.cost_nano
    return found


def spike_words(spike: Spike, tally: Tally, currency: str) -> str:
    """ "12 May 2026: $4.10, usually about $0.60"."""
    about = "at least " if tally.n_unpriced else "≈ " if tally.n_estimated else ""
    usual = f"about {money(spike.usual, currency)}" if spike.usual else "nothing"
    return f"{day_words(spike.day)}: {about}{money(spike.nano, currency)}, usually {usual}"


def other_words(other: OtherModel) -> str:
    """What was asked for, and what the gateway says answered."""
    return f"{several(other.n, 'request')} for {other.requested}: the gateway says {other.reported} answered."


def _rest(found: Sequence[object], one: str) -> list[str]:
    return [f"and {several(len(found) - MOST, f'more {one}')}"] if len(found) > MOST else []
