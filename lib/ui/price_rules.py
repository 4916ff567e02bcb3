"""Rules of one gateway: multipliers that price what it names no price for, and endings that make an id a variant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from lib.cards import GatewayCard, ModelCard
from lib.errors import ParlourError, SettingsError
from lib.markdown import label, plain
from lib.price_book.rules import Base, Multiplier, Ruled, multiplier, ruled
from lib.store.price_rules import KeptRule
from lib.ui.notices import notice_for
from lib.ui.price_endings import show_endings
from lib.ui.price_reference import vendor_by_base
from lib.ui.price_words import model_title, prices_words
from lib.ui.session import remember, say_once, services

_BASES: dict[Base, str] = {"vendor": "the vendor’s list price", "standard": "its standard price here"}


def show_rules(gateway: GatewayCard) -> None:
    """Draw them."""
    st.subheader("Multipliers", anchor=False)
    st.caption(
        "For variants that the gateway names no price for. A price you entered, or that the gateway names for exactly "
        "a model, always goes before a rule; what a rule makes says so wherever it is used."
    )
    kept = services().prices.rules(gateway.id)
    cards = list(services().gateways.models(gateway.id))
    for rule in kept:
        _show_rule(rule, cards)
    if not kept:
        st.markdown("There are no rules here yet. Such a rule reads: Budget = 0.3 × vendor list.")
    with st.expander(
        "Add a rule",
        icon=":material/add:",
        expanded=not kept,
        key=f"rule-new-{gateway.public_id}-{remember('rules-saved', 0)}",
    ):
        _show_form(gateway, cards, kept)
    st.subheader("Price variants", anchor=False)
    show_endings(gateway, cards)


def _show_rule(kept: KeptRule, cards: Sequence[ModelCard]) -> None:
    rule, key = kept.rule, f"rule-{kept.public_id}"
    with st.container(border=True, key=f"{key}-box"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.toggle(label(rule.words), kept.active, key=key, width="content", on_change=_switch, args=(kept,))
            st.button(
                "Remove", icon=":material/delete:", type="tertiary", key=f"{key}-remove",
                on_click=_remove, args=(kept,),
            )  # fmt: skip
        st.caption(label(_made_words(rule, cards, kept.active), limit=400))


def _made_words(rule: Multiplier, cards: Sequence[ModelCard], active: bool) -> str:
    made = ruled([rule], cards, vendor_by_base(cards))
    if not made:
        return "No model here needs it now: each has a price of its own, or what it multiplies is not known."
    names = ", ".join(plain(one.model, 60) for one in made[:4]) + (f" and {len(made) - 4:,} more" * (len(made) > 4))
    return f"{'Prices' if active else 'Would price'} {len(made):,} model{'s' * (len(made) > 1)}: {names}"


def _show_form(gateway: GatewayCard, cards: Sequence[ModelCard], kept: Iterable[KeptRule]) -> None:
    key = f"rule-{gateway.public_id}-{remember('rules-saved', 0)}"
    labels = {card.variant: card.variant_label for card in cards if card.variant != "standard"}
    labels |= {rule.variant: rule.label for rule in gateway.variant_rules if rule.variant not in labels}
    if not labels:
        st.caption("This gateway has no price variants.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        variant = st.selectbox(
            "Variant", list(labels), key=f"{key}-variant", width=180, format_func=lambda name: plain(labels[name])
        )
        times = st.text_input("costs", key=f"{key}-times", placeholder="0.3", width=100, max_chars=12)
        base = st.selectbox("times", list(_BASES), key=f"{key}-base", width=230, format_func=lambda one: _BASES[one])
        bases = {card.base: model_title(card) for card in cards}
        only = st.selectbox(
            "of", ["", *bases], key=f"{key}-only", width=260,
            format_func=lambda one: plain(bases[one]) if one else "every model",
        )  # fmt: skip
    if not times.strip():
        st.caption("Enter a number to see what the rule would price.")
        return
    try:
        rule = multiplier(gateway.id, variant, times, base, only, labels[variant])
    except SettingsError as error:
        st.error(label(f"{error.message[:1].upper()}{error.message[1:]}."), icon=":material/error:")
        return
    known = [one.rule for one in kept if one.active]
    _show_preview([one for one in ruled([*known, rule], cards, vendor_by_base(cards)) if one.rule == rule], cards)
    st.button("Add rule", type="primary", key=f"{key}-save", on_click=_add, args=(rule,))


def _show_preview(made: Sequence[Ruled], cards: Sequence[ModelCard]) -> None:
    if not made:
        st.caption("It would price no model now: each has a price of its own, or what it multiplies is not known.")
        return
    titles = {card.id: f"{model_title(card)} · {card.variant_label}" for card in cards}
    st.caption(f"It would price {len(made):,} model{'s' * (len(made) > 1)}, per 1M tokens:")
    rows = [{"Model": plain(titles.get(one.model, one.model)), "Price": prices_words(one.prices)} for one in made]
    st.dataframe(rows, hide_index=True, height="content" if len(rows) < 10 else 380, alt="What the rule would price")


# --- what the buttons do ----------------------------------------------------------------------------------------------


def _add(rule: Multiplier) -> None:
    try:
        services().prices.add_rule(rule)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    st.session_state["rules-saved"] += 1
    say_once(f"Added: {label(rule.words)}.", ":material/check:")


def _switch(kept: KeptRule) -> None:
    on = bool(st.session_state[f"rule-{kept.public_id}"])
    try:
        services().prices.switch_rule(kept, on=on)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")


def _remove(kept: KeptRule) -> None:
    try:
        services().prices.remove_rule(kept)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    say_once(f"Removed: {label(kept.rule.words)}.", ":material/delete:")
