"""The list on the page of chats: every conversation with a box to select it, and where something was found, what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from lib.markdown import label
from lib.money import money
from lib.search import Query, Snippet, marked
from lib.store.rows import Only, Trashed
from lib.store.search import Hit
from lib.ui.pages import CHAT, open_message
from lib.ui.session import services

PAGE = 30
"""Hits shown at first; 'Show more' adds as many."""


def find(query: Query, only: Only, limit: int) -> tuple[list[Hit], bool]:
    """At most `limit` hits, and whether there are more. Without a query: the newest conversations."""
    services_ = services()
    if query.is_empty:
        newest = services_.store.conversations.list(services_.owner, only=only, limit=limit + 1)
        return [Hit(found, marked(query, found.title)) for found in newest[:limit]], len(newest) > limit
    page = services_.store.search.find(services_.owner, query, limit=limit, zone=services_.zone, only=only)
    return list(page.hits), page.next is not None


def show_hits(hits: Sequence[Hit], query: Query) -> None:
    """One row each."""
    words = tuple(word for term in query.terms for word in (term.text, *term.text.split()))
    names = {folder.public_id: folder.name for folder in services().store.folders.list(services().owner)}
    for hit in hits:
        _show_hit(hit, words, names)


def show_nothing(query: Query, only: Only) -> None:
    """What the page says instead of a list."""
    if not query.is_empty:
        st.markdown("No chat matches. Fewer words find more; archived chats are searched too, deleted ones are not.")
    elif only != Only():
        st.markdown("No chats here.")
    else:
        st.markdown("Your chats will appear here, to be searched, pinned, put into folders and tagged.")
        st.page_link(CHAT, label="Start a chat", icon=":material/edit_square:")


def _show_hit(hit: Hit, words: tuple[str, ...], folders: dict[str, str]) -> None:
    chat = hit.conversation
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        st.checkbox(f"Select {label(chat.title, limit=60)}", key=pick_key(chat.public_id), label_visibility="collapsed")
        with st.container(gap=None):
            st.button(
                bold(hit.title) or "New chat",
                key=f"open-{chat.public_id}",
                type="tertiary",
                icon=":material/keep:" if chat.pinned else ":material/archive:" if chat.archived else None,
                on_click=open_message,
                args=(chat.public_id, hit.message, words),
            )
            if hit.snippet.text:
                said = "You: " if hit.role == "user" else ""
                st.markdown(said + bold(hit.snippet))
            st.caption(label(" · ".join(_facts(hit, folders))))


def _facts(hit: Hit, folders: dict[str, str]) -> list[str]:
    """When, cost, where."""
    chat = hit.conversation
    facts = [when(hit.at_ms or chat.last_ms)]
    facts += [cost for total in chat.totals if (cost := _cost(total.nano, total.currency, total.n > total.n_unpriced))]
    facts += [folders[chat.folder]] if chat.folder in folders else []
    return facts + [f"#{tag}" for tag in chat.tags]


def _cost(nano: int, currency: str, known: bool) -> str:
    return money(nano, currency) if known else "unpriced"


def when(ms: int) -> str:
    """A day, and the hour if it is today."""
    zone = ZoneInfo(services().zone)
    at, now = datetime.fromtimestamp(ms / 1000, zone), datetime.now(zone)
    if at.date() == now.date():
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b}" if at.year == now.year else f"{at.day} {at:%b %Y}"


def bold(snippet: Snippet) -> str:
    """Markdown of hostile text with the hits in bold; the spaces around a hit stay."""
    words = ""
    for piece, is_hit in snippet.pieces:
        text = label(piece, limit=1_000)
        head, tail = piece[:1].isspace() * " ", piece[-1:].isspace() * " "
        words += f"**{text}**" if is_hit and text else f"{head}{text}{tail}" if text else head
    return words.strip()


def pick_key(public_id: str) -> str:
    """The key of the box that selects it."""
    return f"pick-{public_id}"


def picked(ids: Sequence[str]) -> list[str]:
    """Those that are selected."""
    return [public_id for public_id in ids if st.session_state.get(pick_key(public_id))]


def pick_all(ids: Sequence[str], *, on: bool) -> None:
    """Select all or none; from a callback."""
    for public_id in ids:
        st.session_state[pick_key(public_id)] = on


def show_trash(items: Sequence[Trashed]) -> None:
    """What was deleted, each with the way back."""
    for place, item in enumerate(items):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(gap=None):
                st.markdown(label(item.excerpt or item.title or "New chat", limit=120))
                left = "1 day left" if item.days_left == 1 else f"{item.days_left} days left"
                what = "chat" if item.message is None else f"from “{item.title}”"
                st.caption(label(f"{what} · deleted {when(item.deleted_ms)} · {left}"))
            st.button("Restore", key=f"restore-{place}", on_click=_restore, args=(item,), width="content")


def _restore(item: Trashed) -> None:
    store, owner = services().store, services().owner
    if item.message is None:
        store.organising.restore(owner, [item.conversation])
    else:
        store.messages.restore(owner, item.conversation, item.message)
