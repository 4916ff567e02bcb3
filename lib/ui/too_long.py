"""A message that would not fit into the model's context waits here, with the ways out. Nothing is cut silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from lib.cards import ModelCard
from lib.errors import ParlourError
from lib.markdown import label
from lib.quote import newest_that_fit, short, tokens_of
from lib.ui.model_picker import model_name
from lib.ui.notices import notice_for
from lib.ui.pages import open_chat
from lib.ui.quote import Estimate, cost_on, cost_words
from lib.ui.session import say_once, services
from lib.ui.waiting_files import Waiting

if TYPE_CHECKING:
    from lib.ui.chat import Chat

_MOST_MODELS = 3
_HELD = "too-long"


def send_if_it_fits(chat: Chat, text: str) -> None:
    """Send, or hold the message when the estimate says that it would not fit beside its answer."""
    st.session_state.pop(_HELD, None)
    if (text.strip() or chat.waiting.parts) and _excess(Estimate(chat), chat.choice.card, text):
        st.session_state[_HELD] = (chat.id, text)
    else:
        chat.send(text)


def show_held(chat: Chat) -> None:
    """The held message of this conversation, why it was not sent, and what can be done."""
    held, card = st.session_state.get(_HELD), chat.choice.card
    if held is None or held[0] != chat.id or card is None:
        return
    text = held[1]
    found = Estimate(chat)
    quote = found.of(card)
    needed = quote.input + tokens_of(len(text), found.ratio(card)) + quote.answer
    st.warning(
        f"Not sent yet: with its answer this needs ≈ {short(needed)} tokens, and {label(model_name(card))} reads "
        f"{short(quote.context or 0)}. Nothing is left out unless you say so.",
        icon=":material/warning:",
    )
    if text:
        st.code(text, language=None, wrap_lines=True, height=120 if len(text) > 400 else "content")
    with st.container(horizontal=True, gap="small", key="too-long"):
        _show_ways(chat, found, card, text)


def _show_ways(chat: Chat, found: Estimate, card: ModelCard, text: str) -> None:
    if found.sizes and not chat.temporary:
        st.button("Start a new chat with it", icon=":material/edit_square:", on_click=_send_anew, args=(chat, text))
        kept = _kept(found, card, text)
        if kept is not None and not chat.running and not chat.queue:
            words = f"Leave out the oldest {len(found.sizes) - kept} messages this once"
            st.button(words, icon=":material/content_cut:", on_click=_send_rest, args=(chat, text, kept))
    for other in _larger(chat, found, text):
        cost = cost_words(cost_on(found.of(other).count, other))
        words = f"Ask {model_name(other)} (reads {short(other.context or 0)}, {cost})"
        st.button(label(words), icon=":material/neurology:", on_click=_send_to, args=(chat, text, other))
    st.button("Send anyway", type="tertiary", on_click=_send, args=(chat, text), help="It is only an estimate.")
    st.button("Discard", type="tertiary", icon=":material/close:", on_click=_forget)


def _excess(found: Estimate, card: ModelCard | None, text: str) -> int:
    return 0 if card is None else found.of(card).excess(tokens_of(len(text), found.ratio(card)))


def _kept(found: Estimate, card: ModelCard, text: str) -> int | None:
    """How many of the newest messages fit beside the text and its answer; None when not even these two do."""
    ratio, quote = found.ratio(card), found.of(card)
    room = (quote.context or 0) - quote.system - quote.answer - quote.waiting - tokens_of(len(text), ratio)
    if room < 0:
        return None
    return newest_that_fit([(size.role == "user", found.tokens(size, card)) for size in found.sizes], room)


def _larger(chat: Chat, found: Estimate, text: str) -> list[ModelCard]:
    """A few models of this gateway that read all of it, the cheapest of each base first."""
    best: dict[str, tuple[bool, int, ModelCard]] = {}
    for card in chat.choice.cards:
        if card.context and not _excess(found, card, text):
            nano = cost_on(found.of(card).count, card).nano
            rank = (nano is None, nano or 0, card)
            if card.base not in best or rank[:2] < best[card.base][:2]:
                best[card.base] = rank
    return [card for _, _, card in sorted(best.values(), key=lambda found: found[:2])][:_MOST_MODELS]


# --- what the buttons do ----------------------------------------------------------------------------------------------


def _forget() -> None:
    st.session_state.pop(_HELD, None)


def _send(chat: Chat, text: str) -> None:
    _forget()
    chat.send(text)


def _send_to(chat: Chat, text: str, card: ModelCard) -> None:
    chat.choice.pick(card)
    _send(chat, text)


def _send_anew(chat: Chat, text: str) -> None:
    _place(chat, text, None)


def _send_rest(chat: Chat, text: str, kept: int) -> None:
    _place(chat, text, chat.id, keep_last=kept)
    say_once("Sent without the oldest messages; they stay here.", ":material/content_cut:")


def _place(chat: Chat, text: str, conversation: str | None, keep_last: int | None = None) -> None:
    try:
        waiting = Waiting(chat)
        content, settings = waiting.content(text), chat.choice.in_force()
        sent = services().desk.send(conversation, content, settings, keep_last=keep_last, attached=waiting.ids)
    except ParlourError as error:
        st.session_state["unsent"] = (text, notice_for(error).text)
        return
    _forget()
    if sent.conversation != chat.id:
        open_chat(sent.conversation)
