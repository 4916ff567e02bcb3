"""Looks for a key in bytes, however it may have been written down: the forms, and what is packed inside.

A text is looked for in pieces of at least six signs, so that a cut or half masked copy is found as well.
"""

from __future__ import annotations

import base64
import functools
import html
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

PIECE = 10
"""Signs. Two pieces side by side leave no room for nineteen signs of the key to pass unseen."""
DEEPEST = 3
"""An archive in an archive in an archive."""
_LARGEST = 64 << 20
_TOO_SHORT = 6
"""Bytes: what is shorter than this turns up by chance."""


def _percent(text: str, form: str) -> str:
    return "".join(f"%{byte:{form}}" for byte in text.encode())


def _each(text: str, form: str) -> str:
    return "".join(form.format(ord(sign)) for sign in text)


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


TEXTS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "URL": lambda text: quote(text, safe=""),
    "URL, slashes kept": quote,
    "URL of a form": quote_plus,
    "URL, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "URL, every byte": lambda text: _percent(text, "02X"),
    "URL, every byte, lower case": lambda text: _percent(text, "02x"),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "hex with blanks": lambda text: text.encode().hex(" "),
    "hex with colons": lambda text: text.encode().hex(":"),
    "Python's escapes": lambda text: _each(text, "\\x{:02x}"),
    "JSON": _json,
    "JSON, twice": lambda text: _json(_json(text)),
    "JSON as HTML-safe": lambda text: _json(text).replace("<", "\\u003c").replace("&", "\\u0026"),
    "JSON, every sign": lambda text: _each(text, "\\u{:04x}"),
    "JSON, every sign, upper case": lambda text: _each(text, "\\u{:04X}"),
    "HTML": html.escape,
    "HTML, quotes kept": lambda text: html.escape(text, quote=False),
    "HTML, every sign": lambda text: _each(text, "&#{};"),
    "HTML, every sign in hex": lambda text: _each(text, "&#x{:x};"),
    "reversed": lambda text: text[::-1],
}
WIDE = ("as it is", "JSON", "URL", "HTML", "hex")
"""What is looked for in two bytes a sign, too."""
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")


class Found(NamedTuple):
    """Where it was, in which form, and how often."""

    place: str
    form: str
    times: int


class Searcher:
    """Knows some secrets in every form. `keys` may not contain what is written elsewhere for other reasons."""

    def __init__(self, *keys: str) -> None:
        self._needles = _needles(keys)

    def search(self, place: str, data: bytes | str) -> list[Found]:
        """Every form in which a piece of a key is in these bytes, or in what is packed in them."""
        whole = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        return [found for where, inner in _layers(place, whole) for found in self._in(where, inner)]

    def search_all(self, places: Iterable[tuple[str, bytes | str]]) -> list[Found]:
        return [found for place, data in places for found in self.search(place, data)]

    def _in(self, place: str, data: bytes) -> Iterator[Found]:
        for form, needle in self._needles:
            if needle in data:
                yield Found(place, form, data.count(needle))


@functools.cache
def _needles(keys: tuple[str, ...]) -> tuple[tuple[str, bytes], ...]:
    """Forms and what to look for, each once."""
    found: dict[bytes, str] = {}
    for piece in dict.fromkeys(piece for key in keys for piece in pieces(key)):
        for name, written in TEXTS.items():
            for encoding in ENCODINGS if name in WIDE else ("utf-8",):
                form = name if encoding == "utf-8" else f"{name}, {encoding}"
                found.setdefault(written(piece).encode(encoding), form)
        for form, needle in _base64(piece):
            found.setdefault(needle, form)
    return tuple((form, needle) for needle, form in found.items() if len(needle) >= _TOO_SHORT)


def pieces(key: str) -> list[str]:
    """The key cut into pieces; the last four signs, which are shown on purpose, are not looked for."""
    body = key[:-4]
    parts = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
    if len(parts) > 1 and len(parts[-1]) < PIECE:
        parts[-1] = body[-PIECE:]
    return [part for part in parts if len(part) >= _TOO_SHORT]


def _base64(piece: str) -> Iterator[tuple[str, bytes]]:
    """What is the same whatever stands before and behind: three alignments, two alphabets."""
    for encoding in ("utf-8", "utf-16-le"):
        data = piece.encode(encoding)
        for before in range(3):
            whole = base64.b64encode(bytes(before) + data)
            first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
            sure = whole[first:last]
            yield f"base64, {encoding}, moved by {before}", sure
            yield f"base64 for URLs, {encoding}, moved by {before}", sure.translate(bytes.maketrans(b"+/", b"-_"))


def _layers(place: str, data: bytes, depth: int = DEEPEST) -> Iterator[tuple[str, bytes]]:
    """The bytes, and whatever is packed anywhere in them."""
    yield place, data
    if depth:
        for name, inner in _unpacked(data):
            yield from _layers(f"{place} › {name}", inner, depth - 1)


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield from _zip_members(data)
    for at in _places(data, b"\x1f\x8b\x08"):
        yield from _inflated(data, at, 31, "gzip")
    for header in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        for at in _places(data, header):
            yield from _inflated(data, at, 15, "zlib")


def _places(data: bytes, sign: bytes) -> Iterator[int]:
    at = data.find(sign)
    while at >= 0:
        yield at
        at = data.find(sign, at + 1)


def _inflated(data: bytes, at: int, bits: int, name: str) -> Iterator[tuple[str, bytes]]:
    """What can be had of it, also when its end is missing."""
    engine, parts, size = zlib.decompressobj(bits), [], 0
    for start in range(at, len(data), 1 << 16):
        piece, before = data[start : start + (1 << 16)], engine.copy()
        try:
            parts.append(engine.decompress(piece, _LARGEST - size + 1))
        except zlib.error:
            parts.extend(_until_broken(before, piece))
            size += len(parts[-1])
            break
        size += len(parts[-1])
        if engine.eof or size > _LARGEST:
            break
    if size >= _TOO_SHORT:
        yield f"{name} at {at}", b"".join(parts)


def _until_broken(engine: Any, piece: bytes) -> list[bytes]:
    """What comes out before the byte that fits no more; an error takes the output of its whole call with it."""
    parts = [b""]
    for at in range(len(piece)):
        try:
            parts.append(engine.decompress(piece[at : at + 1]))
        except zlib.error:
            break
    return [b"".join(parts)]


def _zip_members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """By the local headers, so that a damaged, appended or unfinished archive gives what it has."""
    for at in _places(data, b"PK\x03\x04"):
        with_header = data[at : at + 30]
        if len(with_header) == 30:
            method, name_length, more = struct.unpack("<8xH16xHH", with_header)
            start = at + 30 + name_length + more
            if method == zipfile.ZIP_DEFLATED:
                yield from _inflated(data, start, -15, "zip member")
            elif method not in (zipfile.ZIP_STORED,):
                yield from _whole_zip(data[at:])
                return


def _whole_zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.file_size <= _LARGEST:
                    yield f"zip member {info.filename}", archive.read(info)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, EOFError):
        return
