"""Requests without a price: what the prices now valid would make of them, and the button that writes it down."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from lib.cards import Prices
from lib.errors import NotFound, ParlourError
from lib.markdown import label, plain
from lib.money import money
from lib.price_book.preview import Preview, preview
from lib.store.repricing import Unpriced
from lib.ui.notices import notice_for
from lib.ui.price_effect import last_days
from lib.ui.price_place import go_to
from lib.ui.price_reference import vendor_of
from lib.ui.session import say_once, services


def show_again() -> None:
    """Draw it."""
    st.subheader("Requests without a price", anchor=False)
    found = services().prices.unpriced()
    total = sum(one.n for one in found)
    if not total:
        st.caption("Every request has a price, or was not billed. Requests of the demo are not looked at.")
        return
    previews = {gateway: _preview(gateway, found) for gateway in dict.fromkeys(one.gateway_id for one in found)}
    can = sum(one.reprices for one in previews.values())
    st.markdown(label(_words(total, previews.values()), limit=400))
    st.dataframe([_row(one, previews[one.gateway_id]) for one in found], hide_index=True, alt="Unpriced by model")
    with st.container(horizontal=True, vertical_alignment="center"):
        if can:
            st.button(
                f"Price {can:,} request{'s' * (can != 1)}", type="primary", icon=":material/done_all:",
                key="reprice", on_click=_reprice,
            )  # fmt: skip
        if can < total:
            st.button("Enter a price", icon=":material/sell:", key="reprice-enter", on_click=go_to, args=("book",))
    st.caption(
        "Each gets the price that was valid when it was asked; where none was known then, today’s. It is written down "
        "as a correction: no row is changed."
    )


def _preview(gateway_id: int, found: Iterable[Unpriced]) -> Preview:
    """What the present prices make of the unpriced requests of one gateway."""
    store, owner = services().store, services().owner
    current = store.prices.all_current(owner, gateway_id)
    models = {one.model for one in found if one.gateway_id == gateway_id}
    uses = store.repricing.uses(owner, gateway_id, last_days(services().zone))
    change = {model: current[model].prices for model in models if model in current}
    return preview(change, uses, references=_references(gateway_id))


def _references(gateway_id: int) -> dict[str, Prices]:
    """Vendor prices by model id; a removed gateway has none."""
    try:
        return {card.id: vendor_of(card) for card in services().gateways.models(gateway_id)}
    except NotFound:
        return {}


def _words(total: int, previews: Iterable[Preview]) -> str:
    many = list(previews)
    can = sum(one.reprices for one in many)
    said = f"{total:,} request{'s are' if total != 1 else ' is'} unpriced."
    if not can:
        return f"{said} There is no price yet that could be put on {'them' if total != 1 else 'it'}."
    sums: dict[str, int] = {}
    for one in many:
        for currency, nano in one.repriced_nano.items():
            sums[currency] = sums.get(currency, 0) + nano
    amount = " and ".join(money(nano, currency) for currency, nano in sorted(sums.items()))
    which = "All of them" if can == total else f"{can:,} of them"
    return f"{said} {which} can be priced with the prices now valid: {amount} together."


def _row(one: Unpriced, found: Preview) -> dict[str, str]:
    effect = next((effect for effect in found.effects if effect.model == one.model), None)
    return {
        "Model": plain(one.model),
        "Gateway": _gateway_name(one.gateway_id),
        "Unpriced": f"{one.n:,}",
        "Can be priced": f"{effect.reprices:,}" if effect else "0",
        "They would cost": money(effect.repriced_nano, effect.currency) if effect and effect.reprices else "",
        "Why not": "" if effect and effect.reprices == one.n else _why_not(one, effect is not None),
    }


def _why_not(one: Unpriced, priced: bool) -> str:
    if not priced:
        return "no price is known"
    return "tokens are not known" if one.n_countable < one.n else "cached tokens have no price"


def _gateway_name(gateway_id: int) -> str:
    try:
        return plain(services().gateways.card(gateway_id).name)
    except NotFound:
        return "removed gateway"


def _reprice() -> None:
    try:
        n = services().prices.reprice()
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    say_once(f"Priced {n:,} request{'s' * (n != 1)}.", ":material/check:")
