"""A gateway's door shared by many answers: replaced while some still use it, it closes when the last one is through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar

from lib.cards import DialectName, ModelCard
from lib.errors import NotFound
from lib.events import Event
from lib.generation.run import Door
from lib.messages import Ask


class Closable(Door, Protocol):
    """A door that holds connections."""

    async def aclose(self) -> None: ...


_D = TypeVar("_D", bound=Closable)


class SharedDoor(Generic[_D]):
    """Counts who is inside. Everything here runs on the engine's loop."""

    def __init__(self, door: _D) -> None:
        self._door = door
        self._inside = 0
        self._retired = False
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
