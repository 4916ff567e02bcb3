"""The invisible companion of the message box: drafts that survive a reload, words from the address, the cursor."""

from __future__ import annotations

import streamlit as st

from lib.ui.browser_parts import browser_part
from lib.ui.chat import Chat

_keeper = browser_part("composer")


def count_entered() -> None:
    """A message has come in from the box. The next one waits for this in the browser: of two that come before a run
    has begun, Streamlit keeps the newer only."""
    st.session_state["entered"] = st.session_state.get("entered", 0) + 1


def show_keeper(chat: Chat) -> None:
    """Draw it, once on the chat page. A temporary chat keeps no draft."""
    data = {
        "chat": "" if chat.temporary else chat.id or "new",
        "begun": st.session_state.get("begun-chat", ""),
        "fill": st.session_state.get("fill", ""),
        "editing": st.session_state.get("editing", ""),
        "entered": st.session_state.get("entered", 0),
        "answers": sum(message.role == "assistant" for message in chat.messages),
    }
    _keeper(key="keeper", data=data)
