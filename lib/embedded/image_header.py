"""What kind of file some bytes are, and how large a picture is, read from the first bytes without decoding.

Layouts: PNG (W3C, IHDR), GIF89a, JPEG (ITU T.81, SOF markers), WebP (RFC 9649), ISO base media (ISO 14496-12).
"""

from __future__ import annotations

from typing import Final, Literal

_SOF: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HEIF_BRANDS: Final = frozenset((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc"))


def sniff(data: bytes) -> str:
    """The media type the bytes claim to be, "" when they are none of the known ones."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return _sniff_container(data)


def _sniff_container(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "image/heic" if data[8:12] in _HEIF_BRANDS else "video/mp4"
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm"
    return ""


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, None when the header does not say."""
    match sniff(data):
        case "image/png":
            return _pair(data[16:20], data[20:24], "big")
        case "image/gif":
            return _pair(data[6:8], data[8:10], "little")
        case "image/jpeg":
            return _jpeg_size(data)
        case "image/webp":
            return _webp_size(data)
        case _:
            return None


def _pair(width: bytes, height: bytes, order: Literal["big", "little"]) -> tuple[int, int] | None:
    pair = int.from_bytes(width, order), int.from_bytes(height, order)
    return pair if all(pair) else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _SOF:
            return _pair(data[at + 7 : at + 9], data[at + 5 : at + 7], "big")
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA or length < 2:
            return None
        at += 2 + length
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8X" if len(data) >= 30:
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8 " if len(data) >= 30:
            width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
            return (width, height) if width and height else None
        case b"VP8L" if len(data) >= 25:
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case _:
            return None
