"""A message that a budget stops waits here, with the numbers and the ways out; nothing of it was sent or stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from msgspec import Struct

from lib.budgets import Offer
from lib.cards import ModelCard
from lib.errors import BadInput, NotFound, OverBudget
from lib.markdown import label
from lib.money import money
from lib.store.budget_rows import Standing
from lib.store.rows import StoredMessage
from lib.ui.budget_words import budget_words, percent_used, refusal_words
from lib.ui.model_picker import model_name
from lib.ui.price_place import show_link
from lib.ui.session import services
from lib.ui.waiting_files import Waiting

if TYPE_CHECKING:
    from lib.ui.chat import Chat

_HELD = "over-budget"
_MOST_OFFERS = 2


class _Held(Struct, frozen=True):
    """What was refused: a message's `text`, or a `deed` at a stored one (with the message and its value)."""

    chat: str | None
    text: str
    why: str
    currency: str
    deed: tuple[StoredMessage, str, str] | None = None


def hold_refused(chat: Chat, text: str, error: OverBudget, deed: tuple[StoredMessage, str, str] | None = None) -> None:
    """Keep a message, or a deed at a stored one, that was refused, with the reason."""
    currency = str(error.facts.get("currency") or "USD")
    st.session_state[_HELD] = _Held(chat.id, text, refusal_words(error), currency, deed)


def forget_refused() -> None:
    """It was sent after all, or is not wanted any more."""
    st.session_state.pop(_HELD, None)


def show_refused(chat: Chat) -> None:
    """The held message of this conversation, why it was not sent, and what can be done."""
    held: _Held | None = st.session_state.get(_HELD)
    if held is None or held.chat != chat.id:
        return
    st.warning(label(held.why, limit=600), icon=":material/savings:")
    if held.text:
        st.code(held.text, language=None, wrap_lines=True, height=120 if len(held.text) > 400 else "content")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="over-budget"):
        _show_ways(chat, held)


def _show_ways(chat: Chat, held: _Held) -> None:
    for card, offer in [] if held.deed else _offers(chat, held.text):
        said = f"Send it to {model_name(card)}: saves up to {money(offer.saving_nano, held.currency)}"
        most = f"Costs at most {money(offer.estimate_nano, held.currency)} there."
        st.button(
            label(said), icon=":material/savings:", key=f"cheaper-{card.id}", on_click=_send_to,
            args=(chat, held.text, card), help=label(most),
        )  # fmt: skip
    st.button(
        "Send this one anyway", key="over-budget-anyway", on_click=_send_anyway, args=(chat, held),
        help="Written down beside the budgets.",
    )  # fmt: skip
    show_link("Change the budget", "budgets", icon=":material/tune:")
    st.button("Discard", type="tertiary", icon=":material/close:", key="over-budget-not", on_click=forget_refused)


def _send_anyway(chat: Chat, held: _Held) -> None:
    if held.deed:
        chat.do(*held.deed, override=True)
    else:
        chat.send(held.text, override=True)


def _offers(chat: Chat, text: str) -> list[tuple[ModelCard, Offer]]:
    """The cheaper variants that every budget lets through, the cheapest first."""
    conversation = None if chat.temporary else chat.id
    try:
        found = services().desk.cheaper(conversation, Waiting(chat).content(text), chat.choice.in_force())
    except (NotFound, BadInput):
        return []
    cards = {card.id: card for card in chat.choice.cards}
    return [(cards[offer.model], offer) for offer in found if offer.model in cards][:_MOST_OFFERS]


def _send_to(chat: Chat, text: str, card: ModelCard) -> None:
    chat.choice.pick(card)
    chat.send(text)


def show_budget_line(chat: Chat) -> None:
    """One quiet line once a budget that this conversation falls under is nearly used up."""
    if chat.choice.gateway.demo or not services().store.budgets.any_active(services().owner):
        return
    near = [one for one in services().store.budgets.standings(services().owner) if _is_near(one, chat)]
    if not near:
        return
    worst = max(near, key=percent_used)
    left = money(worst.verdict.left_nano, worst.kept.budget.currency)
    said = f"{percent_used(worst)} % of {budget_words(worst.kept.budget)} used, {left} left."
    st.caption(f":material/savings: {label(said)}")


def _is_near(standing: Standing, chat: Chat) -> bool:
    budget = standing.kept.budget
    subjects = {"conversation": chat.id, "gateway": chat.choice.gateway.public_id}
    concerned = budget.scope not in subjects or subjects[budget.scope] == budget.subject
    return standing.kept.active and concerned and percent_used(standing) >= budget.warn_percent
