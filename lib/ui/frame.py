"""The frame around every page: configuration, sidebar, navigation. Streamlit runs this file once per run."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from lib.errors import ParlourError, SignedOut
from lib.ui import pages
from lib.ui.account import show_left
from lib.ui.keyboard import listen_to_keys, show_keyboard_link
from lib.ui.look import apply_look
from lib.ui.notices import notice_for
from lib.ui.session import services, show_notices
from lib.ui.sidebar import show_sidebar

_ICON = Path(__file__).with_name("icon.png")
_WIDE = ("upload", "usage")
"""Pages of tables."""


def show_frame() -> None:
    """Set the page up, draw the sidebar, run the page."""
    st.set_page_config(page_title="Parlour", page_icon=_ICON.read_bytes(), initial_sidebar_state="auto")
    apply_look()
    st.logo(_ICON.read_bytes(), size="large")
    page = st.navigation(
        [
            st.Page(pages.CHAT, title="Parlour", url_path="chat", default=True),
            st.Page(pages.CHATS, title="Chats", url_path="chats"),
            st.Page(pages.UPLOAD, title="Upload", icon=":material/upload_file:", url_path="upload"),
            st.Page(pages.USAGE, title="Usage", url_path="usage"),
            st.Page(pages.PRICES, title="Prices", icon=":material/sell:", url_path="prices"),
            st.Page(pages.SETTINGS, title="Settings", url_path="settings"),
            st.Page(pages.DATA, title="Your data", url_path="data"),
        ],
        position="hidden",
    )
    # Said every time: the browser keeps the width of the page that is left.
    st.set_page_config(layout="wide" if page.url_path in _WIDE else "centered")
    on_chat = page.url_path == ""
    try:
        services()
        if on_chat:
            pages.adopt_chat_of_url()
        else:
            st.session_state["returning"] = True
        listen_to_keys()
        show_sidebar(on_chat=on_chat)
        with st.sidebar:
            show_keyboard_link()
        show_notices()
        page.run()
    except SignedOut:
        show_left()
    except ParlourError as error:
        notice = notice_for(error)
        st.error(f"**{notice.what}** {notice.then}", icon=":material/error:")


if __name__ == "__main__":
    show_frame()
