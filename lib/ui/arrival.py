"""Opening a conversation at one of its messages: `?chat=…&at=…`, from a search result or a link."""

from __future__ import annotations

import streamlit as st

from lib.errors import NotFound
from lib.ui.session import services
from lib.ui.transcript import WINDOW


def arrive(chat: str | None) -> None:
    """Before the conversation is read: show the branch that holds the message the URL names, far enough back.

    Done once per arrival, so that what is done on the page afterwards is not undone.
    """
    at = st.query_params.get("at")
    if chat is None or at is None:
        st.session_state.pop("arrived", None)
        return
    asked = st.session_state.pop("arrival", None)
    words = asked[2] if asked and asked[:2] == (chat, at) else ()
    arrived = st.session_state.get("arrived")
    if asked is None and arrived and arrived[:2] == (chat, at):
        return
    store, owner = services().store.conversations, services().owner
    try:
        store.choose(owner, chat, at)
    except NotFound:
        st.query_params.pop("at", None)
        return
    messages = store.transcript(owner, chat).messages
    place = next(place for place, message in enumerate(messages) if message.public_id == at)
    turns = sum(message.role == "user" for message in messages[place:]) + 1
    st.session_state[f"turns-{chat}"] = max(turns, st.session_state.get(f"turns-{chat}", WINDOW // 2))
    number = arrived[3] + 1 if arrived else 1
    st.session_state["arrived"] = (chat, at, words, number)
