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
    UsageReported,
)
from lib.secret import Secret, mentions, redact

Take = Callable[[list[Event]], None]
_CONTENT = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta)
_CALL_WEIGHT = 10
"""How much more than text the arguments of a call cost to gather, so that they may be so much shorter."""


class Attempt:
    """What one request has brought so far; holds back its failure, which may be retried.

    A gateway may echo `key` beside the words of its answer: in ids, names, the finish reason, further figures.
    """

    def __init__(self, take: Take, decoder: ResponseDecoder, key: Secret) -> None:
        self._take = take
        self._key = key
        self._decoder = decoder
        self.error: GatewayError | None = None
        self.content_seen = False
        self.chars = 0
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
        self._take([Started(request_id=self.request_id)])

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
                self.chars += (
                    _CALL_WEIGHT * len(event.arguments) if isinstance(event, ToolCallDelta) else len(event.text)
                )
            progress = progress or isinstance(event, Finished)
            passed.append(self._cleaned(event))
        if passed:
            self._take(passed)
        return progress

    def _cleaned(self, event: Event) -> Event:
        """The event without our key in what is kept beside the answer."""
        match event:
            case Started(response_id, model, request_id):
                return Started(self._clean(response_id), self._clean(model), self._clean(request_id))
            case UsageReported(usage, raw):
                return UsageReported(usage, self._clean(raw) or "")
            case Finished(reason, raw):
                return Finished(reason, self._clean(raw))
            case _:
                return event

    def _clean(self, text: str | None) -> str | None:
        return redact(text, (self._key,)) if text and mentions(text, self._key) else text
