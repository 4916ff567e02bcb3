"""Batches at work: start, pause, stop, resume, ask the failed again; what a run will cost and how far it is.

A row is an ordinary answer in a conversation that lists do not show: it is stored before it is sent, kept while it
grows, and in the ledger once for every request. What was begun is never sent again unless somebody says so.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Final

from msgspec import Struct, structs

from lib.batch import Batch, RowState, Run, RunState
from lib.cards import ModelCard
from lib.errors import BadInput, NotFound, ParlourError
from lib.generation.batch_money import BatchQuote, cost_of, expected, question, ratio_of, size_of, total
from lib.generation.batch_run import LOOK_S, ActiveRun, Kit
from lib.generation.live import LiveAnswer
from lib.generation.measure import Ratios
from lib.generation.silence import Silence
from lib.ids import now_ms
from lib.ledger import AnswerEnd, ModelRef
from lib.messages import Params, Part
from lib.store.batch_results import Spent

FAILED: Final[tuple[RowState, ...]] = ("failed", "cut", "interrupted", "stopped")
_RESTING: Final[tuple[RunState, ...]] = ("ready", "paused", "stopped", "done", "over_budget", "interrupted")


class Progress(Struct, frozen=True):
    """How far a run is. `counts` are rows by state; `running` of them are being written now.

    `spent` is one entry for each currency; `aside_nano` is put aside for what runs. `eta_s` and `waits_s` (a rest that
    the gateway asked for) are seconds. `reason` is the kind of error that paused it.
    """

    state: RunState
    counts: dict[RowState, int]
    running: int = 0
    parallel: int = 0
    spent: tuple[Spent, ...] = ()
    aside_nano: int = 0
    budget_nano: int | None = None
    eta_s: float | None = None
    waits_s: float = 0.0
    reason: str | None = None

    @property
    def n_rows(self) -> int:
        return sum(self.counts.values())


class Batches:
    """The batches of one owner, for pages. All names are public ids."""

    def __init__(self, kit: Kit, ratios: Ratios) -> None:
        self._kit = kit
        self._ratios = ratios
        self._lock = threading.Lock()
        self._active: dict[str, ActiveRun] = {}
        self._reasons: dict[str, str] = {}
        self._silence = Silence()

    # --- what the buttons do ----------------------------------------------------------------------------------------

    def start(self, run: str) -> None:
        """Ask about every row that waits.

        Raises BadInput("run_running"), BadInput("unpriced_budget") when there is a budget and the model has no price,
        BadInput("budget_currency") when that is in another currency, and NotFound.
        """
        self._go(run)

    def resume(self, run: str) -> None:
        """Go on with the rows that nobody has asked about; what was begun is not sent again. Raises as `start`."""
        self._go(run)

    def retry_failed(self, run: str, states: tuple[RowState, ...] = FAILED, rows: tuple[str, ...] | None = None) -> int:
        """Ask again about rows that ended in one of `states`; how many. What they cost before may be billed again.

        The run goes on with whatever else waits. Raises as `start` does; nothing waits again when it raises.
        """
        kit = self._kit
        self._require_usable(kit.store.batches.get_run(kit.owner, run))
        active = self._active.get(run) or self._made(run)
        active.settle()
        count = kit.store.batches.retry(kit.owner, run, states, rows)
        if not count:
            return 0
        if kit.store.batches.get_run(kit.owner, run).state != "running":
            self._go(run)
        elif run in self._active:
            active.pump()
        return count

    def pause(self, run: str) -> None:
        """Ask nothing more; answers that are being written go on. Raises NotFound."""
        self._hold(run, "paused", ("running",))

    def pause_all(self) -> None:
        """Pause every run of this process."""
        for run in list(self._active):
            with suppress(NotFound):
                self.pause(run)

    def stop(self, run: str) -> None:
        """Ask nothing more, and stop the answers that are being written, here and in other processes.

        Raises NotFound.
        """
        self._hold(run, "stopped", ("running", "paused", "over_budget"))
        kit = self._kit
        for result in kit.store.batches.results(kit.owner, run):
            if result.state == "running" and result.message and not kit.engine.stop(result.message):
                kit.store.answers.request_stop(kit.owner, result.message)

    def set_budget(self, run: str, budget_nano: int | None) -> None:
        """Allow more, or less, in all; a run that it has ended goes on with `resume`. Raises as `start` does."""
        kit = self._kit
        self._require_usable(structs.replace(kit.store.batches.get_run(kit.owner, run), budget_nano=budget_nano))
        kit.store.batches.set_budget(kit.owner, run, budget_nano)
        if active := self._active.get(run):
            active.purse.budget = budget_nano

    def _hold(self, run: str, state: RunState, only_from: tuple[RunState, ...]) -> None:
        self._kit.store.batches.set_run_state(self._kit.owner, run, state, only_from=only_from)
        if active := self._active.get(run):
            active.hold()

    def _go(self, run: str) -> None:
        kit = self._kit
        self._require_usable(kit.store.batches.get_run(kit.owner, run))
        with self._lock:
            active = self._active.get(run) or self._made(run)
            active.settle()
            if not kit.store.batches.set_run_state(kit.owner, run, "running", epoch=kit.epoch, only_from=_RESTING):
                raise BadInput("run_running")
            self._reasons.pop(run, None)
            active.go_on(kit.store.batches.get_run(kit.owner, run))
            is_new = run not in self._active
            self._active[run] = active
        if is_new:
            kit.engine.spawn(self._tend(active))
        active.begin()

    def _made(self, run: str) -> ActiveRun:
        kit = self._kit
        found = kit.store.batches.get_run(kit.owner, run)
        batch = kit.store.batches.get(kit.owner, kit.store.batches.batch_of(kit.owner, run))
        past = kit.store.measures.past(kit.owner, found.ref.gateway_id, found.ref.model)
        return ActiveRun(kit, batch, found, ratio_of(self._ratios.of(found.ref), past, batch.prompt), past)

    def _require_usable(self, run: Run) -> None:
        """Raises NotFound when its gateway is gone, BadInput when its budget cannot be kept."""
        self._card(run.ref)
        if run.budget_nano is None:
            return
        prices = self._kit.doors.tariff(run.ref).prices
        if prices is None or prices.input is None or prices.output is None:
            raise BadInput("unpriced_budget")
        if prices.currency != run.currency:
            raise BadInput("budget_currency")

    # --- while it runs ----------------------------------------------------------------------------------------------

    async def _tend(self, active: ActiveRun) -> None:
        """Look after a run until nothing of it is left; ends with the engine's loop."""
        while True:
            await asyncio.sleep(min(LOOK_S, active.pace.waits_s or LOOK_S))
            with suppress(ParlourError):  # a busy database is asked again at the next look
                await asyncio.to_thread(active.look)
            if self._let_go(active):
                return

    def _let_go(self, active: ActiveRun) -> bool:
        """Forget a run of which nothing is left, but not why it paused; whether it was forgotten."""
        with self._lock:
            if not active.over:
                return False
            self._active.pop(active.run.public_id, None)
            if active.reason:
                self._reasons[active.run.public_id] = active.reason
            return True

    def ended(self, live: LiveAnswer, end: AnswerEnd) -> None:
        """An answer of a batch has ended. Raises StoreError, and may then be called again."""
        for active in list(self._active.values()):
            active.ended(live, end)

    def recover(self, stale_ms: int) -> int:
        """After a restart: runs of dead processes are interrupted, and wait for somebody to resume them. How many.

        Answers must have been recovered before: what had been asked keeps its text and its state.
        """
        kit = self._kit
        silent = self._silence.longer_than(stale_ms)
        found = kit.store.batches.interrupted_runs(
            kit.owner, epoch=kit.epoch, now_ms=now_ms(), stale_ms=stale_ms, silent=silent
        )
        for run in found:
            with suppress(NotFound):  # its batch is in the trash
                self._made(run.public_id).settle()
        return len(found)

    # --- what pages show --------------------------------------------------------------------------------------------

    def quote(self, batch: str, ref: ModelRef, params: Params | None = None) -> BatchQuote:
        """What a run of this model over all rows will probably take. Raises NotFound."""
        kit = self._kit
        rows = kit.store.batches.rows(kit.owner, batch)
        return self.quote_for(kit.store.batches.get(kit.owner, batch), [row.parts for row in rows], ref, params)

    def quote_for(
        self, batch: Batch, rows: list[tuple[Part, ...]], ref: ModelRef, params: Params | None = None
    ) -> BatchQuote:
        """The same for a batch that is not stored yet: only its prompt, fields and system prompt are looked at."""
        kit, card = self._kit, self._card(ref)
        past, tariff = kit.store.measures.past(kit.owner, ref.gateway_id, ref.model), kit.doors.tariff(ref)
        ratio = ratio_of(self._ratios.of(ref), past, batch.prompt)
        answer = expected((), params or Params(), past.lengths)
        sizes = (size_of(question(batch, parts), batch.system, card) for parts in rows)
        return total(cost_of(size, answer, tariff, ratio) for size in sizes)

    def _card(self, ref: ModelRef) -> ModelCard:
        return self._kit.doors.model(ref.gateway_id, ref.model)

    def progress(self, run: str) -> Progress:
        """How far a run is, wherever it runs. Raises NotFound."""
        kit, active = self._kit, self._active.get(run)
        found = kit.store.batches.get_run(kit.owner, run)
        counts = kit.store.batches.counts(kit.owner, run)
        spent = tuple(kit.store.batches.spent(kit.owner, run))
        known = Progress(found.state, counts, counts.get("running", 0), spent=spent, budget_nano=found.budget_nano)
        if active is None:
            return structs.replace(known, reason=self._reasons.get(run))
        left = counts.get("waiting", 0) + counts.get("running", 0)
        return structs.replace(
            known,
            parallel=active.pace.parallel,
            aside_nano=active.purse.aside,
            eta_s=_eta(active, left) if found.state == "running" else None,
            waits_s=active.pace.waits_s,
            reason=active.reason or self._reasons.get(run),
        )


def _eta(active: ActiveRun, left: int) -> float | None:
    return None if active.pace.row_s is None else active.pace.waits_s + active.pace.row_s * left / active.pace.parallel
