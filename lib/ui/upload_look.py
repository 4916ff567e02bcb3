"""Look: files on one side, what a model says about them on the other."""

from __future__ import annotations

import streamlit as st

from lib.store.rows import StoredMessage
from lib.ui.answer_footer import prepare_footers
from lib.ui.attachments import show_attach_button, show_device, show_left_out, show_waiting
from lib.ui.composer import show_controls
from lib.ui.live_answer import show_live, wait_for_end
from lib.ui.long_text import show_text
from lib.ui.message_files import show_parts
from lib.ui.pages import open_chat
from lib.ui.queue_cards import paused_words, show_queue
from lib.ui.quote import show_quote
from lib.ui.too_long import send_if_it_fits, show_held
from lib.ui.transcript import clean_room, show_message, show_other_branch
from lib.ui.undo import show_undo
from lib.ui.upload_place import LOOK, Look, go_to_side
from lib.ui.welcome import show_unsaved, show_unsent


def show_composer(look: Look) -> None:
    """The question, with the model and what it will take; as on the chat page."""
    with st.bottom:
        with st.container():
            show_unsent()
            show_held(look)
        with st.container():
            show_undo(look.id)
        with st.container(gap=None):
            if look.conversation:
                running = look.running is not None
                show_queue(look.queue, paused=paused_words(look.messages, running=running), running=running, chat=look)
        with st.container():
            show_left_out(look)
        show_controls(
            look.choice,
            on_stop=look.stop if look.running else None,
            quote=lambda: show_quote(look),
            attach=lambda: show_attach_button(look) if look.id else None,
        )
    words = "Ask more about these files" if look.id else "Ask about these files"
    st.chat_input(words, key="look-message", on_submit=lambda: send_if_it_fits(look, st.session_state["look-message"]))
    prepare_footers()


def show_look() -> None:
    """Draw this side of the page."""
    look = Look()
    show_composer(look)
    look.keep_choice()
    with clean_room(f"look-{look.id}"):
        files, answer = st.columns([5, 6], gap="large")
        with files:
            show_files(look)
        with answer:
            if look.id:
                show_ways_on(look)
                show_answer(look)
            else:
                show_hint()
    look.mark_read()


def show_files(look: Look) -> None:
    """What was sent, what waits to be sent, and, before the first question, where to drop it."""
    if not look.id:
        show_attach_button(look, large=True)
    show_device(look)
    show_parts(look.sent_files, "look-sent", large=True)
    show_waiting(look)
    if not look.id:
        show_parts([(item.public_id, item.parts) for item in look.waiting.ready], "look-waiting", large=True)


def show_hint() -> None:
    st.caption(
        "The answer appears here, beside the files. It is a chat like any other: it is kept, it can go on, and what "
        "it takes is said below before it is sent."
    )


def show_ways_on(look: Look) -> None:
    with st.container(horizontal=True, gap="small", key="look-ways"):
        st.button(
            "Continue as a conversation", key="go-on", icon=":material/forum:", on_click=open_chat, args=(look.id,)
        )
        st.button(
            "Look at other files", key="look-anew", icon=":material/restart_alt:", type="tertiary",
            on_click=go_to_side, args=(LOOK,),
        )  # fmt: skip


def show_answer(look: Look) -> None:
    """The questions and answers; what runs is followed."""
    for message in look.messages:
        if message.role == "user":
            show_question(message)
        else:
            show_message(message, model_name=look.name_of(message), deeds=look)
    if look.running and look.runs_elsewhere:
        show_other_branch(look.show_running)
        wait_for_end(look.running)
        st.rerun()
    elif look.running:
        with st.chat_message("assistant"):
            show_live(look.running, on_native_stop=look.stop)
        st.rerun()
    if look.unsaved:
        show_unsaved(look.unsaved)


def show_question(message: StoredMessage) -> None:
    """Its words only; its files are on the other side."""
    if message.text:
        with st.chat_message("user"):
            show_text(message.text, of=message.public_id)
