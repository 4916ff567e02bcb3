"""Keys: the shortcuts of every page, the sheet that lists them, and the quiet way to it. Works without the server."""

from __future__ import annotations

import streamlit as st

from lib.ui.browser_parts import browser_part

_keyboard = browser_part("keyboard")


def listen_to_keys() -> None:
    """Draw the invisible part that listens; once per page."""
    _keyboard(key="keys", data={})


def show_keyboard_link() -> None:
    """A small way to the sheet, at the bottom of the sidebar; the click is caught in the browser."""
    st.button("Keyboard", icon=":material/keyboard:", type="tertiary", key="keyboard")
