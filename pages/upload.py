"""Upload: look at a few files with a model, or ask one thing about many."""

from __future__ import annotations

import streamlit as st

from lib.ui.batch_list import show_batches
from lib.ui.batch_new import show_new_batch
from lib.ui.batch_view import show_batch
from lib.ui.first_run import connect_before_all
from lib.ui.upload_look import show_look
from lib.ui.upload_place import BATCH, LOOK, go_to_side, side_of_url


def show_upload() -> None:
    """Draw the page."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="upload"):
        st.title("Upload", anchor=False, width="content")
        side = choose_side()
    if side == LOOK:
        show_look()
    elif opened := st.query_params.get("batch"):
        show_batch(opened)
    else:
        show_new_batch()
        show_batches()


def choose_side() -> str:
    """The address says which; a click changes the address."""
    side = side_of_url()
    st.session_state["upload-side"] = side
    st.segmented_control(
        "What to do",
        [LOOK, BATCH],
        key="upload-side",
        required=True,
        label_visibility="collapsed",
        format_func=lambda name: f":material/visibility: {name}" if name == LOOK else f":material/table_rows: {name}",
        on_change=lambda: go_to_side(st.session_state["upload-side"]),
    )
    return side


connect_before_all()
show_upload()
