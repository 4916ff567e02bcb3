"""HTTP/1.1's chunked transfer coding (RFC 9112, section 7.1), rewritten so that one read holds one chunk.

Gateways send each token as a chunk of its own, and an HTTP library takes every chunk through all of its layers: at
socket speed that costs several times as much as reading the answer itself. No input or output here.
"""

from __future__ import annotations

import re
from typing import Final, Literal

_MAX_HEAD: Final = 64 * 1024
_MAX_SIZE_LINE: Final = 1024
_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


class ChunkMerger:
    """The bytes of one response in, the same response out, with the whole chunks of a read joined into one.

    Only a plain `200` with `Transfer-Encoding: chunked` and nothing unusual in its head is touched; everything else,
    the last chunk with its trailers, and whatever breaks the grammar passes as it came, for the reader to judge.
    """

    def __init__(self) -> None:
        self._reading: Literal["head", "chunks", "rest"] = "head"
        self._held = b""
        self._left = 0
        self._owes_line_end = False

    def feed(self, data: bytes) -> bytes:
        """What `data` becomes; empty while only a part of a size line has come."""
        match self._reading:
            case "head":
                return self._head_grows(data)
            case "chunks":
                return self._merge(data)
            case "rest":
                return data

    def _head_grows(self, data: bytes) -> bytes:
        """Pass the head on as it comes; the bytes after it may already be chunks."""
        known = len(self._held)
        self._held += data
        head, end, body = self._held.partition(b"\r\n\r\n")
        if not end:
            self._reading = "rest" if len(self._held) > _MAX_HEAD else "head"
            return data
        self._held = b""
        if head.startswith(b"HTTP/1.1 1"):  # an interim response: the real one follows
            return (head + end)[known:] + (self._head_grows(body) if body else b"")
        if not _is_plainly_chunked(head):
            self._reading = "rest"
            return data
        self._reading = "chunks"
        return (head + end)[known:] + self._merge(body)

    def _merge(self, data: bytes) -> bytes:
        data, self._held = self._held + data, b""
        pieces: list[bytes] = []
        at, size = 0, len(data)
        while at < size:
            if self._left:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._owes_line_end = not self._left
            elif self._owes_line_end:
                if size - at < 2:
                    break
                if data[at : at + 2] != b"\r\n":
                    return self._last(pieces, b"!\r\n")  # no reader takes this for the size of a chunk
                at += 2
                self._owes_line_end = False
            else:
                line = _SIZE_LINE.match(data, at)
                if line is None and b"\n" not in data[at:] and size - at < _MAX_SIZE_LINE:
                    break
                if line is None or not int(line[1], 16):
                    return self._last(pieces, data[at:])
                self._left = int(line[1], 16)
                at = line.end()
        self._held = data[at:]
        return _chunk(pieces)

    def _last(self, pieces: list[bytes], rest: bytes) -> bytes:
        self._reading = "rest"
        return _chunk(pieces) + rest


def _chunk(pieces: list[bytes]) -> bytes:
    data = b"".join(pieces)
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def _is_plainly_chunked(head: bytes) -> bool:
    """Whether every reader agrees that chunks follow: no other coding, no length, no folded or odd lines."""
    status, *lines = head.split(b"\r\n")
    if not status.startswith(b"HTTP/1.1 200") or b"\n" in b"".join((status, *lines)):
        return False
    names = [line.partition(b":")[0].lower() for line in lines]
    codings = [
        line.partition(b":")[2].strip().lower()
        for line, name in zip(lines, names, strict=True)
        if name == b"transfer-encoding"
    ]
    odd = any(not name or name != name.strip() for name in names)
    return codings == [b"chunked"] and b"content-length" not in names and not odd
