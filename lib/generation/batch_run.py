"""One run of a batch at work: which row is asked next, what came of it, and when to wait, pause or end.

All methods may be called from any thread. What must not be lost is in the store before this object knows it.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from fractions import Fraction
from math import ceil
from typing import Any

from msgspec import Struct

from lib.attachments.batch_fields import read, repair_words
from lib.batch import Batch, Result, RowState, Run, RunState
from lib.cards import ModelCard
from lib.errors import AnswerRunning, BadInput, GatewayError, NotFound, OverBudget, ParlourError
from lib.generation.asking import chars_of, checked, sendable
from lib.generation.batch_money import Purse, RowSize, cost_of, expected, question, size_of
from lib.generation.batch_pace import BUSY, Pace
from lib.generation.doors import Doors
from lib.generation.engine import Engine
from lib.generation.estimating import charge_of
from lib.generation.jobs import Jobs
from lib.generation.live import LiveAnswer
from lib.generation.media import require_taken
from lib.generation.run import Job
from lib.ids import new_public_id
from lib.ledger import AnswerEnd, Turn
from lib.messages import Part, TextPart
from lib.store import Store
from lib.store.batch_runs import Waiting
from lib.store.budget_rows import Charge
from lib.store.measures import Past
from lib.store.rows import Begun

MOST_PARALLEL = 8
LOOK_S = 2.0
"""How often a run shows that it is alive, and looks whether it was paused from elsewhere."""


class Kit(Struct, frozen=True):
    """What the runs of one owner work with."""

    store: Store
    engine: Engine
    doors: Doors
    jobs: Jobs
    owner: int
    epoch: str


class _Flight(Struct, frozen=True):
    """A row whose answer is being written; `tries` is 2 when it was asked once more for the wanted shape.

    `charge` is what it may cost.
    """

    row: str
    tries: int
    chars: int
    charge: Charge = Charge()

    @property
    def purpose(self) -> str:
        return f"{self.row}:{self.tries}"


class ActiveRun:
    """A run that asks, or whose last answers are still being written."""

    def __init__(self, kit: Kit, batch: Batch, run: Run, ratio: Fraction, past: Past) -> None:
        self.kit = kit
        self.batch = batch
        self.run = run
        self.asking = True
        self.reason: str | None = None
        self.pace = Pace(max(1, min(MOST_PARALLEL, batch.parallel)))
        self.purse = Purse(run.budget_nano)
        self._ratio = ratio
        self._past = past
        self._lock = threading.RLock()
        self._flying: dict[str, _Flight] = {}

    # --- looking ----------------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Nothing is asked any more and nothing is being written."""
        return not self.asking and not self._flying

    def messages(self) -> tuple[str, ...]:
        """The answers being written."""
        return tuple(self._flying)

    # --- asking -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Count what was spent, and ask the first rows."""
        with self._lock:
            self._count_spent()
            if not self.pace.lengths:
                self.pace.lengths.extend(self._lengths_before())
        self.pump()

    def _lengths_before(self) -> list[int]:
        """Of the answers that this run had before it was interrupted or paused, in tokens."""
        results = self.kit.store.batches.results(self.kit.owner, self.run.public_id)
        return [one.out_tokens // max(1, one.tries) for one in results if one.state == "done" and one.out_tokens]

    def pump(self) -> None:
        """Ask about as many rows as may be asked at the same time."""
        with self._lock:
            while self.asking and len(self._flying) < self.pace.parallel and not self.pace.waits_s:
                if self.kit.engine.closing or not self._asked_next():
                    return

    def _asked_next(self) -> bool:
        try:
            return self._ask_next()
        except NotFound:  # the gateway or the batch itself is gone
            self.reason = "not_found"
            self._end("paused")
            return False

    def _ask_next(self) -> bool:
        """Whether another row may be asked after this one."""
        found = self.kit.store.batches.next_waiting(self.kit.owner, self.run.public_id)
        if not found:
            if not self._flying:
                self._end("done")
            return False
        parts, row = question(self.batch, found[0].row.parts), found[0].row.public_id
        try:
            require_taken(checked(parts), self._card(), self.run.ref.dialect)
        except BadInput as refused:
            self.kit.store.batches.record_result(
                self.kit.owner, self.run.public_id, row, state="failed", problems=(refused.reason,)
            )
            return True
        size = size_of(parts, self.batch.system, self._card())
        flight = _Flight(row, 1, size.chars, self._charge(size))
        estimate = self._estimate(size)
        if not self.purse.take(flight.purpose, estimate):
            if estimate is None:  # the price went away, or is in another currency now
                self.reason = "unpriced_budget"
                self._end("paused")
            elif not self._flying:  # else what is put aside for them may turn out to be too much
                self._end("over_budget")
            return False
        return self._fly(flight, self._turn(found[0], parts))

    def _turn(self, waiting: Waiting, parts: tuple[Part, ...]) -> Turn:
        """A row's question is said once; another run answers it beside the answers that it has."""
        conversation = waiting.row.conversation or new_public_id()
        said = waiting.asked is not None
        return self._own(conversation, () if said else parts, parent=waiting.asked)

    def _own(self, conversation: str, parts: tuple[Part, ...], parent: str | None) -> Turn:
        run = self.run
        key, lane = new_public_id(), run.public_id
        return Turn(key, conversation, parts, run.ref, parent, run.params, self.batch.system, lane=lane)

    def _fly(self, flight: _Flight, turn: Turn) -> bool:
        """Begin an answer; False when it may not begin."""
        kit = self.kit
        try:
            begun = kit.store.answers.begin(
                kit.owner,
                turn,
                epoch=kit.epoch,
                purpose="batch",
                chars_in=chars_of(turn.parts),
                max_out_cap=turn.params.max_tokens,
                batch_row=(self.run.public_id, flight.row),
                charge=flight.charge,
            )
        except ParlourError as refused:
            self.purse.forget(flight.purpose)
            if isinstance(refused, BadInput) and refused.reason == "row_taken":
                return True
            if isinstance(refused, OverBudget) and not self._flying:
                self._end("over_budget")
            if isinstance(refused, BadInput | NotFound | AnswerRunning | OverBudget):
                return False
            raise
        self._flying[begun.message] = flight
        kit.engine.start(
            LiveAnswer(begun.answer_id, begun.message, begun.conversation, purpose="batch"),
            turn,
            begun.attempt_id,
            job=lambda: self._job(begun),
            door=lambda: kit.doors.door(turn.ref.gateway_id),
            purpose="batch",
        )
        return True

    def _job(self, begun: Begun) -> Job:
        branch = self.kit.store.conversations.transcript(self.kit.owner, begun.conversation, leaf=begun.user_message)
        messages, run = sendable(branch.messages), self.run
        return self.kit.jobs.make(messages, run.ref, run.params, self.batch.system, at_ms=begun.started_ms)

    # --- what came of it --------------------------------------------------------------------------------------------

    def ended(self, live: LiveAnswer, end: AnswerEnd) -> None:
        """An answer of this run has ended: record it, ask once more for the shape, or go on. Raises StoreError."""
        with self._lock:
            flight = self._flying.get(live.message)
            if flight is None:
                return
            state, values, problems = self._judged(end.state, end.text)
            self.purse.settle(flight.purpose, end.attempts)
            if not (state == "invalid" and self._asked_once_more(flight, live, end, problems)):
                self._record(flight.row, live.message, state, values, problems)
            self._flying.pop(live.message, None)
            self._learn(flight, live.gathered.error, end)
        with suppress(ParlourError):  # the next look goes on
            self.pump()

    def _judged(self, state: str, text: str) -> tuple[RowState, dict[str, Any], tuple[str, ...]]:
        if state != "done":
            return _ROW_STATES.get(state, "interrupted"), {}, ()
        values, problems = read(text, self.batch.fields) if self.batch.fields else ({}, ())
        return ("invalid" if problems else "done"), values, problems

    def _asked_once_more(self, flight: _Flight, live: LiveAnswer, end: AnswerEnd, problems: tuple[str, ...]) -> bool:
        """The one repair; not when it might cross the budget."""
        if flight.tries > 1 or not self.asking or self.kit.engine.closing:
            return False
        words = TextPart(repair_words(problems, self.batch.fields))
        size = RowSize(
            flight.chars + len(end.text) + len(words.text), max((one.media_in for one in end.attempts), default=0)
        )
        again = _Flight(flight.row, 2, size.chars, self._charge(size))
        if not self.purse.take(again.purpose, self._estimate(size)):
            return False
        turn = self._own(live.conversation, (words,), live.message)
        return self._fly(again, turn) and any(each == again for each in self._flying.values())

    def _record(
        self, row: str, message: str, state: RowState, values: dict[str, Any], problems: tuple[str, ...]
    ) -> None:
        self.kit.store.batches.record_result(
            self.kit.owner, self.run.public_id, row, state=state, values=values, problems=problems, message=message
        )

    def _learn(self, flight: _Flight, error: GatewayError | None, end: AnswerEnd) -> None:
        kind, tired = end.error_kind, False
        if end.state == "done":
            self.pace.went_well(end.attempts)
        elif kind in BUSY:
            tired = self.pace.rest(error)
            if self.pace.waits_again(flight.row, end.attempts):
                with suppress(ParlourError):  # then it stays failed
                    self.kit.store.batches.retry(self.kit.owner, self.run.public_id, ("failed",), (flight.row,))
                kind = kind if tired else None
        if end.state in ("failed", "cut") and kind and (self.pace.failed(kind) or tired) and self.asking:
            self.reason = kind
            self._end("paused")

    def settle(self) -> None:
        """Record what nobody did: answers of a process that died, or whose record the database did not take."""
        for result in self.kit.store.batches.unsettled(self.kit.owner, self.run.public_id):
            with self._lock:
                live = self.kit.engine.live(result.message or "")
                if result.message is None or (live and (not live.over or result.message in self._flying)):
                    continue  # its own end is on the way
                self._settle_stored(result, result.message)

    def _settle_stored(self, result: Result, message: str) -> None:
        state, values, problems = self._judged("done" if result.state == "running" else result.state, result.text)
        self._record(result.row, message, state, values, problems)
        flight = self._flying.pop(message, None)
        if flight:
            self.purse.forget(flight.purpose)
            self._count_spent()

    # --- staying alive ----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Show that the run is alive, notice what was done to it elsewhere, and go on. Raises ParlourError."""
        if self.asking and not self._is_wanted():
            self.asking = False
            if self.kit.store.batches.get_run(self.kit.owner, self.run.public_id).state == "stopped":
                self.stop_answers()
        for message in self.messages():
            if self.kit.engine.live(message) is None:
                self.settle()
        self.pump()

    def _is_wanted(self) -> bool:
        kit = self.kit
        return kit.store.batches.set_run_state(
            kit.owner, self.run.public_id, "running", epoch=kit.epoch, only_from=("running",)
        )

    def hold(self) -> None:
        """Ask nothing more; what is being written goes on."""
        with self._lock:
            self.asking = False

    def go_on(self, run: Run) -> None:
        """Ask again, with what the run allows now."""
        with self._lock:
            self.run, self.asking, self.reason = run, True, None
            self.purse.budget = run.budget_nano
            self.pace.start_afresh()

    def stop_answers(self) -> None:
        """Stop what is being written."""
        for message in self.messages():
            self.kit.engine.stop(message)

    def _end(self, state: RunState) -> None:
        with suppress(NotFound):
            self.kit.store.batches.set_run_state(self.kit.owner, self.run.public_id, state, only_from=("running",))
        self.asking = False

    # --- money ------------------------------------------------------------------------------------------------------

    def _estimate(self, size: RowSize) -> int | None:
        """The high end of what a request of this size may cost, in nano-units; None without a price in the currency."""
        answer = expected(self.pace.lengths, self.run.params, self._past.lengths)
        cost = cost_of(size, answer, self.kit.doors.tariff(self.run.ref), self._ratio)[1]
        return cost.high_nano if cost.currency == self.run.currency else None

    def _charge(self, size: RowSize) -> Charge:
        """The same for the owner's budgets, which are stricter: the answer may be as long as it is allowed to be."""
        tokens, lengths = ceil(size.chars * self._ratio) + size.media, (*self._past.lengths, *self.pace.lengths)
        return charge_of(tokens, lengths, self.run.params, self.kit.doors.tariff(self.run.ref))

    def _count_spent(self) -> None:
        """What the store knows, with a row's usual cost for each attempt of which nobody knows."""
        spent = self.kit.store.batches.spent(self.kit.owner, self.run.public_id)
        unknown = sum(one.n_unpriced for one in spent)
        self.purse.spent = sum(one.high_nano for one in spent if one.currency == self.run.currency)
        if unknown and (waiting := self.kit.store.batches.next_waiting(self.kit.owner, self.run.public_id)):
            size = size_of(question(self.batch, waiting[0].row.parts), self.batch.system, self._card())
            self.purse.spent += unknown * (self._estimate(size) or 0)

    def _card(self) -> ModelCard:
        return self.kit.doors.model(self.run.ref.gateway_id, self.run.ref.model)


_ROW_STATES: dict[str, RowState] = {
    "stopped": "stopped",
    "cut": "cut",
    "failed": "failed",
    "interrupted": "interrupted",
}
