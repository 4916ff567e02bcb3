"""Why spending changed, and where it is heading, as charts."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lib.money import money
from lib.ui.usage_charts import bucket_axis, layered, money_axis, numbers
from lib.ui.usage_words import STEP_WORDS

_DASHES = {"Spent": [1, 0], "Expected": [5, 4], "Budget": [2, 3]}
_INK = ("#23282b", "#e4e5e2")
"""The theme's text on light and on dark, which text inside a chart does not follow by itself."""
_KINDS = {"whole": "Total", "more": "More", "less": "Less"}


def waterfall_chart(frame: pd.DataFrame, currency: str, *, dark: bool = False) -> alt.LayerChart:
    """From `reports.steps`: bars from left to right on one scale, the amount at the end of each."""
    drawn = pd.DataFrame(
        {
            "name": [STEP_WORDS[name] for name in frame["name"]],
            "kind": [_KINDS[kind] for kind in frame["kind"]],
            "start": numbers(frame["from_nano"]),
            "end": numbers(frame["to_nano"]),
            "words": [
                money(int(nano), currency) if kind == "whole" else signed(int(nano), currency)
                for nano, kind in zip(frame["nano"], frame["kind"], strict=True)
            ],
        }
    )
    drawn["edge"] = drawn[["start", "end"]].max(axis=1)
    most = float(drawn["edge"].max()) if len(drawn) else 0.0
    order = list(drawn["name"])
    y = alt.Y("name:N", title=None, sort=order, axis=alt.Axis(labelLimit=150, domain=False, ticks=False))
    x = alt.X("start:Q", title=None, axis=money_axis(most, currency, 3), scale=alt.Scale(domainMax=most * 1.22))
    base = alt.Chart(drawn)
    bars = base.mark_bar(size=18).encode(
        y=y,
        x=x,
        x2="end:Q",
        color=alt.Color("kind:N", legend=None, scale=alt.Scale(domain=list(_KINDS.values()))),
        tooltip=[alt.Tooltip("name:N", title="Reason"), alt.Tooltip("words:N", title="Amount")],
    )
    texts = base.mark_text(align="left", dx=6, fontSize=12, color=_INK[dark]).encode(
        y=y, x=alt.X("edge:Q"), text="words:N"
    )
    return layered(alt.Step(30), bars, texts)


def signed(nano: int, currency: str) -> str:
    """An amount with its sign: "+$0.31", "−$0.02"."""
    shown = money(abs(nano), currency)
    return shown if not nano else f"{'+' if nano > 0 else '−'}{shown}"


def forecast_chart(frame: pd.DataFrame, currency: str, limit: int | None = None) -> alt.LayerChart:
    """From `reports.forecast_days`: what was spent, the expected course with its band, and the budget."""
    days = pd.DataFrame({"day": list(frame["day"])})
    for name in ("spent", "low", "middle", "high"):
        days[name] = pd.Series(numbers(frame[name]), dtype="float64")
    known = days.dropna(subset=["spent"])
    if len(known) and len(known) < len(days):  # the expected course begins where the known one ends
        at = known.index[-1]
        for name in ("low", "middle", "high"):
            days.loc[at, name] = days.loc[at, "spent"] if days["middle"].notna().any() else None
    most = max([float(days[["spent", "high"]].max().max()), (limit or 0) / 1e9], default=0.0)
    x = alt.X("day:O", title=None, axis=bucket_axis(list(days["day"])))
    rows = _long(days, limit, currency)
    names = list(dict.fromkeys(rows["what"]))
    color = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=names),
        legend=alt.Legend(
            orient="bottom", symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=3, padding=0, offset=8
        ),
    )
    y = alt.Y("amount:Q", title=None, axis=money_axis(most, currency), scale=alt.Scale(domainMin=0))
    band = (
        alt.Chart(days.dropna(subset=["low"]).assign(what="Expected"))
        .mark_area(opacity=0.2, line=False)
        .encode(x=x, y=alt.Y("low:Q", title=None, axis=money_axis(most, currency)), y2="high:Q", color=color)
    )
    lines = alt.Chart(rows)
    dash = alt.StrokeDash("what:N", legend=None, scale=alt.Scale(domain=names, range=[_DASHES[name] for name in names]))
    tip = [
        alt.Tooltip("day:O", title="Until"),
        alt.Tooltip("what:N", title="What"),
        alt.Tooltip("words:N", title="Amount"),
    ]
    drawn = lines.mark_line(strokeWidth=2.5).encode(x=x, y=y, color=color, strokeDash=dash)
    points = (
        alt.Chart(rows[rows["what"] != "Budget"])
        .mark_point(filled=True, size=28, opacity=1)
        .encode(x=x, y=y, color=color, tooltip=tip)
    )
    return layered(240, band, drawn, points)


def _long(days: pd.DataFrame, limit: int | None, currency: str) -> pd.DataFrame:
    series = [("Spent", days["spent"]), ("Expected", days["middle"])]
    if limit is not None:
        series.append(("Budget", pd.Series([limit / 1e9] * len(days), dtype="float64")))
    rows = [
        {"day": day, "what": what, "amount": amount, "words": money(round(amount * 1e9), currency)}
        for what, amounts in series
        for day, amount in zip(days["day"], amounts, strict=True)
        if not pd.isna(amount)
    ]
    return pd.DataFrame(rows, columns=["day", "what", "amount", "words"])
