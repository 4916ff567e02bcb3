"""Titles written by a model: asked for once, after the first answer, when the owner wants them.

They never hold anything up: nobody waits for one, and when it fails the first words stay. What it costs is in the
ledger under its own purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from lib.cards import ModelCard
from lib.errors import ParlourError
from lib.generation.doors import Doors
from lib.generation.engine import Engine
from lib.generation.estimating import Estimates
from lib.generation.live import LiveAnswer
from lib.generation.run import Job
from lib.generation.unstored import Unstored
from lib.ids import new_id, new_public_id
from lib.ledger import AnswerEnd, ModelRef, Turn
from lib.messages import Ask, Params, headline, user
from lib.pricing import price
from lib.store import Store
from lib.store.rows import Settings, StoredMessage
from lib.tokens import TokenCount

PREFERENCE = "model_titles"
"""The name of the owner's wish in `store.preferences`; False when it is not there."""
_MOST_TOKENS = 20
_USUAL = TokenCount(
    in_uncached=500, in_cache_read=0, in_cache_write_5m=0, in_cache_write_1h=0, out_visible=_MOST_TOKENS
)
_QUESTION_CHARS = 1_500
_ANSWER_CHARS = 500
_SYSTEM = "You name conversations. Answer with a title of at most six words, in the language of the conversation."
NOWHERE = ""
"""The conversation of a live answer that belongs to none."""


class Titles:
    """Asks for titles of one owner's conversations."""

    def __init__(self, store: Store, engine: Engine, doors: Doors, owner: int, estimates: Estimates) -> None:
        self._estimates = estimates
        self._store = store
        self._engine = engine
        self._doors = doors
        self._owner = owner
        self._asking: set[str] = set()

    def consider(self, conversation: str, ref: ModelRef) -> None:
        """After an answer of `ref`: ask for a title if it was the first one, and one is wanted. Never raises."""
        with suppress(ParlourError):
            if conversation in self._asking or not self._store.preferences.get(self._owner, PREFERENCE, False):
                return
            found = self._store.conversations.get(self._owner, conversation)
            branch = self._store.conversations.transcript(self._owner, conversation).messages
            card = cheapest(self._doors.models(ref.gateway_id), ref)
            if not found.title_source and len(branch) == 2 and card:
                self._ask(conversation, branch, card, ref)

    def _ask(self, conversation: str, branch: Sequence[StoredMessage], card: ModelCard, ref: ModelRef) -> None:
        params = Params(max_tokens=_MOST_TOKENS)
        asked = self._doors.ref(Settings(ref.gateway_id, card.id, ref.dialect, params))
        ask = Ask(card.id, (user(_question(branch)),), _SYSTEM, params)
        attempt_id = new_id()
        self._estimates.hold(
            attempt_id, asked, ask.messages, _SYSTEM, params, conversation=conversation, purpose="title"
        )
        self._asking.add(conversation)
        self._engine.start(
            LiveAnswer(new_id(), new_public_id(), NOWHERE),
            Turn(new_public_id(), NOWHERE, (), asked, params=params),
            attempt_id,
            job=lambda: Job(ask, asked.dialect, card, self._doors.tariff(asked)),
            door=lambda: self._doors.door(asked.gateway_id),
            purpose="title",
            diary=Unstored(
                *(self._store.ledger, self._owner, asked, lambda end: self._take(conversation, end)),
                conversation=conversation,
                attempt_id=attempt_id,
            ),
        )

    def _take(self, conversation: str, end: AnswerEnd) -> None:
        """Only a whole title is one: what was cut off at the limit is worse than the first words."""
        self._asking.discard(conversation)
        title = end.text.strip().strip("\"'“”„«»*#`.").strip()
        if end.state == "done" and end.finish_reason != "length" and title:
            self._store.conversations.suggest_title(self._owner, conversation, title)


def cheapest(cards: Sequence[ModelCard], ref: ModelRef) -> ModelCard | None:
    """The model of the same family, in the same dialect, that names a conversation for least; None when unpriced."""
    family = [card for card in cards if card.family == ref.family and card.abilities(ref.dialect).listed is not False]
    priced = [(cost, card) for card in family if (cost := _cost(card)) is not None]
    quick = [found for found in priced if not found[1].reasons_by_default] or priced
    return min(quick, key=lambda found: (found[0], found[1].id))[1] if quick else None


def _cost(card: ModelCard) -> int | None:
    return price(_USUAL, card.prices, source=card.price_source).nano


def _question(branch: Sequence[StoredMessage]) -> str:
    asked, told = headline(branch[0].parts)[:_QUESTION_CHARS], branch[1].text[:_ANSWER_CHARS]
    return f"Name this conversation.\n\n<question>\n{asked}\n</question>\n\n<answer>\n{told}\n</answer>"
