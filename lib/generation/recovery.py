"""What a process that died has left: its answers end as interrupted, with their text and an estimate of their cost."""

from __future__ import annotations

from contextlib import suppress

from msgspec import structs

from lib.errors import NotFound, ParlourError
from lib.generation.asking import chars_in, sendable
from lib.generation.doors import Doors
from lib.generation.measure import Tariff, measured
from lib.generation.media import media_of, without_untaken
from lib.ids import now_ms
from lib.ledger import Attempt
from lib.store import Store
from lib.store.rows import AnswerRow


class Recovery:
    """Ends what nobody writes any more, of every owner. `epoch` is the living process's name."""

    def __init__(self, store: Store, doors: Doors, epoch: str) -> None:
        self._store = store
        self._doors = doors
        self._epoch = epoch

    def recover(self, stale_ms: int) -> int:
        """See `Desk.recover`: the answers only."""
        ended = self._store.answers.sweep(
            epoch=self._epoch, now_ms=now_ms(), stale_ms=stale_ms, estimate=self._estimate
        )
        self._store.budgets.sweep(epoch=self._epoch, now_ms=now_ms())
        for row in ended:
            with suppress(NotFound):
                hold_queue(self._store, row.owner, row.conversation)
        return len(ended)

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
