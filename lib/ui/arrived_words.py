"""An address may bring a first message and a model: `?q=…&model=…&temporary=1`. It fills, it never sends."""

from __future__ import annotations

import streamlit as st
from msgspec import structs

from lib.store.rows import Settings
from lib.ui.pages import current_chat
from lib.ui.session import services

MOST_CHARS = 20_000
_MODEL = "asked-model"


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
        st.session_state[_MODEL] = (current_chat(), model)


def with_asked_model(settings: Settings) -> Settings:
    """The settings a conversation starts its choice from, on the model the address named for it, if there is one."""
    chat, model = st.session_state.get(_MODEL, (None, None))
    if model is None or chat != current_chat():
        return settings
    gateways = sorted(services().gateways.cards(), key=lambda card: card.id != settings.gateway_id)
    for gateway in gateways:
        if any(card.id == model for card in services().gateways.models(gateway.id)):
            return structs.replace(settings, gateway_id=gateway.id, model=model)
    return settings


def forget_asked_model() -> None:
    """The message was sent: from now on the conversation knows its model itself."""
    st.session_state.pop(_MODEL, None)
