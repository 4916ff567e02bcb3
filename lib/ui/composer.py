"""The composer's surroundings: model, parameters and Stop above the message box, first suggestions."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lib.markdown import label
from lib.ui.choice import Choice
from lib.ui.model_picker import model_name, price_text, show_picker
from lib.ui.parameters import show_parameters

SUGGESTIONS = (
    "Explain how a transformer reads a sentence",
    "Compare three ways to name files, in a table",
    "Write a haiku about patience",
    "What would you ask me first?",
)
DEMO_SUGGESTIONS = (
    "What can Parlour do?",
    "Show everything",
    "Think about how many Fridays this month has",
    "How do I connect my gateway?",
)


def show_controls(
    choice: Choice, *, on_stop: Callable[[], None] | None, quote: Callable[[], None], attach: Callable[[], None]
) -> None:
    """One quiet row: attach, the model with its price, the parameters, the quote, Stop while an answer is running."""
    card = choice.card
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="composer-row"):
        attach()
        name = f"{label(model_name(card))} :gray[{label(price_text(card.prices))}]" if card else "Choose a model"
        with st.popover(name, icon=":material/neurology:", type="tertiary", key="model-button"):
            show_picker(choice)
        with st.popover("Parameters", icon=":material/tune:", type="tertiary", key="parameters-button"):
            show_parameters(choice)
        quote()
        if on_stop:
            st.button(
                "Stop", icon=":material/stop_circle:", key="stop", type="tertiary", shortcut="escape", on_click=on_stop
            )


def show_suggestions(on_pick: Callable[[], None], *, demo: bool) -> None:
    """A few first questions; picking one sends it."""
    questions = DEMO_SUGGESTIONS if demo else SUGGESTIONS
    st.pills("Suggestions", questions, key="suggestion", on_change=on_pick, label_visibility="collapsed")
