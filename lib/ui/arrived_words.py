"""An address may bring a first message and a model: `?q=…&model=…&temporary=1`. It fills, it never sends."""

from __future__ import annotations

import streamlit as st

from lib.ui.choice import Choice
from lib.ui.session import services

MOST_CHARS = 20_000


def take_words_of_url() -> None:
    """Take them out of the address, so that a reload or a shared link does not bring them twice.

    A link can come from anybody, so nothing is sent before the user has read it and pressed Enter.
    """
    asked = {name: st.query_params.pop(name) for name in ("q", "model", "temporary") if name in st.query_params}
    if words := asked.get("q", "").strip():
        st.session_state["fill"] = words[:MOST_CHARS]
    if asked.get("temporary") == "1":
        st.session_state["temporary"] = True
    if model := asked.get("model"):
        st.session_state["asked-model"] = model


def choose_asked_model(choice: Choice) -> None:
    """Before the picker is drawn: choose the model the address named, on the gateway that has it."""
    model = st.session_state.pop("asked-model", None)
    if model is None:
        return
    gateways = sorted(services().gateways.cards(), key=lambda card: card.id != choice.gateway.id)
    for gateway in gateways:
        card = next((card for card in services().gateways.models(gateway.id) if card.id == model), None)
        if card:
            choice.choose(gateway.id, card)
            return
