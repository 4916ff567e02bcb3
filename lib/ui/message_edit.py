"""A message drawn as a form: its words can be changed. What was there stays, as the version before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import streamlit as st

from lib.store.rows import StoredMessage


class Editor(Protocol):
    """What saves (`lib.ui.chat.Chat`)."""

    @property
    def can_save(self) -> bool: ...
    def save_edit(self, message: StoredMessage, text: str, *, send: bool) -> None: ...
    def cancel_edit(self) -> None: ...


def show_edit(message: StoredMessage, editor: Editor) -> None:
    """Ctrl+Enter presses the first button; Escape cancels."""
    key = f"edit-{message.public_id}"
    role = "your message" if message.role == "user" else "the answer"
    with st.form(f"{key}-form", border=False, height="content"), st.container(key="editing"):
        st.text_area(f"Edit {role}", message.text, key=key, height=_height(message.text), label_visibility="collapsed")
        with st.container(horizontal=True, gap="small"):
            if message.role == "user":
                _button("Save and send", _saving(editor, message, key, send=True), primary=True, key=f"{key}-send")
            if editor.can_save:
                first = message.role != "user"
                _button("Save", _saving(editor, message, key, send=False), primary=first, key=f"{key}-save")
            _button("Cancel", editor.cancel_edit, key="cancel-edit")
    st.caption("The version before is kept: turn between them below the message.")


def _saving(editor: Editor, message: StoredMessage, key: str, *, send: bool) -> Callable[[], None]:
    return lambda: editor.save_edit(message, str(st.session_state[key]), send=send)


def _button(name: str, on_click: Callable[[], None], *, key: str, primary: bool = False) -> None:
    st.form_submit_button(name, key=key, type="primary" if primary else "secondary", on_click=on_click)


def _height(text: str) -> int:
    """Pixels: about as high as the text, within bounds."""
    lines = sum(1 + len(row) // 80 for row in text.splitlines()) or 1
    return max(96, min(420, 40 + 26 * lines))
