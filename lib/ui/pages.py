"""Where the pages are, and which conversation is open. The URL names it (`?chat=`), so Back and links work."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from lib.ui.session import services

_ROOT = Path(__file__).resolve().parents[2]
CHAT = str(_ROOT / "pages/chat.py")
CHATS = str(_ROOT / "pages/chats.py")
UPLOAD = str(_ROOT / "pages/upload.py")
USAGE = str(_ROOT / "pages/usage.py")
PRICES = str(_ROOT / "pages/prices.py")
SETTINGS = str(_ROOT / "pages/settings.py")
DATA = str(_ROOT / "pages/data.py")


def current_chat() -> str | None:
    """The public id of the open conversation, None for a new one."""
    chat: str | None = st.session_state.get("chat")
    return chat


def temporary_chat() -> str | None:
    """The open temporary conversation, which no address names."""
    chat: str | None = st.session_state.get("temporary-chat")
    return chat


def adopt_chat_of_url() -> str | None:
    """The conversation the URL names; coming back from another page without one, the last open one."""
    named: str | None = st.query_params.get("chat")
    if named is None and st.session_state.pop("returning", False):
        named = current_chat()
        if named:
            st.query_params["chat"] = named
    st.session_state["chat"] = named
    return named


def open_chat(public_id: str | None) -> None:
    """Open a conversation (None = a new one), from any page. Called from a button's callback."""
    name_chat(public_id)
    st.session_state["go-to-chat"] = True


def name_chat(public_id: str | None) -> None:
    """Make it the open conversation, in the URL too, without going anywhere."""
    st.session_state["chat"] = public_id
    if left := st.session_state.pop("temporary-chat", None):
        services().desk.temporary.forget(left)
    st.query_params.pop("at", None)
    if public_id is None:
        st.query_params.pop("chat", None)
    else:
        st.query_params["chat"] = public_id


def open_message(chat: str, message: str | None, words: tuple[str, ...] = ()) -> None:
    """Open a conversation at one of its messages (`?at=`), with `words` marked there. Called from a callback."""
    open_chat(chat)
    if message:
        st.session_state["arrival"] = (chat, message, words)
