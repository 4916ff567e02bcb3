"""The title of the open conversation, and behind it rename, what it has cost, and delete with undo."""

from __future__ import annotations

import streamlit as st

from lib.markdown import label
from lib.money import money
from lib.store.rows import Conversation, Total
from lib.ui.pages import open_chat
from lib.ui.session import services
from lib.ui.share_menu import show_share
from lib.ui.shelf_menu import show_shelf
from lib.ui.undo import Deleted, remember_deleted


def show_title(conversation: Conversation) -> None:
    """Two quiet buttons: the title, and what can be taken out of the conversation."""
    with st.container(horizontal=True, horizontal_alignment="distribute", key="title-line"):
        _show_title_menu(conversation)
        show_share(conversation)


def _show_title_menu(conversation: Conversation) -> None:
    with st.popover(label(conversation.title or "New chat", limit=60), type="tertiary", key="title-button"):
        key = f"title-{conversation.public_id}"
        st.text_input(
            "Title", conversation.title, key=key, max_chars=200, on_change=_rename, args=(conversation.public_id, key)
        )
        show_shelf(conversation)
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
    remember_deleted(Deleted(conversation.public_id, None, conversation.title))
    open_chat(None)
