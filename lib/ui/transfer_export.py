"""Take everything with you: all chats in one zip."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lib.ui.session import services
from lib.ui.transfer_files import all_file, all_file_name
from lib.ui.transfer_words import FORM_HELP, FORM_WORDS, counted


def show_export() -> None:
    """Choose a form, download."""
    count = len(services().store.transfers.ids(services().owner))
    st.subheader("Export", anchor=False)
    form = st.segmented_control(
        "Form",
        list(FORM_WORDS),
        default="json",
        format_func=lambda name: FORM_WORDS[name],
        key="export-form",
        label_visibility="collapsed",
        required=True,
    )
    st.caption(f"{FORM_HELP[form]} No file holds a key.")
    st.download_button(
        f"Download {counted(count, 'chat')}",
        partial(all_file, services(), form),
        file_name=all_file_name(form),
        mime="application/zip",
        icon=":material/download:",
        key="export-all",
        on_click="ignore",
        help="Chats in the trash stay here; what they cost travels with the JSON.",
    )
