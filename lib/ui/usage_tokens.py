"""Tokens: what they were, and what caching saved."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib import reports
from lib.markdown import label
from lib.money import money
from lib.ui import usage_charts
from lib.ui import usage_charts_tables as tables
from lib.ui.usage_place import Asked, lead_from_chart, lead_table, table_behind
from lib.ui.usage_words import KIND_WORDS, percent


def show_tokens(asked: Asked) -> None:
    """Draw the part."""
    tallies = asked.insight.tallies(asked.owner, asked.filter, ("gateway", "model", "base", "priced"))
    frame = reports.anatomy(tallies, asked.currency)
    st.subheader("Where tokens go", anchor=False)
    if not len(frame):
        st.caption("Nothing was asked in these days.")
        return
    key = "usage-anatomy"
    st.altair_chart(
        usage_charts.bar_chart_of_kinds(frame, asked.names.model, KIND_WORDS),
        key=key, alt="Kinds of tokens by model",
        on_select=lead_from_chart(asked.view, key, lambda mark: {"bases": (str(mark.get("key", "")),)}),
    )  # fmt: skip
    table_behind(tables.anatomy_table(frame, asked.names, KIND_WORDS), "Kinds of tokens by model")
    _show_caching(asked, tallies)


def _show_caching(asked: Asked, tallies: Any) -> None:
    st.subheader("What caching saved", anchor=False)
    frame = reports.caching(tallies, asked.currency)
    if not len(frame):
        st.caption("No tokens were served by a cache. Long chats with the same beginning are where that starts.")
        return
    known = frame["net_nano"].dropna()
    hit = int(frame["read"].sum()) / max(1, int(frame[["fresh", "read", "written"]].sum().sum()))
    saved = f"{money(int(known.sum()), asked.currency)} saved" if len(known) else "What it saved is not known"
    st.markdown(label(f"{saved}; a cache served {percent(hit)} of what these models were asked."))
    rows = [{"bases": (key,)} for key in frame["key"]]
    lead_table(asked, tables.caching_table(frame, asked.currency, asked.names), rows, "usage-caching", "Caching")
    st.caption("Beside what the same tokens would have cost as fresh input, at the price that fresh input had.")
