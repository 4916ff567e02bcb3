"""Frames of `lib/reports` as charts and tables. Amounts leave whole numbers here, and only for drawing.

Colours are the theme's (six, told apart by every kind of sight, in light and dark). Names of models are foreign text:
the chart and the tables draw them as text on a canvas, never as Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from lib.money import UNKNOWN, currency_symbol, money, price_per_m
from lib.ui.cost_words import cost_words
from lib.ui.usage_words import STATUS_WORDS

FEW_DAYS = 4
"""Up to this many days a bar has a width of its own, instead of filling the page."""


def spend_chart(daily: pd.DataFrame, currency: str) -> alt.Chart:
    """Spend per day as stacked bars, from `reports.daily` (its `name` already in words)."""
    names = list(dict.fromkeys(daily["name"]))
    days = daily["day"].nunique()
    drawn = daily.dropna(subset=["cost_nano"]).assign(
        day=lambda frame: frame["day"].dt.strftime("%Y-%m-%d"),
        amount=lambda frame: frame["cost_nano"].astype("float64") / 1e9,
        cost=lambda frame: [money(int(nano), currency) for nano in frame["cost_nano"]],
        rank=lambda frame: frame["name"].map(names.index),
    )
    most = float(drawn.groupby("day")["amount"].sum().max()) if len(drawn) else 0.0
    chart: alt.Chart = (
        alt.Chart(drawn[["day", "name", "amount", "cost", "requests", "rank"]], height=260)
        .mark_bar(size=56 if days <= FEW_DAYS else alt.Undefined)
        .encode(
            x=alt.X("day:O", title=None, axis=_day_axis(days)),
            y=alt.Y("sum(amount):Q", title=None, axis=_money_axis(most, currency)),
            color=alt.Color("name:N", title=None, sort=names, legend=_legend(names)),
            order=alt.Order("rank:Q"),
            tooltip=[
                alt.Tooltip("day:O", title="Day"),
                alt.Tooltip("name:N", title="Model"),
                alt.Tooltip("cost:N", title="Spend"),
                alt.Tooltip("requests:Q", title="Requests"),
            ],
        )
    )
    return chart


def daily_table(daily: pd.DataFrame, currency: str) -> Any:
    """The numbers behind `spend_chart`, days that had requests only, newest first."""
    table = daily[daily["requests"] > 0].sort_values(["day", "cost_nano"], ascending=False, ignore_index=True)
    table = table.assign(day=table["day"].dt.date)[["day", "name", "requests", "tokens", "cost_nano", "unpriced"]]
    table.columns = pd.Index(["Day", "Name", "Requests", "Tokens", "Spend", "Unpriced"])
    return _styled(table, {"Spend": _amount(currency)}, whole=("Requests", "Tokens", "Unpriced"))


def variant_table(
    frame: pd.DataFrame, currency: str, words: Mapping[str, str], models: Mapping[str, str] | None = None
) -> Any:
    """`reports.by_variant` in words; `models` are the names of base models."""
    names = {
        "base": "Model",
        "variant": "Variant",
        "requests": "Requests",
        "tokens_in": "Tokens in",
        "tokens_out": "Tokens out",
        "cost_nano": "Spend",
        "share": "Share",
        "per_m": "Per 1M tokens",
        "errors": "Errors",
        "stops": "Stops",
        "estimated": "Estimated",
        "unpriced": "Unpriced",
    }
    said = {"base": named(frame["base"], models or {}), "variant": named(frame["variant"], words)}
    table = frame.assign(**said)[list(names)].rename(columns=names)
    shown = {
        "Spend": _amount(currency),
        "Per 1M tokens": _effective(currency),
        "Share": _share,
    }
    whole = ("Requests", "Tokens in", "Tokens out", "Errors", "Stops", "Estimated", "Unpriced")
    return _styled(table, shown, whole=whole)


def latest_table(frame: pd.DataFrame, words: Mapping[str, str], models: Mapping[str, str] | None = None) -> Any:
    """`reports.latest` in words, each row with a link to its conversation."""
    rows = frame.to_dict("records")
    table = pd.DataFrame(
        {
            "Time": frame["at"],
            "Model": named(frame["base"], models or {}),
            "Variant": named(frame["variant"], words),
            "Cost": frame["cost_nano"],
            "Status": [STATUS_WORDS.get(outcome, outcome) for outcome in frame["outcome"]],
            "Chat": [f"./?chat={row['conversation']}" if row["conversation"] else None for row in rows],
            "Tokens in": frame["tokens_in"],
            "Tokens out": frame["tokens_out"],
            "Source": [cost_words(row["source"], row["usage_source"], not pd.isna(row["cost_nano"])) for row in rows],
        }
    )
    return _styled(table, {}, whole=("Tokens in", "Tokens out"), costs=list(frame["currency"]))


def named(ids: pd.Series[str], words: Mapping[str, str]) -> list[str]:
    """What each id is called; an id that has no name stays as it is."""
    return [words.get(name, name) for name in ids]


def _styled(
    table: pd.DataFrame, shown: Mapping[str, Any], *, whole: tuple[str, ...], costs: list[str] | None = None
) -> Any:
    """The table with texts shown over its numbers, so that sorting by a column still sorts numbers."""
    styler = table.style.format(dict.fromkeys(whole, _whole) | dict(shown))
    for row, currency in enumerate(costs or ()):
        styler = styler.format({"Cost": _amount(currency)}, subset=pd.IndexSlice[[row], ["Cost"]])
    return styler


def _amount(currency: str) -> Any:
    return lambda nano: money(None if pd.isna(nano) else int(nano), currency)


def _whole(number: Any) -> str:
    return UNKNOWN if pd.isna(number) else f"{int(number):,}"


def _share(part: Any) -> str:
    return UNKNOWN if pd.isna(part) else "<1 %" if 0 < part < 0.005 else percent(part)


def percent(part: float, sign: str = "") -> str:
    """A part of one as "71 %"; with `sign` "+" an increase is "+71 %"."""
    return f"{part * 100:{sign}.0f} %"


def _effective(currency: str) -> Any:
    return lambda pico: UNKNOWN if pd.isna(pico) else price_per_m(_cents(int(pico)), currency)


def _cents(pico: int) -> int:
    """An effective price is a quotient: two decimals are enough from one unit on, four below."""
    step = 10_000 if pico >= 1_000_000 else 100
    return (pico + step // 2) // step * step


def _day_axis(days: int) -> alt.Axis:
    """Day and month; evenly spaced, as many labels as fit without touching."""
    words = "timeFormat(toDate(datum.value + 'T12:00:00'), '%-d %b')"
    return alt.Axis(labelExpr=words, labelAngle=0, labelOverlap="parity", labelSeparation=12, ticks=False, grid=False)


def _money_axis(most: float, currency: str) -> alt.Axis:
    digits = 2 if most >= 0.1 else 4 if most >= 0.001 else 6
    words = f"'{currency_symbol(currency)}' + format(datum.value, ',.{digits}f')"
    return alt.Axis(labelExpr=words, tickCount=4, domain=False, ticks=False)


def _legend(names: list[str]) -> alt.Legend | None:
    """Two columns, so that long names also fit a phone; none for a single name."""
    if len(names) < 2:
        return None
    return alt.Legend(orient="bottom", columns=2, labelLimit=150, symbolType="square", offset=4, padding=0)
