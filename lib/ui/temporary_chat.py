"""A temporary conversation on the chat page: not stored, not listed, gone with a reload. Only its numbers are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import streamlit as st

from lib.generation import Followed, LiveAnswer
from lib.generation.doors import Sent
from lib.store.rows import Conversation, QueueItem, Settings, StoredMessage
from lib.ui.chat import Chat, Content
from lib.ui.pages import current_chat, name_chat, temporary_chat
from lib.ui.session import services
from lib.ui.waiting_files import Waiting

_WANTED = "temporary"
WORDS = "Not stored: gone when you reload or open another chat. Its numbers reach the usage."


def open_conversation() -> Chat:
    """The conversation this page shows: a stored or new one, or a temporary one where it is wanted."""
    begun = temporary_chat()
    if current_chat() is None and (begun or st.session_state.get(_WANTED)):
        return TemporaryChat()
    return Chat()


class TemporaryChat(Chat):
    """Lives in the memory of this process; the session knows its id, the address does not."""

    temporary: ClassVar[bool] = True

    def _read_conversation(self) -> Conversation | None:
        return None

    def _read_id(self) -> str | None:
        begun = temporary_chat()
        return begun if begun and services().desk.temporary.knows(begun) else None

    def _running(self) -> Followed | None:
        return services().desk.temporary.running_in(self.id) if self.id else None

    def _stored_settings(self) -> Settings:
        kept: Settings | None = st.session_state.get("temporary-settings") if self.id else None
        return kept or super()._stored_settings()

    def _read_messages(self) -> tuple[list[StoredMessage], bool]:
        if self.id is None:
            return [], False
        return self._without_live(services().desk.temporary.messages(self.id)), False

    @property
    def unsaved(self) -> LiveAnswer | None:
        """Nothing here is ever to be saved."""
        return None

    @property
    def queue(self) -> list[QueueItem]:
        """Nothing waits here."""
        return []

    def _versions(self, message: StoredMessage) -> Sequence[StoredMessage]:
        return ()

    def _send(self, text: str, settings: Settings, key: str, override: bool) -> Sent:
        st.session_state["temporary-settings"] = settings
        waiting = Waiting(self)
        sent = services().desk.temporary.send(self.id, waiting.content(text), settings, key=key, override=override)
        services().attachments.memory.clear(waiting.place, waiting.ids)
        return sent

    def _open(self, conversation: str) -> None:
        name_chat(None)
        st.session_state["temporary-chat"] = conversation

    def _again(self, question: str, settings: Settings, *, override: bool) -> None:
        services().desk.temporary.again(self.id or "", question, settings, override=override)

    def _choose(self, message: str) -> None:
        services().desk.temporary.choose(self.id or "", message)

    def _edit_and_send(
        self, message: StoredMessage, content: Content, settings: Settings, *, override: bool = False
    ) -> None:
        services().desk.temporary.edit_and_send(self.id or "", message.public_id, content, settings, override=override)


def show_temporary_switch(chat: Chat) -> None:
    """In a new chat: the way into a temporary one."""
    st.session_state.setdefault(_WANTED, False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="temporary-row"):
        st.toggle("Temporary", key=_WANTED, help="A chat that is not stored. Its numbers still reach the usage.")
        if chat.temporary:
            st.caption(WORDS, width="content")


def show_temporary_mark() -> None:
    """Above an open temporary conversation: what it is, and that it will not stay."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="temporary-mark"):
        st.badge("Temporary", icon=":material/visibility_off:", color="orange")
        st.caption(WORDS, width="content")
