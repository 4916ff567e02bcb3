"""The same table once more, on another variant or model."""

from __future__ import annotations

import streamlit as st

from lib.batch import Batch
from lib.errors import BadInput, ParlourError
from lib.generation.batch_money import BatchQuote
from lib.markdown import label
from lib.store.rows import Settings
from lib.ui import batch_words as words
from lib.ui.batch_money_form import ask_budget, budget_in_force
from lib.ui.choice import Choice
from lib.ui.model_picker import show_picker
from lib.ui.notices import notice_for
from lib.ui.session import say_once, services


def show_again(batch: Batch) -> None:
    """A button with the model, its quote and a budget of its own."""
    last = batch.runs[-1]
    choice = Choice(
        f"again-{batch.public_id}", Settings(last.ref.gateway_id, last.ref.model, last.ref.dialect, last.params)
    )
    with st.popover("Run again", icon=":material/replay:", type="tertiary", key=f"batch-again-{len(batch.runs)}"):
        st.caption("The same files and the same question, beside what is there.")
        show_picker(choice)
        budget = ask_budget(choice, _budget_key(batch))
        quote, why_not = _quote(batch, choice, budget)
        if quote:
            st.markdown(label(words.quote_words(quote), limit=400))
        if said := why_not or (words.budget_words(quote, budget) if quote else ""):
            st.caption(label(said, limit=400))
        st.button(
            "Run again", type="primary", key="again-start", icon=":material/play_arrow:", disabled=bool(why_not),
            on_click=_start, args=(batch, choice),
        )  # fmt: skip


def _quote(batch: Batch, choice: Choice, budget: int | None) -> tuple[BatchQuote | None, str]:
    """What it will take, and in words why it cannot be asked."""
    settings = choice.in_force()
    try:
        ref = services().gateways.ref(settings)
        quote = services().desk.batches.quote(batch.public_id, ref, settings.params)
        if budget is not None and quote.nano is None:
            return quote, notice_for(BadInput("unpriced_budget")).text
    except ParlourError as error:
        return None, notice_for(error).text
    return quote, ""


def _start(batch: Batch, choice: Choice) -> None:
    """Read anew: what was chosen last may have come with the click itself."""
    settings, store = choice.in_force(), services().store.batches
    budget = budget_in_force(_budget_key(batch))
    try:
        ref = services().gateways.ref(settings)
        prices = services().gateways.tariff(ref).prices
        if budget is not None and (prices is None or not prices.known):
            raise BadInput("unpriced_budget")
        run = store.add_run(
            services().owner, batch.public_id, ref, settings.params, budget_nano=budget,
            currency=prices.currency if prices else "USD",
        )  # fmt: skip
        st.session_state[f"shown-{batch.public_id}"] = run.public_id
        services().desk.batches.start(run.public_id)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")


def _budget_key(batch: Batch) -> str:
    return f"again-budget-{batch.public_id}"
