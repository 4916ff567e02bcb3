"""What shape an answer's body has, told by its first bytes and never by its content type.

Gateways label event streams as text/plain, answer `stream: true` with one JSON body and `stream: false` with an
event stream, send newline-delimited JSON, put blank lines before a body to keep the connection open, or answer any
path with their dashboard's HTML. `Frames` turns all of these into events.
"""

from __future__ import annotations

from typing import Final, Literal

from lib.dialects import loose
from lib.dialects.sse import MAX_EVENT_BYTES, Splitter, SseEvent

Shape = Literal["nothing", "events", "document", "lines", "html"]

_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n"
_EXCERPT: Final = 4096


class Frames:
    """Bytes in, events out. `shape` is known from the first byte that is not blank.

    document: one JSON value, reported whole by `finish` · lines: JSON values, one per line · html: kept as `excerpt`
    only · events: an event stream, or plain text when no event ever comes out of it.
    """

    def __init__(self, max_event: int = MAX_EVENT_BYTES) -> None:
        self.shape: Shape = "nothing"
        self.too_large = False
        self._max = max_event
        self._splitter = Splitter(max_event)
        self._head = b""
        self._document = bytearray()
        self._one_line = True
        self._excerpt = bytearray()

    @property
    def is_json(self) -> bool:
        """Whether the body began as JSON rather than as an event stream."""
        return self.shape in ("document", "lines")

    @property
    def excerpt(self) -> str:
        """The beginning of the body as text, for a message about a body that says nothing readable."""
        return bytes(self._excerpt).decode("utf-8", "replace")

    def feed(self, data: bytes) -> list[SseEvent]:
        """The events that `data` completes."""
        if self.shape == "nothing":
            data = self._sniffed(data)
            if not data:
                return []
        if len(self._excerpt) < _EXCERPT:
            self._excerpt += data[: _EXCERPT - len(self._excerpt)]
        if self.shape == "document":
            return self._document_grows(data)
        return [] if self.shape == "html" else self._split(data)

    def finish(self) -> list[SseEvent]:
        """What is left at the end: the document, or the last event although its end never came."""
        if self.shape == "document":
            document, self._document = bytes(self._document), bytearray()
            return [SseEvent("", document)] if document.strip() else []
        return self._splitter.finish()

    def _sniffed(self, data: bytes) -> bytes:
        head = self._head + data
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        head = head.removeprefix(_BOM).lstrip(_BLANK)
        self._head = b""
        if head:
            first = head[:1]
            self.shape = "html" if first == b"<" else "document" if first in (b"{", b"[") else "events"
        return head

    def _document_grows(self, data: bytes) -> list[SseEvent]:
        """A first line that is JSON by itself makes this newline-delimited JSON; else it is one document."""
        seen = len(self._document)
        self._document += data
        if self._one_line and (b"\n" in data or b"\r" in data):
            self._one_line = False
            line = bytes(self._document[: _line_end(self._document, seen)])
            if loose.values(line):
                self.shape = "lines"
                whole, self._document = bytes(self._document), bytearray()
                return self._split(whole)
        self.too_large = len(self._document) > self._max
        return []

    def _split(self, data: bytes) -> list[SseEvent]:
        events = self._splitter.feed(data)
        self.too_large = self._splitter.too_large
        return events


def _line_end(data: bytearray, start: int) -> int:
    ends = [at for at in (data.find(b"\n", start), data.find(b"\r", start)) if at >= 0]
    return min(ends)
