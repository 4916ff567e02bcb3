"""The title of the open conversation, and behind it rename, what it has cost, and delete with undo."""

from __future__ import annotations

import streamlit as st

from lib.errors import NotFound
from lib.markdown import label
from lib.money import money
from lib.store.rows import Conversation, Total
from lib.ui.pages import open_chat
from lib.ui.session import services


def show_title(conversation: Conversation) -> None:
    """One quiet button with the title."""
    with st.popover(label(conversation.title or "New chat", limit=60), type="tertiary", key="title-button"):
        key = f"title-{conversation.public_id}"
        st.text_input(
            "Title", conversation.title, key=key, max_chars=200, on_change=_rename, args=(conversation.public_id, key)
        )
        for total in conversation.totals:
            st.caption(_total_words(total))
        st.button(
            "Delete chat",
            icon=":material/delete:",
            key="delete-chat",
            on_click=_delete,
            args=(conversation,),
            help="What it cost stays in the usage.",
        )


def show_undo() -> None:
    """After a deletion: one line with Undo, until something else is opened."""
    deleted: Conversation | None = st.session_state.get("deleted-chat")
    if deleted is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Deleted “{label(deleted.title, limit=60)}”.")
        st.button("Undo", icon=":material/undo:", type="tertiary", key="undo-delete", on_click=_restore)


def _total_words(total: Total) -> str:
    cost = money(total.nano, total.currency) if total.n > total.n_unpriced else "unpriced"
    words = f"{'Demo spend' if total.demo else 'Spent'} in this chat: {'≈ ' if total.n_estimated else ''}{cost}"
    return f"{words}, {total.n_unpriced} requests unpriced" if 0 < total.n_unpriced < total.n else words


def _rename(public_id: str, key: str) -> None:
    title = st.session_state[key].strip()
    if title:
        services().store.conversations.rename(services().owner, public_id, title)


def _delete(conversation: Conversation) -> None:
    running = services().desk.running_in(conversation.public_id)
    if running:
        services().desk.stop(running.message)
    services().store.conversations.delete(services().owner, conversation.public_id)
    st.session_state["deleted-chat"] = conversation
    open_chat(None)


def _restore() -> None:
    deleted: Conversation = st.session_state.pop("deleted-chat")
    try:
        services().store.conversations.restore(services().owner, deleted.public_id)
    except NotFound:
        return
    open_chat(deleted.public_id)
