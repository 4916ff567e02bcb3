"""Which document a ZIP file is: by the names inside it, and by the media type that OpenDocument puts first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

_OOXML: Final = (
    ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_BINARY_SHEET: Final = "application/vnd.ms-excel.sheet.binary.macroEnabled.12"
_OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument."
_OPEN_DOCUMENTS: Final = ("text", "spreadsheet", "presentation")
_LOCAL: Final = b"PK\x03\x04"
_MOST_ENTRIES: Final = 200


def zip_type(head: bytes, entries: Iterable[str] = ()) -> str | None:
    """The media type of an Office document; None for every other archive.

    `entries` are all names of the archive where its directory was read; else those of which `head` holds the headers.
    """
    stated = _stated(head)
    if stated:
        return stated if stated.startswith(_OPEN_DOCUMENT) and _open_kind(stated) in _OPEN_DOCUMENTS else None
    names = set(entries) or set(_names(head))
    if "xl/workbook.bin" in names:
        return _BINARY_SHEET
    return next((media_type for folder, media_type in _OOXML if _has(names, folder)), None)


def _has(names: set[str], folder: str) -> bool:
    return any(name.startswith(folder) for name in names)


def _open_kind(media_type: str) -> str:
    return media_type.removeprefix(_OPEN_DOCUMENT).removesuffix("-template")


def _stated(head: bytes) -> str:
    """The content of a first entry called `mimetype`, stored as it is (OpenDocument 1.3, part 2, 3.3)."""
    if head[26:28] != b"\x08\x00" or head[30:38] != b"mimetype" or head[8:10] != b"\x00\x00":
        return ""
    start = 38 + int.from_bytes(head[28:30], "little")
    size = int.from_bytes(head[22:26], "little") or 80
    text = head[start : start + min(size, 100)].split(b"PK", 1)[0]
    return text.decode("ascii", "ignore").strip()


def _names(head: bytes) -> Iterator[str]:
    """Names of the entries whose headers lie in `head`; sizes are not believed, the headers are looked for."""
    at = 0
    for _ in range(_MOST_ENTRIES):
        at = head.find(_LOCAL, at)
        if at < 0:
            return
        length = int.from_bytes(head[at + 26 : at + 28], "little")
        yield head[at + 30 : at + 30 + min(length, 200)].decode("utf-8", "replace")
        at += len(_LOCAL)
