"""What the screen remembers in `st.session_state`, and the way to the services.

The session is never the home of anything that must last.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib import bootstrap
from lib.bootstrap import Services
from lib.errors import SettingsError
from lib.login import Login, Who
from lib.self_check import is_here
from lib.ui.streamlit_internals import listens_at, told_visitor


def services() -> Services:
    """The services of whoever is behind this page; started by the first page when no server did.

    With a login that is who signed in, asked anew every time: raises SignedOut from the moment they are signed out or
    disabled. Without one, raises SettingsError where a page that was run alone, without what `app.py` checks, could be
    opened by others.
    """
    found = bootstrap.services()
    if found.house.login.on:
        return found.house.of(found.house.login.on_page(told_visitor()).owner)
    address = listens_at()
    if address and not is_here(address) and not found.settings.allow_public:
        raise SettingsError("server.address", "open_to_others")
    return found


def login() -> Login:
    """The accounts of this process."""
    return bootstrap.services().house.login


def signed_in() -> Who | None:
    """Who is behind this page; None without a login. Raises SignedOut."""
    return login().on_page(told_visitor()) if login().on else None


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
