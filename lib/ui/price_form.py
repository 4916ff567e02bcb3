"""Prices for a gateway that publishes none, or wrong ones: entered per 1M tokens, for exactly one model id."""

from __future__ import annotations

import streamlit as st

from lib.cards import GatewayCard, ModelCard, Prices
from lib.errors import ParlourError
from lib.markdown import label, plain
from lib.money import price_from_text
from lib.ui.model_picker import price_text
from lib.ui.notices import notice_for
from lib.ui.session import say_once, services

_CURRENCIES = ("USD", "CNY", "EUR", "GBP")


def show_price_form(gateway: GatewayCard) -> None:
    """Choose a model, enter its prices; they count from the next answer on, never backwards."""
    cards = {card.id: card for card in services().gateways.models(gateway.id)}
    if not cards:
        return
    key = f"price-{gateway.id}"
    model = st.selectbox(
        "Model",
        list(cards),
        key=f"{key}-model",
        format_func=lambda card: f"{plain(card)}   {price_text(cards[card].prices)}",
    )
    fields = st.columns(4)
    texts = [
        field.text_input(name, key=f"{key}-{model}-{name}", placeholder="per 1M")
        for field, name in zip(fields, ("Input", "Output", "Cached input"), strict=False)
    ]
    currency = fields[3].selectbox("Currency", _CURRENCIES, key=f"{key}-currency")
    st.caption("Counts from the next answer on. Answers that are already priced keep their price.")
    if st.button("Save price", key=f"{key}-save"):
        _save(gateway, model, texts, currency)


def _with_price(card: ModelCard) -> str:
    return f"{plain(card.id)}   {price_text(card.prices)}"


def _save(gateway: GatewayCard, model: str, texts: list[str], currency: str) -> None:
    try:
        given, answered, cached = (price_from_text(text) for text in texts)
        prices = Prices(given, answered, cached, currency=currency)
        services().gateways.enter_prices(gateway.id, model, prices)
    except ParlourError as error:
        st.error(notice_for(error).text, icon=":material/error:")
        return
    say_once(f"Saved the price of {label(model)}.", ":material/check:")
    st.rerun()
