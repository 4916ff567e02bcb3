"""What a video's container says of it: length, size, codec, sound. Read from its headers; nothing is ever decoded.

Layouts: ISO base media (ISO 14496-12: MP4, QuickTime, 3GPP), EBML (RFC 8794, RFC 9559: WebM, Matroska), RIFF AVI.
Every loop is bounded and every length is checked, whatever the bytes claim.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from msgspec import Struct, structs

_MOST_BOXES: Final = 4000
_LONGEST_S: Final = 86_400.0
_GUESSED_BYTES_A_SECOND: Final = 250_000
_UNKNOWN: Final = -1

_INFO, _TRACKS, _TRACK, _SEGMENT, _CLUSTER = 0x1549A966, 0x1654AE6B, 0xAE, 0x18538067, 0x1F43B675
_SCALE, _DURATION, _TRACK_TYPE, _CODEC, _VIDEO, _WIDTH, _HEIGHT = 0x2AD7B1, 0x4489, 0x83, 0x86, 0xE0, 0xB0, 0xBA


class VideoFacts(Struct, frozen=True):
    """`kind` is the media type the bytes show ("" for none known); None is what the container does not say.

    `width` and `height` are pixels as shown, after a turn that the container asks for.
    """

    kind: str = ""
    seconds: float | None = None
    width: int | None = None
    height: int | None = None
    codec: str = ""
    sound: bool | None = None


def facts_of(data: bytes) -> VideoFacts:
    """The facts in the headers of `data`; never raises."""
    if data[4:8] == b"ftyp":
        return _iso(data)
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return _ebml(data)
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return _avi(data)
    if data[:4] in (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"):
        return VideoFacts("video/mpeg")
    return VideoFacts()


def video_seconds(data: bytes) -> float:
    """A video's length in seconds: its container's word, else a guess at 2 Mbit/s."""
    seconds = facts_of(data).seconds
    return seconds if seconds is not None else max(1.0, len(data) / _GUESSED_BYTES_A_SECOND)


def _sane(seconds: float) -> float | None:
    return seconds if 0 < seconds < _LONGEST_S else None


def _int(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


# ---- ISO base media --------------------------------------------------------------------------------------------------

Span = tuple[int, int]
"""Where the content of a box or an element begins and ends."""


def _iso(data: bytes) -> VideoFacts:
    brand = data[8:12]
    kind = "video/quicktime" if brand == b"qt  " else "video/3gpp" if brand.startswith(b"3g") else "video/mp4"
    facts = VideoFacts(kind)
    moov = _box(data, (0, len(data)), b"moov")
    if moov is None:
        return facts
    facts = structs.replace(facts, seconds=_iso_seconds(data, moov), sound=False)
    for name, track in _boxes(data, moov):
        if name == b"trak":
            facts = _with_track(facts, data, track)
    return facts


def _boxes(data: bytes, within: Span) -> Iterator[tuple[bytes, Span]]:
    at, end = within
    for _ in range(_MOST_BOXES):
        if at + 8 > end:
            return
        size, head = _int(data, at, 4), 8
        if size == 1:
            size, head = _int(data, at + 8, 8), 16
        elif size == 0:
            size = end - at
        if size < head:
            return
        yield data[at + 4 : at + 8], (at + head, min(at + size, end))
        at += size


def _box(data: bytes, within: Span, *names: bytes) -> Span | None:
    """The content of the first box of that path of names."""
    for wanted in names:
        found = next((span for name, span in _boxes(data, within) if name == wanted), None)
        if found is None:
            return None
        within = found
    return within


def _iso_seconds(data: bytes, moov: Span) -> float | None:
    """The movie header's length; of a file in fragments, what its extension says."""
    header, fragments = _box(data, moov, b"mvhd"), _box(data, moov, b"mvex", b"mehd")
    if header is None or header[1] - header[0] < 20:
        return None
    at, wide = header[0], data[header[0]] == 1
    scale = _int(data, at + (20 if wide else 12), 4)
    length = _int(data, at + (24 if wide else 16), 8 if wide else 4)
    if not length and fragments is not None:
        length = _int(data, fragments[0] + 4, 8 if data[fragments[0] : fragments[0] + 1] == b"\x01" else 4)
    return _sane(length / scale) if scale else None


def _with_track(facts: VideoFacts, data: bytes, track: Span) -> VideoFacts:
    handler = _box(data, track, b"mdia", b"hdlr")
    kind = data[handler[0] + 8 : handler[0] + 12] if handler else b""
    if kind == b"soun":
        return structs.replace(facts, sound=True)
    if kind != b"vide" or facts.width is not None:
        return facts
    width, height = _track_size(data, track)
    return structs.replace(facts, width=width, height=height, codec=_sample_name(data, track))


def _track_size(data: bytes, track: Span) -> tuple[int | None, int | None]:
    """Width and height of the track header (16.16 fixed), exchanged when its matrix turns by a quarter."""
    header = _box(data, track, b"tkhd")
    if header is None or header[1] - header[0] < 84:
        return None, None
    end = header[0] + (96 if data[header[0]] == 1 else 84)
    if end > header[1]:
        return None, None
    width, height = _int(data, end - 8, 4) >> 16, _int(data, end - 4, 4) >> 16
    turned = _int(data, end - 44, 4) == 0 and _int(data, end - 40, 4) != 0
    if not (width and height):
        return None, None
    return (height, width) if turned else (width, height)


def _sample_name(data: bytes, track: Span) -> str:
    table = _box(data, track, b"mdia", b"minf", b"stbl", b"stsd")
    return _plain(data[table[0] + 12 : table[0] + 16]) if table and table[1] - table[0] >= 16 else ""


def _plain(name: bytes) -> str:
    """A codec's name in letters that can be shown; "" for anything else."""
    text = name.decode("ascii", "replace").strip(" \0")
    return text if text and all(letter.isalnum() or letter in "._-/" for letter in text) and text.isascii() else ""


# ---- EBML ------------------------------------------------------------------------------------------------------------


def _ebml(data: bytes) -> VideoFacts:
    doctype = data[:64]
    facts = VideoFacts("video/x-matroska" if b"matroska" in doctype else "video/webm")
    segment = next((span for name, span in _elements(data, (0, len(data))) if name == _SEGMENT), None)
    if segment is None:
        return facts
    for name, span in _elements(data, segment):
        if name == _INFO:
            facts = structs.replace(facts, seconds=_ebml_seconds(data, span))
        elif name == _TRACKS:
            facts = _with_tracks(facts, data, span)
    return facts


def _elements(data: bytes, within: Span) -> Iterator[tuple[int, Span]]:
    at, end = within
    for _ in range(_MOST_BOXES):
        name, name_length = _number(data, at, end, keep_mark=True)
        size, size_length = _number(data, at + name_length, end, keep_mark=False)
        if not name_length or not size_length:
            return
        begin = at + name_length + size_length
        if size == _UNKNOWN and name == _CLUSTER:
            return  # a live stream: what follows is pictures and sound to its end
        ends = end if size == _UNKNOWN else min(begin + size, end)
        yield name, (begin, ends)
        at = ends


def _number(data: bytes, at: int, end: int, *, keep_mark: bool) -> tuple[int, int]:
    """A number of variable length and how many bytes it takes; (0, 0) when none is there."""
    first = data[at] if at < end else 0
    length = 9 - first.bit_length()
    if first == 0 or at + length > end:
        return 0, 0
    value = _int(data, at, length)
    if keep_mark:
        return value, length
    value &= (1 << 7 * length) - 1
    return (_UNKNOWN if value == (1 << 7 * length) - 1 else value), length


def _ebml_seconds(data: bytes, info: Span) -> float | None:
    scale, length = 1_000_000, 0.0
    for name, (begin, end) in _elements(data, info):
        if name == _SCALE:
            scale = _int(data, begin, min(8, end - begin))
        elif name == _DURATION and end - begin in (4, 8):
            (length,) = struct.unpack(">f" if end - begin == 4 else ">d", data[begin:end])
    return _sane(length * scale / 1e9)


def _with_tracks(facts: VideoFacts, data: bytes, tracks: Span) -> VideoFacts:
    facts = structs.replace(facts, sound=False)
    for name, span in _elements(data, tracks):
        if name != _TRACK:
            continue
        of_track = dict(_elements(data, span))
        kind = _element_int(data, of_track.get(_TRACK_TYPE))
        if kind == 2:
            facts = structs.replace(facts, sound=True)
        elif kind == 1 and facts.width is None:
            size = dict(_elements(data, of_track.get(_VIDEO, (0, 0))))
            begin, end = of_track.get(_CODEC, (0, 0))
            facts = structs.replace(
                facts,
                width=_element_int(data, size.get(_WIDTH)) or None,
                height=_element_int(data, size.get(_HEIGHT)) or None,
                codec=_plain(data[begin : min(end, begin + 40)]).removeprefix("V_"),
            )
    return facts


def _element_int(data: bytes, span: Span | None) -> int:
    return _int(data, span[0], min(8, span[1] - span[0])) if span else 0


# ---- AVI -------------------------------------------------------------------------------------------------------------


def _avi(data: bytes) -> VideoFacts:
    facts, at = VideoFacts("video/avi"), 12
    if data[12:16] != b"LIST" or data[20:24] != b"hdrl":
        return facts
    facts, at = structs.replace(facts, sound=False), 24
    for _ in range(_MOST_BOXES):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + min(size, 64)]
        if name == b"avih" and len(body) >= 40:
            facts = _with_avi_header(facts, body)
        elif name == b"strh" and len(body) >= 8:
            facts = _with_avi_stream(facts, body)
        elif name == b"LIST" and data[at + 8 : at + 12] == b"movi":
            return facts
        if len(name) < 4:
            return facts
        # Lists are entered: what is in them stands in order behind their names.
        at += 12 if name == b"LIST" else 8 + size + size % 2
    return facts


def _with_avi_header(facts: VideoFacts, body: bytes) -> VideoFacts:
    per_frame, frames = (int.from_bytes(body[at : at + 4], "little") for at in (0, 16))
    width, height = (int.from_bytes(body[at : at + 4], "little") for at in (32, 36))
    seconds = _sane(per_frame * frames / 1e6)
    return structs.replace(facts, seconds=seconds, width=width or None, height=height or None)


def _with_avi_stream(facts: VideoFacts, body: bytes) -> VideoFacts:
    if body[:4] == b"auds":
        return structs.replace(facts, sound=True)
    return structs.replace(facts, codec=_plain(body[4:8])) if body[:4] == b"vids" else facts
