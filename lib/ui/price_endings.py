"""Which endings of a model id make it a price variant of the id without it; shown and changed by gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from lib.cards import GatewayCard, ModelCard, VariantRule
from lib.errors import ParlourError
from lib.markdown import label
from lib.ui.notices import notice_for
from lib.ui.session import remember, say_once, services

_MOST = 64


def show_endings(gateway: GatewayCard, cards: Sequence[ModelCard]) -> None:
    """Draw them, with how many models each is about."""
    st.caption(
        "A model id that ends so is a price variant of the id without it. How hard a model thinks is something else: "
        "that is set under Parameters in the chat, and changes how many tokens are used, not what one costs. So leave "
        "out an ending such as -low or -high where it stands for the effort."
    )
    key = f"endings-{gateway.public_id}-{remember('endings-saved', 0)}"
    rows = st.data_editor(
        [
            {"Ending": rule.suffix, "Shown as": rule.label, "Models here": _count(rule, cards)}
            for rule in gateway.variant_rules
        ]
        or [{"Ending": "", "Shown as": "", "Models here": ""}],
        num_rows="dynamic",
        hide_index=True,
        disabled=["Models here"],
        key=key,
        alt="Endings that make an id a price variant",
    )
    rules = endings_of(rows, gateway.variant_rules)
    if rules != gateway.variant_rules:
        st.button("Save the endings", type="primary", key=f"{key}-save", on_click=_save, args=(gateway, rules))
        st.caption("From the next answer on. What was asked before stays under the variant it had then.")


def endings_of(rows: Iterable[Mapping[str, object]], known: Sequence[VariantRule]) -> tuple[VariantRule, ...]:
    """The rules that a table says; each ending once. One that is only renamed stays the variant it was."""
    variants = {rule.suffix: rule.variant for rule in known}
    found: dict[str, VariantRule] = {}
    for row in rows:
        ending = "".join(str(row.get("Ending") or "").split())[:40]
        if ending.strip("-_:.@"):
            shown = str(row.get("Shown as") or "").strip()[:40]
            variant = variants.get(ending, ending.strip("-_:.@").lower())
            found.setdefault(ending, VariantRule(ending, variant, shown or variant))
    return tuple(found.values())[:_MOST]


def _count(rule: VariantRule, cards: Iterable[ModelCard]) -> str:
    return f"{sum(card.variant == rule.variant for card in cards):,}"


def _save(gateway: GatewayCard, rules: tuple[VariantRule, ...]) -> None:
    try:
        services().gateways.set_rules(gateway.id, rules)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    st.session_state["endings-saved"] += 1
    say_once(f"Saved the endings of {label(gateway.name)}.", ":material/check:")
