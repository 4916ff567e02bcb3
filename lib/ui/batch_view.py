"""One batch: its runs, and the one that is looked at."""

from __future__ import annotations

import streamlit as st

from lib.batch import Batch, Run
from lib.errors import NotFound
from lib.markdown import label, plain
from lib.transfer.words import time_words
from lib.ui.batch_again import show_again
from lib.ui.batch_compare import show_compared
from lib.ui.batch_download import show_download
from lib.ui.batch_list import delete_batch
from lib.ui.batch_run import is_moving, show_run
from lib.ui.batch_words import FIELD_TYPES, count_words, run_words
from lib.ui.model_picker import model_name
from lib.ui.notices import notice_for
from lib.ui.session import say_once, services
from lib.ui.upload_place import open_batch

COMPARE = "compare"
TICK_S = 1.0


def show_batch(public_id: str) -> None:
    """Draw it; an address that names none leads back to the list."""
    try:
        batch = services().store.batches.get(services().owner, public_id)
    except NotFound:
        open_batch(None)
        st.error("This batch does not exist or was deleted.", icon=":material/search_off:")
        st.button("All batches", icon=":material/arrow_back:", on_click=open_batch, args=(None,))
        return
    names = run_words(
        batch.runs, {run.public_id: model_name(services().gateways.label_card(run.ref)) for run in batch.runs}
    )
    _show_head(batch)
    shown = _choose_run(batch, names)
    if shown == COMPARE:
        show_compared(batch, names)
        return
    run = next((run for run in batch.runs if run.public_id == shown), None)
    if run is None:
        st.caption("Nothing was asked in this batch yet.")
        return
    ticking = is_moving(run.public_id)
    st.fragment(show_run, run_every=TICK_S if ticking else None, key=f"run-{run.public_id}")(
        batch, run.public_id, ticking=ticking
    )


def _show_head(batch: Batch) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="batch-head"):
        st.button(
            "All batches", icon=":material/arrow_back:", type="tertiary", key="all-batches",
            on_click=open_batch, args=(None,),
        )  # fmt: skip
        with st.popover("Rename or delete", icon=":material/more_horiz:", type="tertiary", key="batch-menu"):
            _show_menu(batch)
    st.header(label(batch.name, limit=120) or "Batch", anchor=False)
    made = time_words(batch.created_ms, services().zone)
    with st.expander(f"{count_words(batch.n_rows, 'file')}, {made}", type="compact", key="batch-asked"):
        st.code(batch.prompt, language=None, wrap_lines=True)
        for field in batch.fields:
            what = f": {label(field.description, limit=500)}" if field.description else ""
            optional = "" if field.required else ", may stay empty"
            st.caption(f"{label(field.name)} ({FIELD_TYPES[field.type].lower()}{optional}){what}")


def _show_menu(batch: Batch) -> None:
    st.text_input("Name", batch.name, key="batch-name", max_chars=200, on_change=_rename, args=(batch,))
    st.button(
        "Delete", icon=":material/delete:", type="tertiary", key="delete-batch", on_click=delete_batch, args=(batch,)
    )


def _rename(batch: Batch) -> None:
    name = str(st.session_state["batch-name"]).strip()
    if not name:
        return
    try:
        services().store.batches.rename(services().owner, batch.public_id, name)
    except NotFound as error:
        say_once(notice_for(error).text)


def _choose_run(batch: Batch, names: dict[str, str]) -> str:
    """Which run is shown: the newest, another one, or all beside one another."""
    runs: tuple[Run, ...] = batch.runs
    if not runs:
        return ""
    options = [run.public_id for run in runs] + ([COMPARE] if len(runs) > 1 else [])
    key = f"shown-{batch.public_id}"
    if st.session_state.get(key) not in options:
        st.session_state[key] = runs[-1].public_id
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="batch-runs"):
        shown = st.segmented_control(
            "Run", options, key=key, required=True, label_visibility="collapsed", wrap=True,
            format_func=lambda name: ":material/compare_arrows: Compare" if name == COMPARE else label(names[name]),
        )  # fmt: skip
        show_again(batch)
        if run := next((run for run in runs if run.public_id == shown), None):
            show_download(batch, run, plain(names[run.public_id]))
    return str(shown)
