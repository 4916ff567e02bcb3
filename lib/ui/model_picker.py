"""Choosing a model: the base by its family, then the price variant with what it costs."""

from __future__ import annotations

import streamlit as st

from lib.cards import DialectName, ModelCard, Prices
from lib.catalogue import picker_groups
from lib.markdown import label, plain
from lib.money import price_per_m
from lib.ui.choice import Choice
from lib.ui.session import services

DIALECTS: dict[DialectName, str] = {"openai": "Chat Completions", "anthropic": "Messages"}


def model_name(card: ModelCard) -> str:
    """'Claude Sonnet 4.6 · Budget'; the plain name for the standard variant."""
    name = card.label or card.base or card.id
    return name if card.variant == "standard" else f"{name} · {card.variant_label}"


def price_text(prices: Prices) -> str:
    """'$3.00 / $15.00' per 1M tokens, input / output; 'unpriced' when unknown."""
    if not prices.known:
        return "unpriced"
    return f"{price_per_m(prices.input, prices.currency)} / {price_per_m(prices.output, prices.currency)}"


def show_picker(choice: Choice) -> None:
    """The inside of the model button: gateway (when there are several), base, variant, dialect (when both serve)."""
    _pick_gateway(choice)
    bases = choice.bases
    if not bases:
        st.caption("This gateway lists no models. Check it in Settings.")
        return
    _pick_base(choice)
    card = choice.card
    if card is None or card.base not in bases:
        return
    variants = {variant.id: variant for variant in bases[card.base].variants}
    st.pills(
        "Variant",
        list(variants),
        default=card.id,
        key=choice.variant_key(card.base),
        required=True,
        format_func=lambda model: label(f"{variants[model].variant_label}  {price_text(variants[model].prices)}"),
    )
    st.caption(_facts(choice.card or card))
    if len(choice.dialects) > 1:
        st.segmented_control(
            "Sent as",
            choice.dialects,
            default=choice.dialect,
            key=choice.dialect_key,
            required=True,
            format_func=lambda name: DIALECTS[name],
        )


def _pick_gateway(choice: Choice) -> None:
    names = {card.id: card.name for card in services().gateways.cards()}
    if len(names) > 1:
        st.selectbox(
            "Gateway",
            list(names),
            index=list(names).index(choice.gateway.id),
            key=choice.key("gateway"),
            format_func=lambda gateway: plain(names[gateway]),
        )


def _pick_base(choice: Choice) -> None:
    labels = {
        model.base: f"{family.label} — {model.label}" if family.label not in model.label else model.label
        for family in picker_groups(choice.cards)
        for model in family.models
    }
    current = choice.card.base if choice.card else next(iter(labels))
    st.selectbox(
        "Model",
        list(labels),
        index=list(labels).index(current),
        key=choice.base_key,
        format_func=lambda base: plain(labels[base]),
    )


def _facts(card: ModelCard) -> str:
    """What the prices mean, how much it reads, and until when it exists."""
    facts = ["Per 1M tokens, input / output" if card.prices.known else "No price known: costs show as unpriced"]
    if card.context:
        facts.append(f"reads up to {card.context:,} tokens")
    if card.ends_on:
        facts.append(f"the vendor ends it on {card.ends_on}")
    return " · ".join(facts)
