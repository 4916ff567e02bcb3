"""One line with Undo after something was deleted; it stays until something else is done."""

from __future__ import annotations

import streamlit as st
from msgspec import Struct

from lib.errors import NotFound
from lib.markdown import label
from lib.ui.pages import open_chat
from lib.ui.session import say_once, services

_KEY = "undo"


class Deleted(Struct, frozen=True):
    """A conversation (`message` None), or a message with the `count - 1` that followed it."""

    conversation: str
    message: str | None
    title: str
    count: int = 1

    @property
    def words(self) -> str:
        if self.message is None:
            return f"Deleted “{label(self.title, limit=60)}”."
        return "Deleted 1 message." if self.count == 1 else f"Deleted {self.count} messages."


def remember_deleted(deleted: Deleted) -> None:
    """Offer to take this deletion back."""
    st.session_state[_KEY] = deleted


def forget_deleted() -> None:
    """Something else was done: the line goes. The trash still has it."""
    st.session_state.pop(_KEY, None)


def show_undo(chat: str | None) -> None:
    """The line, where it belongs: in the conversation the messages were deleted from, or in a new chat."""
    deleted: Deleted | None = st.session_state.get(_KEY)
    if deleted is None or chat != (deleted.conversation if deleted.message else None):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="undo-line"):
        st.caption(f"{deleted.words} It stays in the trash for 30 days.", width="content")
        st.button("Undo", icon=":material/undo:", type="tertiary", key="undo-delete", on_click=_restore)


def _restore() -> None:
    deleted: Deleted = st.session_state.pop(_KEY)
    store, owner = services().store, services().owner
    try:
        if deleted.message:
            store.messages.restore(owner, deleted.conversation, deleted.message)
        else:
            store.conversations.restore(owner, deleted.conversation)
            open_chat(deleted.conversation)
    except NotFound:
        say_once("The trash was emptied meanwhile; nothing came back.")
