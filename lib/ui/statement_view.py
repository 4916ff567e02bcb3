"""A statement on the screen: its totals, models, days and adjustments."""

from __future__ import annotations

import streamlit as st

from lib.local_time import local, zone_of
from lib.markdown import label, plain
from lib.money import money
from lib.statements.document import Adjustment, Statement, Sum, Total

_PARTS = {
    "hash": "the document itself",
    "totals": "the totals",
    "models": "the sums by model",
    "days": "the sums by day",
    "adjustments": "the adjustments",
    "prices": "the prices used",
    "n_rows": "the number of requests",
    "rows_hash": "single requests",
}


def part_words(name: str) -> str:
    """What a field of the document is called."""
    return _PARTS.get(name, "its head")


def show_statement(found: Statement) -> None:
    """Draw it."""
    if not found.totals:
        st.markdown("Nothing was asked in this month.")
    for total in found.totals:
        st.markdown(f"**{label(_about(total.sum, total.nano, total.currency))}** {label(_words(total), limit=300)}")
    right = st.column_config.TextColumn(alignment="right")
    if found.models:
        rows = [
            {
                "Model": plain(line.model),
                "Gateway": plain(line.gateway),
                "Requests": f"{line.sum.requests:,}",
                "Input": f"{line.sum.tokens_in:,}",
                "Output": f"{line.sum.tokens_out:,}",
                "Cost": _amount(line.sum, line.currency),
            }
            for line in found.models
        ]
        columns = dict.fromkeys(("Requests", "Input", "Output", "Cost"), right)
        st.dataframe(rows, hide_index=True, column_config=columns, alt="By model")
    if found.days:
        days = [
            {"Day": line.day, "Requests": f"{line.sum.requests:,}", "Cost": _amount(line.sum, line.currency)}
            for line in found.days
        ]
        with st.expander("Day by day", type="compact"):
            st.dataframe(days, hide_index=True, alt="By day", column_config={"Requests": right, "Cost": right})
    if found.adjustments:
        st.markdown("**Adjustments of earlier months**")
        st.dataframe([_adjusted(one, found.zone) for one in found.adjustments], hide_index=True, alt="Adjustments")


def _words(total: Total) -> str:
    sums = total.sum
    said = f"for {sums.requests:,} request{'s' * (sums.requests != 1)}"
    if sums.estimated:
        said += f", {sums.estimated:,} of them with estimated tokens"
    if sums.unpriced:
        said += f", {sums.unpriced:,} without a known price, not in the amount"
    if total.adjustments:
        adjusted = money(total.adjustments_nano, total.currency)
        n = total.adjustments
        said += f"; of it {adjusted} from {n:,} adjustment{'s' * (n != 1)} of earlier months"
    return said


def _amount(one: Sum, currency: str) -> str:
    return _about(one, one.nano, currency) + (f" + {one.unpriced:,} unpriced" if one.unpriced else "")


def _about(one: Sum, nano: int | None, currency: str) -> str:
    return f"{'≈ ' if one.estimated and nano else ''}{money(nano, currency)}"


def _adjusted(one: Adjustment, zone: str) -> dict[str, str]:
    return {
        "Request of": f"{local(one.at_ms, zone_of(zone)):%Y-%m-%d %H:%M}",
        "Statement": one.month,
        "Model": plain(one.model),
        "Was": money(one.before_nano, one.currency) if one.before_nano is not None else "no price",
        "Is": money(one.after_nano, one.currency) if one.after_nano is not None else "no price",
        "Difference": money(one.nano, one.currency),
        "Why": plain(one.reason),
    }
