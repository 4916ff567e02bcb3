"""The chat: one conversation, its running answer, and the composer."""

from __future__ import annotations

import streamlit as st

from lib.ui.chat import Chat
from lib.ui.composer import show_controls, show_queue, show_suggestions
from lib.ui.conversation_menu import show_title, show_undo
from lib.ui.live_answer import show_live
from lib.ui.model_picker import model_name
from lib.ui.session import services
from lib.ui.transcript import clean_room, show_message
from lib.ui.welcome import show_unsaved, show_unsent, show_welcome

chat = Chat()


def send() -> None:
    """Enter: store the message and start its answer before anything is drawn."""
    chat.send(st.session_state["message"])


def send_suggestion() -> None:
    """A suggestion was picked."""
    chat.send(st.session_state["suggestion"])


with st.bottom:
    # Always the same containers: an element that changes its place leaves a ghost while an answer streams.
    with st.container():
        show_unsent()
    with st.container(gap=None):
        if chat.conversation:
            show_queue(chat.queue, waits=not chat.running, on_remove=chat.unqueue, on_resume=chat.resume_queue)
    show_controls(chat.choice, on_stop=chat.stop if chat.running else None)
st.chat_input("Ask anything", key="message", on_submit=send)
chat.keep_choice()

with clean_room(chat.id):
    with st.container():
        if chat.conversation:
            show_title(chat.conversation)
        else:
            show_undo()
            show_welcome(chat.choice.gateway)
            show_suggestions(send_suggestion, demo=chat.choice.gateway.demo)
        if chat.has_earlier:
            st.button(
                "Load earlier messages", icon=":material/expand_less:", type="tertiary", on_click=chat.show_earlier
            )
    for message in chat.messages:
        name = model_name(services().gateways.label_card(message.ref)) if message.ref else ""
        may_repeat = message is chat.messages[-1] and not chat.running
        show_message(message, model_name=name, deeds=chat, may_repeat=may_repeat)
    if chat.running:
        with st.chat_message("assistant"):
            show_live(chat.running, on_native_stop=chat.stop)
        st.rerun()
    if chat.unsaved:
        show_unsaved(chat.unsaved)
chat.mark_read()
