"""Many waiting files as a table: what is sent of each, and which are taken away again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.errors import NotFound, ParlourError
from lib.ui.attachment_words import sent_words
from lib.ui.notices import notice_for
from lib.ui.session import say_once, services
from lib.ui.upload_place import BatchFiles

_KEY = "batch-files"


def show_file_table(files: BatchFiles) -> None:
    """One line for each file; lines can be picked and removed."""
    why = {item.public_id: words for item, words in files.left_out}
    items = files.waiting.items
    lines = [
        {"File": item.name, "What is sent": sent_words(item), "Left out because": why.get(item.public_id)}
        for item in items
    ]
    columns = ["File", "What is sent", *(["Left out because"] if why else [])]
    table: Any = st.dataframe(
        lines, key=_KEY, hide_index=True, column_order=columns, on_select="rerun", selection_mode="multi-row",
        height=min(38 + 35 * len(lines), 320), placeholder="",
    )  # fmt: skip
    picked = [items[at].public_id for at in table.selection.rows if at < len(items)]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(f"{len(items):,} files", width="content")
        st.button(
            f"Remove {len(picked)}" if picked else "Remove all", icon=":material/delete:", type="tertiary",
            key="remove-files", on_click=_remove, args=(picked or [item.public_id for item in items],),
        )  # fmt: skip


def _remove(public_ids: list[str]) -> None:
    for public_id in public_ids:
        try:
            services().attachments.remove(public_id)
        except NotFound:
            continue
        except ParlourError as error:
            say_once(notice_for(error).text)
            return
