"""Names for downloaded files: they say what is inside, and every file system takes them."""

from __future__ import annotations

import re
import unicodedata

_MOST = 60
_KEPT = re.compile(r"[^\w]+", re.UNICODE)
_TAKEN = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


def file_name(title: str, ending: str) -> str:
    """`title` as a file name: letters and digits of any script with hyphens between them, and `ending` (`md`)."""
    stem = _KEPT.sub("-", unicodedata.normalize("NFC", title[:400])).strip("-_")
    while len(stem) > _MOST or len(stem.encode()) > 3 * _MOST:
        stem = stem[:-1].rstrip("-_")
    return f"{'chat' if not stem or stem.casefold() in _TAKEN else stem}.{ending}"
