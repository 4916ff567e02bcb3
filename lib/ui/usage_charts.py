"""What the usage page's charts share, and spending over time.

Colours are the theme's (six, told apart by every kind of sight, in light and dark). Names of models are foreign text:
the charts draw them as text, never as Markdown or as an expression. Amounts leave whole numbers here, for drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import pandas as pd

from lib.money import currency_symbol, money
from lib.reports import summed

FEW = 4
"""Up to this many buckets a bar has a width of its own, instead of filling the page."""
MANY = 120
GREY = "#808a8c"
"""A mark beside the data that reads on light and on dark."""


def picking(*fields: str) -> alt.Parameter:
    """A click on a mark tells these of its facts; nothing fades when something is chosen."""
    return alt.selection_point(name="pick", fields=list(fields), on="click", empty=True)


def spend_chart(
    frame: pd.DataFrame,
    currency: str,
    name: Callable[[str], str],
    *,
    add_up: bool = False,
    marks: Sequence[tuple[str, str]] = (),
) -> alt.LayerChart:
    """Spending as stacked bars, from `reports.course`; `marks` are (bucket, words) of price changes."""
    shown = summed(frame) if add_up else frame
    keys = list(dict.fromkeys(shown["key"]))
    names = distinct([name(key) for key in keys])
    buckets = list(dict.fromkeys(shown["bucket"]))
    asked = shown[shown["requests"] > 0]
    drawn = asked.dropna(subset=["cost_nano"]).assign(
        name=lambda rows: [names[keys.index(key)] for key in rows["key"]],
        amount=lambda rows: rows["cost_nano"].astype("float64") / 1e9,
        cost=lambda rows: [money(int(nano), currency) for nano in rows["cost_nano"]],
        rank=lambda rows: [keys.index(key) for key in rows["key"]],
    )
    most = float(drawn.groupby("bucket")["amount"].sum().max()) if len(drawn) else 0.0
    columns = ["bucket", "key", "name", "amount", "cost", "requests", "rank"]
    bars = (
        alt.Chart(drawn[columns])
        .mark_bar(cursor="pointer", size=56 if len(buckets) <= FEW else alt.Undefined)
        .encode(
            x=alt.X(
                "bucket:O",
                title=None,
                axis=bucket_axis(buckets),
                scale=alt.Scale(domain=buckets, paddingInner=_gap(buckets)),
            ),
            y=alt.Y("amount:Q", title=None, axis=money_axis(most, currency), stack="zero"),
            color=alt.Color("name:N", title=None, sort=names, scale=alt.Scale(domain=names), legend=legend(names)),
            order=alt.Order("rank:Q"),
            tooltip=[
                alt.Tooltip("bucket:O", title="Time"),
                alt.Tooltip("name:N", title="Name"),
                alt.Tooltip("cost:N", title="Spend"),
                alt.Tooltip("requests:Q", title="Requests", format=","),
            ],
        )
        .add_params(picking("bucket", "key"))
    )
    return layered(280, bars, _marks(marks, buckets))


def _gap(buckets: Sequence[str]) -> float:
    """Between bars; with very many of them they touch, or the gaps would flicker."""
    return 0.0 if len(buckets) > MANY else 0.18


def _marks(marks: Sequence[tuple[str, str]], buckets: list[str]) -> alt.Chart:
    """Small triangles at the upper edge where prices changed."""
    words: dict[str, list[str]] = {}
    for bucket, text in marks:
        if bucket in buckets:
            words.setdefault(bucket, []).append(text)
    rows = [{"bucket": bucket, "words": _few(texts)} for bucket, texts in words.items()]
    chart: alt.Chart = (
        alt.Chart(pd.DataFrame(rows, columns=["bucket", "words"]).astype("object"))
        .mark_point(shape="triangle-down", filled=True, size=70, color=GREY, opacity=1)
        .encode(x="bucket:O", y=alt.value(2), tooltip=[alt.Tooltip("words:N", title="Price changed")])
    )
    return chart


def _few(texts: list[str]) -> str:
    return "; ".join(texts[:3]) + (f"; and {len(texts) - 3} more" if len(texts) > 3 else "")


def distinct(names: Sequence[str]) -> list[str]:
    """The names, with two that are the same told apart: they are series of their own."""
    found: list[str] = []
    for name in names:
        shown, at = name, 2
        while shown in found:
            shown, at = f"{name} ({at})", at + 1
        found.append(shown)
    return found


def bucket_axis(buckets: Sequence[str]) -> alt.Axis:
    """Day and month, hour, or month; as many labels as fit without touching."""
    first = buckets[0] if buckets else "2026-11-20"
    if "T" in first:
        one_day = len({bucket[:10] for bucket in buckets}) == 1
        shape = "'%H:%M'" if one_day else "hours(toDate(datum.value + ':00:00')) == 0 ? '%-d %b' : '%H:%M'"
        words = f"timeFormat(toDate(datum.value + ':00:00'), {shape})"
    elif len(first) == len("2026-11"):
        words = "timeFormat(toDate(datum.value + '-15T12:00:00'), '%b %Y')"
    else:
        words = "timeFormat(toDate(datum.value + 'T12:00:00'), '%-d %b')"
    return alt.Axis(labelExpr=words, labelAngle=0, labelOverlap="parity", labelSeparation=12, ticks=False, grid=False)


def money_axis(most: float, currency: str, count: int = 4) -> alt.Axis:
    """Amounts, fine enough for small ones."""
    digits = 0 if most >= 20 else 2 if most >= 0.03 else 4 if most >= 0.001 else 6
    words = f"'{currency_symbol(currency)}' + format(datum.value, ',.{digits}f')"
    return alt.Axis(labelExpr=words, tickCount=count, domain=False, ticks=False)


def legend(names: Sequence[str]) -> alt.Legend | None:
    """Columns that also fit a phone; none for a single name."""
    if len(names) < 2:
        return None
    return alt.Legend(orient="bottom", columns=2, labelLimit=160, symbolType="square", offset=8, padding=0)


def bar_chart_of_kinds(frame: pd.DataFrame, name: Callable[[str], str], kinds: dict[str, str]) -> alt.Chart:
    """Token anatomy, from `reports.anatomy`: one bar per model, parted by kind, as parts of its tokens."""
    keys = list(dict.fromkeys(frame["key"]))
    names = distinct([name(key) for key in keys])
    drawn = frame.assign(
        name=lambda rows: [names[keys.index(key)] for key in rows["key"]],
        what=lambda rows: [kinds[kind] for kind in rows["kind"]],
        rank=lambda rows: [list(kinds).index(kind) for kind in rows["kind"]],
        part=lambda rows: rows["share"].astype("float64"),
    )
    chart: alt.Chart = (
        alt.Chart(drawn[["key", "kind", "name", "what", "tokens", "part", "rank"]], height=alt.Step(34))
        .mark_bar(cursor="pointer", size=20)
        .encode(
            y=alt.Y("name:N", title=None, sort=names, axis=alt.Axis(labelLimit=170, domain=False, ticks=False)),
            x=alt.X("part:Q", title=None, axis=alt.Axis(format="%", tickCount=5, domain=False), stack="zero"),
            color=alt.Color(
                "what:N",
                title=None,
                sort=list(kinds.values()),
                scale=alt.Scale(domain=list(kinds.values())),
                legend=legend(list(kinds)),
            ),
            order=alt.Order("rank:Q"),
            tooltip=[
                alt.Tooltip("name:N", title="Model"),
                alt.Tooltip("what:N", title="Tokens"),
                alt.Tooltip("tokens:Q", title="Number", format=","),
                alt.Tooltip("part:Q", title="Part", format=".1%"),
            ],
        )
        .add_params(picking("key"))
    )
    return chart


def layered(height: Any, *charts: alt.Chart) -> alt.LayerChart:
    """Charts over each other, the first one undermost."""
    return alt.LayerChart(layer=list(charts), height=height)


def numbers(values: Any) -> list[float | None]:
    """Nano-units as units for drawing; what is unknown is not drawn."""
    return [None if pd.isna(value) else int(value) / 1e9 for value in values]
