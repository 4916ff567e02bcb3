"""The first minute: nothing but the demo is there, so a gateway can be connected right on the chat page."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import streamlit as st

from lib.cards import GatewayCard
from lib.errors import ParlourError
from lib.markdown import label
from lib.settings import clean_base_url
from lib.ui.choice import Choice
from lib.ui.gateway_form import reach_words, show_address, show_failed_test, warn_of_plain_http
from lib.ui.session import say_once, services

_LIST_S = 10.0
"""How long to wait for the model list, so that the first answer already has its price."""


def is_first_run() -> bool:
    """Whether no gateway but the demo can be asked."""
    return all(card.demo for card in services().gateways.cards())


def show_connect() -> None:
    """Base URL and key: connect, find out what the gateway serves, keep it, and choose it for the new chat."""
    with st.container(border=True, key="connect"), st.form("connect-form", border=False):
        st.subheader("Connect your gateway", anchor=False)
        url, secret = show_address(None, "connect")
        wanted = st.form_submit_button("Connect", type="primary", icon=":material/cable:")
    warn_of_plain_http(url)
    if wanted:
        _connect(url, secret)


def connect_before_all() -> None:
    """With neither a gateway nor the demo there is nothing to talk to: only the form is shown then."""
    if not services().gateways.cards():
        st.header("Welcome to Parlour", anchor=False)
        show_connect()
        st.stop()


def _connect(url: str, secret: str) -> None:
    gateways = services().gateways
    try:
        with st.spinner("Asking the gateway…"):
            reach = gateways.test(url, secret)
            if not reach.dialects:
                st.error(reach_words(reach), icon=":material/error:")
                return
            card = gateways.add(urlsplit(clean_base_url(url)).netloc, url, secret, reach.dialects)
            with suppress(TimeoutError):
                gateways.refresh(card.id).result(_LIST_S)
    except ParlourError as error:
        show_failed_test(error)
        return
    _choose(card)
    say_once(f"{reach_words(reach)} Saved as {label(card.name)}.", ":material/check:")
    st.rerun()


def _choose(card: GatewayCard) -> None:
    """For the next new chat, whatever was asked last."""
    st.session_state[Choice.key_for(None, "gateway")] = card.id
