"""Server-sent events, read from bytes: no text decoding, no input or output, one `Splitter` per response.

The line rules are those of the WHATWG HTML standard, section 9.2 (lines end in CR, LF or CRLF; one byte order mark;
comments; several `data` lines per event). Lines are split on CR and LF bytes only, so U+2028, U+2029 and U+0085
inside JSON stay text, and a character cut in two by the network is whole again before anyone decodes it.

Three deliberate differences from the standard:

* an event whose data is empty is not reported (gateways use such events as heartbeats);
* a bare line that starts with `{` or `[` is an event of its own (newline-delimited JSON, and error objects that a
  gateway writes into a stream without `data:`);
* `finish` reports the last event although its blank line never came; the caller accepts it if it reads as whole.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

MAX_EVENT_BYTES: Final = 64 * 1024 * 1024
"""One event may carry a whole base64 picture; more than this is a runaway stream."""

_BOM: Final = b"\xef\xbb\xbf"


class SseEvent(Struct, frozen=True, gc=False):
    """`name` is the `event:` field ("" when absent); `data` the data lines joined by LF, never empty."""

    name: str
    data: bytes


class Splitter:
    """Bytes in, events out. `too_large` becomes True, and nothing more comes out, once an event passes `max_event`.

    The cost is linear in the bytes, whatever their cuts: a partial line grows in one buffer and is searched once.
    """

    def __init__(self, max_event: int = MAX_EVENT_BYTES) -> None:
        self.too_large = False
        self._max = max_event
        self._partial = bytearray()
        self._after_cr = False
        self._at_start = True
        self._data: list[bytes] = []
        self._size = 0
        self._name = ""

    def feed(self, data: bytes) -> list[SseEvent]:
        """The events that `data` completes, in order."""
        if self.too_large:
            return []
        if self._at_start:
            data = self._without_bom(data)
        if b"\r" in data or self._after_cr:
            data = self._with_lf_only(data)
        if not data:
            return []
        if b"\n" not in data:
            self._partial += data
            self._guard(len(self._partial))
            return []
        lines = data.split(b"\n")
        if self._partial:
            self._partial += lines[0]
            lines[0] = bytes(self._partial)
        self._partial = bytearray(lines.pop())
        events = self._read(lines)
        self._guard(len(self._partial))
        return events

    def finish(self) -> list[SseEvent]:
        """The event left over at the end of the bytes, complete or not."""
        if self.too_large:
            return []
        self._at_start = False
        lines = [bytes(self._partial), b""]
        self._partial = bytearray()
        return self._read(lines)

    def _without_bom(self, data: bytes) -> bytes:
        data = bytes(self._partial) + data
        self._partial = bytearray()
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._partial = bytearray(data)
            return b""
        self._at_start = False
        return data.removeprefix(_BOM)

    def _with_lf_only(self, data: bytes) -> bytes:
        """CRLF and CR as LF; the LF of a CRLF that was cut between two reads is dropped."""
        if not data:
            return data
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _read(self, lines: list[bytes]) -> list[SseEvent]:
        events: list[SseEvent] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._add(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                self._dispatch(events)
            else:
                self._other(line, events)
            if self.too_large:
                break
        return events

    def _add(self, value: bytes) -> None:
        self._data.append(value)
        self._size += len(value) + 1
        if self._size > self._max:
            self._overflow()

    def _other(self, line: bytes, events: list[SseEvent]) -> None:
        if line[:1] in (b"{", b"["):
            self._dispatch(events)
            self._add(line)
            self._dispatch(events)
            return
        field, _, value = line.partition(b":")
        if field == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")
        elif field == b"data":
            self._add(b"")
        self._guard(len(line))

    def _dispatch(self, events: list[SseEvent]) -> None:
        if self._data and not self.too_large:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            if data.strip():
                events.append(SseEvent(self._name, data))
            self._data = []
            self._size = 0
        self._name = ""

    def _guard(self, size: int) -> None:
        if self._size + size > self._max:
            self._overflow()

    def _overflow(self) -> None:
        self.too_large = True
        self._partial = bytearray()
        self._data = []
