"""What a process that died has left: its answers end as interrupted, with their text and an estimate of their cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from msgspec import structs

from lib.errors import NotFound, ParlourError
from lib.generation.asking import chars_in, sendable
from lib.generation.doors import Doors
from lib.generation.measure import Tariff, measured
from lib.generation.media import media_of, without_untaken
from lib.generation.silence import Silence
from lib.ids import now_ms
from lib.ledger import AnswerEnd, Attempt
from lib.store import Store
from lib.store.rows import AnswerRow


class Recovery:
    """Ends what nobody writes any more, of one owner. `epoch` is the living process's name."""

    def __init__(self, store: Store, doors: Doors, owner: int, epoch: str) -> None:
        self._owner = owner
        self._store = store
        self._doors = doors
        self._epoch = epoch
        self._silence = Silence()
        self._unknown: dict[str, float] = {}

    def recover(self, stale_ms: int) -> int:
        """See `Desk.recover`: the answers only."""
        ended = self._store.answers.sweep(
            epoch=self._epoch,
            now_ms=now_ms(),
            stale_ms=stale_ms,
            estimate=self._estimate,
            owner=self._owner,
            silent=self._silence.longer_than(stale_ms),
        )
        self._store.ledger.sweep(self._owner, epoch=self._epoch, now_ms=now_ms())
        self._store.budgets.sweep(epoch=self._epoch, now_ms=now_ms())
        for row in ended:
            with suppress(NotFound):
                hold_queue(self._store, row.owner, row.conversation)
        return len(ended)

    def end_unsent(self, stale_ms: int, known: Callable[[str], bool]) -> int:
        """End the answers that this process began without learning of it: the commit's answer was lost on its way.

        `known` says whether the engine runs a message. What has been unknown for `stale_ms` was never sent. How many.
        """
        now, rows = time.monotonic(), self._store.answers.running(self._owner)
        unknown = [row for row in rows if row.epoch == self._epoch and not known(row.message)]
        self._unknown = {row.message: self._unknown.get(row.message, now) for row in unknown}
        dead = [row for row in unknown if (now - self._unknown[row.message]) * 1_000 >= stale_ms]
        for row in dead:
            self._store.answers.finish(row.answer_id, AnswerEnd(state="failed", text=row.text, error_kind="StoreBusy"))
        return len(dead)

    def _estimate(self, row: AnswerRow, attempt: Attempt) -> Attempt:
        """An orphan's tokens and cost as a range, from the text that was kept; without any text it stays unknown."""
        tariff = Tariff()
        with suppress(ParlourError):
            tariff = self._doors.tariff(row.ref, row.started_ms)
            attempt = self._sized(row, attempt)
        attempt = structs.replace(attempt, duration_ms=max(0, attempt.ended_ms - attempt.started_ms))
        return measured(attempt, None, tariff, sample=row.text or row.reasoning)

    def _sized(self, row: AnswerRow, attempt: Attempt) -> Attempt:
        """What it had sent, as the branch tells it: a crash leaves no more than the question's size."""
        branch = self._store.conversations.transcript(row.owner, row.conversation, leaf=row.message).messages[:-1]
        card = self._doors.model(row.ref.gateway_id, row.ref.model)
        sent, _ = without_untaken(sendable(branch), card, row.ref.dialect, spare_last=True)
        chars, media = chars_in(sent, row.system) + row.kept_chars, media_of(sent, card)
        return structs.replace(
            attempt, chars_in=max(attempt.chars_in, chars), media_in=max(attempt.media_in or 0, media)
        )


def hold_queue(store: Store, owner: int, conversation: str) -> None:
    """Let what waits behind a broken answer wait until somebody says otherwise. Raises NotFound."""
    if store.queue.list(owner, conversation):
        store.queue.pause(owner, conversation, True)
