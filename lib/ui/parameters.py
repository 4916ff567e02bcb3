"""The parameters of a conversation: only what the model takes is offered, only what is set is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from lib.cards import DialectName, ModelCard
from lib.ui.presets import show_presets

if TYPE_CHECKING:
    from lib.ui.choice import Choice

_DEFAULT = "Model default"


def show_parameters(choice: Choice) -> None:
    """The inside of the parameters button.

    The widgets start from the session's values and have none of their own, so that a preset can set them.
    """
    show_presets(choice)
    st.session_state.setdefault(choice.key("system"), choice.stored.system)
    st.text_area(
        "System prompt",
        key=choice.key("system"),
        height=96,
        placeholder="How the model should behave in this chat",
    )
    card = choice.card
    if card is None:
        return
    if takes_sampling(card):
        _show_sampling(choice, card)
    else:
        st.caption("This model takes neither temperature nor top p.")
    left, right = st.columns(2)
    cap = choice.stored.params.max_tokens
    st.session_state.setdefault(choice.parameter_key("cap"), min(cap, card.max_output or cap) if cap else None)
    left.number_input(
        "Longest answer, in tokens",
        1,
        card.max_output,
        None,
        256,
        placeholder=_DEFAULT,
        key=choice.parameter_key("cap"),
    )
    if takes_stop(card):
        st.session_state.setdefault(choice.parameter_key("stop"), " | ".join(choice.stored.params.stop))
        right.text_input(
            "Stop at",
            key=choice.parameter_key("stop"),
            placeholder="Words, separated by |",
            help="The answer ends before any of these; up to four.",
        )


def _show_sampling(choice: Choice, card: ModelCard) -> None:
    stored = choice.stored.params
    highest = highest_temperature(choice.dialect, card)
    either = card.sampling == "one_of_temperature_top_p"
    left, right = st.columns(2)
    start = None if stored.temperature is None else min(stored.temperature, highest)
    st.session_state.setdefault(choice.parameter_key("temperature"), start)
    st.session_state.setdefault(choice.parameter_key("top-p"), stored.top_p)
    temperature = left.number_input(
        "Temperature",
        0.0,
        highest,
        None,
        0.1,
        placeholder=_DEFAULT,
        key=choice.parameter_key("temperature"),
        help="Lower is steadier, higher more varied.",
    )
    right.number_input(
        "Top p",
        0.0,
        1.0,
        None,
        0.05,
        placeholder=_DEFAULT,
        key=choice.parameter_key("top-p"),
        disabled=either and temperature is not None,
        help="Set temperature or top p, not both." if either else "Considers only the likeliest part of the choices.",
    )


def highest_temperature(dialect: DialectName, card: ModelCard | None) -> float:
    """Anthropic's models end at 1, on every wire."""
    return 1.0 if dialect == "anthropic" or (card is not None and card.family == "claude") else 2.0


def takes_sampling(card: ModelCard) -> bool:
    """Whether temperature and top p may be offered."""
    if card.sampling == "only_when_reasoning_none":
        return not card.reasons_by_default
    return card.sampling != "none"


def takes_stop(card: ModelCard) -> bool:
    """GPT models that reason refuse stop words."""
    return not (card.sampling == "only_when_reasoning_none" and card.reasons_by_default)
