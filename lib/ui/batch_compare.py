"""Runs of one batch side by side: what each found, where they differ, what each cost."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from lib.batch import Batch, Result
from lib.batch_tables import agreement, columns_of, compared
from lib.markdown import plain
from lib.money import UNKNOWN
from lib.ui import batch_words as words
from lib.ui.session import services

MOST = 4
"""Runs beside one another; more cannot be read."""


def show_compared(batch: Batch, names: Mapping[str, str]) -> None:
    """Draw it."""
    store, owner = services().store.batches, services().owner
    chosen = _choose(batch, names)
    if len(chosen) < 2:
        st.caption("Pick two runs or more.")
        return
    rows = store.rows(owner, batch.public_id)
    runs = [(plain(names[run]), {result.row: result for result in store.results(owner, run)}) for run in chosen]
    st.subheader("Totals", anchor=False)
    st.dataframe(
        [_totals(name, run, results) for (name, results), run in zip(runs, chosen, strict=True)],
        hide_index=True,
        placeholder=UNKNOWN,
    )
    if batch.fields:
        st.subheader("Agreement", anchor=False)
        said = columns_of(batch.fields)
        lines = [
            {"Field": said[name], "Alike": _percent(same, of), "Files": f"{same:,} of {of:,}"}
            for name, same, of in agreement(rows, runs, batch.fields)
        ]
        st.dataframe(lines, hide_index=True, placeholder=UNKNOWN)
        st.caption("Of the files that all of these runs have answered. Words are compared without case and spaces.")
    st.subheader("File by file", anchor=False)
    st.dataframe(
        compared(rows, runs, batch.fields, words.ROW_STATES), hide_index=True, placeholder=UNKNOWN,
        height=min(76 + 35 * max(1, len(rows)), 560),
    )  # fmt: skip
    if batch.fields:
        st.caption("Marked: the runs have different values.")


def _choose(batch: Batch, names: Mapping[str, str]) -> list[str]:
    runs = [run.public_id for run in batch.runs]
    if len(runs) == 2:
        return runs
    picked = st.multiselect(
        "Runs", runs, runs[-2:], key=f"compared-{batch.public_id}", max_selections=MOST,
        format_func=lambda run: plain(names[run]),
    )  # fmt: skip
    return [run for run in runs if run in picked]


def _totals(name: str, run: str, results: Mapping[str, Result]) -> dict[str, str]:
    progress = services().desk.batches.progress(run)
    found = results.values()
    seconds = sum(result.duration_ms or 0 for result in found) / 1000
    tokens = sum((result.in_tokens or 0) + (result.out_tokens or 0) for result in found)
    return {
        "Run": name,
        "Done": f"{sum(result.state == 'done' for result in found):,} of {len(results):,}",
        "Not as wanted": f"{sum(result.state == 'invalid' for result in found):,}",
        "Tokens": f"{tokens:,}",
        "Time": f"{seconds:.1f} s",
        "Cost": words.spent_words(progress.spent, None, next((one.currency for one in progress.spent), "USD")),
    }


def _percent(same: int, of: int) -> str:
    return UNKNOWN if not of else f"{100 * same / of:.0f} %"
