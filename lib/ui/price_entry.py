"""Entering the price of one model: numbers in the unit they come in, held up when they can only be another unit's."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from msgspec import Struct, convert

from lib.cards import GatewayCard, ModelCard, Prices, PriceSource
from lib.errors import ParlourError, SettingsError
from lib.markdown import label
from lib.money import PriceUnit, price_from_text
from lib.price_book.units import Suspect, suspects
from lib.ui.notices import notice_for
from lib.ui.price_effect import show_effect
from lib.ui.price_reference import vendor_of
from lib.ui.price_words import PRICE_NAMES, model_title, prices_words, source_words, suspect_words
from lib.ui.session import remember, say_once, services

CURRENCIES = ("USD", "CNY", "EUR", "GBP", "JPY", "KRW", "INR")
_UNITS: Mapping[str, tuple[PriceUnit, bool]] = {
    "per 1M tokens": ("per 1M", False),
    "per 1K tokens": ("per 1K", False),
    "per token": ("per token", False),
    "cents per 1M": ("per 1M", True),
}


class _Typed(Struct, frozen=True):
    """What stands in the fields: prices, or why they are none; `held` is why they have to be confirmed."""

    prices: Prices | None = None
    problem: str = ""
    held: tuple[Suspect, ...] = ()


class Entry:
    """The form of one model; its fields live under keys of their own, which a save renews."""

    def __init__(self, gateway: GatewayCard, card: ModelCard, now: Prices) -> None:
        self.gateway, self.card, self.now = gateway, card, now
        self.key = f"price-{gateway.public_id}-{card.id}-{remember('prices-saved', 0)}"

    def key_of(self, name: str) -> str:
        """Of one field."""
        return f"{self.key}-{name}"

    def sure_of(self, prices: Prices) -> str:
        """The key of the confirmation of exactly these prices."""
        return self.key_of(f"sure-{prices_words(prices)}")

    def typed(self) -> _Typed:
        """The prices as they stand in the fields now."""
        state = st.session_state
        unit, cents = _UNITS[state.get(self.key_of("unit")) or "per 1M tokens"]
        texts = {field: str(state.get(self.key_of(field)) or "") for field in PRICE_NAMES}
        if not any(text.strip() for text in texts.values()):
            return _Typed()
        try:
            picos = {field: _pico(text, unit, cents, PRICE_NAMES[field]) for field, text in texts.items()}
        except SettingsError as error:
            return _Typed(problem=f"{error.field}: {error.message}.")
        prices = convert({**picos, "currency": state.get(self.key_of("currency")) or "USD"}, Prices)
        if not prices.known:
            return _Typed(problem="Enter at least the input or the output price.")
        known = {self.card.id: self.now} if self.now.known else {}
        return _Typed(prices, held=suspects({self.card.id: prices}, {self.card.id: vendor_of(self.card)}, known))

    def save(self) -> None:
        """Keep what is typed, unless it must be confirmed first. A callback: the fields are as they are now."""
        typed = self.typed()
        if typed.prices is None or (typed.held and not st.session_state.get(self.sure_of(typed.prices))):
            return
        self._keep(typed.prices, str(st.session_state.get(self.key_of("note")) or ""))

    def withdraw(self) -> None:
        """Take the entered price back."""
        try:
            services().prices.take_back(self.gateway.id, [self.card.id])
        except ParlourError as error:
            say_once(notice_for(error).text, ":material/error:")
            return
        say_once(f"Took back your price of {label(self.card.id)}.", ":material/undo:")

    def _keep(self, prices: Prices, note: str) -> None:
        try:
            services().prices.enter(self.gateway.id, {self.card.id: prices}, note=note)
        except ParlourError as error:
            say_once(notice_for(error).text, ":material/error:")
            return
        st.session_state["prices-saved"] += 1
        say_once(f"Saved the price of {label(self.card.id)}.", ":material/check:")


def show_entry(gateway: GatewayCard, card: ModelCard, now: Prices, source: PriceSource | None) -> None:
    """The fields, what saving would do, and the buttons."""
    entry = Entry(gateway, card, now)
    st.subheader(label(f"{model_title(card)} · {card.variant_label}"), anchor=False)
    st.caption(label(card.id))
    said = f"Now {prices_words(now)} per 1M tokens, {source_words(source)}." if now.known else "It has no price yet."
    st.markdown(label(said))
    _show_fields(entry, now)
    typed = entry.typed()
    _show_problem(entry, typed)
    if typed.prices is not None:
        show_effect(gateway, {card.id: typed.prices})
    with st.container(horizontal=True):
        st.button(
            "Save price", type="primary", key=entry.key_of("save"), on_click=entry.save,
        )  # fmt: skip
        if source == "entered":
            st.button(
                "Take my price back", type="tertiary", icon=":material/undo:", key=entry.key_of("withdraw"),
                on_click=entry.withdraw, help="The gateway's own price counts again, if it names one.",
            )  # fmt: skip
    st.caption("Counts from the next answer on. Answers that have a price keep it.")


def _show_fields(entry: Entry, now: Prices) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="price-fields"):
        for field, name in PRICE_NAMES.items():
            st.text_input(name, key=entry.key_of(field), width=118, placeholder="–", max_chars=40)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "The numbers are", list(_UNITS), default="per 1M tokens", required=True, wrap=True,
            key=entry.key_of("unit"),
        )  # fmt: skip
        at = CURRENCIES.index(now.currency) if now.currency in CURRENCIES else 0
        st.selectbox("Currency", CURRENCIES, index=at, key=entry.key_of("currency"), width=110)
        st.text_input("Note", key=entry.key_of("note"), placeholder="Where you have it from", max_chars=200, width=260)


def _show_problem(entry: Entry, typed: _Typed) -> None:
    if typed.problem:
        st.error(label(typed.problem), icon=":material/error:")
    if not typed.held or typed.prices is None:
        return
    why = ". ".join(suspect_words(one, typed.prices.currency) for one in typed.held)
    st.warning(label(f"Not saved until you confirm: {why}.", limit=500), icon=":material/warning:")
    st.checkbox(label(f"It really is {prices_words(typed.prices)} per 1M tokens"), key=entry.sure_of(typed.prices))


def _pico(text: str, unit: PriceUnit, cents: bool, field: str) -> int | None:
    """Pico-units per token. Raises SettingsError naming the field."""
    pico = price_from_text(text, unit, field=field)
    if pico is None or not cents:
        return pico
    whole, rest = divmod(pico, 100)
    if rest:
        raise SettingsError(field, f"{text.strip()} cents has more digits than can be kept")
    return whole
