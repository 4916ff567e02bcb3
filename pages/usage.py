"""Usage: where the money went, what it would have cost elsewhere, and how well that is known."""

from __future__ import annotations

import streamlit as st
from msgspec import structs

from lib import reports
from lib.errors import NotFound
from lib.insight_words import Choices
from lib.ui.session import services
from lib.ui.usage_bar import show_days, show_tabs
from lib.ui.usage_chats import show_chats
from lib.ui.usage_demo import MADE_UP, show_demo_line, show_nothing_yet
from lib.ui.usage_models import show_models
from lib.ui.usage_overview import show_overview
from lib.ui.usage_place import Asked, filters_of, turn, view_of_url
from lib.ui.usage_requests import show_requests_part
from lib.ui.usage_speed import show_speed
from lib.ui.usage_tokens import show_tokens
from lib.ui.usage_view import View
from lib.ui.usage_words import Names, model_words, variant_words

PARTS = {
    "overview": show_overview,
    "models": show_models,
    "chats": show_chats,
    "tokens": show_tokens,
    "speed": show_speed,
    "requests": show_requests_part,
}


def show_usage() -> None:
    """Draw the page: only the part that is open is read and computed."""
    st.set_page_config(layout="wide")
    services_ = services()
    view = view_of_url(services_.zone)
    insight, owner = services_.store.insight, services_.owner
    choices = insight.choices(owner, demo=view.demo)
    demo = choices if view.demo else insight.choices(owner, demo=True)
    st.title("Usage", anchor=False)
    if not choices.first:
        show_demo_line(view, demo)
        show_nothing_yet(view, demo)
        return
    names = names_of(view, choices)
    show_tabs(view)
    show_days(view, choices, names)
    show_demo_line(view, demo)
    PARTS[view.tab](asked_of(view, choices, names))


def asked_of(view: View, choices: Choices, names: Names) -> Asked:
    """What the open part is about; with several currencies, one of them."""
    insight, owner = services().store.insight, services().owner
    filter, before = filters_of(view)
    currency = choices.currencies[0] if choices.currencies else "USD"
    if len(choices.currencies) > 1:
        wide = structs.replace(filter, currency=None)
        used = reports.currencies(insight.tallies(owner, wide)) or list(choices.currencies)
        currency = view.currency if view.currency in choices.currencies else used[0]
        choose_currency(view, list(choices.currencies), currency)
        filter = structs.replace(filter, currency=currency)
        before = before and structs.replace(before, currency=currency)
    return Asked(insight, owner, view, filter, before, currency, choices, names)


def choose_currency(view: View, found: list[str], currency: str) -> None:
    """Amounts in different currencies are never added; one is looked at."""
    st.session_state["usage-currency"] = currency
    st.segmented_control("Currency", found, key="usage-currency", required=True, on_change=_currency_chosen,
                         args=(view,), label_visibility="collapsed")  # fmt: skip


def _currency_chosen(view: View) -> None:
    turn(view, currency=st.session_state["usage-currency"])


def names_of(view: View, choices: Choices) -> Names:
    """What everything is called that the page may show."""
    store, owner = services().store, services().owner
    cards = services().gateways.cards()
    gateways = {card.id: card.name for card in cards} | {MADE_UP: "Demo data"}
    folders = {folder.public_id: folder.name for folder in store.folders.list(owner)}
    title = ""
    if view.conversation:
        try:
            title = store.conversations.get(owner, view.conversation).title or "Untitled"
        except NotFound:
            title = ""
    return Names(model_words(), variant_words(cards), gateways, folders, title)


show_usage()
