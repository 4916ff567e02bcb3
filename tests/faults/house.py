"""Real Services over a misbehaving gateway: ask, wait for the end, read what was kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lib.bootstrap import Services
from lib.cards import DialectName
from lib.generation import Sent
from lib.ledger import LedgerRow
from lib.messages import Params
from lib.secret import Secret
from lib.settings import ConfiguredGateway
from lib.settings import Settings as FromOutside
from lib.store.rows import AnswerRow, Settings, StoredMessage
from tests.faults.chaos import NEXT

CANARY = "sk-CANARY-7fQ2+x/Z9=b41c"
BOTH: tuple[DialectName, ...] = ("openai", "anthropic")
Limits = tuple[float, float, float, float]
PATIENT: Limits = (5.0, 60.0, 60.0, 120.0)
HASTY: Limits = (0.6, 1.2, 0.8, 4.0)


class Seen(NamedTuple):
    """What became of one question, and of the next one in the same conversation."""

    question: str
    answer: AnswerRow
    messages: tuple[StoredMessage, ...]
    rows: list[LedgerRow]
    posts: int
    seconds: float
    next_sent: Sent
    next_after_s: float
    next_answer: AnswerRow


class House:
    """Services whose gateways are `places` (name to base URL), as if the secrets file named them."""

    def __init__(self, folder: Path, places: dict[str, str], *, deadlines: Limits = PATIENT, key: str = CANARY) -> None:
        gateways = tuple(ConfiguredGateway(name, url, Secret(key), BOTH, "secrets") for name, url in places.items())
        self.services = Services(FromOutside(data_dir=folder, demo="off", gateways=gateways, deadlines=deadlines))
        self.store, self.owner = self.services.store, self.services.owner
        self.ids = {card.name: card.id for card in self.services.gateways.cards()}

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        self.services.close()

    def listed(self, place: str) -> None:
        """Wait until the place's models and prices are known."""
        self.services.gateways.refresh(self.ids[place]).result(30)

    def settings(self, model: str, dialect: DialectName, place: str, **params: object) -> Settings:
        return Settings(self.ids[place], model, dialect, Params(**params))  # type: ignore[arg-type]

    def send(
        self, text: str, model: str, dialect: DialectName = "openai", place: str = "chaos", chat: str | None = None
    ) -> Sent:
        return self.services.desk.send(chat, text, self.settings(model, dialect, place))

    def over(self, sent: Sent, within_s: float = 60.0) -> None:
        """Wait until nothing more is added."""
        until = time.monotonic() + within_s
        live, version = self.services.engine.live(sent.message or ""), 0
        while live and not live.over:
            version = live.wait(version, 1.0)
            assert time.monotonic() < until, f"{sent.message} does not end"

    def ended(self, sent: Sent, within_s: float = 60.0) -> AnswerRow:
        """The stored answer, as soon as it has ended."""
        message, until = sent.message or "", time.monotonic() + within_s
        self.over(sent, within_s)
        row = self.store.answers.get(self.owner, message)
        while row.state == "running":  # pragma: no cover  (an answer that ends before its followers are told)
            assert time.monotonic() < until, f"{message} is not stored"
            time.sleep(0.01)
            row = self.store.answers.get(self.owner, message)
        return row

    def text_now(self, sent: Sent) -> str:
        live = self.services.engine.live(sent.message or "")
        return live.texts()[0] if live else ""

    def rows(self) -> list[LedgerRow]:
        """The whole ledger, the oldest row first."""
        return self.store.ledger.latest(self.owner, 1_000_000, demo=None)[::-1]

    def messages(self, conversation: str) -> tuple[StoredMessage, ...]:
        return self.store.conversations.transcript(self.owner, conversation).messages

    def go_through(self, question: str, model: str, dialect: DialectName, place: str, next_place: str) -> Seen:
        """Ask, wait for the end, ask at once again in the same conversation, and wait for that one too."""
        began = time.monotonic()
        sent = self.send(question, model, dialect, place)
        answer = self.ended(sent)
        ended = time.monotonic()
        messages = self.messages(sent.conversation)
        next_sent = self.send(f"{NEXT} {model}", model, dialect, next_place, sent.conversation)
        taken = time.monotonic()
        next_answer = self.ended(next_sent)
        return Seen(question, answer, messages, [], 0, ended - began, next_sent, taken - ended, next_answer)


def fill(seen: Sequence[Seen], rows: Sequence[LedgerRow], posts: dict[str, int]) -> list[Seen]:
    """The same with their ledger rows and the number of POSTs for each question."""
    by_message: dict[str | None, list[LedgerRow]] = {}
    for row in rows:
        by_message.setdefault(row.message, []).append(row)
    return [one._replace(rows=by_message.get(one.answer.message, []), posts=posts.get(one.question, 0)) for one in seen]
