"""From a branch to what one run sends: the ask with the bytes of its attachments, the price, the expected media."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from lib.generation.doors import Doors
from lib.generation.measure import Ratios
from lib.generation.media import media_of, within_body, without_gone, without_untaken
from lib.generation.run import Job
from lib.ledger import ModelRef
from lib.messages import Ask, Message, Params
from lib.store import Store


class Jobs:
    """Makes the jobs of one owner. Runs in a worker thread: it reads the store."""

    def __init__(self, store: Store, doors: Doors, owner: int, ratios: Ratios) -> None:
        self._store = store
        self._doors = doors
        self._owner = owner
        self._ratios = ratios

    def make(
        self,
        messages: Sequence[Message],
        ref: ModelRef,
        params: Params,
        system: str,
        *,
        at_ms: int | None = None,
        spare_last: bool = True,
    ) -> Job:
        """The job that asks `ref` about `messages`; with `spare_last` they end with a new question, which stays whole.

        Only here do the bytes of attachments come into memory; they go with the job when its answer ends.
        """
        card = self._doors.model(ref.gateway_id, ref.model)
        taken, left_out = without_untaken(messages, card, ref.dialect, spare_last=spare_last)
        fitting, too_large = within_body(taken, card, ref.dialect, spare_last=spare_last)
        sent, gone = without_gone([self._filled(message) for message in fitting])
        ask = Ask(ref.model, sent, system, params)
        tariff = structs.replace(self._doors.tariff(ref, at_ms), tokens_per_char=self._ratios.of(ref))
        return Job(ask, ref.dialect, card, tariff, media_of(sent, card), left_out + too_large + gone)

    def _filled(self, message: Message) -> Message:
        if message.role != "user":
            return message
        return structs.replace(message, parts=self._store.attachments.filled(self._owner, message.parts))
