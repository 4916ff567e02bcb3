"""All links that still lead to a snapshot."""

from __future__ import annotations

import streamlit as st

from lib.markdown import label
from lib.ui.session import services
from lib.ui.share_menu import show_link


def show_shares() -> None:
    """The list, each with Revoke."""
    st.subheader("Shared links", anchor=False)
    links = services().store.shares.list(services().owner)
    if not links:
        st.caption("None. Open a chat and choose Share to make a link to a snapshot of it.")
    for link in links:
        show_link(link, title=label(link.title or "Chat", limit=60))
