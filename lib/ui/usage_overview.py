"""Overview: how much, is that normal, can it be believed, when and why it moved, where the month is heading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from lib import reports
from lib.insight_words import OTHER, Quantiles
from lib.ledger import Tally
from lib.local_time import day_of, zone_of
from lib.markdown import label
from lib.money import money
from lib.ui import usage_charts, usage_charts_tables
from lib.ui.usage_month import show_change, show_month
from lib.ui.usage_place import Asked, lead_from_chart, segmented, table_behind, turn
from lib.ui.usage_trust import show_trust
from lib.ui.usage_view import View
from lib.ui.usage_words import SPLIT_WORDS, count_words, percent, several, time_words

MOST = 5
"""Names that are drawn apart; the rest is "Other"."""


def show_overview(asked: Asked) -> None:
    """Draw the part."""
    course = asked.insight.series(asked.owner, asked.filter)
    now = asked.insight.tallies(asked.owner, asked.filter)
    _show_figures(asked, now, course)
    show_trust(asked, course)
    _show_spend(asked)
    left, right = st.columns(2, gap="large")
    with left:
        show_month(asked)
    with right:
        show_change(asked)


# --- the figures ----------------------------------------------------------------------------------------------------


def _show_figures(asked: Asked, tallies: list[Tally], course: list[Tally]) -> None:
    """Six figures, how they differ from the time before, and their course."""
    before = asked.before and asked.insight.tallies(asked.owner, asked.before)
    new, old = reports.totals(tallies, asked.currency), reports.totals(before or [], asked.currency)
    first = asked.insight.first_visible(asked.owner, asked.filter)
    first_before = asked.insight.first_visible(asked.owner, asked.before) if asked.before else Quantiles()
    about = "≈ " if new.estimated and new.cost_nano else ""
    past = old.requests > 0
    with st.grid(6, min_column_width=118, gap="small", key="usage-figures"):
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
        _metric("First words", time_words(first.p50), reports.change(first.p50, first_before.p50),
                reports.sparkline(course, asked.currency, asked.filter, "first_ms"),
                "Half of the answers began to show sooner than this.")  # fmt: skip


def _figure(asked: Asked, course: list[Tally], name: str, value: str, figure: Any, change: float | None) -> None:
    _metric(name, label(value), change, reports.sparkline(course, asked.currency, asked.filter, figure))


def _metric(name: str, value: str, change: float | None, drawn: Sequence[float], help: str | None = None) -> None:
    shown = drawn if len(drawn) > 2 and any(drawn) else None
    delta = 0 if change is not None and round(change * 100) == 0 else None if change is None else percent(change, "+")
    st.metric(name, value, delta, delta_color="off", chart_data=shown, chart_type="area", help=help)


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
