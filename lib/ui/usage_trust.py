"""How well the figures are known: one line, and what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st
from msgspec import structs

from lib import reports
from lib.insight.trust import Anomaly, Trust, anomaly_words, trust, trust_line
from lib.insight_words import Filter
from lib.ledger import Tally
from lib.markdown import label
from lib.money import money
from lib.ui.usage_odd import show_odd
from lib.ui.usage_place import Asked, show_requests
from lib.ui.usage_view import day_words
from lib.ui.usage_words import several


def show_trust(asked: Asked, course: Sequence[Tally]) -> None:
    """One line; opened, what stands behind it. `course` is the period's series in its own grain."""
    tallies = asked.insight.trust(asked.owner, asked.filter)
    odd = reports.untold(tallies)
    found = trust(reports.qualities(tallies, asked.currency), asked.currency)
    line = trust_line(found) or "Nothing was asked in these days"
    past = f" · {_before_words(asked)}" if asked.before else ""
    panel = st.expander(label(line + past), type="compact", key="usage-trust", on_change="rerun")
    if panel.open:
        with panel:
            _show_panel(asked, found, odd)
            show_odd(asked, course)


def _before_words(asked: Asked) -> str:
    if asked.before is None:
        return ""
    if asked.view.versus == "year":
        return f"beside {day_words(asked.before.start)} to {day_words(_last(asked.before))}"
    days = asked.before.days
    words = "beside the day before" if days == 1 else f"beside the {days} days before"
    first = asked.choices.first
    return f"{words}, known since {day_words(first)}" if first and first > asked.before.start else words


def _last(filter: Filter) -> date:
    return filter.end - timedelta(days=1)


def _show_panel(asked: Asked, found: Trust, odd: int) -> None:
    if odd:
        codes = asked.insight.anomalies(asked.owner, asked.filter)
        found = structs.replace(found, anomalies=tuple(Anomaly(code, n) for code, n in codes))
    st.markdown("  \n".join(label(line, limit=400) for line in trust_words(found)))
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


def trust_words(found: Trust) -> list[str]:
    """How the costs are known, a line for each kind there is."""
    low, high = money(found.low_nano, found.currency), money(found.high_nano, found.currency)
    lines = [f"{several(found.reported, 'request')}: the gateway reported the tokens."] if found.reported else []
    if found.estimated:
        about = f"They make up about {money(found.estimated_nano, found.currency)}"
        between = f"; all of it lies between {low} and {high}." if found.error_nano else "."
        lines.append(f"{several(found.estimated, 'request')}: the tokens are estimated. {about}{between}")
    if found.unpriced:
        lines.append(f"{several(found.unpriced, 'request')}: no price is known, so they are in no sum.")
    for one in found.anomalies:
        words = anomaly_words(one.code)
        lines.append(f"{several(one.n, 'request')}: {words[:1].lower()}{words[1:]}.")
    return lines
