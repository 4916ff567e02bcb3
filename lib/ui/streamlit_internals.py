"""The pieces of Streamlit that are not public, all of them, each with a contract test.

Pinned to Streamlit 1.67: an upgrade starts with `tests/ui/test_streamlit_internals.py`.
"""

from __future__ import annotations

from streamlit import config
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import RerunException, StopException, get_script_run_ctx

__all__ = ["RerunException", "StopException", "end_block", "listens_at", "session_is_alive", "told_visitor"]


def end_block() -> None:
    """Yielded into `st.write_stream` (as the function itself) it ends the element: the next text starts a new one."""


def session_is_alive() -> bool:
    """Whether this session's browser is still connected.

    With `runner.fastReruns` off, a StopException in a live session is the user's press on Streamlit's own Stop; in
    a dead one it is a closed tab or a lost network.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return bool(context and exists() and get_instance().is_active_session(context.session_id))


def listens_at() -> str | None:
    """The address at which Streamlit's own server listens (all of them: `::`); None when another server runs the app.

    `streamlit run` and `App.run` say so before they import the app.
    """
    if not str(config._server_mode or "").startswith("starlette"):
        return None
    return str(config.get_option("server.address") or "::")


def told_visitor() -> str | None:
    """What the gate said about who is behind this page, when its connection was made (`server.trustedUserHeaders`).

    It belongs to the session: Streamlit lets nobody resume one with another.
    """
    context = get_script_run_ctx(suppress_warning=True)
    told = context.user_info.get("parlour_visitor") if context else None
    return told if isinstance(told, str) else None
