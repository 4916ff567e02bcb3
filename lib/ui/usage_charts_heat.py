"""When it was fast, slow or broken, as heat maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

from lib.ui.usage_charts import distinct, picking
from lib.ui.usage_view import Pace
from lib.ui.usage_words import WEEKDAYS, percent, time_words

_COLUMN: dict[Pace, str] = {"first": "first_ms", "rate": "rate", "errors": "error_share"}


def hours_chart(frame: pd.DataFrame, pace: Pace, name: Callable[[str], str]) -> alt.Chart:
    """From `reports.hour_heat`: one row per variant, one cell per hour of the day."""
    keys = list(dict.fromkeys(frame["key"]))
    names = distinct([name(key) for key in keys])
    drawn = frame.assign(
        name=[names[keys.index(key)] for key in frame["key"]],
        value=frame[_COLUMN[pace]].astype("float64"),
        words=[pace_words(value, pace) for value in frame[_COLUMN[pace]]],
        clock=[f"{hour:02}:00" for hour in frame["hour"]],
    )
    drawn = drawn[drawn["requests"] > 0]
    return _cells(drawn, "name", names, ["key", "hour"], "Variant")


def week_chart(frame: pd.DataFrame) -> alt.Chart:
    """From `reports.week_heat`: how much was asked in each hour of the week."""
    drawn = frame.assign(
        name=[WEEKDAYS[day] for day in frame["weekday"]],
        value=frame["requests"].astype("float64"),
        words=[f"{n:,}" for n in frame["requests"]],
        clock=[f"{hour:02}:00" for hour in frame["hour"]],
    )
    drawn = drawn[drawn["requests"] > 0]
    return _cells(drawn, "name", list(WEEKDAYS), ["weekday", "hour"], "Weekday")


def pace_words(value: Any, pace: Pace) -> str:
    """A cell's value in words."""
    known = None if pd.isna(value) else float(value)
    if pace == "errors":
        return percent(known)
    if pace == "first":
        return time_words(known)
    return "—" if known is None else f"{known:.0f} tokens/s"


def _cells(drawn: pd.DataFrame, row: str, names: list[str], fields: list[str], title: str) -> alt.Chart:
    hours = [f"{hour:02}:00" for hour in range(24)]
    columns = [*fields, row, "clock", "value", "words", "requests"]
    chart: alt.Chart = (
        alt.Chart(drawn[list(dict.fromkeys(columns))], height=alt.Step(26))
        .mark_rect(cursor="pointer", cornerRadius=2)
        .encode(
            x=alt.X(
                "clock:O",
                title=None,
                scale=alt.Scale(domain=hours, paddingInner=0.06),
                axis=alt.Axis(labelAngle=0, labelOverlap="parity", labelSeparation=10, ticks=False, domain=False),
            ),
            y=alt.Y(
                f"{row}:N",
                title=None,
                sort=names,
                scale=alt.Scale(domain=names, paddingInner=0.08),
                axis=alt.Axis(labelLimit=150, ticks=False, domain=False),
            ),
            color=alt.Color("value:Q", title=None, legend=None, scale=alt.Scale(zero=True)),
            tooltip=[
                alt.Tooltip(f"{row}:N", title=title),
                alt.Tooltip("clock:O", title="Hour"),
                alt.Tooltip("words:N", title="Value"),
                alt.Tooltip("requests:Q", title="Requests", format=","),
            ],
        )
        .add_params(picking(*fields))
    )
    return chart
