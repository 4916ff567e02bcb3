"""What answers need of gateways; and a door shared by many, which closes when the last one is through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from lib.budgets import Verdict
from lib.cards import DialectName, ModelCard
from lib.errors import NotFound
from lib.events import Event
from lib.generation.measure import Tariff
from lib.generation.run import Door
from lib.ledger import ModelRef
from lib.messages import Ask
from lib.store.rows import Settings


class Doors(Protocol):
    """What the desk needs to know of gateways (`lib.gateways.Gateways`)."""

    def door(self, gateway_id: int) -> Door: ...
    def model(self, gateway_id: int, model: str) -> ModelCard: ...
    def models(self, gateway_id: int) -> Sequence[ModelCard]: ...
    def ref(self, settings: Settings) -> ModelRef: ...
    def tariff(self, ref: ModelRef, at_ms: int | None = None) -> Tariff: ...


class Sent(Struct, frozen=True):
    """What became of a message: `message` is the answer's public id, None while it waits in the queue.

    `verdict` is what the strictest of its budgets said (a warning, or that the price is unknown); None without any.
    """

    conversation: str
    message: str | None
    verdict: Verdict | None = None


class Closable(Door, Protocol):
    """A door that holds connections."""

    async def aclose(self) -> None: ...


_D = TypeVar("_D", bound=Closable)


class SharedDoor(Generic[_D]):
    """Counts who is inside. Everything here runs on the engine's loop. With `once` it closes after its first guests."""

    def __init__(self, door: _D, *, once: bool = False) -> None:
        self._door = door
        self._inside = 0
        self._retired = once
        self._closed = False

    async def answer(
        self, ask: Ask, dialect: DialectName, take: Callable[[list[Event]], None], *, card: ModelCard | None = None
    ) -> None:
        async with self.using() as door:
            await door.answer(ask, dialect, take, card=card)

    @asynccontextmanager
    async def using(self) -> AsyncIterator[_D]:
        """The door, kept open meanwhile. Raises NotFound when it is closed already."""
        if self._closed:
            raise NotFound("gateway")  # changed in the instant between being found and being used
        self._inside += 1
        try:
            yield self._door
        finally:
            self._inside -= 1
            await self._close_when_empty()

    async def retire(self) -> None:
        """Close as soon as nobody is inside: now, or when the last answer ends."""
        self._retired = True
        await self._close_when_empty()

    async def _close_when_empty(self) -> None:
        if self._retired and not self._inside and not self._closed:
            self._closed = True
            await self._door.aclose()
