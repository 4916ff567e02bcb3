"""Many prices at once: pasted or as a file, read, held against what is known, and only then kept."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from lib.cards import GatewayCard
from lib.errors import BadInput, ParlourError
from lib.markdown import label, plain
from lib.price_book.importing import Plan, plan
from lib.price_book.reading import PriceList, read_prices
from lib.ui.notices import notice_for
from lib.ui.price_effect import effect_lines, effect_of, effect_rows
from lib.ui.price_entry import CURRENCIES
from lib.ui.price_reference import vendor_of
from lib.ui.price_words import UNITS, basis_words, prices_words, suspect_words, trouble_words, unit_words
from lib.ui.session import remember, say_once, services

_EXAMPLE = "model, input, output, cached input\nclaude-sonnet-4-6-low, 0.90, 4.50, 0.09\ngpt-5.4-hc, 1.25, 7.50, 0.13"
_MOST_TROUBLES = 20


def show_many(gateway: GatewayCard) -> None:
    """Draw it: the list, how it is read, what it would change, and the button that keeps it."""
    key = f"many-{gateway.public_id}-{remember('prices-saved', 0)}"
    st.caption("A table from a web page or a spreadsheet, CSV or TOML. Nothing is kept before you have seen it here.")
    text = st.text_area("Price list", key=f"{key}-text", placeholder=_EXAMPLE, height=180)
    file = st.file_uploader("Or a file", type=["csv", "tsv", "txt", "toml", "md"], key=f"{key}-file")
    given: str | bytes = file.getvalue() if file else text
    if not given.strip():
        return
    try:
        listed = read_prices(given)
    except BadInput as error:
        st.error(_unreadable(error), icon=":material/error:")
        return
    if listed.rows:
        _show_plan(gateway, listed, key)
    _show_troubles(listed)


def _show_plan(gateway: GatewayCard, listed: PriceList, key: str) -> None:
    unit, currency = _choose_unit(key)
    found = _plan(gateway, listed, unit, currency, ())
    (st.warning if found.unit_to_confirm else st.caption)(label(basis_words(found.unit), limit=400))
    sure = _confirm(found, key) if not found.unit_to_confirm else []
    ready = _plan(gateway, listed, unit, currency, sure) if sure else found
    _show_strangers(gateway, ready)
    if ready.prices:
        effect = effect_of(gateway, ready.prices)
        for line in effect_lines(effect):
            st.caption(label(line, limit=400))
        if effect.effects:
            st.dataframe(effect_rows(effect), hide_index=True, alt="What would change", height="auto")
        if effect.unchanged:
            st.caption(f"{effect.unchanged:,} of them have that price already.")
    n = len(ready.prices)
    st.button(
        f"Save {n:,} price{'s' * (n != 1)}", type="primary", key=f"{key}-save", disabled=not n,
        on_click=_save, args=(gateway, ready),
    )  # fmt: skip
    if ready.blocked:
        st.caption(f"{len(ready.blocked):,} held back until confirmed.")


def _plan(
    gateway: GatewayCard, listed: PriceList, unit: tuple[int, bool] | None, currency: str, sure: Collection[str]
) -> Plan:
    cards = services().gateways.models(gateway.id)
    vendor = {card.id: prices for card in cards if (prices := vendor_of(card)).known}
    current = services().store.prices.all_current(services().owner, gateway.id)
    book = {model: one.prices for model, one in current.items()}
    return plan(listed, vendor, book, unit=unit, currency=currency, confirmed=sure)


def _choose_unit(key: str) -> tuple[tuple[int, bool] | None, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox(
            "The numbers are", [None, *UNITS], key=f"{key}-unit", width=260,
            format_func=lambda one: unit_words(*one) if one else "as the list says",
        )  # fmt: skip
        currency = st.selectbox(
            "Currency", CURRENCIES, key=f"{key}-currency", width=150, help="Of prices that name none"
        )
    return unit, currency


def _confirm(found: Plan, key: str) -> list[str]:
    """The prices that are far off, each with its reason; those that somebody says are right."""
    if not found.suspects:
        return []
    st.warning(
        "These are far from what is known of the same models. They are held back unless you say they are right.",
        icon=":material/warning:",
    )
    sure = []
    for one in found.suspects:
        prices = found.blocked[one.model]
        words = f"{one.model}: {suspect_words(one, prices.currency)}"
        if st.checkbox(label(words, limit=300), key=f"{key}-sure-{one.model}-{prices_words(prices)}"):
            sure.append(one.model)
    return sure


def _show_strangers(gateway: GatewayCard, found: Plan) -> None:
    known = {card.id for card in services().gateways.models(gateway.id)}
    strangers = [model for model in (*found.prices, *found.blocked) if model not in known]
    if strangers:
        some = ", ".join(plain(model, 60) for model in strangers[:5])
        more = f" and {len(strangers) - 5:,} more" if len(strangers) > 5 else ""
        st.caption(label(f"Not in this gateway's list: {some}{more}. They are kept for when they are.", limit=500))


def _show_troubles(listed: PriceList) -> None:
    if not listed.rows and not listed.troubles:
        st.caption("No prices were found in it.")
    if listed.troubles:
        n = len(listed.troubles)
        lines = [trouble_words(one) for one in listed.troubles[:_MOST_TROUBLES]]
        with st.expander(f"{n:,} line{'s' * (n > 1)} left out", icon=":material/error:", expanded=n <= 5):
            st.markdown("\n".join(f"- {label(line)}" for line in lines))
            if n > _MOST_TROUBLES:
                st.caption(f"And {n - _MOST_TROUBLES:,} more.")


def _unreadable(error: BadInput) -> str:
    return "This list is too large." if error.reason == "too_large" else "This is not a text file."


def _save(gateway: GatewayCard, found: Plan) -> None:
    try:
        services().prices.enter(gateway.id, found.prices, note="from a list")
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    st.session_state["prices-saved"] += 1
    n = len(found.prices)
    say_once(f"Saved {n:,} price{'s' * (n != 1)}.", ":material/check:")
