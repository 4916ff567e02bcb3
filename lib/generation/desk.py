"""Where pages hand in messages: store the turn, run the answer, and send what waits in the queue afterwards."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from contextlib import suppress

from msgspec import structs

from lib.budgets import Offer, Verdict
from lib.errors import AnswerRunning, BadInput, NotFound, OverBudget
from lib.generation.asking import (
    chars_of,
    checked,
    continuing,
    goes_on_by_itself,
    kept_text,
    newest,
    sendable,
    with_words,
)
from lib.generation.batch_run import Kit
from lib.generation.batches import Batches
from lib.generation.doors import Doors, Sent
from lib.generation.engine import Engine
from lib.generation.estimating import Estimates
from lib.generation.follow import Followed, StoredAnswer
from lib.generation.jobs import Jobs
from lib.generation.live import LiveAnswer
from lib.generation.measure import Ratios
from lib.generation.media import has_files, media_of, require_taken
from lib.generation.recovery import Recovery, hold_queue
from lib.generation.run import Job
from lib.generation.temporary import TemporaryChats
from lib.generation.titles import NOWHERE, Titles
from lib.ids import new_public_id
from lib.ledger import AnswerEnd, ModelRef, Turn
from lib.messages import Message, Params, Part, TextPart
from lib.store import Store
from lib.store.budget_rows import Charge
from lib.store.rows import Begun, QueueItem, Settings

_KEYS_KEPT = 10_000
_LOOKS = 3


class Desk:
    """Sends, repeats and stops answers of one owner."""

    def __init__(self, store: Store, engine: Engine, doors: Doors, owner: int, epoch: str | None = None) -> None:
        """`epoch` names this process in the rows of its answers; the desks of one process share it."""
        self._store = store
        self._engine = engine
        self._doors = doors
        self._owner = owner
        self._epoch = epoch or secrets.token_hex(8)
        # One turn at a time: between reading a conversation's end and adding to it nothing may come.
        self._lock = threading.RLock()
        self._sent: OrderedDict[str, Sent] = OrderedDict()
        self._ratios = Ratios()
        self._recovery = Recovery(store, doors, owner, self._epoch)
        self._jobs = Jobs(store, doors, owner, self._ratios)
        self.estimates = Estimates(store, doors, owner, self._ratios, self._epoch)
        self._titles = Titles(store, engine, doors, owner, self.estimates)
        self.temporary = TemporaryChats(store, engine, doors, owner, self._jobs, self.estimates)
        self.batches = Batches(Kit(store, engine, doors, self._jobs, owner, self._epoch), self._ratios)
        engine.after_end = self._after_end

    @property
    def epoch(self) -> str:
        """This process's name in the rows of its running answers."""
        return self._epoch

    # --- sending ----------------------------------------------------------------------------------------------------

    def send(
        self,
        conversation: str | None,
        content: str | tuple[Part, ...],
        settings: Settings,
        *,
        key: str | None = None,
        keep_last: int | None = None,
        attached: tuple[str, ...] = (),
        override: bool = False,
    ) -> Sent:
        """Store a message and start its answer, or queue it behind what runs or waits already.

        With `keep_last` only that many of the messages before it are sent along; not of one that is queued.
        `attached` are the waiting attachments whose parts are in `content`: they stop waiting when it is committed.

        `conversation` None begins a new one. `key` makes a repeated call harmless. The conversation's draft is
        cleared with it. Raises BadInput for an empty message, a missing model or an attachment that the model does
        not take, NotFound, StoreError; nothing is sent before the message is committed. Raises OverBudget, with
        nothing stored, unless `override` lets this one message through its budgets, which is written down.
        """
        parts, key = checked(content), key or new_public_id()
        with self._lock:
            if earlier := self._sent.get(key):
                return earlier
            ref = self._doors.ref(settings)
            self._require_taken(parts, ref)
            turn = Turn(key, "", parts, ref, None, settings.params, settings.system)
            turn = structs.replace(turn, keep_last=keep_last, attached=attached)
            sent = self._send(conversation, turn, override)
            self._remember(key, sent)
        return sent

    def _send(self, conversation: str | None, turn: Turn, override: bool) -> Sent:
        if conversation is None:
            turn = structs.replace(turn, conversation=new_public_id())
            return _sent(self._begin(turn, clears_draft=True, override=override))
        leaf = self._store.conversations.get(self._owner, conversation).active_leaf
        if self._store.queue.has(self._owner, turn.key):  # sent once more, after a restart
            return Sent(conversation, None)
        if earlier := self._store.answers.begun_by(self._owner, turn.key):
            self._start_unsent(turn, earlier)
            return _sent(earlier)
        turn = structs.replace(turn, conversation=conversation, parent=leaf)
        if self._store.queue.peek(self._owner, conversation) is None:
            with suppress(AnswerRunning):
                return _sent(self._begin(turn, clears_draft=True, override=override))
        self._store.queue.add(
            *(self._owner, conversation, turn.parts, turn.ref, turn.params, turn.system),
            clears_draft=True,
            attached=turn.attached,
            key=turn.key,
        )
        if not self._is_running(conversation):  # the answer ended before the message was in the queue
            with suppress(OverBudget):
                self._next(conversation)
        return Sent(conversation, None)

    def _remember(self, key: str, sent: Sent) -> None:
        self._sent[key] = sent
        if len(self._sent) > _KEYS_KEPT:
            self._sent.popitem(last=False)

    def again(self, conversation: str, user_message: str, settings: Settings, *, override: bool = False) -> Sent:
        """Answer a user message once more, beside the answers it has.

        Raises AnswerRunning, NotFound, BadInput for an attachment that the model does not take; OverBudget as `send`.
        """
        ref = self._doors.ref(settings)
        self._require_taken(self._store.messages.get(self._owner, user_message, conversation=conversation).parts, ref)
        turn = Turn(new_public_id(), conversation, (), ref, user_message, settings.params, settings.system)
        with self._lock:
            return _sent(self._begin(turn, override=override))

    def edit_and_send(
        self,
        conversation: str,
        message: str,
        content: str | tuple[Part, ...],
        settings: Settings,
        *,
        key: str | None = None,
        attached: tuple[str, ...] = (),
        override: bool = False,
    ) -> Sent:
        """Ask with other words, beside the user message as it was, and start the answer.

        A mere text keeps the message's attachments; `attached` as in `send`. Raises AnswerRunning, NotFound, BadInput,
        and OverBudget as `send`.
        """
        old, ref = self._store.messages.get(self._owner, message, conversation=conversation), self._doors.ref(settings)
        if old.role != "user":
            raise BadInput("not_a_question")
        if isinstance(content, str):
            content = with_words(old.parts, content)
        parts, key = checked(content), key or new_public_id()
        self._require_taken(parts, ref)
        turn = Turn(key, conversation, parts, ref, old.parent, settings.params, settings.system, attached=attached)
        with self._lock:
            return _sent(self._begin(turn, override=override))

    def continue_answer(self, conversation: str, message: str, settings: Settings, *, override: bool = False) -> Sent:
        """Let a model go on with an ended answer: a version beside it that begins with its text.

        Its cost is that of the new request only. Raises AnswerRunning, NotFound, BadInput for an empty answer,
        OverBudget as `send`.
        """
        old, ref = self._store.messages.get(self._owner, message, conversation=conversation), self._doors.ref(settings)
        if old.state == "running":
            raise AnswerRunning("the answer is still being written")
        kept = kept_text(old.text, by_itself=self._goes_on(ref, settings.params))
        turn = Turn(new_public_id(), conversation, (), ref, old.parent, settings.params, settings.system)
        with self._lock:
            return _sent(self._begin(structs.replace(turn, continues=message, kept=kept), override=override))

    def _require_taken(self, parts: tuple[Part, ...], ref: ModelRef) -> None:
        if has_files(parts):
            require_taken(parts, self._doors.model(ref.gateway_id, ref.model), ref.dialect)

    def _goes_on(self, ref: ModelRef, params: Params) -> bool:
        return goes_on_by_itself(self._doors.model(ref.gateway_id, ref.model), ref.dialect, params)

    def send_now(self, conversation: str, item: str, *, override: bool = False) -> None:
        """Put a waiting message first and let the queue go on: it is sent now, or when the running answer ends.

        Raises OverBudget as `resume_queue`.
        """
        self._store.queue.move(self._owner, item, 0)
        self.resume_queue(conversation, override=override)

    def resume_queue(self, conversation: str, *, override: bool = False) -> None:
        """Send the first waiting message now; the rest follows in order.

        Raises OverBudget, the queue then stays paused; `override` lets this one message through.
        """
        self._store.queue.pause(self._owner, conversation, False)
        self._next(conversation, override=override)

    # --- budgets ----------------------------------------------------------------------------------------------------

    def standing(
        self, conversation: str | None, content: str | tuple[Part, ...], settings: Settings
    ) -> tuple[Charge, Verdict | None]:
        """What a message may cost, and what the strictest budget would say to it now; nothing is stored or reserved.

        Raises NotFound, BadInput without a model.
        """
        turn = self._imagined(conversation, content, settings)
        charge = self.estimates.of_turn(turn)
        return charge, self.estimates.warning(turn.ref, charge, conversation)

    def cheaper(
        self, conversation: str | None, content: str | tuple[Part, ...], settings: Settings
    ) -> tuple[Offer, ...]:
        """The variants of the model on which its budgets let the message through, with the saving. Raises as above."""
        return self.estimates.cheaper(self._imagined(conversation, content, settings))

    def _imagined(self, conversation: str | None, content: str | tuple[Part, ...], settings: Settings) -> Turn:
        parts = (TextPart(content),) if isinstance(content, str) else content
        leaf = None if conversation is None else self._store.conversations.get(self._owner, conversation).active_leaf
        ref = self._doors.ref(settings)
        return Turn("", conversation or "", parts, ref, leaf, settings.params, settings.system)

    def stop(self, message: str) -> None:
        """Stop the answer `message`, in this process or another."""
        if not self._engine.stop(message):
            self._store.answers.request_stop(self._owner, message)

    def halt(self) -> None:
        """Stop whatever this owner runs in this process. Batches pause; what waits in queues stays, paused."""
        try:
            self.batches.pause_all()
        finally:  # what is paid for ends also when the database does not take the pause
            for live in self._engine.running():
                self._engine.stop(live.message)

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
        if live := self._unsaved(message):
            return live.texts()[0]
        try:
            return self._store.messages.get(self._owner, message).text
        except NotFound:
            return self.temporary.text_of(message)

    def _unsaved(self, message: str) -> LiveAnswer | None:
        live = self._engine.live(message)
        return live if live and live.unsaved else None

    def _is_running(self, conversation: str) -> bool:
        return any(row.conversation == conversation for row in self._store.answers.running(self._owner))

    # --- recovering -------------------------------------------------------------------------------------------------

    def recover(self, stale_ms: int) -> int:
        """End the answers of dead processes as interrupted, and their batches; what waits stays, paused. How many."""
        ended = self._recovery.recover(stale_ms)
        ended += self._recovery.end_unsent(stale_ms, lambda message: self._engine.live(message) is not None)
        self.batches.recover(stale_ms)
        return ended

    # --- running ----------------------------------------------------------------------------------------------------

    def _begin(
        self, turn: Turn, *, from_queue: str | None = None, clears_draft: bool = False, override: bool = False
    ) -> Begun:
        begun = self._store.answers.begin(
            self._owner,
            turn,
            epoch=self._epoch,
            chars_in=chars_of(turn.parts),
            media_in=self._media_in(turn),
            max_out_cap=turn.params.max_tokens,
            from_queue=from_queue,
            clears_draft=clears_draft,
            charge=self.estimates.charge(turn, override=override),
        )
        if not begun.replayed:
            self._start(turn, begun)
        else:
            self._start_unsent(turn, begun)
        return begun

    def _start(self, turn: Turn, begun: Begun) -> None:
        self._engine.start(
            LiveAnswer(begun.answer_id, begun.message, begun.conversation, kept=turn.kept),
            turn,
            begun.attempt_id,
            job=lambda: self._job(turn, begun),
            door=lambda: self._doors.door(turn.ref.gateway_id),
        )

    def _start_unsent(self, turn: Turn, begun: Begun) -> None:
        """Start what this process has begun without learning of it, because the commit's answer got lost."""
        if self._engine.live(begun.message) is None:
            row = self._store.answers.get(self._owner, begun.message)
            if row.state == "running" and row.epoch == self._epoch:
                self._start(turn, begun)

    def _media_in(self, turn: Turn) -> int:
        if not has_files(turn.parts):
            return 0
        return media_of([Message("user", turn.parts)], self._doors.model(turn.ref.gateway_id, turn.ref.model))

    def _job(self, turn: Turn, begun: Begun) -> Job:
        """Read the branch up to the user's message and make the ask of it."""
        branch = self._store.conversations.transcript(self._owner, begun.conversation, leaf=begun.user_message)
        messages = sendable(newest(branch.messages, turn.keep_last))
        if turn.continues:
            messages = continuing(messages, turn.kept, by_itself=self._goes_on(turn.ref, turn.params))
        return self._jobs.make(
            *(messages, turn.ref, turn.params, turn.system), at_ms=begun.started_ms, spare_last=not turn.continues
        )

    def _after_end(self, live: LiveAnswer, ref: ModelRef, end: AnswerEnd) -> None:
        if live.purpose == "batch":
            self._ratios.note(ref, end.attempts)
            self.batches.ended(live, end)
        elif live.conversation == NOWHERE or self.temporary.knows(live.conversation):
            self._ratios.note(ref, end.attempts)
        elif end.state == "done":
            with suppress(OverBudget):  # what waits stays, paused
                self._next(live.conversation)
            self._ratios.note(ref, end.attempts)
            self._titles.consider(live.conversation, ref)
        else:
            hold_queue(self._store, self._owner, live.conversation)

    def _next(self, conversation: str, *, override: bool = False) -> None:
        """Begin the first waiting message; it leaves the queue in the transaction that begins its answer.

        Raises OverBudget when a budget stops it: the queue is paused.
        """
        with self._lock:
            for _ in range(_LOOKS):
                item = self._store.queue.peek(self._owner, conversation)
                if item is None or self._engine.closing:
                    return
                try:
                    self._begin_queued(conversation, item, override)
                    return
                except OverBudget:
                    hold_queue(self._store, self._owner, conversation)
                    raise
                except AnswerRunning:
                    return  # its end goes on with the queue
                except NotFound:
                    continue  # taken out meanwhile: look again; of a deleted conversation `peek` says so itself

    def _begin_queued(self, conversation: str, item: QueueItem, override: bool) -> None:
        leaf = self._store.conversations.get(self._owner, conversation).active_leaf
        turn = Turn(item.public_id, conversation, item.parts, item.ref, leaf, item.params, item.system)
        if self._begin(turn, from_queue=item.public_id, override=override).replayed:
            self._store.queue.remove(self._owner, item.public_id)


def _sent(begun: Begun) -> Sent:
    return Sent(begun.conversation, begun.message, begun.verdict)
