"""Where the month is heading, and why the period cost more or less than the one before."""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st
from msgspec import structs

from lib import reports
from lib.insight.forecast import Forecast, forecast
from lib.insight.slices import slice_of
from lib.insight.waterfall import Waterfall, waterfall
from lib.insight_words import Dimension, Filter
from lib.local_time import next_month
from lib.markdown import label
from lib.money import money
from lib.ui import usage_charts_reasons, usage_charts_tables
from lib.ui.session import services
from lib.ui.usage_place import Asked, lead_table, table_behind, today_in
from lib.ui.usage_view import day_words
from lib.ui.usage_words import STEP_MEANINGS, several

_HISTORY = timedelta(days=63)
_SLICES: tuple[Dimension, ...] = ("gateway", "model", "base", "family", "variant", "priced")


def show_month(asked: Asked) -> None:
    """The running month, whatever days are looked at; the other filters hold."""
    today = today_in(asked.view.zone)
    first, end = today.replace(day=1), next_month(today)
    limit = _month_budget(asked)
    st.subheader(f"{today:%B} so far", anchor=False)
    found = _forecast(asked, first, end, today, limit)
    st.markdown(label(month_words(found, asked.currency), limit=400))
    frame = reports.forecast_days(found)
    st.altair_chart(
        usage_charts_reasons.forecast_chart(frame, asked.currency, limit), alt="Spend of this month and its forecast"
    )
    table_behind(usage_charts_tables.forecast_table(frame, asked.currency), "Spend of this month by day")


def _forecast(asked: Asked, first: date, end: date, today: date, limit: int | None) -> Forecast:
    days = structs.replace(
        asked.filter, start=first - _HISTORY, end=min(end, today + timedelta(days=1)), from_ms=None, to_ms=None
    )
    by_day: dict[date, int] = {}
    for tally in asked.insight.series(asked.owner, days, grain="day"):
        if tally.currency == asked.currency and tally.day is not None:
            by_day[tally.day] = tally.cost_nano
    spent = {day: nano for day, nano in by_day.items() if day >= first}
    history = {day: nano for day, nano in by_day.items() if day < first}
    return forecast(spent, first, end, today, history=history, limit=limit)


def _month_budget(asked: Asked) -> int | None:
    """The lowest active budget for a month of everything; none beside the demo or a filter."""
    if asked.view.demo or asked.view.narrowed:
        return None
    kept = services().store.budgets.list(asked.owner)
    limits = [
        one.budget.limit_nano
        for one in kept
        if one.active and one.budget.scope == "month" and one.budget.currency == asked.currency
    ]
    return min(limits, default=None)


def month_words(found: Forecast, currency: str) -> str:
    """Where the month stands and where it is heading, in a sentence or two."""
    spent = f"{money(found.spent, currency)} spent"
    if found.limit is not None:
        spent += f" of {money(found.limit, currency)}"
    if found.middle is None or found.low is None:
        return f"{spent}. Too few days are known to say where it is heading."
    heading = (
        f"{spent}, probably {money(found.middle, currency)} at the end "
        f"({money(found.low, currency)} to {money(found.high, currency)})."
    )
    if found.reached:
        return f"{heading} The budget is used up."
    if found.reached_on:
        return f"{heading} The budget is expected to be used up on {day_words(found.reached_on)}."
    if found.reached_earliest:
        return f"{heading} The budget may be used up on {day_words(found.reached_earliest)}."
    return heading


def show_change(asked: Asked) -> None:
    """What drove the change, in steps that add up."""
    st.subheader("What changed", anchor=False)
    if asked.before is None:
        st.caption("Choose a time to compare with.")
        return
    found = _waterfall(asked, asked.before)
    if not found.models:
        st.caption("Nothing was asked, neither in these days nor before.")
        return
    st.markdown(label(change_words(found), limit=300))
    frame = reports.steps(found)
    st.altair_chart(
        usage_charts_reasons.waterfall_chart(frame, asked.currency, dark=st.context.theme.type == "dark"),
        alt="Why the spending differs from before",
    )
    if found.n_unpriced:
        st.caption(f"Without {several(found.n_unpriced, 'request')} of both times whose price is not known.")
    table_behind(usage_charts_tables.steps_table(frame, asked.currency), "Why the spending differs")
    with st.expander("Change by model", type="compact"):
        models = found.models[:50]
        rows = [
            (asked.names.model(one.base or one.model), asked.names.variant(one.variant), one.before, one.after)
            for one in models
        ]
        lead_table(
            asked,
            usage_charts_tables.changes_table(rows, asked.currency),
            [{"bases": (one.base,), "variants": (one.variant,)} for one in models],
            "usage-changes",
            "Change by model",
        )


def _waterfall(asked: Asked, before: Filter) -> Waterfall:
    sides = (asked.insight.tallies(asked.owner, one, _SLICES) for one in (before, asked.filter))
    old, new = ([slice_of(tally) for tally in side] for side in sides)
    return waterfall(old, new, asked.currency)


def change_words(found: Waterfall) -> str:
    """The change, and the step that did most."""
    change = found.after - found.before
    words = (
        f"{money(found.before, found.currency)} before, {money(found.after, found.currency)} now: "
        f"{usage_charts_reasons.signed(change, found.currency)}"
    )
    largest = max(found.steps, key=lambda step: abs(step.nano), default=None)
    if largest is None or not largest.nano:
        return f"{words}."
    return f"{words}, most of it from {STEP_MEANINGS[largest.name]}."
