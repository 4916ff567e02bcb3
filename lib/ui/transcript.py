"""The messages of a conversation as they are stored, drawn in the same blocks as while they streamed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.ledger import AnswerState, left_out_media
from lib.markdown import label, quiet
from lib.store.rows import StoredMessage
from lib.ui import answer_line as line
from lib.ui.anchor import show_anchor
from lib.ui.answer_files import show_files
from lib.ui.answer_footer import show_footer
from lib.ui.attachment_words import MEDIA_IGNORED_WORDS, left_out_of_answer
from lib.ui.long_text import show_text
from lib.ui.message_deeds import Offer, answer_footer, question_footer
from lib.ui.message_edit import Editor, show_edit
from lib.ui.message_files import show_message_files
from lib.ui.notices import notice_for_kind
from lib.ui.pages import SETTINGS

WINDOW = 30
"""Messages mounted at first; earlier ones come on request, so a long chat opens as fast as a short one."""

_FLUSH_S = 0.06


class Deeds(Editor, Protocol):
    """The conversation that the messages belong to (`lib.ui.chat.Chat`)."""

    def offer_for(self, message: StoredMessage) -> Offer: ...
    def versions(self, message: StoredMessage) -> list[str]: ...
    def is_editing(self, message: StoredMessage) -> bool: ...
    def may_send_smaller(self, answer: StoredMessage) -> bool: ...
    def do(self, message: StoredMessage, deed: str, value: str) -> None: ...


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


def show_message(message: StoredMessage, *, model_name: str, deeds: Deeds) -> None:
    """One stored message with everything that belongs to it."""
    with st.chat_message(message.role):
        show_anchor(message.public_id)
        if deeds.is_editing(message):
            show_edit(message, deeds)
        elif message.role == "user":
            show_question(message, deeds)
        else:
            show_answer(message, model_name=model_name, deeds=deeds)


def show_question(message: StoredMessage, deeds: Deeds) -> None:
    """What the user said, and the row that appears over it."""
    show_message_files(message, footer_key(message.public_id, "files"))
    if message.text:
        show_text(message.text, of=message.public_id)
    key = footer_key(message.public_id, "asked-of" if message.sibling_count > 1 else "asked")
    footer = question_footer(message, deeds.versions(message), deeds.offer_for(message))
    show_footer(key, footer, lambda deed, value: deeds.do(message, deed, value))


def show_answer(message: StoredMessage, *, model_name: str, deeds: Deeds) -> None:
    """The inside of an assistant's message: reasoning, text, how it ended, and its line."""
    if message.reasoning:
        with st.expander(line.thought_text(message.reasoning_ms), type="compact"):
            show_text(message.reasoning, of=f"{message.public_id}-thought")
    show_text(message.text, of=message.public_id)
    show_state(message.state or "done", message.error_kind, message.error_message)
    if deeds.may_send_smaller(message):
        words, key = "Send it with small pictures", footer_key(message.public_id, "smaller")
        st.button(words, icon=":material/compress:", key=key, on_click=deeds.do, args=(message, "smaller", ""))
    _show_repairs(message.repaired)
    _show_media_notes(message)
    show_files(message.public_id, message.text)
    footer = answer_footer(message, model_name, deeds.versions(message), deeds.offer_for(message))
    show_footer(footer_key(message.public_id), footer, lambda deed, value: deeds.do(message, deed, value))


def show_other_branch(on_show: Callable[[], None]) -> None:
    """An answer is being written, but on a branch that is not shown."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(":shimmer[An answer is being written to another version of this chat.]", width="content")
        st.button("Show it", type="tertiary", key="show-running", on_click=on_show)


def footer_key(public_id: str, kind: str = "footer") -> str:
    """Streamlit refuses a component whose key contains two underscores in a row; one random id in 200 does."""
    return f"{kind}-{public_id.replace('_', '.')}"


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
        if not left_out_media((what,)):
            st.caption(f":material/build: The gateway refused a parameter; asked again without: {label(what)}")


def _show_media_notes(message: StoredMessage) -> None:
    """What became of the pictures and video: left out by us, or probably by the gateway."""
    if message.left_out:
        st.caption(f":material/hide_image: {left_out_of_answer(message.left_out)}")
    if message.cost and message.cost.media_ignored:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f":material/warning: {MEDIA_IGNORED_WORDS}", width="content")
            st.page_link(SETTINGS, label="Open settings", icon=":material/settings:")
