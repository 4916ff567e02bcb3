"""What the screen remembers in `st.session_state`, and the way to the services.

The session is never the home of anything that must last.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib import bootstrap
from lib.bootstrap import Services


def services() -> Services:
    """The services of this process; started by the first page when no server did."""
    return bootstrap.services()


def remember(name: str, default: Any) -> Any:
    """The session's value under `name`, set to `default` first."""
    return st.session_state.setdefault(name, default)


def say_once(text: str, icon: str = ":material/info:") -> None:
    """Show a short notice on the next run, once."""
    remember("notices", []).append((text, icon))


def show_notices() -> None:
    """Show and forget what `say_once` left."""
    for text, icon in st.session_state.pop("notices", []):
        st.toast(text, icon=icon, duration="long")
