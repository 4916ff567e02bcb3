"""A request body as bytes, in pieces: the bytes of pictures and videos become base64 only while they are being sent.

A dialect's body is a dictionary ready for JSON, except that media stand in it as `Base64`. So a 15 MB video is held
once, not as bytes, base64, JSON text and encoded body side by side.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

PIECE: Final = 48 * 1024
"""Bytes of media that are encoded at a time; a multiple of three, so that only the last piece is padded."""

_MARK: Final = f"media:{secrets.token_hex(16)}"
"""Stands for each medium while the rest is encoded at one go. It never leaves, so nobody can have written it."""


class Base64:
    """Text that is `prefix` and then `data` in base64. `str` makes it; it equals that string, and its like.

    An ordinary class, because msgspec would write a `Struct` in its own way instead of asking `written`.
    """

    __slots__ = ("data", "prefix")

    def __init__(self, data: bytes, prefix: str = "") -> None:
        self.data = data
        self.prefix = prefix

    def __str__(self) -> str:
        return self.prefix + base64.b64encode(self.data).decode("ascii")

    def __repr__(self) -> str:
        return f"Base64({self.prefix!r}, {len(self.data)} bytes)"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Base64):
            return (self.prefix, self.data) == (other.prefix, other.data) or str(self) == str(other)
        return isinstance(other, str) and len(self) == len(other) and str(self) == other

    def __hash__(self) -> int:
        return hash(str(self))

    def __len__(self) -> int:
        return len(self.prefix) + 4 * -(-len(self.data) // 3)


class Body:
    """One request's bytes. `length` is known before anything is encoded; iterating again yields the same again."""

    def __init__(self, frame: list[bytes], media: list[Base64]) -> None:
        self._frame = frame
        self._media = media
        self.length = sum(map(len, frame)) + sum(map(len, media)) - sum(len(medium.prefix) for medium in media)

    @property
    def whole(self) -> bytes | None:
        """All of it, when there is no medium in it."""
        return None if self._media else self._frame[0]

    def __iter__(self) -> Iterator[bytes]:
        yield self._frame[0]
        for medium, behind in zip(self._media, self._frame[1:], strict=True):
            data = memoryview(medium.data)
            for at in range(0, len(data), PIECE):
                yield base64.b64encode(data[at : at + PIECE])
            yield behind


def written(sent: Mapping[str, Any]) -> Body:
    """The body of a request as it goes over the wire: JSON in UTF-8. Raises ValueError for text that is none."""
    media: list[Base64] = []

    def hold(value: Any) -> str:
        if not isinstance(value, Base64):
            raise TypeError(f"{type(value).__name__} cannot be sent")
        media.append(value)
        return value.prefix + _MARK

    encoded = msgspec.json.encode(sent, enc_hook=hold)
    return Body(encoded.split(_MARK.encode()) if media else [encoded], media)
