"""Chats: find them by what was said, and keep them in order."""

from __future__ import annotations

import streamlit as st

from lib.ids import now_ms
from lib.markdown import label
from lib.search import HELP, explain, parse
from lib.ui.bulk import show_bulk
from lib.ui.chat_place import choose_place
from lib.ui.found_chats import PAGE, find, picked, show_hits, show_nothing, show_trash
from lib.ui.session import services

ALL, ARCHIVED, TRASH = "All", "Archived", "Trash"


def show_chats() -> None:
    """Draw the page."""
    st.title("Chats", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        text = st.text_input(
            "Search titles and messages",
            key="q",
            bind="query-params",
            live="300ms",
            placeholder='Search, such as: lisbon "old town" model:sonnet',
            label_visibility="collapsed",
            icon=":material/search:",
            max_chars=1_000,
        )
        show_help()
    shelf = st.segmented_control(
        "Show", [ALL, ARCHIVED, TRASH], default=ALL, required=True, label_visibility="collapsed", key="shelf"
    )
    if shelf == TRASH:
        show_deleted()
        return
    query = parse(text or "")
    if understood := explain(query):
        st.caption(f"Chats with {label(understood, limit=400)}")
    only = choose_place(archived=shelf == ARCHIVED)
    limit = st.session_state.get("hits-shown", PAGE)
    hits, more = find(query, only, limit)
    chats = {hit.conversation.public_id: hit.conversation for hit in hits}
    show_bulk([chats[public_id] for public_id in picked(list(chats))], list(chats))
    with st.container(key="found"):
        show_hits(hits, query)
    if not hits:
        show_nothing(query, only)
    if more:
        st.button("Show more", key="more-hits", type="tertiary", on_click=show_more, args=(limit,))


def show_help() -> None:
    """The operators, behind a quiet button."""
    with st.popover("Search tips", icon=":material/help:", type="tertiary", key="search-tips"):
        for sign, meaning in HELP:
            st.markdown(f"`{sign}` {meaning}")


def show_deleted() -> None:
    """The trash, and a way to empty it."""
    store, owner = services().store, services().owner
    items = store.trash.list(owner)
    if not items:
        st.markdown("The trash is empty. What you delete stays here for 30 days.")
        return
    with st.popover("Empty the trash", icon=":material/delete_forever:", key="empty-trash"):
        st.markdown("This cannot be undone. What the chats cost stays in the usage.")
        st.button("Destroy for good", key="purge", on_click=empty_trash)
    show_trash(items)


def empty_trash() -> None:
    services().store.trash.purge(services().owner, now_ms(), 0)


def show_more(limit: int) -> None:
    st.session_state["hits-shown"] = limit + PAGE


show_chats()
