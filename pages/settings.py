"""Settings: gateways with their keys, the demo, and where the data lives."""

from __future__ import annotations

import streamlit as st

from lib.cards import GatewayCard
from lib.markdown import label
from lib.ui.account import show_account
from lib.ui.cc_switch import show_cc_switch
from lib.ui.gateway_form import show_form
from lib.ui.pages import DATA
from lib.ui.price_place import show_link
from lib.ui.safety import show_safety
from lib.ui.session import services
from lib.ui.video_form import show_video_form

_ORIGINS = {
    "environment": "From environment variables: change it there.",
    "secrets": "From .streamlit/secrets.toml: change it there.",
    "demo": "The demo in this program: no key, no network, no real money.",
}


def show_gateway(card: GatewayCard) -> None:
    """One gateway: a form when it is stored here, else where it comes from."""
    with st.expander(f"{label(card.name)}", icon=":material/cable:"):
        if card.origin_of_key in _ORIGINS:
            st.caption(_ORIGINS[card.origin_of_key])
            st.text(card.base_url)
        else:
            show_form(card)
        show_video_form(card)
        if not card.demo:
            show_link("Prices, rules and variants here", "book", icon=":material/sell:", gateway=card.public_id)


def switch_demo() -> None:
    """The demo was switched on or off."""
    services().show_demo(st.session_state["demo"])


def switch_titles() -> None:
    """Titles are to be written by a model, or to be the first words again."""
    services().want_titles(st.session_state["model-titles"])


st.title("Settings", anchor=False)
st.subheader("Gateways", anchor=False)
st.caption("A gateway is one address that serves many models with one key.")
cards = services().gateways.cards()
for card in cards:
    show_gateway(card)
only_demo = all(card.demo for card in cards)
with st.expander("Add a gateway", icon=":material/add:", expanded=only_demo):
    show_form(None)
show_cc_switch()

st.subheader("Demo", anchor=False)
st.toggle(
    "Offer the demo beside your gateways",
    any(card.demo for card in cards),
    key="demo",
    on_change=switch_demo,
    disabled=only_demo,
    help="Its spend is imaginary and never mixed with real spend.",
)

st.subheader("Titles", anchor=False)
st.toggle(
    "Let a model write the titles of chats",
    services().wants_titles,
    key="model-titles",
    on_change=switch_titles,
    help="After the first answer the cheapest model of its family is asked once; that has its own line in the usage.",
)

st.subheader("Your data", anchor=False)
st.page_link(DATA, label="Export, import, shared links", icon=":material/import_export:")
st.caption("Chats, keys (encrypted) and the ledger lie here and nowhere else:")
settings = services().settings
st.code("PostgreSQL" if settings.database_url else str(settings.data_dir.resolve()), language=None, wrap_lines=True)

show_account()
show_safety()
