"""The messages of a conversation as they are stored, drawn in the same blocks as while they streamed."""

from __future__ import annotations

import time
from typing import Protocol

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.ledger import AnswerState
from lib.markdown import drawn, label, plain, quiet
from lib.store.rows import StoredMessage
from lib.ui import answer_line as line
from lib.ui.answer_footer import answer_footer
from lib.ui.notices import notice_for_kind

WINDOW = 30
"""Messages mounted at first; earlier ones come on request, so a long chat opens as fast as a short one."""

_FLUSH_S = 0.06


class Deeds(Protocol):
    """What can be done with an answer (`lib.ui.chat.Chat`)."""

    def answer_again(self, message: StoredMessage) -> None: ...
    def show_version(self, message: StoredMessage, step: int) -> None: ...


def clean_room(chat: str | None) -> DeltaGenerator:
    """The container for the conversation; after a switch it starts empty.

    Streamlit keeps the elements of the run before until this run ends, which during an answer is long. An empty
    element, given time to be sent, clears them; without the pause it would be merged with what follows.
    """
    switched = st.session_state.get("room-of", chat) != chat
    st.session_state["room-of"] = chat
    if not switched:
        return st.container()
    place = st.empty()
    time.sleep(_FLUSH_S)
    return place.container()


def show_message(message: StoredMessage, *, model_name: str, deeds: Deeds, may_repeat: bool) -> None:
    """One stored message with everything that belongs to it."""
    with st.chat_message(message.role):
        if message.role == "user":
            _show_blocks(message.text)
        else:
            show_answer(message, model_name=model_name, deeds=deeds, may_repeat=may_repeat)


def show_answer(message: StoredMessage, *, model_name: str, deeds: Deeds, may_repeat: bool) -> None:
    """The inside of an assistant's message: reasoning, text, how it ended, and its line."""
    if message.reasoning:
        with st.expander(line.thought_text(message.reasoning_ms), type="compact"):
            _show_blocks(message.reasoning)
    _show_blocks(message.text)
    show_state(message.state or "done", message.error_kind, message.error_message)
    _show_repairs(message.repaired)
    answer_footer(
        key=footer_key(message.public_id),
        line=answer_line_of(message, model_name),
        detail=line.cost_source_text(message.cost) if message.cost else "",
        copy_url=f"/answer/{message.public_id}/text" if message.text else None,
        version=message.sibling_index + 1,
        of=message.sibling_count,
        on_again=(lambda: deeds.answer_again(message)) if may_repeat else None,
        on_turn=lambda step: deeds.show_version(message, step),
    )


def footer_key(public_id: str) -> str:
    """Streamlit refuses a component whose key contains two underscores in a row; one random id in 200 does."""
    return f"footer-{public_id.replace('_', '.')}"


def answer_line_of(message: StoredMessage, model_name: str) -> str:
    """model · variant · tokens · cost · speed, with what is unknown left out."""
    parts = [plain(model_name)]
    if message.cost:
        cost = message.cost
        parts += [line.tokens_text(cost.count), line.cost_text(cost)]
        parts.append(line.speed_text(cost.first_visible_ms, cost.duration_ms, cost.count.output))
    return " · ".join(part for part in parts if part)


def show_state(state: AnswerState, error_kind: str | None, error_message: str | None) -> None:
    """How the answer ended, when it did not end well: one sentence and what to do next."""
    words = line.STATE_WORDS[state]
    if words:
        st.caption(f":material/info: {words}")
    if error_kind:
        notice = notice_for_kind(error_kind)
        st.error(notice.text, icon=":material/error:")
        if error_message:
            st.caption(f"The gateway says: {quiet(error_message)}")


def _show_repairs(repaired: tuple[str, ...]) -> None:
    for what in repaired:
        st.caption(f":material/build: The gateway refused a parameter; asked again without: {label(what)}")


def _show_blocks(text: str) -> None:
    with st.container(gap="small"):
        for block in drawn(text):
            st.markdown(block)
