"""The sidebar: new chat, search, the conversations with a live mark, and the way to the other pages."""

from __future__ import annotations

import streamlit as st

from lib.markdown import label
from lib.store.rows import Conversation
from lib.ui.pages import CHAT, SETTINGS, USAGE, current_chat, open_chat
from lib.ui.session import services

PAGE = 40
"""Conversations shown at first; 'Show more' adds as many."""


def show_sidebar(*, on_chat: bool) -> None:
    """Draw it. `on_chat` says whether the chat page is the current one (its conversation is then marked)."""
    with st.sidebar:
        st.button(
            "New chat",
            icon=":material/edit_square:",
            key="new-chat",
            type="tertiary",
            width="stretch",
            shortcut="mod+shift+o",
            on_click=open_chat,
            args=(None,),
        )
        with st.container(key="places", gap=None):
            st.page_link(USAGE, label="Usage", icon=":material/bar_chart:", width="stretch")
            st.page_link(SETTINGS, label="Settings", icon=":material/settings:", width="stretch")
        query = st.text_input(
            "Search chats",
            key="chat-search",
            placeholder="Search titles",
            label_visibility="collapsed",
            icon=":material/search:",
        )
        with st.container(key="conversations", gap=None):
            _show_conversations(query or "", current_chat() if on_chat else None)
    wanted = st.session_state.pop("go-to-chat", False)
    if wanted and not on_chat:
        st.switch_page(CHAT, query_params=_chat_query())


def _show_conversations(query: str, current: str | None) -> None:
    limit = st.session_state.get("conversations-shown", PAGE)
    services_ = services()
    found = services_.store.conversations.list(services_.owner, query=query, limit=limit + 1)
    if not found:
        st.caption("Nothing found." if query else "Your chats will appear here.")
    for conversation in found[:limit]:
        _show_row(conversation, is_current=conversation.public_id == current)
    if len(found) > limit:
        st.button("Show more", key="more-chats", type="tertiary", on_click=_show_more, args=(limit,))


def _show_row(conversation: Conversation, *, is_current: bool) -> None:
    st.button(
        label(conversation.title or "New chat", limit=48),
        key=f"chat-{conversation.public_id}",
        type="secondary" if is_current else "tertiary",
        icon=_mark(conversation, is_current=is_current),
        width="stretch",
        on_click=open_chat,
        args=(conversation.public_id,),
    )


def _mark(conversation: Conversation, *, is_current: bool) -> str | None:
    """A spinner while an answer is written, a mark for one that has not been seen."""
    if conversation.running:
        return "spinner"
    return ":material/mark_chat_unread:" if conversation.unread and not is_current else None


def _show_more(limit: int) -> None:
    st.session_state["conversations-shown"] = limit + PAGE


def _chat_query() -> dict[str, str]:
    chat = current_chat()
    return {"chat": chat} if chat else {}
