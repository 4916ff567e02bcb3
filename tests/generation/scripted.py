"""A door that answers by a script, and the little house around it: real store, real engine, real desk."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from lib.cards import ModelCard, Prices
from lib.errors import GatewayError
from lib.events import AttemptBegan, AttemptFailed, Failed, Finished, Started, TextDelta, UsageReported
from lib.generation import Desk, Engine, LiveAnswer, Sent, Tariff
from lib.generation.run import Diary, Door
from lib.ledger import LedgerRow, ModelRef
from lib.messages import Ask
from lib.store import open_store
from lib.store.rows import AnswerRow, Settings
from lib.tokens import Usage

PRICES = Prices(input=2_000_000, output=10_000_000)
"""$2 and $10 per 1M tokens: 2,000 and 10,000 nano-dollars per token."""
TARIFF = Tariff(PRICES, "gateway", None, None)
USAGE = Usage(input=100, output=20, total=120)
WHOLE = (Started("r1", "m"), TextDelta("Hello "), TextDelta("world"), UsageReported(USAGE, "{}"), Finished("stop"))
REJECTED = GatewayError("rate_limit", "slow down", status=429, retryable=True)


class Hold:
    """A step that waits until the test lets it go on; `reached` says that the answer waits there."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.let_go = threading.Event()

    async def pass_by(self) -> None:
        self.reached.set()
        while not self.let_go.is_set():
            await asyncio.sleep(0.005)


class ScriptedDoor:
    """Answers every ask with the steps of `script`: events, seconds to wait, holds, or an exception to raise.

    `asked` has the ask of every request that was sent; `closed` counts requests that were cancelled.
    """

    def __init__(self, *script: object) -> None:
        self.script: tuple[object, ...] = script
        self.scripts: list[tuple[object, ...]] = []
        self.asked: list[Ask] = []
        self.closed = 0
        self.busy = 0
        self.most_busy = 0

    async def answer(self, ask: Ask, dialect: str, take: Callable[..., None], *, card: ModelCard | None = None) -> None:
        script = self.scripts.pop(0) if self.scripts else self.script
        if not script or not isinstance(script[0], AttemptBegan):
            script = (AttemptBegan(1), *script)
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        try:
            for step in script:
                await self._step(step, ask, take)
        except asyncio.CancelledError:
            self.closed += 1
            raise
        finally:
            self.busy -= 1

    async def _step(self, step: object, ask: Ask, take: Callable[..., None]) -> None:
        match step:
            case float() | int():
                await asyncio.sleep(step)
            case Hold():
                await step.pass_by()
            case Exception():
                raise step
            case _ if callable(step):
                step()
            case _:
                take([step])
                if isinstance(step, AttemptBegan):
                    self.asked.append(ask)


class ScriptedDoors:
    """The desk's view of gateways, with one door behind every id."""

    def __init__(self, door: Door, tariff: Tariff = TARIFF) -> None:
        self.behind = door
        self.priced = tariff
        self.prepare: Callable[[], None] = lambda: None
        self.demo = False
        self.cards: tuple[ModelCard, ...] = ()

    def door(self, gateway_id: int) -> Door:
        return self.behind

    def model(self, gateway_id: int, model: str) -> ModelCard:
        self.prepare()
        return next((card for card in self.cards if card.id == model), ModelCard(model, model, model))

    def models(self, gateway_id: int) -> Sequence[ModelCard]:
        return self.cards

    def ref(self, settings: Settings) -> ModelRef:
        return ModelRef(settings.gateway_id or 0, settings.model or "m", "m", "m", demo=self.demo)

    def tariff(self, ref: ModelRef, at_ms: int | None = None) -> Tariff:
        return self.priced


class House:
    """A desk over a real store in `folder`; `close` it, and make another to see what a restart finds."""

    def __init__(
        self, folder: Path, door: Door, diary: Callable[[Diary], Diary] = lambda diary: diary, *, url: str = ""
    ) -> None:
        self.store = open_store(url, folder)
        self.owner = self.store.owner()
        self.engine = Engine(diary(self.store.answers))
        self.doors = ScriptedDoors(door)
        self.desk = Desk(self.store, self.engine, self.doors, self.owner)

    def close(self, drain_s: float = 2.0) -> None:
        self.engine.close(drain_s)
        self.store.close()

    def send(self, text: str = "hi", chat: str | None = None, *, key: str | None = None) -> Sent:
        return self.desk.send(chat, text, SETTINGS, key=key)

    def ask(self, text: str = "hi") -> AnswerRow:
        """Send a message into a new conversation and wait for the end."""
        sent = self.send(text)
        assert sent.message
        return self.end_of(sent.message)

    def end_of(self, message: str) -> AnswerRow:
        row = eventually(lambda: (found := self.row(message)).state != "running" and found)
        eventually(lambda: (live := self.live(message)) is None or live.over)
        return row

    def row(self, message: str) -> AnswerRow:
        return self.store.answers.get(self.owner, message)

    def live(self, message: str) -> LiveAnswer | None:
        return self.engine.live(message)

    def ledger(self) -> list[LedgerRow]:
        """All rows, the oldest first."""
        return self.store.ledger.latest(self.owner, 10_000, demo=None)[::-1]

    def asked(self, chat: str) -> list[str]:
        """What the user said in the active branch, in order."""
        branch = self.store.conversations.transcript(self.owner, chat)
        return [message.text for message in branch.messages if message.role == "user"]


T = TypeVar("T")
SETTINGS = Settings(gateway_id=7, model="m")


def eventually(look: Callable[[], T], seconds: float = 5.0) -> T:
    """The first true value of `look`."""
    ends_at = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < ends_at, "it did not happen in time"
        time.sleep(0.005)
    return found


def retried(error: GatewayError = REJECTED, wait: float = 0.0) -> tuple[object, ...]:
    """The events of a first attempt that failed and of the second that goes on."""
    return AttemptBegan(1), AttemptFailed(1, error, wait), wait, AttemptBegan(2)


def broken(error: GatewayError) -> tuple[object, ...]:
    return (Failed(error),)
