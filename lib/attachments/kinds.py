"""What a file is, by what its first bytes say. The name is believed only to tell one sort of text from another.

Layouts: ISO base media (ISO 14496-12) and its brands, RIFF, EBML (RFC 8794), Ogg (RFC 3533), TIFF 6, ZIP (APPNOTE),
Microsoft's Compound File and ASF formats; the rest begin with fixed bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from lib.attachments.attachment import Kind
from lib.attachments.text_kinds import text_encoding, text_type
from lib.attachments.zip_kinds import zip_type

HEAD_BYTES: Final = 8192
"""As many first bytes tell all that the rest could."""
ENCRYPTED_OFFICE: Final = "application/x-encrypted-office"
"""An Office document behind a password: a compound file around the encrypted one."""

_Seen = tuple[Kind, str]

_PREFIXES: Final[tuple[tuple[bytes, Kind, str], ...]] = (
    (b"\xff\xd8\xff", "image", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image", "image/png"),
    (b"GIF87a", "image", "image/gif"),
    (b"GIF89a", "image", "image/gif"),
    (b"II*\x00", "image", "image/tiff"),
    (b"MM\x00*", "image", "image/tiff"),
    (b"II+\x00", "image", "image/tiff"),
    (b"MM\x00+", "image", "image/tiff"),
    (b"\x00\x00\x01\xba", "video", "video/mpeg"),
    (b"\x00\x00\x01\xb3", "video", "video/mpeg"),
    (b"FLV\x01", "video", "video/x-flv"),
    (b"ID3\x02", "sound", "audio/mpeg"),
    (b"ID3\x03", "sound", "audio/mpeg"),
    (b"ID3\x04", "sound", "audio/mpeg"),
    (b"fLaC", "sound", "audio/flac"),
    (b"#!AMR", "sound", "audio/amr"),
    (b"%PDF-", "document", "application/pdf"),
    (b"{\\rtf", "document", "application/rtf"),
)
_RIFF: Final[dict[bytes, _Seen]] = {
    b"WEBP": ("image", "image/webp"),
    b"AVI ": ("video", "video/x-msvideo"),
    b"WAVE": ("sound", "audio/wav"),
}
_ASF: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_VIDEO: Final = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
_ASF_SOUND: Final = bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b")
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
# Old Office files by a stream that only they have; its name stands in the directory, in UTF-16.
_OLE_STREAMS: Final = (
    ("EncryptedPackage", ENCRYPTED_OFFICE),
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
)
_OLE_ENDINGS: Final = {
    "doc": "application/msword",
    "dot": "application/msword",
    "xls": "application/vnd.ms-excel",
    "xlt": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "pps": "application/vnd.ms-powerpoint",
}
_HEIC: Final = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"))
_HEIF: Final = frozenset((b"mif1", b"mif2", b"msf1"))
_SOUND_BRANDS: Final = frozenset((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "))
_STILL_UNREAD: Final = frozenset((b"jp2 ", b"jpx ", b"jpm ", b"mjp2", b"crx "))
_QUICKTIME_BOXES: Final = frozenset((b"moov", b"mdat", b"wide", b"pnot"))


def sniff(head: bytes, name: str = "", *, entries: Iterable[str] = ()) -> tuple[Kind, str] | None:
    """(kind, media type) of a file that begins with `head` (8 KB are enough); None when nothing of it can be sent.

    `entries` are the names in a ZIP file, where somebody has read its directory; without them its first bytes decide.
    SVG counts as a document: it goes as text. Sound is told apart so that it can be refused by its name.
    """
    for prefix, kind, media_type in _PREFIXES:
        if head.startswith(prefix):
            return kind, media_type
    if head.startswith(b"PK\x03\x04"):
        return _document(zip_type(head, entries))
    if head.startswith(_OLE):
        return _document(_ole_type(head, name))
    return _boxed(head) or _streamed(head) or _bitmap(head) or _pdf_or_text(head, name)


def _document(media_type: str | None) -> _Seen | None:
    return ("document", media_type) if media_type else None


def _boxed(head: bytes) -> _Seen | None:
    """Containers that name their content: RIFF, ISO base media, EBML, ASF, Ogg, AIFF."""
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head[:2] == b"\x00\x00" and head[4:8] == b"ftyp":
        return _iso(head)
    if head[4:8] in _QUICKTIME_BOXES and text_encoding(head) is None:
        return "video", "video/quicktime"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _ebml(head)
    if head.startswith(_ASF):
        only_sound = _ASF_SOUND in head and _ASF_VIDEO not in head
        return ("sound", "audio/x-ms-wma") if only_sound else ("video", "video/x-ms-wmv")
    if head.startswith(b"OggS"):
        return ("video", "video/ogg") if b"\x80theora" in head[:512] else ("sound", "audio/ogg")
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return "sound", "audio/aiff"
    return None


def _iso(head: bytes) -> _Seen | None:
    """By its brand; pictures often have a general one and name what they are among the compatible ones."""
    length = min(int.from_bytes(head[:4], "big"), 256)
    major, minor = head[8:12], [head[at : at + 4] for at in range(16, length, 4)]
    if major in _STILL_UNREAD:
        return None
    for brand in (major, *minor) if major in _HEIF else (major,):
        if brand in (b"avif", b"avis"):
            return "image", "image/avif"
        if brand in _HEIC:
            return "image", "image/heic"
    if major in _HEIF:
        return "image", "image/heif"
    if major in _SOUND_BRANDS:
        return "sound", "audio/mp4"
    if major == b"qt  ":
        return "video", "video/quicktime"
    return "video", "video/3gpp" if major[:2] == b"3g" else "video/mp4"


def _ebml(head: bytes) -> _Seen:
    doc_type = re.search(rb"\x42\x82[\x80-\xff]([a-z]{4,8})", head[:128])
    return "video", "video/webm" if doc_type and doc_type[1].startswith(b"webm") else "video/x-matroska"


def _streamed(head: bytes) -> _Seen | None:
    """Formats that are only frames, one behind the other: MPEG transport streams, MP3 and AAC without a tag."""
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47 and text_encoding(head) is None:
        return "video", "video/mp2t"
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] in (0xF0, 0xF1, 0xF8, 0xF9) and head[2] >> 2 & 0xF < 13:
        return "sound", "audio/aac"
    layer_three = head[1] & 0xE6 == 0xE2 and head[1] >> 3 & 3 != 1
    rate_fits = head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3
    return ("sound", "audio/mpeg") if layer_three and rate_fits else None


def _bitmap(head: bytes) -> _Seen | None:
    """Two letters begin a Windows bitmap, and many texts; only the header behind them has these sizes."""
    header = int.from_bytes(head[14:18], "little")
    fits = head[:2] == b"BM" and head[6:10] == bytes(4) and header in (12, 40, 52, 56, 64, 108, 124)
    return ("image", "image/bmp") if fits else None


def _pdf_or_text(head: bytes, name: str) -> _Seen | None:
    """Readers take a PDF whose mark stands anywhere in the first kilobyte; a text may speak of it there."""
    media_type = text_type(head, name)
    if b"%PDF-" in head[:1024] and (media_type is None or head.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"%PDF-")):
        return "document", "application/pdf"
    return _document(media_type)


def _ole_type(head: bytes, name: str) -> str | None:
    """The directory may lie behind the head: then the name tells one old Office file from another."""
    for stream, media_type in _OLE_STREAMS:
        if stream.encode("utf-16-le") in head:
            return media_type
    return _OLE_ENDINGS.get(name.rpartition(".")[2].lower())
