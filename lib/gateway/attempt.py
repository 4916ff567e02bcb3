"""What one request brings, event by event, and the failure that ends it."""

from __future__ import annotations

from collections.abc import Callable

from lib.dialects import ResponseDecoder
from lib.errors import GatewayError
from lib.events import (
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)

Take = Callable[[list[Event]], None]
_CONTENT = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta)


class Attempt:
    """What one request has brought so far; holds back its failure, which may be retried."""

    def __init__(self, take: Take, decoder: ResponseDecoder) -> None:
        self._take = take
        self._decoder = decoder
        self.error: GatewayError | None = None
        self.content_seen = False
        self.request_id: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the last event of this request is known, so that reading on is pointless."""
        return self._decoder.ended

    @property
    def finishing(self) -> bool:
        """Whether the finish has been said and at most usage may follow."""
        return self._decoder.finishing

    def begin(self, request_id: str | None) -> None:
        """The gateway accepted the request."""
        self.request_id = request_id
        self._take([Started(request_id=request_id)])

    def feed(self, piece: bytes) -> bool:
        """Bytes of the answer; True when they were progress (content, or the end)."""
        events = self._decoder.feed(piece)
        return bool(events) and self._pass_on(events)

    def end(self, cut: GatewayError | None = None) -> None:
        """No more bytes will come, because of `cut` if given; what the decoder held back comes out."""
        self._pass_on(self._decoder.close(cut))

    def _pass_on(self, events: list[Event]) -> bool:
        """Pass events on; True when they were progress (content, or the end)."""
        progress = False
        passed: list[Event] = []
        for event in events:
            if isinstance(event, Failed):
                self.error = event.error
                break
            if isinstance(event, _CONTENT):
                self.content_seen = progress = True
            progress = progress or isinstance(event, Finished)
            passed.append(event)
        if passed:
            self._take(passed)
        return progress
