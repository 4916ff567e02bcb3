"""Speed: which variant is slow or fails, and at what time."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib import reports
from lib.ui import usage_charts_heat as heat
from lib.ui import usage_charts_tables as tables
from lib.ui.usage_place import Asked, lead_from_chart, lead_table, segmented, table_behind
from lib.ui.usage_words import PACE_WORDS


def show_speed(asked: Asked) -> None:
    """Draw the part."""
    cells = asked.insight.hours(asked.owner, asked.filter)
    frame = reports.hour_heat(cells)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("By hour of the day", anchor=False, width="content")
        segmented(asked.view, "pace", PACE_WORDS, "What is shown")
    if not len(frame):
        st.caption("Nothing was asked in these days.")
        return
    key = f"usage-hours-{asked.view.pace}"
    st.altair_chart(
        heat.hours_chart(frame, asked.view.pace, asked.names.variant),
        key=key, alt="Speed by variant and hour of the day",
        on_select=lead_from_chart(asked.view, key, hour_mark),
    )  # fmt: skip
    st.caption(_MEANING[asked.view.pace])
    table_behind(tables.hours_table(frame, asked.names), "Speed by variant and hour")
    _show_outcomes(asked)
    _show_week(asked)


_MEANING = {
    "first": "The average time until the first words show; the stronger the colour, the longer.",
    "rate": "Tokens per second once an answer has begun; the stronger the colour, the faster.",
    "errors": "The part of the requests that went wrong; the stronger the colour, the more.",
}


def hour_mark(mark: dict[str, Any]) -> dict[str, Any] | None:
    """The requests behind a cell of the variants."""
    if "hour" not in mark or "key" not in mark:
        return None
    return {"variants": (str(mark["key"]),), "hour": int(mark["hour"])}


def week_mark(mark: dict[str, Any]) -> dict[str, Any] | None:
    """The requests behind a cell of the week."""
    if "hour" not in mark or "weekday" not in mark:
        return None
    return {"weekday": int(mark["weekday"]), "hour": int(mark["hour"])}


def _show_outcomes(asked: Asked) -> None:
    st.subheader("How requests ended", anchor=False)
    tallies = asked.insight.tallies(asked.owner, asked.filter, ("variant", "outcome"))
    frame = reports.outcomes(tallies, asked.currency)
    rows = [{"variants": (key,)} for key in frame["key"]]
    lead_table(asked, tables.outcomes_table(frame, asked.currency, asked.names), rows, "usage-ends", "How they ended")


def _show_week(asked: Asked) -> None:
    st.subheader("When you ask", anchor=False)
    frame = reports.week_heat(asked.insight.heat(asked.owner, asked.filter))
    key = "usage-week"
    st.altair_chart(
        heat.week_chart(frame), key=key, alt="Requests by hour of the week",
        on_select=lead_from_chart(asked.view, key, week_mark),
    )  # fmt: skip
