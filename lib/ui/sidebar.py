"""The sidebar: new chat, search, the conversations with a live mark, and the way to the other pages."""

from __future__ import annotations

import streamlit as st

from lib.ui.chat_list import show_conversations, show_titles
from lib.ui.pages import CHAT, CHATS, PRICES, SETTINGS, UPLOAD, USAGE, current_chat, open_chat


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
            st.page_link(CHATS, label="Chats", icon=":material/forum:", width="stretch")
            st.page_link(UPLOAD, label="Upload", icon=":material/upload_file:", width="stretch")
            st.page_link(USAGE, label="Usage", icon=":material/bar_chart:", width="stretch")
            st.page_link(PRICES, label="Prices", icon=":material/sell:", width="stretch")
            st.page_link(SETTINGS, label="Settings", icon=":material/settings:", width="stretch")
        query = _search()
        with st.container(key="conversations", gap=None):
            current = current_chat() if on_chat else None
            if query:
                show_titles(query, current)
            else:
                show_conversations(current)
    _go_where_asked(on_chat=on_chat)


def _search() -> str:
    """What is looked for: titles here, and on Enter everything on the page of chats.

    A form, because only there Enter is told from leaving the field.
    """
    with st.form("find", border=False):
        st.text_input(
            "Search chats",
            key="chat-search",
            placeholder="Search chats",
            label_visibility="collapsed",
            icon=":material/search:",
        )
        st.form_submit_button("Search", key="find-go", on_click=_find)
    return str(st.session_state.get("titles-looked-for", ""))


def _find() -> None:
    query = st.session_state["chat-search"].strip()
    st.session_state["titles-looked-for"] = query
    if query:
        st.session_state["q"] = query
        st.session_state["go-to-chats"] = True


def _go_where_asked(*, on_chat: bool) -> None:
    """Follow what a callback has asked for; the query string belongs to the page that is left."""
    if st.session_state.pop("go-to-chats", False):
        st.switch_page(CHATS, query_params={"q": st.session_state["q"]})
    if st.session_state.pop("go-to-chat", False) and not on_chat:
        st.switch_page(CHAT, query_params=_chat_query())


def _chat_query() -> dict[str, str]:
    chat, arrival = current_chat(), st.session_state.get("arrival")
    at = {"at": arrival[1]} if arrival and arrival[0] == chat and arrival[1] else {}
    return {"chat": chat, **at} if chat else {}
