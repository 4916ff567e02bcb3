"""The chat: one conversation, its running answer, and the composer."""

from __future__ import annotations

import streamlit as st

from lib.ui.answer_footer import prepare_footers
from lib.ui.arrived_words import take_words_of_url
from lib.ui.attachments import show_attach_button, show_device, show_left_out, show_waiting
from lib.ui.budget_held import show_budget_line, show_refused
from lib.ui.composer import show_controls, show_suggestions
from lib.ui.conversation_menu import show_title
from lib.ui.draft_keeper import count_entered, show_keeper
from lib.ui.first_run import connect_before_all, is_first_run, show_connect
from lib.ui.live_answer import show_live, wait_for_end
from lib.ui.queue_cards import paused_words, show_queue
from lib.ui.quote import show_quote
from lib.ui.temporary_chat import open_conversation, show_temporary_mark, show_temporary_switch
from lib.ui.too_long import send_if_it_fits, show_held
from lib.ui.transcript import clean_room, show_message, show_other_branch
from lib.ui.undo import show_undo
from lib.ui.welcome import show_unsaved, show_unsent, show_welcome

connect_before_all()
take_words_of_url()
chat = open_conversation()


def send() -> None:
    """Enter: store the message and start its answer before anything is drawn."""
    count_entered()
    send_if_it_fits(chat, st.session_state["message"])


def send_suggestion() -> None:
    """A suggestion was picked."""
    chat.send(st.session_state["suggestion"])


with st.bottom:
    # Always the same containers: an element that changes its place leaves a ghost while an answer streams.
    with st.container():
        show_unsent()
        show_held(chat)
        show_refused(chat)
    with st.container():
        show_undo(chat.id)
    with st.container(gap=None):
        if chat.conversation:
            running = chat.running is not None
            show_queue(chat.queue, paused=paused_words(chat.messages, running=running), running=running, chat=chat)
    with st.container():
        show_left_out(chat)
        show_device(chat)
    with st.container(gap=None):
        show_waiting(chat)
        show_budget_line(chat)
    show_controls(
        chat.choice,
        on_stop=chat.stop if chat.running else None,
        quote=lambda: show_quote(chat),
        attach=lambda: show_attach_button(chat),
    )
st.chat_input("Ask anything", key="message", on_submit=send)
show_keeper(chat)
prepare_footers()
chat.keep_choice()

with clean_room(chat.id):
    with st.container():
        if chat.conversation:
            show_title(chat.conversation)
        elif chat.id:
            show_temporary_mark()
        else:
            show_welcome(chat.choice.gateway)
            show_suggestions(send_suggestion, demo=chat.choice.gateway.demo)
            show_temporary_switch(chat)
            if is_first_run():
                show_connect()
        if chat.has_earlier:
            st.button(
                "Load earlier messages", icon=":material/expand_less:", type="tertiary", on_click=chat.show_earlier
            )
    for message in chat.messages:
        show_message(message, model_name=chat.name_of(message), deeds=chat)
    if chat.running and chat.runs_elsewhere:
        show_other_branch(chat.show_running)
        wait_for_end(chat.running)
        st.rerun()
    elif chat.running:
        with st.chat_message("assistant"):
            show_live(chat.running, on_native_stop=chat.stop)
        st.rerun()
    if chat.unsaved:
        show_unsaved(chat.unsaved)
chat.mark_read()
