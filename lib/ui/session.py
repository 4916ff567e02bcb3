"""What the screen remembers in `st.session_state`, and the way to the services.

The session is never the home of anything that must last.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib import bootstrap
from lib.bootstrap import Services
from lib.errors import SettingsError
from lib.self_check import is_here
from lib.ui.streamlit_internals import listens_at


def services() -> Services:
    """The services of this process; started by the first page when no server did.

    Raises SettingsError where a page that was run alone, without what `app.py` checks, could be opened by others.
    """
    found, address = bootstrap.services(), listens_at()
    if address and not is_here(address) and not found.settings.allow_public:
        raise SettingsError("server.address", "open_to_others")
    return found


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
