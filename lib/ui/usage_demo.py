"""Made-up spending: a year to look at before there is one, apart from the real, filled in and removed with a click."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from lib.insight_words import Choices
from lib.ui.pages import CHAT
from lib.ui.session import say_once, services
from lib.ui.usage_place import turn
from lib.ui.usage_view import View

MADE_UP = -1
"""The gateway of made-up requests."""


def show_nothing_yet(view: View, demo: Choices) -> None:
    """Before the first real request: what will appear, and ways to see it now."""
    if demo.first and not view.demo:
        st.markdown("So far only the demo gateway was asked. Its made-up prices count in no total.")
    st.markdown(
        "Your spend will appear here. Every answer adds its tokens and its cost:\n\n"
        "- totals beside those of the time before, how well they are known, and where the month is heading\n"
        "- every model and variant with its speed, and what the same would have cost on the others\n"
        "- chats, folders and tags by cost, what caching saved, when a gateway was slow\n"
        "- every single request, with the formula behind its cost"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(CHAT, label="Start a chat", icon=":material/edit_square:")
        if demo.first and not view.demo:
            st.button("Show demo spend", icon=":material/science:", on_click=turn, args=(view,), kwargs={"demo": True})
        _fill_button(view, demo)
    st.caption("Demo data is a year of made-up requests. It stands apart and counts in no real total.")


def show_demo_choice(view: View) -> None:
    """In the filters: the demo's requests instead of the real ones, and made-up ones more."""
    store, owner = services().store.insight, services().owner
    demo = store.choices(owner, demo=True)
    if demo.first or view.demo:
        st.session_state["usage-demo"] = view.demo
        st.toggle("Show demo spend", key="usage-demo", on_change=_switched, args=(view,))
    _fill_button(view, demo)


def _switched(view: View) -> None:
    turn(view, demo=st.session_state["usage-demo"])


def show_demo_line(view: View, demo: Choices) -> None:
    """While the demo's requests are looked at: that they are, and the way back."""
    if not view.demo:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="usage-demo-line"):
        st.caption(":material/science: Made-up prices of the demo. They count in no real total.", width="content")
        back = {"demo": False, "gateways": (), "currency": None}
        st.button("Show real spend", type="tertiary", on_click=turn, args=(view,), kwargs=back)
        if MADE_UP in demo.gateways:
            st.button("Remove demo data", type="tertiary", icon=":material/delete:", on_click=_remove, args=(view,))
        else:
            _fill_button(view, demo, quiet=True)


def _fill_button(view: View, demo: Choices, *, quiet: bool = False) -> None:
    if MADE_UP not in demo.gateways:
        kind: Literal["secondary", "tertiary"] = "tertiary" if quiet else "secondary"
        icon = ":material/auto_awesome:"
        st.button("Fill with demo data", icon=icon, key="usage-fill", type=kind, on_click=_fill, args=(view,))


def _fill(view: View) -> None:
    made = services().store.insight.generate_demo(services().owner)
    say_once(f"{made:,} made-up requests are there to look at.", ":material/science:")
    turn(View(zone=view.zone), demo=True, period="90d")


def _remove(view: View) -> None:
    gone = services().store.insight.remove_demo(services().owner)
    say_once(f"{gone:,} made-up requests were removed.", ":material/delete:")
    turn(view, demo=False, gateways=(), currency=None)
