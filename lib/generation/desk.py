"""Where pages hand in messages: store the turn, run the answer, and send what waits in the queue afterwards."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from contextlib import suppress
from typing import Protocol

from msgspec import Struct, structs

from lib.cards import ModelCard
from lib.errors import AnswerRunning, BadInput, NotFound, ParlourError
from lib.generation.engine import Engine
from lib.generation.follow import Followed, StoredAnswer
from lib.generation.live import LiveAnswer
from lib.generation.measure import Ratios, Tariff, measured
from lib.generation.run import Door, Job
from lib.ids import new_public_id, now_ms
from lib.ledger import AnswerEnd, Attempt, ModelRef, Turn
from lib.messages import Ask, Message, Part, TextPart
from lib.store import Store
from lib.store.rows import AnswerRow, Begun, QueueItem, Settings, StoredMessage

_KEYS_KEPT = 10_000
_LOOKS = 3


class Doors(Protocol):
    """What the desk needs to know of gateways (`lib.gateways.Gateways`)."""

    def door(self, gateway_id: int) -> Door: ...
    def model(self, gateway_id: int, model: str) -> ModelCard: ...
    def ref(self, settings: Settings) -> ModelRef: ...
    def tariff(self, ref: ModelRef, at_ms: int | None = None) -> Tariff: ...


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
        # One turn at a time: between reading a conversation's end and adding to it nothing may come.
        self._lock = threading.RLock()
        self._sent: OrderedDict[str, Sent] = OrderedDict()
        self._ratios = Ratios()
        engine.after_end = self._after_end

    @property
    def epoch(self) -> str:
        """This process's name in the rows of its running answers."""
        return self._epoch

    # --- sending ----------------------------------------------------------------------------------------------------

    def send(self, conversation: str | None, text: str, settings: Settings, *, key: str | None = None) -> Sent:
        """Store a message and start its answer, or queue it behind what runs or waits already.

        `conversation` None begins a new one. `key` makes a repeated call harmless. Raises BadInput for an empty
        message or a missing model, NotFound, StoreError; nothing is sent before the message is committed.
        """
        parts, key = _checked(text), key or new_public_id()
        with self._lock:
            if earlier := self._sent.get(key):
                return earlier
            ref = self._doors.ref(settings)
            sent = self._send(conversation, Turn(key, "", parts, ref, None, settings.params, settings.system))
            self._remember(key, sent)
        return sent

    def _send(self, conversation: str | None, turn: Turn) -> Sent:
        if conversation is None:
            begun = self._begin(structs.replace(turn, conversation=new_public_id()))
            return Sent(begun.conversation, begun.message)
        leaf = self._store.conversations.get(self._owner, conversation).active_leaf
        turn = structs.replace(turn, conversation=conversation, parent=leaf)
        if self._store.queue.peek(self._owner, conversation) is None:
            with suppress(AnswerRunning):
                begun = self._begin(turn)
                return Sent(begun.conversation, begun.message)
        self._store.queue.add(self._owner, conversation, turn.parts, turn.ref, turn.params, turn.system)
        if not self._is_running(conversation):  # the answer ended before the message was in the queue
            self._next(conversation)
        return Sent(conversation, None)

    def _remember(self, key: str, sent: Sent) -> None:
        self._sent[key] = sent
        if len(self._sent) > _KEYS_KEPT:
            self._sent.popitem(last=False)

    def again(self, conversation: str, user_message: str, settings: Settings) -> Sent:
        """Answer a user message once more, beside the answers it has. Raises AnswerRunning."""
        ref = self._doors.ref(settings)
        turn = Turn(new_public_id(), conversation, (), ref, user_message, settings.params, settings.system)
        with self._lock:
            return Sent(conversation, self._begin(turn).message)

    def resume_queue(self, conversation: str) -> None:
        """Send the first waiting message now; the rest follows in order."""
        self._store.queue.pause(self._owner, conversation, False)
        self._next(conversation)

    def stop(self, message: str) -> None:
        """Stop the answer `message`, in this process or another."""
        if not self._engine.stop(message):
            self._store.answers.request_stop(self._owner, message)

    # --- following --------------------------------------------------------------------------------------------------

    def running_in(self, conversation: str) -> Followed | None:
        """The answer in progress in a conversation, here or in another process.

        Ask before reading the transcript: an answer that ends in between is then drawn from the store.
        """
        here = next((live for live in self._engine.running() if live.conversation == conversation), None)
        if here:
            return here
        rows = self._store.answers.running(self._owner)
        row = next((row for row in rows if row.conversation == conversation and not self._unsaved(row.message)), None)
        return StoredAnswer(self._store, self._owner, row.message) if row else None

    def unsaved_in(self, conversation: str) -> LiveAnswer | None:
        """An ended answer that the store did not take: whole only here, and still tried to be stored."""
        return next((live for live in self._engine.unsaved() if live.conversation == conversation), None)

    def text_of(self, message: str) -> str:
        """The exact text of an answer, also while it is unsaved. Raises NotFound."""
        live = self._unsaved(message)
        return live.texts()[0] if live else self._store.answers.get(self._owner, message).text

    def _unsaved(self, message: str) -> LiveAnswer | None:
        live = self._engine.live(message)
        return live if live and live.unsaved else None

    def _is_running(self, conversation: str) -> bool:
        return any(row.conversation == conversation for row in self._store.answers.running(self._owner))

    # --- recovering -------------------------------------------------------------------------------------------------

    def recover(self, stale_ms: int) -> int:
        """End the answers of dead processes as interrupted; what waits behind them stays, paused. How many."""
        at_ms = now_ms()
        ended = self._store.answers.sweep(epoch=self._epoch, now_ms=at_ms, stale_ms=stale_ms, estimate=self._estimate)
        for row in ended:
            with suppress(NotFound):
                self._hold_queue(row.conversation, row.owner)
        return len(ended)

    def _estimate(self, row: AnswerRow, attempt: Attempt) -> Attempt:
        """An orphan's tokens and cost as a range, from the text that was kept; without any text it stays unknown."""
        tariff = Tariff()
        with suppress(ParlourError):
            tariff = self._doors.tariff(row.ref, row.started_ms)
            attempt = structs.replace(attempt, chars_in=max(attempt.chars_in, self._chars_before(row)))
        attempt = structs.replace(attempt, duration_ms=max(0, attempt.ended_ms - attempt.started_ms))
        return measured(attempt, None, tariff, sample=row.text or row.reasoning)

    def _chars_before(self, row: AnswerRow) -> int:
        branch = self._store.conversations.transcript(row.owner, row.conversation, leaf=row.message)
        return len(row.system) + sum(len(message.text) for message in branch.messages[:-1])

    # --- running ----------------------------------------------------------------------------------------------------

    def _begin(self, turn: Turn, *, from_queue: str | None = None) -> Begun:
        chars, cap = _chars(turn.parts), turn.params.max_tokens
        begun = self._store.answers.begin(
            self._owner, turn, epoch=self._epoch, chars_in=chars, max_out_cap=cap, from_queue=from_queue
        )
        if not begun.replayed:
            self._engine.start(
                LiveAnswer(begun.answer_id, begun.message, begun.conversation),
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
        tariff = self._doors.tariff(turn.ref, begun.started_ms)
        return Job(ask, turn.ref.dialect, card, structs.replace(tariff, tokens_per_char=self._ratios.of(turn.ref)))

    def _after_end(self, live: LiveAnswer, ref: ModelRef, end: AnswerEnd) -> None:
        if end.state == "done":
            self._next(live.conversation)
            self._ratios.note(ref, end.attempts)
        else:
            self._hold_queue(live.conversation, self._owner)

    def _hold_queue(self, conversation: str, owner: int) -> None:
        if self._store.queue.list(owner, conversation):
            self._store.queue.pause(owner, conversation, True)

    def _next(self, conversation: str) -> None:
        """Begin the first waiting message; it leaves the queue in the transaction that begins its answer."""
        with self._lock:
            for _ in range(_LOOKS):
                item = self._store.queue.peek(self._owner, conversation)
                if item is None or self._engine.closing:
                    return
                try:
                    self._begin_queued(conversation, item)
                    return
                except AnswerRunning:
                    return  # its end goes on with the queue
                except NotFound:
                    continue  # taken out meanwhile: look again; of a deleted conversation `peek` says so itself

    def _begin_queued(self, conversation: str, item: QueueItem) -> None:
        leaf = self._store.conversations.get(self._owner, conversation).active_leaf
        turn = Turn(item.public_id, conversation, item.parts, item.ref, leaf, item.params, item.system)
        if self._begin(turn, from_queue=item.public_id).replayed:
            self._store.queue.remove(self._owner, item.public_id)


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
