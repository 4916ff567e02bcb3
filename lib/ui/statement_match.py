"""What a bill and the ledger say of one another: sums, pairs that differ, and what only one side has."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib.bills.line import BillLine
from lib.bills.matching import BillSum, Entry, Match, Pair
from lib.local_time import local, zone_of
from lib.markdown import label, plain
from lib.money import money
from lib.ui.session import services

_HOW = {"id": "request id", "exact": "time and tokens", "near": "time, about these tokens"}
_MOST = 500


def show_match(found: Match) -> None:
    """Draw it."""
    for one in found.sums:
        _show_sum(one)
    n = len(found.pairs)
    differing = [pair for pair in found.pairs if pair.difference_nano or pair.tokens_differ or _is_unpriced(pair)]
    same = n - len(differing)
    st.markdown(label(
        f"{n:,} line{'s belong' if n != 1 else ' belongs'} to a request, {same:,} of them agree exactly. "
        f"{len(found.only_bill):,} only on the bill, {len(found.only_ledger):,} only in the ledger."
    ))  # fmt: skip
    _show_table("Matched, but different", [_pair(pair) for pair in differing])
    _show_table("Only on the bill", [_line(line) for line in found.only_bill])
    _show_table("Only in the ledger", [_entry(entry) for entry in found.only_ledger])
    if n := found.outside:
        st.caption(f"{n:,} request{'s' * (n != 1)} of this gateway outside of the bill’s period not looked at.")


def _show_sum(one: BillSum) -> None:
    difference = one.bill_nano - one.ledger_nano
    figures = (
        ("Bill", money(one.bill_nano, one.currency)),
        ("Ledger", money(one.ledger_nano, one.currency)),
        ("Difference", money(difference, one.currency)),
    )
    with st.container(horizontal=True, gap="small"):
        for name, value in figures:
            st.metric(name, label(value), width=105)
    parts = (
        (one.difference_nano, "in matched requests"),
        (one.only_unpriced_nano, "for requests that have no price here"),
        (one.bill_only_nano, "only on the bill"),
        (-one.ledger_only_nano, "only in the ledger"),
        (-one.other_currency_nano, "billed in another currency"),
    )
    said = " · ".join(f"{money(nano, one.currency)} {words}" for nano, words in parts if nano)
    st.caption(label(f"The difference is {said}" if said else "They agree.", limit=400))


def _show_table(title: str, rows: Sequence[dict[str, str]]) -> None:
    if not rows:
        return
    st.markdown(f"**{title}** ({len(rows):,})")
    right = st.column_config.TextColumn(alignment="right")
    columns = dict.fromkeys(("Bill", "Ledger", "Difference", "Amount", "Input", "Output"), right)
    st.dataframe(list(rows[:_MOST]), hide_index=True, alt=title, column_config=columns)
    if len(rows) > _MOST:
        st.caption(f"The first {_MOST:,} of {len(rows):,}.")


def _is_unpriced(pair: Pair) -> bool:
    return pair.difference_nano is None


def _pair(pair: Pair) -> dict[str, str]:
    line, entry = pair.line, pair.entry
    return {
        "Time": _time(entry.at_ms),
        "Model": plain(entry.model),
        "Bill": money(line.nano, line.currency),
        "Ledger": money(entry.nano, entry.currency) if entry.nano is not None else "unpriced",
        "Difference": money(pair.difference_nano, line.currency),
        "Tokens billed": _tokens(line.tokens_in, line.tokens_out),
        "Tokens here": _tokens(entry.tokens_in, entry.tokens_out),
        "Matched by": _HOW[pair.how],
    }


def _line(line: BillLine) -> dict[str, str]:
    return {
        "Line": f"{line.line:,}",
        "Time": _time(line.at_ms),
        "Model": plain(line.model),
        "Input": _count(line.tokens_in),
        "Output": _count(line.tokens_out),
        "Amount": money(line.nano, line.currency),
        "Id": plain(line.ids[0], 60) if line.ids else "",
    }


def _entry(entry: Entry) -> dict[str, str]:
    return {
        "Time": _time(entry.at_ms),
        "Model": plain(entry.model),
        "Input": _count(entry.tokens_in),
        "Output": _count(entry.tokens_out),
        "Amount": money(entry.nano, entry.currency) if entry.nano is not None else "unpriced",
    }


def _tokens(given: int | None, answered: int | None) -> str:
    return f"{_count(given)} / {_count(answered)}"


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else f"{tokens:,}"


def _time(ms: int | None) -> str:
    return "" if ms is None else f"{local(ms, zone_of(services().zone)):%Y-%m-%d %H:%M:%S}"
