"""Temporary conversations: they live in this process's memory and end with it.

Nothing of them is stored, searched or listed. Their answers run like all others; only the numbers reach the ledger.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from msgspec import structs

from lib.errors import AnswerRunning, BadInput, NotFound, ParlourError
from lib.generation.asking import checked, sendable, with_words
from lib.generation.doors import Doors, Sent
from lib.generation.engine import Engine
from lib.generation.estimating import Estimates
from lib.generation.jobs import Jobs
from lib.generation.live import LiveAnswer
from lib.generation.measure import cost_line
from lib.generation.media import has_files, require_taken
from lib.generation.unstored import Unstored
from lib.ids import new_id, new_public_id, now_ms
from lib.ledger import AnswerEnd, ModelRef, Turn
from lib.messages import Message, Part
from lib.store import Store
from lib.store.rows import Settings, StoredMessage

MOST_CHATS = 100
"""Beyond that the one that has been idle longest is forgotten."""
Branch = tuple[StoredMessage, ...]


class TemporaryChats:
    """The temporary conversations of one owner, by ids that look like those of stored ones."""

    def __init__(
        self, store: Store, engine: Engine, doors: Doors, owner: int, jobs: Jobs, estimates: Estimates
    ) -> None:
        self._estimates = estimates
        self._store = store
        self._engine = engine
        self._doors = doors
        self._owner = owner
        self._jobs = jobs
        self._lock = threading.RLock()
        self._chats: OrderedDict[str, _Chat] = OrderedDict()

    def knows(self, conversation: str) -> bool:
        """Whether this is a temporary conversation that is still remembered."""
        return conversation in self._chats

    def send(
        self,
        conversation: str | None,
        content: str | tuple[Part, ...],
        settings: Settings,
        *,
        key: str | None = None,
        override: bool = False,
    ) -> Sent:
        """Add a message and start its answer; None begins a new conversation.

        The same `key` again sends nothing. Raises AnswerRunning (nothing is queued here), BadInput, NotFound, and
        OverBudget, unless `override` lets this one message through.
        """
        parts, ref, key = checked(content), self._doors.ref(settings), key or new_public_id()
        self._require_taken(parts, ref)
        with self._lock:
            chat = self._new() if conversation is None else self._chat(conversation)
            if earlier := chat.sent.get(key):
                return earlier
            self._require_idle(chat)
            leaf, asked = chat.leaf, chat.add(_user_message(chat.leaf, parts))
            try:
                sent = chat.sent[key] = self._answer(chat, asked, ref, settings, override)
            except ParlourError:
                chat.take_back(asked, leaf)
                if conversation is None:
                    del self._chats[chat.public_id]
                raise
        return sent

    def again(self, conversation: str, user_message: str, settings: Settings, *, override: bool = False) -> Sent:
        """Answer a user message once more, beside the answers it has. Raises as `send` does."""
        ref = self._doors.ref(settings)
        with self._lock:
            chat = self._chat(conversation)
            self._require_idle(chat)
            asked = chat.get(user_message)
            if asked.role != "user":
                raise BadInput("not_a_question")
            self._require_taken(asked.parts, ref)
            return self._answer(chat, asked, ref, settings, override)

    def edit_and_send(
        self,
        conversation: str,
        message: str,
        content: str | tuple[Part, ...],
        settings: Settings,
        *,
        override: bool = False,
    ) -> Sent:
        """Ask with other words, beside the message as it was. A mere text keeps its files. Raises as `send` does."""
        with self._lock:
            chat = self._chat(conversation)
            self._require_idle(chat)
            old = chat.get(message)
            content = with_words(old.parts, content) if isinstance(content, str) else content
            leaf, chat.leaf = chat.leaf, old.parent
            try:
                return self.send(conversation, content, settings, override=override)
            except ParlourError:
                chat.leaf = leaf
                raise

    def choose(self, conversation: str, message: str) -> None:
        """Show the newest branch through `message`. Raises NotFound."""
        with self._lock:
            chat = self._chat(conversation)
            chat.leaf = chat.newest_below(chat.get(message).public_id)

    def messages(self, conversation: str) -> Branch:
        """The branch that is shown; a running answer is in it, without its text. Raises NotFound."""
        with self._lock:
            return self._chat(conversation).branch()

    def running_in(self, conversation: str) -> LiveAnswer | None:
        """The answer in progress, to be followed."""
        return next((live for live in self._engine.running() if live.conversation == conversation), None)

    def text_of(self, message: str) -> str:
        """The exact text of a message. Raises NotFound."""
        with self._lock:
            found = (chat.messages[message].text for chat in self._chats.values() if message in chat.messages)
            text = next(found, None)
        if text is None:
            raise NotFound("message")
        return text

    def parts_of(self, message: str) -> tuple[Part, ...]:
        """The parts of a message, bytes included. Raises NotFound."""
        with self._lock:
            found = (chat.messages[message].parts for chat in self._chats.values() if message in chat.messages)
            parts = next(found, None)
        if parts is None:
            raise NotFound("message")
        return parts

    def forget(self, conversation: str) -> None:
        """Forget it now; a running answer is stopped, and its numbers are kept."""
        with self._lock:
            self._chats.pop(conversation, None)
        if live := self.running_in(conversation):
            self._engine.stop(live.message)

    def _new(self) -> _Chat:
        chat = _Chat(new_public_id())
        self._chats[chat.public_id] = chat
        idle = [name for name in self._chats if name != chat.public_id and not self.running_in(name)]
        for name in idle[: max(0, len(self._chats) - MOST_CHATS)]:
            del self._chats[name]
        return chat

    def _chat(self, conversation: str) -> _Chat:
        if conversation not in self._chats:
            raise NotFound("conversation")
        self._chats.move_to_end(conversation)
        return self._chats[conversation]

    def _require_taken(self, parts: tuple[Part, ...], ref: ModelRef) -> None:
        if has_files(parts):
            require_taken(parts, self._doors.model(ref.gateway_id, ref.model), ref.dialect)

    def _require_idle(self, chat: _Chat) -> None:
        if any(message.state == "running" for message in chat.messages.values()):
            raise AnswerRunning("this conversation has a running answer")

    def _answer(self, chat: _Chat, asked: StoredMessage, ref: ModelRef, settings: Settings, override: bool) -> Sent:
        before, attempt_id = chat.branch_to(asked.public_id), new_id()
        verdict = self._estimates.hold(
            *(attempt_id, ref, sendable(before), settings.system, settings.params), override=override
        )
        told = chat.add(_answer_message(asked.public_id, ref))
        self._engine.start(
            LiveAnswer(new_id(), told.public_id, chat.public_id),
            Turn(new_public_id(), chat.public_id, asked.parts, ref, params=settings.params, system=settings.system),
            attempt_id,
            job=lambda: self._jobs.make(sendable(before), ref, settings.params, settings.system),
            door=lambda: self._doors.door(ref.gateway_id),
            diary=Unstored(
                *(self._store.ledger, self._owner, ref, lambda end: self._end(chat, told, end)), attempt_id=attempt_id
            ),
        )
        return Sent(chat.public_id, told.public_id, verdict)

    def _end(self, chat: _Chat, told: StoredMessage, end: AnswerEnd) -> None:
        ended = structs.replace(
            told,
            parts=end.parts,
            text=end.text,
            reasoning=end.reasoning,
            state=end.state,
            error_kind=end.error_kind,
            error_message=end.error_message,
            finish_reason=end.finish_reason,
            repaired=end.repaired,
            reasoning_ms=end.reasoning_ms,
            cost=cost_line(end.attempts, demo=bool(told.ref and told.ref.demo)),
        )
        with self._lock:
            chat.messages[told.public_id] = ended


class _Chat:
    """A tree of messages in memory; `leaf` is the end of the branch that is shown."""

    def __init__(self, public_id: str) -> None:
        self.public_id = public_id
        self.messages: dict[str, StoredMessage] = {}
        self.leaf: str | None = None
        self.sent: dict[str, Sent] = {}

    def add(self, message: StoredMessage) -> StoredMessage:
        self.messages[message.public_id] = message
        self.leaf = message.public_id
        return message

    def get(self, message: str) -> StoredMessage:
        if message not in self.messages:
            raise NotFound("message")
        return self.messages[message]

    def take_back(self, message: StoredMessage, leaf: str | None) -> None:
        """As if it had not been added."""
        del self.messages[message.public_id]
        self.leaf = leaf

    def branch(self) -> Branch:
        """From the root to the leaf, each with its versions."""
        return self.branch_to(self.leaf)

    def branch_to(self, at: str | None) -> Branch:
        """From the root to a message."""
        found: list[StoredMessage] = []
        while at is not None:
            message = self.messages[at]
            found.append(structs.replace(message, siblings=self._children(message.parent)))
            at = message.parent
        return tuple(reversed(found))

    def newest_below(self, message: str) -> str:
        while children := self._children(message):
            message = children[-1]
        return message

    def _children(self, parent: str | None) -> tuple[str, ...]:
        return tuple(name for name, message in self.messages.items() if message.parent == parent)


def _user_message(parent: str | None, parts: tuple[Part, ...]) -> StoredMessage:
    return StoredMessage(new_public_id(), parent, "user", parts, Message("user", parts).text, "", now_ms())


def _answer_message(parent: str, ref: ModelRef) -> StoredMessage:
    return StoredMessage(new_public_id(), parent, "assistant", (), "", "", now_ms(), state="running", ref=ref)
