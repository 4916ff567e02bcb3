"""Overview: how much, is that normal, can it be believed, when and why it moved, where the month is heading."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import streamlit as st
from msgspec import structs

from lib import reports
from lib.insight.forecast import Forecast, forecast
from lib.insight.slices import slice_of
from lib.insight.trust import trust, trust_line
from lib.insight.waterfall import Waterfall, waterfall
from lib.insight_words import OTHER, Filter
from lib.ledger import Tally
from lib.local_time import day_of, next_month, zone_of
from lib.markdown import label
from lib.money import money
from lib.ui import usage_charts, usage_charts_reasons, usage_charts_tables
from lib.ui.session import services
from lib.ui.usage_place import (
    Asked,
    lead_from_chart,
    lead_table,
    segmented,
    show_requests,
    table_behind,
    today_in,
    turn,
)
from lib.ui.usage_view import View, day_words
from lib.ui.usage_words import SPLIT_WORDS, STEP_MEANINGS, count_words, percent, several, time_words

MOST = 5
"""Names that are drawn apart; the rest is "Other"."""
_HISTORY = timedelta(days=63)
_SLICES = ("gateway", "model", "base", "family", "variant", "priced")


def show_overview(asked: Asked) -> None:
    """Draw the part."""
    course = asked.insight.series(asked.owner, asked.filter)
    now = asked.insight.tallies(asked.owner, asked.filter)
    _show_figures(asked, now, course)
    _show_trust(asked)
    _show_spend(asked)
    left, right = st.columns(2, gap="large")
    with left:
        _show_month(asked)
    with right:
        _show_change(asked)


# --- the figures ----------------------------------------------------------------------------------------------------


def _show_figures(asked: Asked, tallies: list[Tally], course: list[Tally]) -> None:
    """Six figures, how they differ from the time before, and their course."""
    before = asked.before and asked.insight.tallies(asked.owner, asked.before)
    new, old = reports.totals(tallies, asked.currency), reports.totals(before or [], asked.currency)
    first = asked.insight.first_visible(asked.owner, asked.filter)
    first_before = asked.before and asked.insight.first_visible(asked.owner, asked.before)
    about = "≈ " if new.estimated and new.cost_nano else ""
    past = old.requests > 0
    with st.grid(6, min_column_width=118, gap="medium", key="usage-figures"):
        _figure(asked, course, "Spend", about + money(new.cost_nano, asked.currency), "cost_nano",
                reports.change(new.cost_nano, old.cost_nano) if past else None)  # fmt: skip
        _figure(asked, course, "Requests", count_words(new.requests), "requests",
                reports.change(new.requests, old.requests))  # fmt: skip
        _figure(asked, course, "Tokens in", count_words(new.tokens_in), "tokens_in",
                reports.change(new.tokens_in, old.tokens_in))  # fmt: skip
        _figure(asked, course, "Tokens out", count_words(new.tokens_out), "tokens_out",
                reports.change(new.tokens_out, old.tokens_out))  # fmt: skip
        _figure(asked, course, "Per request", money(new.each_nano, asked.currency), "each_nano",
                reports.change(new.each_nano, old.each_nano))  # fmt: skip
        _metric("First words", time_words(first.p50), first_before and reports.change(first.p50, first_before.p50),
                _first_course(course), "Half of the answers began to show sooner than this.")  # fmt: skip


def _figure(asked: Asked, course: list[Tally], name: str, value: str, figure: Any, change: float | None) -> None:
    _metric(name, label(value), change, reports.sparkline(course, asked.currency, asked.filter, figure))


def _metric(name: str, value: str, change: float | None, drawn: Sequence[float], help: str | None = None) -> None:
    shown = drawn if len(drawn) > 2 and any(drawn) else None
    delta = 0 if change is not None and round(change * 100) == 0 else None if change is None else percent(change, "+")
    st.metric(name, value, delta, delta_color="off", chart_data=shown, chart_type="area", help=help)


def _first_course(course: Sequence[Tally]) -> list[float]:
    return [tally.first_visible_ms / tally.n_first_visible for tally in course if tally.n_first_visible]


# --- how well it is known -------------------------------------------------------------------------------------------


def _show_trust(asked: Asked) -> None:
    """One line; opened, what stands behind it."""
    tallies = asked.insight.trust(asked.owner, asked.filter)
    odd = reports.untold(tallies)
    found = trust(reports.qualities(tallies, asked.currency), asked.currency, anomalies=[("odd", odd)] if odd else ())
    line = trust_line(found) or "Nothing was asked in these days"
    past = f" · {_before_words(asked)}" if asked.before else ""
    panel = st.expander(label(line + past), type="compact", key="usage-trust", on_change="rerun")
    if panel.open:
        with panel:
            _show_panel(asked, found, odd)


def _before_words(asked: Asked) -> str:
    if asked.before is None:
        return ""
    if asked.view.versus == "year":
        return f"beside {day_words(asked.before.start)} to {day_words(_last(asked.before))}"
    days = asked.before.days
    return "beside the day before" if days == 1 else f"beside the {days} days before"


def _last(filter: Filter) -> date:
    return filter.end - timedelta(days=1)


def _show_panel(asked: Asked, found: Any, odd: int) -> None:
    low, high = money(found.low_nano, asked.currency), money(found.high_nano, asked.currency)
    st.markdown(
        label(f"{several(found.reported, 'request')}: the gateway reported the tokens.")
        + "  \n"
        + label(
            f"{several(found.estimated, 'request')}: the tokens are estimated, as of answers that were stopped. "
            f"They make up about {money(found.estimated_nano, asked.currency)}"
            + (f"; all of it lies between {low} and {high}." if found.error_nano else "."),
            limit=400,
        )
        + "  \n"
        + label(f"{several(found.unpriced, 'request')}: no price is known, so they are in no sum.")
        + ("  \n" + label(f"{several(odd, 'request')}: the gateway's counts do not add up.") if odd else "")
    )
    differing = asked.insight.check(asked.owner, asked.filter)
    if differing:
        st.markdown(
            ":material/warning: " + label(f"{several(len(differing), 'sum')} of these days differ from the requests.")
        )
    else:
        st.markdown(":material/check: Every sum of these days was compared with its requests just now, and is equal.")
    with st.container(horizontal=True):
        for only, n in (("estimated", found.estimated), ("unpriced", found.unpriced), ("odd", odd)):
            if n:
                words = {"estimated": "Show estimated", "unpriced": "Show unpriced", "odd": "Show odd ones"}[only]
                st.button(words, key=f"usage-only-{only}", on_click=show_requests, args=(asked.view,),
                          kwargs={"only": only})  # fmt: skip


# --- over time ------------------------------------------------------------------------------------------------------


def _show_spend(asked: Asked) -> None:
    view = asked.view
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Spend", anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.session_state["usage-summed"] = view.summed
            st.toggle("Added up", key="usage-summed", on_change=_summed, args=(view,))
            segmented(view, "by", SPLIT_WORDS, "Stacked by")
    tallies = asked.insight.series(asked.owner, asked.filter, (view.by,), most=MOST)
    frame = reports.course(tallies, asked.currency, asked.filter, view.by)
    if not len(frame):
        st.caption("Nothing was asked in these days.")
        return
    chart = usage_charts.spend_chart(
        frame,
        asked.currency,
        lambda key: asked.names.split(view.by, key),
        add_up=view.summed,
        marks=_price_marks(asked),
    )
    others = _others(asked, [str(key) for key in frame["key"].unique()])
    key = "usage-spend"
    st.altair_chart(
        chart, key=key, alt="Spend over time",
        on_select=lead_from_chart(view, key, lambda mark: spend_mark(view, mark, others)),
    )  # fmt: skip
    if unpriced := int(frame["unpriced"].sum()):
        st.caption(f"Without {several(unpriced, 'request')} whose price is not known.")
    table_behind(
        usage_charts_tables.course_table(frame, asked.currency, lambda key: asked.names.split(view.by, key)),
        "Spend over time",
    )


def _summed(view: View) -> None:
    turn(view, summed=st.session_state["usage-summed"])


def spend_mark(view: View, mark: dict[str, Any], others: tuple[str, ...]) -> dict[str, Any] | None:
    """The requests behind a bar: those of its time, or up to it when bars add up, and of its name."""
    try:
        from_ms, to_ms = reports.span_of(str(mark["bucket"]), view.zone)
    except (KeyError, ValueError):
        return None
    field = {"base": "bases", "family": "families", "variant": "variants"}[view.by]
    key = str(mark.get("key"))
    names = others if key == OTHER else (key,)
    return ({} if view.summed else {"from_ms": from_ms, "to_ms": to_ms}) | ({field: names} if names else {})


def _others(asked: Asked, named: list[str]) -> tuple[str, ...]:
    """What is drawn as "Other"."""
    if OTHER not in named:
        return ()
    field = {"base": "bases", "family": "families", "variant": "variants"}[asked.view.by]
    possible = getattr(asked.view, field) or getattr(asked.choices, field)
    return tuple(one for one in possible if one not in named)


def _price_marks(asked: Asked) -> list[tuple[str, str]]:
    """(bucket, words) of each price that changed; the first price of a model is no change."""
    marks = []
    for change in asked.insight.price_changes(asked.owner, asked.filter):
        if change.before is not None:
            bucket = reports.labels_of(asked.filter)
            day = day_of(change.at_ms, zone_of(asked.filter.zone))
            shown = f"{day:%Y-%m}" if asked.filter.grain == "month" else day.isoformat()
            marks.append((next((one for one in bucket if one.startswith(shown)), shown), change.model))
    return marks


# --- the month ------------------------------------------------------------------------------------------------------


def _show_month(asked: Asked) -> None:
    """The running month, whatever days are looked at; the other filters hold."""
    today = today_in(asked.view.zone)
    first, end = today.replace(day=1), next_month(today)
    limit = _month_budget(asked)
    st.subheader(f"{today:%B} so far", anchor=False)
    found = _forecast(asked, first, end, today, limit)
    st.markdown(label(month_words(found, asked.currency, today), limit=400))
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


def month_words(found: Forecast, currency: str, today: date) -> str:
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


# --- why it changed -------------------------------------------------------------------------------------------------


def _show_change(asked: Asked) -> None:
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
        usage_charts_reasons.waterfall_chart(frame, asked.currency), alt="Why the spending differs from before"
    )
    if found.n_unpriced:
        st.caption(f"Without {several(found.n_unpriced, 'request')} whose price is not known.")
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
