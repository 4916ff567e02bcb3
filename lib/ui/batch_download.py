"""The results of a run, to take away: the file is made when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from lib.batch import Batch, Run
from lib.batch_tables import as_csv, as_json, as_parquet, frame_of
from lib.bootstrap import Services
from lib.ui.batch_words import ROW_STATES, problem_words
from lib.ui.session import services


def show_download(batch: Batch, run: Run, name: str) -> None:
    """A button with the three kinds of file; `name` is the run's."""
    with st.popover("Download", icon=":material/download:", type="tertiary", key="batch-download"):
        st.caption("Values keep their types in Parquet and JSON. Costs are exact; what is not known is empty.")
        base = file_name(batch, name)
        frame = partial(_frame, services(), batch, run)  # it is made on another thread, which does not know whose page
        _kind("CSV", f"{base}.csv", "text/csv", lambda: as_csv(frame()))
        _kind("Parquet", f"{base}.parquet", "application/vnd.apache.parquet", lambda: as_parquet(frame()))
        _kind("JSON", f"{base}.json", "application/json", lambda: as_json(frame(), batch, run))


def file_name(batch: Batch, name: str) -> str:
    """Letters, digits and hyphens of the batch's and the run's name."""
    words = re.findall(r"[a-z0-9]+", f"{batch.name} {name}".lower())
    return "-".join(["batch", *words])[:80]


def _kind(name: str, file: str, mime: str, made: Callable[[], bytes]) -> None:
    st.download_button(
        name, made, file, mime, key=f"download-{name}", icon=":material/download:", on_click="ignore", width="stretch"
    )


def _frame(ours: Services, batch: Batch, run: Run) -> Any:
    store, owner = ours.store.batches, ours.owner
    results = {result.row: result for result in store.results(owner, run.public_id)}
    return frame_of(store.rows(owner, batch.public_id), results, batch.fields, ROW_STATES, problem_words)
