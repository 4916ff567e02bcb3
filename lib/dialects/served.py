"""What the server halves of the dialects share: the facts of one answer, and the shape of a frame writer."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from lib.events import Event


class Facts(Struct, frozen=True):
    """What every frame of one answer may repeat.

    `created` is Unix seconds. `include_usage` asks for OpenAI's usage chunk. `stop_sequence` is the one that ended the
    answer, when one did.
    """

    id: str
    model: str
    created: int
    include_usage: bool = False
    stop_sequence: str | None = None


class FrameWriter(Protocol):
    """Turns events, in their order, into the bytes of a stream."""

    def frames(self, event: Event) -> bytes:
        """The bytes of one event; b"" for events that have no frame of their own."""

    def keepalive(self) -> bytes:
        """A sign of life that says nothing."""
