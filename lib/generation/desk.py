"""Where pages hand in messages: store the turn, run the answer, and send what waits in the queue afterwards."""

from __future__ import annotations

import secrets
from typing import Protocol

from msgspec import Struct

from lib.cards import ModelCard
from lib.errors import AnswerRunning, BadInput
from lib.generation.attempts import Tariff
from lib.generation.engine import Engine
from lib.generation.follow import Followed, StoredAnswer
from lib.generation.live import LiveAnswer
from lib.generation.run import Door, Job
from lib.ids import new_public_id
from lib.ledger import AnswerState, ModelRef, Turn
from lib.messages import Ask, Message, Part, TextPart
from lib.store import Store
from lib.store.rows import Begun, QueueItem, Settings, StoredMessage


class Doors(Protocol):
    """What the desk needs to know of gateways (`lib.gateways.Gateways`)."""

    def door(self, gateway_id: int) -> Door: ...
    def model(self, gateway_id: int, model: str) -> ModelCard: ...
    def ref(self, settings: Settings) -> ModelRef: ...
    def tariff(self, ref: ModelRef) -> Tariff: ...


class Sent(Struct, frozen=True):
    """What became of a message: `message` is the answer's public id, None while it waits in the queue."""

    conversation: str
    message: str | None


class Desk:
    """Sends, repeats and stops answers of one owner."""

    def __init__(self, store: Store, engine: Engine, doors: Doors, owner: int) -> None:
        self._store = store
        self._engine = engine
        self._doors = doors
        self._owner = owner
        self._epoch = secrets.token_hex(8)
        engine.after_end = self._after_end

    @property
    def epoch(self) -> str:
        """This process's name in the rows of its running answers."""
        return self._epoch

    def send(self, conversation: str | None, text: str, settings: Settings, *, key: str | None = None) -> Sent:
        """Store a message and start its answer, or queue it behind the one in progress.

        `conversation` None begins a new one. `key` makes a repeated call harmless. Raises BadInput for an empty
        message or a missing model; nothing is sent before the message is committed.
        """
        parts = _checked(text)
        chat = conversation or new_public_id()
        ref = self._doors.ref(settings)
        leaf = self._store.conversations.get(self._owner, chat).active_leaf if conversation else None
        turn = Turn(key or new_public_id(), chat, parts, ref, leaf, settings.params, settings.system)
        try:
            return Sent(chat, self._begin(turn).message)
        except AnswerRunning:
            self._store.queue.add(self._owner, chat, parts, ref, settings.params, settings.system)
            return Sent(chat, None)

    def again(self, conversation: str, user_message: str, settings: Settings) -> Sent:
        """Answer a user message once more, beside the answers it has. Raises AnswerRunning."""
        ref = self._doors.ref(settings)
        turn = Turn(new_public_id(), conversation, (), ref, user_message, settings.params, settings.system)
        return Sent(conversation, self._begin(turn).message)

    def resume_queue(self, conversation: str) -> None:
        """Send the first waiting message now; the rest follows in order."""
        self._store.queue.pause(self._owner, conversation, False)
        self._next(conversation)

    def stop(self, message: str) -> None:
        """Stop the answer `message`, in this process or another."""
        if not self._engine.stop(message):
            self._store.answers.request_stop(self._owner, message)

    def running_in(self, conversation: str) -> Followed | None:
        """The answer in progress in a conversation, here or in another process.

        Ask before reading the transcript: an answer that ends in between is then drawn from the store.
        """
        here = next((live for live in self._engine.running() if live.conversation == conversation), None)
        if here:
            return here
        rows = self._store.answers.running(self._owner)
        row = next((row for row in rows if row.conversation == conversation), None)
        return StoredAnswer(self._store, self._owner, row.message) if row else None

    def _begin(self, turn: Turn) -> Begun:
        begun = self._store.answers.begin(
            self._owner, turn, epoch=self._epoch, chars_in=_chars(turn.parts), max_out_cap=turn.params.max_tokens
        )
        if not begun.replayed:
            live = LiveAnswer(begun.answer_id, begun.message, begun.conversation)
            self._engine.start(
                live,
                turn,
                begun.attempt_id,
                job=lambda: self._job(turn, begun),
                door=lambda: self._doors.door(turn.ref.gateway_id),
            )
        return begun

    def _job(self, turn: Turn, begun: Begun) -> Job:
        """Read the branch up to the user's message and make the ask of it."""
        branch = self._store.conversations.transcript(self._owner, begun.conversation, leaf=begun.user_message)
        messages = tuple(message for stored in branch.messages if (message := _sendable(stored)))
        ask = Ask(turn.ref.model, messages, turn.system, turn.params)
        card = self._doors.model(turn.ref.gateway_id, turn.ref.model)
        return Job(ask, turn.ref.dialect, card, self._doors.tariff(turn.ref))

    def _after_end(self, live: LiveAnswer, state: AnswerState) -> None:
        if state == "done":
            self._next(live.conversation)
        elif self._store.queue.list(self._owner, live.conversation):
            self._store.queue.pause(self._owner, live.conversation, True)

    def _next(self, conversation: str) -> None:
        item = self._store.queue.peek(self._owner, conversation)
        if item:  # it leaves the queue in the transaction that begins its answer
            self._send_queued(conversation, item)

    def _send_queued(self, conversation: str, item: QueueItem) -> None:
        leaf = self._store.conversations.get(self._owner, conversation).active_leaf
        self._begin(Turn(item.public_id, conversation, item.parts, item.ref, leaf, item.params, item.system))


def _checked(text: str) -> tuple[Part, ...]:
    if not text.strip():
        raise BadInput("empty_message")
    return (TextPart(text),)


def _sendable(stored: StoredMessage) -> Message | None:
    """The stored message as it is sent again; an answer that brought no text is left out.

    Reasoning stays here: outside a tool loop no gateway asks for it back, and other models refuse a foreign seal.
    """
    if stored.role == "user":
        return Message("user", stored.parts)
    return Message("assistant", (TextPart(stored.text),)) if stored.text else None


def _chars(parts: tuple[Part, ...]) -> int:
    return sum(len(part.text) for part in parts if isinstance(part, TextPart))
