"""What the chat page does: read the open conversation, send, answer again, stop, and the queue."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import streamlit as st
from msgspec import structs

from lib.cards import ModelCard
from lib.errors import NotFound, OverBudget, ParlourError
from lib.generation import Followed, LiveAnswer
from lib.generation.doors import Sent
from lib.ids import new_public_id
from lib.messages import ImagePart, Part
from lib.store.rows import Conversation, Settings, StoredMessage
from lib.ui.arrival import arrive
from lib.ui.arrived_words import forget_asked_model, with_asked_model
from lib.ui.budget_held import forget_refused, hold_refused
from lib.ui.choice import Choice
from lib.ui.message_deeds import Offer, version_words
from lib.ui.model_picker import model_name
from lib.ui.notices import notice_for
from lib.ui.pages import current_chat, name_chat, open_chat
from lib.ui.queue_deeds import QueueDeeds
from lib.ui.session import say_once, services, show_notices
from lib.ui.transcript import WINDOW
from lib.ui.undo import Deleted, forget_deleted, remember_deleted
from lib.ui.waiting_files import Waiting

_STOP_S = 5.0
"""So long an edited question waits for the answer to the old one to stop."""

Content = str | tuple[Part, ...]


class Chat(QueueDeeds):
    """The open conversation, read once per run. `conversation` is None for a new one."""

    temporary: ClassVar[bool] = False
    place: ClassVar[str | None] = None
    """Where its files wait, when that is not the conversation."""

    def __init__(self) -> None:
        self.conversation = self._read_conversation()
        self.id = self._read_id()
        self.choice = Choice(self.id, with_asked_model(self._stored_settings()))
        # The registry first, the store second: an answer that ends between the two is then drawn from the store.
        self.running = self._running()
        self.runs_elsewhere = False
        self.messages, self.has_earlier = self._read_messages()

    def _read_id(self) -> str | None:
        return self.conversation.public_id if self.conversation else None

    def _running(self) -> Followed | None:
        return services().desk.running_in(self.id) if self.id else None

    def _read_conversation(self) -> Conversation | None:
        public_id = current_chat()
        arrive(public_id)
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
        return self._without_live(read.messages), read.has_earlier

    def _without_live(self, branch: Sequence[StoredMessage]) -> list[StoredMessage]:
        """The running answer is followed, not drawn; on another branch it is only mentioned."""
        live = self.running.message if self.running else None
        self.runs_elsewhere = live is not None and all(message.public_id != live for message in branch)
        return [message for message in branch if message.public_id != live]

    @cached_property
    def waiting(self) -> Waiting:
        """The attachments of the next message, as they were when this run first asked."""
        return Waiting(self)

    @property
    def unsaved(self) -> LiveAnswer | None:
        """An ended answer of this conversation that the store has not taken yet."""
        return services().desk.unsaved_in(self.id) if self.id else None

    # --- what the footers show --------------------------------------------------------------------------------------

    def offer_for(self, message: StoredMessage) -> Offer:
        """What can be done with a message now."""
        variants: Sequence[ModelCard] = ()
        if message.ref and message.ref.gateway_id == self.choice.gateway.id:
            variants = [card for card in self.choice.cards if card.base == message.ref.base]
        return Offer(self.choice.card, variants, can_answer=not self.running, kept=not self.temporary)

    def may_send_smaller(self, answer: StoredMessage) -> bool:
        """Whether the question was too large for the gateway and has pictures that can be shrunk."""
        question = self._question_of(answer) if answer.error_kind == "too_large" and not self.running else None
        return question is not None and any(isinstance(part, ImagePart) for part in question.parts)

    def versions(self, message: StoredMessage) -> list[str]:
        """All versions of a message in a few words each, when there are several."""
        if self.id is None or message.sibling_count < 2:
            return []
        try:
            found = self._versions(message)
        except NotFound:
            return []
        return [version_words(version, self.name_of(version)) for version in found]

    def _versions(self, message: StoredMessage) -> Sequence[StoredMessage]:
        return services().store.messages.versions(services().owner, self.id or "", message.public_id)

    def name_of(self, message: StoredMessage) -> str:
        """The name of the model that wrote it."""
        return model_name(services().gateways.label_card(message.ref)) if message.ref else ""

    # --- deeds, called from widgets' callbacks ----------------------------------------------------------------------

    def send(self, text: str, *, override: bool = False) -> None:
        """Store and send; on failure the text is kept on the screen, with the reason.

        `override` lets this one message through its budgets.
        """
        key = self._turn_key(text)
        forget_deleted()
        forget_refused()
        try:
            sent = self._send(text, self.choice.in_force(), key, override)
        except OverBudget as error:
            st.session_state.pop("unsent", None)
            hold_refused(self, text, error)
            return
        except ParlourError as error:
            st.session_state["unsent"] = (text, notice_for(error).text)
            return
        st.session_state.pop("turn-key", None)
        st.session_state.pop("unsent", None)
        forget_asked_model()
        if self.id != sent.conversation:
            st.session_state["begun-chat"] = sent.conversation
            self._open(sent.conversation)

    def _turn_key(self, text: str) -> str:
        """The same for a send that is done again because its run was ended in the middle; another for other words,
        which may come before the run that sent the first ones could forget their key."""
        kept = st.session_state.get("turn-key")
        if kept is None or kept[1] != text:
            kept = st.session_state["turn-key"] = (new_public_id(), text)
        return kept[0]

    def _send(self, text: str, settings: Settings, key: str, override: bool) -> Sent:
        waiting = Waiting(self)
        content, attached = waiting.content(text), waiting.ids
        return services().desk.send(self.id, content, settings, key=key, attached=attached, override=override)

    def _open(self, conversation: str) -> None:
        open_chat(conversation)

    def do(self, message: StoredMessage, deed: str, value: str, *, override: bool = False) -> None:
        """What was chosen below a message; `override` lets a new answer through its budgets."""
        if self.id is None:
            return
        forget_deleted()
        forget_refused()
        try:
            match deed:
                case "again" if message.parent:
                    self._again(message.parent, self._settings_on(value), override=override)
                case "turn" if value in ("-1", "1"):
                    self._turn(message, int(value))
                case "edit":
                    st.session_state["editing"] = message.public_id
                case "smaller" if question := self._question_of(message):
                    parts = services().attachments.smaller(question.parts)
                    self._edit_and_send(question, parts, self._settings_of(message), override=override)
                case "continue" | "fork" | "delete" if not self.temporary:
                    self._do_stored(message, deed, override)
        except OverBudget as error:
            hold_refused(self, "", error, (message, deed, value))
        except ParlourError as error:
            say_once(notice_for(error).text)

    def _question_of(self, answer: StoredMessage) -> StoredMessage | None:
        return next((message for message in self.messages if message.public_id == answer.parent), None)

    def _do_stored(self, message: StoredMessage, deed: str, override: bool) -> None:
        chat, store, owner = self.id or "", services().store.messages, services().owner
        if deed == "continue":
            services().desk.continue_answer(chat, message.public_id, self._settings_of(message), override=override)
        elif deed == "fork":
            open_chat(store.fork(owner, chat, message.public_id))
            say_once("This is a copy of the conversation up to that message.", ":material/fork_right:")
        else:
            if not self.runs_elsewhere:
                self._stop_and_wait()  # what is shown stands above the running answer, which goes with it
            count = store.delete(owner, chat, message.public_id)
            remember_deleted(Deleted(chat, message.public_id, "", count))

    def _settings_on(self, model: str) -> Settings:
        """The choice in force, on another of its gateway's models when one is named."""
        now = self.choice.in_force()
        card = next((card for card in self.choice.cards if card.id == model), None)
        if card is None:
            return now
        dialects = [name for name in self.choice.gateway.dialects if card.abilities(name).listed is not False]
        dialect = now.dialect if now.dialect in dialects or not dialects else dialects[0]
        return structs.replace(now, model=card.id, dialect=dialect)

    def _settings_of(self, message: StoredMessage) -> Settings:
        """The choice in force, on the model that wrote the message if its gateway is the chosen one."""
        ref = message.ref
        return self._settings_on(ref.model if ref and ref.gateway_id == self.choice.gateway.id else "")

    def _again(self, question: str, settings: Settings, *, override: bool) -> None:
        services().desk.again(self.id or "", question, settings, override=override)

    def _turn(self, message: StoredMessage, step: int) -> None:
        """Show the previous (-1) or next (1) version, with what followed it."""
        at = message.sibling_index + step
        if 0 <= at < message.sibling_count:
            self._choose(message.siblings[at])

    def _choose(self, message: str) -> None:
        services().store.conversations.choose(services().owner, self.id or "", message)

    def show_running(self) -> None:
        """Go to the branch whose answer is being written."""
        if self.running:
            try:
                self._choose(self.running.message)
            except NotFound:
                say_once("That answer was deleted.")

    # --- editing ----------------------------------------------------------------------------------------------------

    @property
    def can_save(self) -> bool:
        """Whether an edit can be kept without sending it."""
        return not self.temporary

    def is_editing(self, message: StoredMessage) -> bool:
        """Whether this message is drawn as a form."""
        return st.session_state.get("editing") == message.public_id

    def cancel_edit(self) -> None:
        """Leave the message as it was."""
        st.session_state.pop("editing", None)

    def save_edit(self, message: StoredMessage, text: str, *, send: bool) -> None:
        """Keep the new words as a version of their own; `send` asks for an answer to them."""
        if not text.strip() or (text == message.text and not send):
            self.cancel_edit()
            return
        try:
            if send:
                self._stop_and_wait()
                self._edit_and_send(message, text, self.choice.in_force())
            elif self.id:
                services().store.messages.edit(services().owner, self.id, message.public_id, text)
        except ParlourError as error:
            say_once(notice_for(error).text)
            return
        forget_deleted()
        self.cancel_edit()

    def _edit_and_send(
        self, message: StoredMessage, content: Content, settings: Settings, *, override: bool = False
    ) -> None:
        services().desk.edit_and_send(self.id or "", message.public_id, content, settings, override=override)

    def _stop_and_wait(self) -> None:
        """A conversation has one running answer: the one to the old words is stopped, and kept as far as it came."""
        if self.running is None:
            return
        self.stop()
        until, seen = time.monotonic() + _STOP_S, -1
        while (live := self._running()) and time.monotonic() < until:
            seen = live.wait(seen, 0.1)
            time.sleep(0.02)

    # --- the rest ---------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the running answer; what has come is kept."""
        if self.running:
            services().desk.stop(self.running.message)

    def show_earlier(self) -> None:
        """Mount more of a long conversation."""
        st.session_state[f"turns-{self.id}"] += WINDOW

    def keep_choice(self) -> None:
        """Remember a changed choice with the conversation."""
        now = self.choice.in_force()
        if self.id and self.conversation and now != self.conversation.settings and now.model:
            services().store.conversations.save_settings(services().owner, self.id, now)

    def mark_read(self) -> None:
        """The answers here have been seen."""
        if self.id and self.conversation and self.conversation.unread:
            services().store.conversations.mark_read(services().owner, self.id)
