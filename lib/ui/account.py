"""Who is signed in: their password, and the ways out. Nothing is shown where there is no login."""

from __future__ import annotations

import streamlit as st

from lib.errors import BadInput, ParlourError, SignedOut
from lib.login import Who
from lib.markdown import label
from lib.ui.browser_parts import browser_part
from lib.ui.notices import notice_for
from lib.ui.session import login, remember, signed_in

_leave = browser_part("leave", parts=("js",))
_OLD, _NEW, _AGAIN = "password-old", "password-new", "password-again"


def show_account() -> None:
    """A section of the settings."""
    who = signed_in()
    if who is None:
        return
    st.subheader("Account", anchor=False)
    st.markdown(f"Signed in as **{label(who.name)}**.")
    with st.container(horizontal=True):
        st.button("Sign out", key="sign-out", icon=":material/logout:", on_click=_sign_out)
        st.button(
            "Sign out everywhere",
            key="sign-out-everywhere",
            on_click=_sign_out_everywhere,
            help="Every browser that is signed in with this account has to sign in again, this one too.",
        )
    with (
        st.expander("Change the password", icon=":material/password:"),
        st.form("password", clear_on_submit=True, border=False),
    ):
        st.text_input("Present password", type="password", key=_OLD, autocomplete="current-password")
        st.text_input("New password", type="password", key=_NEW, autocomplete="new-password")
        st.text_input("New password once more", type="password", key=_AGAIN, autocomplete="new-password")
        st.caption("10 characters or more. Afterwards every browser has to sign in again, this one too.")
        st.form_submit_button("Change the password", on_click=_change_password, args=(who,))
    if "password-trouble" in st.session_state:
        st.error(st.session_state.pop("password-trouble"), icon=":material/error:")


def show_left() -> None:
    """For somebody who is signed out: one sentence, and the page is loaded anew, which leads to signing in."""
    st.info("You are signed out. Reload the page to sign in.", icon=":material/logout:")
    _leave(key="leave", data={})


def on_script_error(error: Exception) -> bool:
    """For `st.App`: also where a click was the first to find out, the page says so; whether it was that."""
    if isinstance(error, SignedOut):
        show_left()
    return isinstance(error, SignedOut)


def _sign_out() -> None:
    who = signed_in()
    if who:
        login().sign_out(who)


def _sign_out_everywhere() -> None:
    who = signed_in()
    if who:
        login().sign_out_everywhere(who)


def _change_password(who: Who) -> None:
    """Every sign-in of the account ends with it, so the page that follows is the one to sign in on."""
    old, new, again = (str(st.session_state.get(key, "")) for key in (_OLD, _NEW, _AGAIN))
    try:
        if new != again:
            raise BadInput("not_the_same")
        login().change_password(who, old, new)
    except ParlourError as error:
        remember("password-trouble", notice_for(error).text)
