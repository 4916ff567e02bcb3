"""Containers of videos, made box by box: no codec is needed to test who reads only headers."""

from __future__ import annotations

import struct

_UNITY = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_QUARTER = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)


def box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + name + body


def wide_box(name: bytes, *content: bytes) -> bytes:
    """The same with a length of 64 bits."""
    body = b"".join(content)
    return struct.pack(">I", 1) + name + struct.pack(">Q", 16 + len(body)) + body


def movie_header(seconds: float, scale: int = 1000, *, wide: bool = False) -> bytes:
    length = round(seconds * scale)
    if wide:
        return box(b"mvhd", b"\x01\0\0\0", bytes(16), struct.pack(">IQ", scale, length), bytes(80))
    return box(b"mvhd", bytes(4), bytes(8), struct.pack(">II", scale, length), bytes(80))


def track(kind: bytes, codec: bytes, size: tuple[int, int] = (0, 0), *, turned: bool = False) -> bytes:
    header = bytes(40) + (_QUARTER if turned else _UNITY) + struct.pack(">II", size[0] << 16, size[1] << 16)
    samples = box(b"stsd", struct.pack(">II", 0, 1), box(codec, bytes(16)))
    handler = box(b"hdlr", bytes(8), kind, bytes(13))
    return box(b"trak", box(b"tkhd", header), box(b"mdia", handler, box(b"minf", box(b"stbl", samples))))


def movie(
    seconds: float = 12, size: tuple[int, int] = (640, 360), *, sound: bool = True, brand: bytes = b"isom", **more: bool
) -> bytes:
    """An MP4 without pictures, its headers behind its data as cameras write them."""
    tracks = [track(b"vide", b"avc1", size, turned=more.get("turned", False))]
    tracks += [track(b"soun", b"mp4a")] if sound else []
    head = movie_header(seconds, wide=more.get("wide", False))
    return box(b"ftyp", brand, bytes(4)) + box(b"mdat", bytes(200)) + box(b"moov", head, *tracks)


def element(name: int, *content: bytes) -> bytes:
    body = b"".join(content)
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + (len(body) | 1 << 56).to_bytes(8, "big") + body


def matroska(
    seconds: float = 3, size: tuple[int, int] = (320, 240), *, kind: bytes = b"webm", live: bool = False
) -> bytes:
    info = element(
        0x1549A966,
        element(0x2AD7B1, (1_000_000).to_bytes(3, "big")),
        element(0x4489, struct.pack(">d", seconds * 1000)),
    )
    video = element(0xE0, element(0xB0, size[0].to_bytes(2, "big")), element(0xBA, size[1].to_bytes(2, "big")))
    tracks = element(
        0x1654AE6B,
        element(0xAE, element(0x83, b"\x01"), element(0x86, b"V_VP9"), video),
        element(0xAE, element(0x83, b"\x02"), element(0x86, b"A_OPUS")),
    )
    pictures = element(0x1F43B675, bytes(50))
    body = info + tracks + pictures
    segment = b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + body if live else element(0x18538067, body)
    return element(0x1A45DFA3, element(0x4282, kind)) + segment


def avi(frames: int = 50, size: tuple[int, int] = (160, 120)) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    header = struct.pack("<14I", 40_000, 0, 0, 0, frames, 0, 2, 0, *size, 0, 0, 0, 0)
    streams = [chunk(b"LIST", b"strl" + chunk(b"strh", kind + bytes(48))) for kind in (b"vidsFMP4", b"auds\0\0\0\0")]
    lists = chunk(b"LIST", b"hdrl" + chunk(b"avih", header) + b"".join(streams)) + chunk(b"LIST", b"movi" + bytes(20))
    return b"RIFF" + struct.pack("<I", 4 + len(lists)) + b"AVI " + lists
