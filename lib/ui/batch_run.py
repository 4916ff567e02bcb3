"""One run of a batch as it goes on: how far it is, what it cost, a line for each file, and the whole of one of them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.batch import Batch, Result
from lib.batch import Row as BatchRow
from lib.batch_tables import live_table
from lib.errors import NotFound, ParlourError
from lib.generation.batches import Progress
from lib.markdown import label, plain
from lib.money import UNKNOWN, money
from lib.ui import batch_words as words
from lib.ui.long_text import show_text
from lib.ui.message_files import show_parts
from lib.ui.notices import notice_for
from lib.ui.pages import open_chat
from lib.ui.session import say_once, services, show_notices
from lib.ui.transcript import footer_key

_MOST_HEIGHT = 520


def is_moving(run: str) -> bool:
    """Whether anything of it can still change by itself."""
    progress = services().desk.batches.progress(run)
    return progress.state == "running" or progress.running > 0


def show_run(batch: Batch, run: str, *, ticking: bool) -> None:
    """Draw it. While it moves it is drawn again every second, and once more as a page when it begins or ends to."""
    show_notices()
    try:
        progress = services().desk.batches.progress(run)
        results = {result.row: result for result in services().store.batches.results(services().owner, run)}
        rows = services().store.batches.rows(services().owner, batch.public_id)
    except NotFound:
        st.rerun()
    if (progress.state == "running" or progress.running > 0) is not ticking:
        st.rerun()
    currency = services().store.batches.get_run(services().owner, run).currency
    _show_progress(progress, currency)
    _show_deeds(run, progress)
    picked = _show_table(batch, run, rows, results, currency)
    if picked is not None:
        _show_one(run, rows[picked], results.get(rows[picked].public_id))


# --- how far it is ----------------------------------------------------------------------------------------------------


def _show_progress(progress: Progress, currency: str) -> None:
    part = words.ended(progress.counts) / progress.n_rows if progress.n_rows else 0.0
    st.progress(part, text=label(words.progress_words(progress)))
    spent = words.spent_words(progress.spent, progress.budget_nano, currency)
    aside = f", {money(progress.aside_nano, currency)} put aside for what runs" if progress.aside_nano else ""
    said = label(f"{words.RUN_STATES[progress.state]} · {spent}{aside}", limit=400)
    st.caption(said)
    if why := words.state_words(progress):
        st.info(label(why, limit=400), icon=":material/info:")


def _show_deeds(run: str, progress: Progress) -> None:
    """What can be done with it now; always the same row, so that nothing below it jumps."""
    batches, waiting = services().desk.batches, progress.counts.get("waiting", 0)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="run-deeds"):
        if progress.state == "running":
            _deed("Pause", "pause", ":material/pause:", batches.pause, run)
            _deed("Stop", "stop", ":material/stop_circle:", batches.stop, run)
        elif waiting:
            name = "Start" if progress.state == "ready" else "Resume"
            _deed(name, "resume", ":material/play_arrow:", batches.resume, run, primary=True)
        if failed := words.again(progress.counts):
            name = f"Ask again about {words.count_words(failed, 'file')}"
            _deed(name, "retry", ":material/replay:", batches.retry_failed, run)
            st.caption(words.BILLED_AGAIN, width="content")


def _deed(name: str, key: str, icon: str, act: Any, run: str, *, primary: bool = False) -> None:
    st.button(
        name, key=f"run-{key}", icon=icon, type="primary" if primary else "secondary", on_click=_do, args=(act, run)
    )


def _do(act: Any, run: str) -> None:
    try:
        act(run)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")


# --- the rows ---------------------------------------------------------------------------------------------------------


def _show_table(batch: Batch, run: str, rows: list[BatchRow], results: dict[str, Result], currency: str) -> int | None:
    """The table, and the place of the line that was picked."""
    columns: dict[str, Any] = {
        "Answer": st.column_config.TextColumn(width="large"),
    }
    table: Any = st.dataframe(
        live_table(rows, results, batch.fields, words.ROW_STATES, currency),
        key=f"table-{footer_key(run)}", hide_index=True, column_config=columns, placeholder=UNKNOWN,
        height=min(38 + 35 * max(1, len(rows)), _MOST_HEIGHT), on_select="rerun", selection_mode="single-row",
    )  # fmt: skip
    picked = next(iter(table.selection.rows), None)
    if picked is None or picked >= len(rows):
        st.caption("Pick a line to see its file beside the whole answer.")
        return None
    return int(picked)


def _show_one(run: str, row: BatchRow, result: Result | None) -> None:
    with st.container(border=True, key="batch-one"):
        files, answer = st.columns([5, 6], gap="large")
        with files:
            st.markdown(f"**{label(row.name, limit=120)}**")
            show_parts([(row.public_id, row.parts)], footer_key(row.public_id, "row"), large=True)
        with answer:
            _show_answer(run, row, result or Result(row.public_id, run))


def _show_answer(run: str, row: BatchRow, result: Result) -> None:
    facts = [words.ROW_STATES[result.state], money(result.cost_nano, result.currency)]
    facts += ["asked twice for the fields"] if result.tries > 1 else []
    st.caption(label(" · ".join(facts), limit=400))
    if wrong := words.problem_words(result):
        st.warning(label(wrong, limit=1_000), icon=":material/warning:")
    if result.text.lstrip().startswith("{"):
        st.code(plain(result.text, limit=20_000), language="json", wrap_lines=True)
    elif result.text:
        show_text(result.text, of=f"{run}-{row.public_id}")
    elif result.state == "waiting":
        st.caption("Not asked yet.")
    if result.message and st.button("Open as a conversation", key="open-row", icon=":material/forum:"):
        _open(run, row.public_id)


def _open(run: str, row: str) -> None:
    try:
        open_chat(services().store.batches.open_row(services().owner, row, run))
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
    st.rerun()
