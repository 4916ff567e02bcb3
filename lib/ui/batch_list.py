"""Earlier batches: what they were about, how far they are, what they cost; opened, deleted, and brought back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib.batch import Batch
from lib.errors import NotFound, ParlourError
from lib.generation.batches import Progress
from lib.markdown import label
from lib.store.batch_results import Spent
from lib.transfer.words import time_words
from lib.ui import batch_words as words
from lib.ui.notices import notice_for
from lib.ui.session import say_once, services
from lib.ui.upload_place import open_batch

PAGE = 10
_UNDO, _SHOWN = "deleted-batch", "batches-shown"


def show_batches() -> None:
    """The newest first."""
    _show_undo()
    limit = int(st.session_state.get(_SHOWN, PAGE))
    batches = services().store.batches.list(services().owner, limit=limit + 1)
    if not batches:
        return
    st.subheader("Earlier batches", anchor=False)
    with st.container(gap="small", key="batches"):
        for batch in batches[:limit]:
            _show_line(batch)
    if len(batches) > limit:
        st.button("Show more", key="more-batches", type="tertiary", on_click=_show_more, args=(limit,))


def _show_line(batch: Batch) -> None:
    progress = [services().desk.batches.progress(run.public_id) for run in batch.runs]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(gap=None):
            st.button(
                label(batch.name, limit=80) or "Batch", key=f"batch-{batch.public_id}", type="tertiary",
                icon=":material/table_rows:", on_click=open_batch, args=(batch.public_id,),
            )  # fmt: skip
            st.caption(label(line_words(batch, progress), limit=400))
        st.button(
            "Delete", key=f"drop-{batch.public_id}", icon=":material/delete:", type="tertiary",
            help=f"Delete {label(batch.name, limit=80)}", on_click=delete_batch, args=(batch,),
        )  # fmt: skip


def line_words(batch: Batch, progress: Sequence[Progress]) -> str:
    """'2026-11-20 19:26 UTC · 5 of 5 files done · 2 runs · $0.0123'."""
    said = [time_words(batch.created_ms, services().zone)]
    if progress:
        last = progress[-1]
        done = last.counts.get("done", 0)
        said.append(f"{done:,} of {words.count_words(last.n_rows, 'file')} done")
        said += [words.RUN_STATES[last.state]] if last.state != "done" else []
        said += [words.count_words(len(progress), "run")] if len(progress) > 1 else []
        said.append(words.spent_words(_together(progress), None, batch.runs[-1].currency))
    else:
        said.append(words.count_words(batch.n_rows, "file"))
    return " · ".join(said)


def _together(progress: Sequence[Progress]) -> list[Spent]:
    """What all runs cost, one entry for each currency."""
    sums: dict[str, Spent] = {}
    for one in (spent for each in progress for spent in each.spent):
        old = sums.get(one.currency, Spent(one.currency, 0, 0, 0, 0))
        sums[one.currency] = Spent(
            one.currency, old.nano + one.nano, old.high_nano + one.high_nano, old.n + one.n,
            old.n_unpriced + one.n_unpriced,
        )  # fmt: skip
    return list(sums.values())


def delete_batch(batch: Batch) -> None:
    """From a callback: stop what runs, and put it into the trash."""
    try:
        for run in batch.runs:
            services().desk.batches.stop(run.public_id)
        services().store.batches.delete(services().owner, batch.public_id)
    except NotFound:
        pass
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    st.session_state[_UNDO] = (batch.public_id, batch.name)
    open_batch(None)


def _show_undo() -> None:
    public_id, name = st.session_state.get(_UNDO, ("", ""))
    if not public_id:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="batch-undo"):
        st.caption(f"Deleted “{label(name, limit=60)}”. It stays in the trash for 30 days.", width="content")
        st.button("Undo", icon=":material/undo:", type="tertiary", key="undo-batch", on_click=_restore)


def _restore() -> None:
    public_id, _ = st.session_state.pop(_UNDO)
    try:
        services().store.batches.restore(services().owner, public_id)
    except NotFound:
        say_once("The trash was emptied meanwhile; nothing came back.")


def _show_more(limit: int) -> None:
    st.session_state[_SHOWN] = limit + PAGE
