"""The empty state, and a message that could not be sent."""

from __future__ import annotations

import streamlit as st

from lib.cards import GatewayCard
from lib.generation import LiveAnswer
from lib.markdown import label
from lib.ui.first_run import is_first_run


def show_welcome(gateway: GatewayCard) -> None:
    """What this is and whom one talks to, before the first message."""
    st.header("What is on your mind?", anchor=False)
    if not gateway.demo:
        st.caption(f"You are connected to {label(gateway.name)}.")
    elif is_first_run():
        st.caption("Try the demo now: it is in this program, needs no key and no network, and costs nothing.")
    else:
        st.caption("You are talking to the demo in this program: no key, no network, no real money.")


def show_unsent() -> None:
    """A message that could not be sent: why, and its text to copy, so that nothing is lost."""
    unsent: tuple[str, str] | None = st.session_state.get("unsent")
    if unsent:
        text, reason = unsent
        st.error(f"Not sent. {reason}", icon=":material/error:")
        if text:
            st.code(text, language=None, wrap_lines=True)


def show_unsaved(live: LiveAnswer) -> None:
    """An ended answer that the database refused so far: it is tried again, and its text can be taken along."""
    st.warning(
        "This answer is not stored yet: the database refuses it. Parlour keeps trying while it runs.",
        icon=":material/sync_problem:",
    )
    st.download_button(
        "Download the answer", live.texts()[0], "answer.md", "text/markdown", icon=":material/download:", key="unsaved"
    )
