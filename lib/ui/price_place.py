"""Which part of the prices page is open, of which gateway. The address says it; a click changes the address."""

from __future__ import annotations

from typing import Literal, get_args

import streamlit as st

from lib.cards import GatewayCard
from lib.markdown import plain
from lib.ui.pages import PRICES
from lib.ui.session import services

Part = Literal["book", "add", "rules", "changes", "budgets", "statements", "bills"]
PARTS: tuple[Part, ...] = get_args(Part)
_WORDS: dict[Part, str] = {
    "book": "Price book",
    "add": "Add many",
    "rules": "Rules",
    "changes": "Changes",
    "budgets": "Budgets",
    "statements": "Statements",
    "bills": "Gateway bills",
}


def part_of_url() -> Part:
    """The part that the address names; the price book when it names none."""
    named = st.query_params.get("part")
    return next((part for part in PARTS if part == named), "book")


def go_to(part: Part, **more: str) -> None:
    """From a callback: open a part, on the gateway or model that `more` names."""
    gateway = st.query_params.get("gateway")
    st.query_params.clear()
    st.query_params.update({"part": part, **({"gateway": gateway} if gateway else {}), **more})


def choose_part() -> Part:
    """Draw the parts; the open one."""
    part = part_of_url()
    st.session_state["prices-part"] = part
    st.segmented_control(
        "What to look at",
        PARTS,
        key="prices-part",
        required=True,
        wrap=True,
        label_visibility="collapsed",
        format_func=lambda name: _WORDS[name],
        on_change=lambda: go_to(st.session_state["prices-part"]),
    )
    return part


def choose_gateway(*, demo: bool = True) -> GatewayCard | None:
    """The gateway the address names, to be changed where there are several; None when there is none to choose."""
    cards = {card.public_id: card for card in services().gateways.cards() if demo or not card.demo}
    if not cards:
        return None
    named = st.query_params.get("gateway", "")
    st.session_state["prices-gateway"] = named if named in cards else next(iter(cards))
    if len(cards) > 1:
        st.selectbox(
            "Gateway",
            list(cards),
            key="prices-gateway",
            width=320,
            format_func=lambda public_id: plain(cards[public_id].name),
            on_change=_take_gateway,
        )
    return cards[st.session_state["prices-gateway"]]


def _take_gateway() -> None:
    st.query_params["gateway"] = st.session_state["prices-gateway"]
    st.query_params.pop("model", None)


def show_link(words: str, part: Part, *, icon: str, gateway: str = "") -> None:
    """A way here from another page."""
    query = {"part": part} | ({"gateway": gateway} if gateway else {})
    st.page_link(PRICES, label=words, icon=icon, query_params=query)
