"""The conversations in the sidebar: pinned, in folders, then by day; one button each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import streamlit as st

from lib.markdown import label
from lib.store.rows import Conversation, Folder, Only
from lib.ui.pages import open_chat
from lib.ui.session import services

PAGE = 40
"""Conversations shown at first; 'Show more' adds as many."""
_MOST_PINNED, _MOST_IN_FOLDER = 20, 20


def show_titles(query: str, current: str | None) -> None:
    """The conversations whose title fits."""
    found = services().store.conversations.list(services().owner, query=query, limit=PAGE)
    if not found:
        st.caption("No title fits.")
    _show_rows(found, current)


def show_conversations(current: str | None) -> None:
    """All that are not archived."""
    pinned = _listed(Only(pinned=True, archived=False), _MOST_PINNED)
    if pinned:
        st.caption("Pinned")
        _show_rows(pinned, current)
    for folder in services().store.folders.list(services().owner):
        _show_folder(folder, current)
    limit = st.session_state.get("conversations-shown", PAGE)
    rest = _listed(Only(pinned=False, archived=False, folder=""), limit + 1)
    if not rest and not pinned:
        st.caption("Your chats will appear here.")
    today = datetime.now(ZoneInfo(services().zone)).date()
    for heading, group in groupby(rest[:limit], lambda found: heading_of(_day(found.last_ms), today)):
        st.caption(heading)
        _show_rows(list(group), current)
    if len(rest) > limit:
        st.button("Show more", key="more-chats", type="tertiary", on_click=_show_more, args=(limit,))


def heading_of(day: date, today: date) -> str:
    """Under which heading a conversation of that day stands."""
    if day >= today:
        return "Today"
    for days, heading in ((1, "Yesterday"), (7, "Previous 7 days"), (30, "Previous 30 days")):
        if day >= today - timedelta(days=days):
            return heading
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"


def _day(ms: int) -> date:
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(services().zone)).date()


def _listed(only: Only, limit: int) -> Sequence[Conversation]:
    return services().store.conversations.list(services().owner, only=only, limit=limit)


def _show_folder(folder: Folder, current: str | None) -> None:
    """A folder, closed at first: its rows are read and drawn when it is opened."""
    opened = st.expander(
        label(folder.name, limit=40),
        key=f"folder-{folder.public_id}",
        icon=":material/folder:",
        type="compact",
        on_change="rerun",
    )
    if opened.open:
        with opened, st.container(gap=None):
            inside = _listed(Only(pinned=False, archived=False, folder=folder.public_id), _MOST_IN_FOLDER)
            _show_rows(inside, current)
            if not inside:
                st.caption("Empty")


def _show_rows(conversations: Sequence[Conversation], current: str | None) -> None:
    for conversation in conversations:
        _show_row(conversation, is_current=conversation.public_id == current)


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
