"""What the chat page does: read the open conversation, send, answer again, stop, and the queue."""

from __future__ import annotations

import streamlit as st

from lib.errors import AnswerRunning, NotFound, ParlourError
from lib.generation import LiveAnswer
from lib.ids import new_public_id
from lib.store.rows import Conversation, QueueItem, Settings, StoredMessage
from lib.ui.choice import Choice
from lib.ui.notices import notice_for
from lib.ui.pages import current_chat, name_chat, open_chat
from lib.ui.session import say_once, services, show_notices
from lib.ui.transcript import WINDOW


class Chat:
    """The open conversation, read once per run. `conversation` is None for a new one."""

    def __init__(self) -> None:
        self.conversation = self._read_conversation()
        self.id = self.conversation.public_id if self.conversation else None
        self.choice = Choice(self.id, self._stored_settings())
        # The registry first, the store second: an answer that ends between the two is then drawn from the store.
        self.running = services().desk.running_in(self.id) if self.id else None
        self.messages, self.has_earlier = self._read_messages()

    def _read_conversation(self) -> Conversation | None:
        public_id = current_chat()
        if public_id is None:
            return None
        try:
            return services().store.conversations.get(services().owner, public_id)
        except NotFound as error:
            name_chat(None)
            say_once(notice_for(error).text, ":material/search_off:")
            show_notices()  # the frame's turn for them is over in this run
            return None

    def _stored_settings(self) -> Settings:
        """This conversation's; a new one starts with what was last used."""
        if self.conversation:
            return self.conversation.settings
        newest = services().store.conversations.list(services().owner, limit=1)
        last = newest[0].settings if newest else Settings()
        return Settings(last.gateway_id, last.model, last.dialect)

    def _read_messages(self) -> tuple[list[StoredMessage], bool]:
        if self.id is None:
            return [], False
        turns = st.session_state.setdefault(f"turns-{self.id}", WINDOW // 2)
        read = services().store.conversations.transcript(services().owner, self.id, last=turns)
        live = self.running.message if self.running else None
        return [message for message in read.messages if message.public_id != live], read.has_earlier

    @property
    def unsaved(self) -> LiveAnswer | None:
        """An ended answer of this conversation that the store has not taken yet."""
        return services().desk.unsaved_in(self.id) if self.id else None

    @property
    def queue(self) -> list[QueueItem]:
        """What waits behind the running answer."""
        return services().store.queue.list(services().owner, self.id) if self.id else []

    # --- deeds, called from widgets' callbacks ----------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Store and send; on failure the text is kept on the screen, with the reason."""
        key = st.session_state.setdefault("turn-key", new_public_id())
        try:
            sent = services().desk.send(self.id, text, self.choice.in_force(), key=key)
        except ParlourError as error:
            st.session_state["unsent"] = (text, notice_for(error).text)
            return
        st.session_state["turn-key"] = new_public_id()
        st.session_state.pop("unsent", None)
        if self.id != sent.conversation:
            open_chat(sent.conversation)

    def answer_again(self, message: StoredMessage) -> None:
        """One more answer to the same question, beside the one there is."""
        if self.id and message.parent:
            try:
                services().desk.again(self.id, message.parent, self.choice.in_force())
            except (AnswerRunning, NotFound) as error:
                say_once(notice_for(error).text)

    def show_version(self, message: StoredMessage, step: int) -> None:
        """Show the previous (-1) or next (1) answer to the same question, with what followed it."""
        at = message.sibling_index + step
        if self.id and 0 <= at < message.sibling_count:
            services().store.conversations.choose(services().owner, self.id, message.siblings[at])

    def stop(self) -> None:
        """Stop the running answer; what has come is kept."""
        if self.running:
            services().desk.stop(self.running.message)

    def show_earlier(self) -> None:
        """Mount more of a long conversation."""
        st.session_state[f"turns-{self.id}"] += WINDOW

    def unqueue(self, item: str) -> None:
        """Take a waiting message out of the queue."""
        try:
            services().store.queue.remove(services().owner, item)
        except NotFound:
            say_once("That message has already been sent.")

    def resume_queue(self) -> None:
        """Send what waits."""
        if self.id:
            services().desk.resume_queue(self.id)

    def keep_choice(self) -> None:
        """Remember a changed choice with the conversation."""
        now = self.choice.in_force()
        if self.id and self.conversation and now != self.conversation.settings and now.model:
            services().store.conversations.save_settings(services().owner, self.id, now)

    def mark_read(self) -> None:
        """The answers here have been seen."""
        if self.id and self.conversation and self.conversation.unread:
            services().store.conversations.mark_read(services().owner, self.id)
