"""What a request may cost, before it is sent: what a budget is asked about, and what is reserved of it.

The input is what will be sent, a quarter more at most; the output is the longest that is allowed, else the longest
that this model has given lately, and 2,000 tokens at least. Without a price there is no estimate: unknown is not 0.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fractions import Fraction
from math import ceil
from typing import cast

from msgspec import structs

from lib.attachments.tokens import media_tokens
from lib.budgets import Offer, Priced, Verdict, offers, strictest, verdict
from lib.cards import ModelCard
from lib.errors import NotFound
from lib.generation.asking import chars_of
from lib.generation.doors import Doors
from lib.generation.measure import Ratios, Tariff
from lib.ledger import ModelRef, Purpose, Turn
from lib.messages import Message, Params, Part, headline
from lib.pricing import guessed_ratio, price
from lib.quote import ASSUMED_ANSWER, expected_answer
from lib.store import Store
from lib.store.budget_rows import Charge, Standing
from lib.store.measures import MessageSize
from lib.store.open_requests import OpenRequest
from lib.store.rows import Settings
from lib.tokens import TokenCount

LONGEST_ASSUMED = 4 * ASSUMED_ANSWER
"""Tokens that are held for an answer without a limit at least: short answers so far promise nothing."""
_KNOWN_S = 30.0
_MOST = Fraction(5, 4)


class Estimates:
    """Estimates of one owner's requests. Called from any thread."""

    def __init__(self, store: Store, doors: Doors, owner: int, ratios: Ratios, epoch: str) -> None:
        self._store = store
        self._doors = doors
        self._owner = owner
        self._ratios = ratios
        self._epoch = epoch
        self._lock = threading.Lock()
        self._lengths: dict[tuple[int, str], tuple[float, tuple[int, ...]]] = {}

    # --- before sending ---------------------------------------------------------------------------------------------

    def charge(self, turn: Turn, *, override: bool = False) -> Charge:
        """What a stored turn may cost; nothing is estimated while there is no budget to ask. Raises NotFound."""
        if turn.ref.demo or not self._store.budgets.any_active(self._owner):
            return Charge(override=override)
        return self.of_turn(turn, override=override)

    def hold(
        self,
        attempt_id: int,
        ref: ModelRef,
        messages: Sequence[Message],
        system: str,
        params: Params,
        *,
        conversation: str | None = None,
        override: bool = False,
        purpose: Purpose = "chat",
    ) -> Verdict | None:
        """Note a request without a stored answer, and reserve what it may cost, before it leaves.

        `ledger.record` closes it and gives back what was held. Raises OverBudget.
        """
        charge = None
        if not ref.demo and self._store.budgets.any_active(self._owner):
            charge = self.of_messages(ref, messages, system, params, override=override)
        chars = len(system) + sum(chars_of(message.parts) for message in messages)
        request = OpenRequest(attempt_id, ref, purpose, chars, params.max_tokens)
        return self._store.ledger.open(
            self._owner, request, epoch=self._epoch, conversation=conversation, charge=charge
        )

    # --- estimates --------------------------------------------------------------------------------------------------

    def of_turn(self, turn: Turn, *, override: bool = False) -> Charge:
        """What a turn may cost: the branch before it, its own parts, its answer. Raises NotFound."""
        card = self._doors.model(turn.ref.gateway_id, turn.ref.model)
        sizes = self._branch(turn)
        chars = sum(size.chars for size in sizes) + len(turn.system) + chars_of(turn.parts) + len(turn.kept)
        media = sum(media_tokens(cast("tuple[Part, ...]", size.media), card) for size in sizes)
        sample = headline(turn.parts) if turn.parts else ""
        return self._charge(turn.ref, chars, media + media_tokens(turn.parts, card), sample, turn.params, override)

    def of_messages(
        self, ref: ModelRef, messages: Sequence[Message], system: str, params: Params, *, override: bool = False
    ) -> Charge:
        """The same of messages that are not stored."""
        card = self._doors.model(ref.gateway_id, ref.model)
        chars = len(system) + sum(chars_of(message.parts) for message in messages)
        media = sum(media_tokens(message.parts, card) for message in messages)
        sample = headline(messages[-1].parts) if messages else ""
        return self._charge(ref, chars, media, sample, params, override)

    def _branch(self, turn: Turn) -> tuple[MessageSize, ...]:
        if turn.parent is None:
            return ()
        sizes = self._store.measures.branch(self._owner, turn.conversation, turn.parent)
        return sizes if turn.keep_last is None else sizes[max(0, len(sizes) - turn.keep_last - (not turn.parts)) :]

    def _charge(self, ref: ModelRef, chars: int, media: int, sample: str, params: Params, override: bool) -> Charge:
        ratio = self._ratios.of(ref) or guessed_ratio(sample)
        lengths = self._lengths_of(ref)
        return charge_of(ceil(chars * ratio) + media, lengths, params, self._doors.tariff(ref), override=override)

    def _lengths_of(self, ref: ModelRef) -> tuple[int, ...]:
        """How long this model's answers were lately; looked up again after half a minute."""
        key = (ref.gateway_id, ref.model)
        with self._lock:
            at, lengths = self._lengths.get(key, (-_KNOWN_S, ()))
        if time.monotonic() - at < _KNOWN_S:
            return lengths
        lengths = self._store.measures.past(self._owner, *key).lengths
        with self._lock:
            self._lengths[key] = (time.monotonic(), lengths)
        return lengths

    # --- what would still go ----------------------------------------------------------------------------------------

    def warning(self, ref: ModelRef, charge: Charge, conversation: str | None = None) -> Verdict | None:
        """What the strictest active budget would say now; None when none is concerned. Reserves nothing."""
        return strictest(self._verdicts(ref, charge, self._concerned(ref, conversation)))

    def cheaper(self, turn: Turn) -> tuple[Offer, ...]:
        """The cheaper variants of a turn's model that every budget lets through, with the saving. Raises NotFound."""
        ref = turn.ref
        concerned = self._concerned(ref, turn.conversation)
        wanted = self._priced(ref, self.of_turn(turn), self._doors.model(ref.gateway_id, ref.model))
        cards = [card for card in self._doors.models(ref.gateway_id) if card.base == ref.base and card.id != ref.model]
        others = [one for card in cards if (one := self._on(turn, card)) is not None]
        found: tuple[Offer, ...] = ()
        for at, standing in enumerate(concerned):
            some = offers(standing.kept.budget, standing.spent_nano, standing.held_nano, wanted, others)
            found = some if at == 0 else tuple(offer for offer in found if offer in some)
        return found

    def _on(self, turn: Turn, card: ModelCard) -> Priced | None:
        """The turn on another variant; None when that does not speak the turn's dialect."""
        if card.abilities(turn.ref.dialect).listed is False:
            return None
        with suppress(NotFound):
            settings = Settings(turn.ref.gateway_id, card.id, turn.ref.dialect, turn.params, turn.system)
            ref = self._doors.ref(settings)
            return self._priced(ref, self.of_turn(structs.replace(turn, ref=ref)), card)
        return None

    def _priced(self, ref: ModelRef, charge: Charge, card: ModelCard) -> Priced:
        return Priced(ref.model, ref.variant, card.variant_label, charge.high_nano, charge.currency)

    def _concerned(self, ref: ModelRef, conversation: str | None) -> list[Standing]:
        if ref.demo or not self._store.budgets.any_active(self._owner):
            return []
        gateway = next((one for one in self._store.gateways.list(self._owner) if one.id == ref.gateway_id), None)
        subjects = {"conversation": conversation, "gateway": gateway.public_id if gateway else None}
        return [
            standing
            for standing in self._store.budgets.standings(self._owner)
            if standing.kept.active
            and standing.kept.budget.subject == (subjects.get(standing.kept.budget.scope, "") or "")
        ]

    def _verdicts(self, ref: ModelRef, charge: Charge, standings: Iterable[Standing]) -> Iterable[Verdict]:
        for one in standings:
            yield verdict(one.kept.budget, one.spent_nano, one.held_nano, charge.high_nano, currency=charge.currency)


def charge_of(
    input_tokens: int, lengths: Sequence[int], params: Params, tariff: Tariff, *, override: bool = False
) -> Charge:
    """From tokens to money. `lengths` are answers of this model, in tokens. Without a price both amounts are None."""
    prices = tariff.prices
    if prices is None:
        return Charge(override=override)
    answer, _ = expected_answer((), lengths, params.max_tokens)
    longest = max(answer, LONGEST_ASSUMED, *lengths) if params.max_tokens is None else params.max_tokens
    probable = TokenCount(input_tokens, 0, 0, 0, answer, 0)
    most = TokenCount(ceil(input_tokens * _MOST), 0, 0, 0, longest, 0)
    costs = [price(count, prices, source=tariff.source, reference=tariff.reference) for count in (probable, most)]
    return Charge(costs[0].nano, costs[1].nano, prices.currency, override)
