"""Names of files as people gave them, made fit to be shown and sent: one line, no tricks, never empty."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 120
NAMELESS: Final = "file"

_LONGEST_READ: Final = 4096
_LONGEST_ENDING: Final = 16
_MOST_MARKS: Final = 4
# Control, format (bidirectional and zero-width ones are here) and surrogate characters.
_UNSEEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs"})
# Letters and marks that are drawn as nothing, and characters that Unicode promises never to use.
_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffe\uffff")
_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)


def display_name(raw: str) -> str:
    """`raw` as one line of at most 120 visible characters, without a path; "file" when nothing is left of it.

    The ending stays when a long name is cut. A name of a Windows device gets an underscore before it.
    """
    # Half from each end: a path's last part is what counts, and what is too long is cut anyway.
    if len(raw) > 2 * _LONGEST_READ:
        raw = raw[:_LONGEST_READ] + raw[-_LONGEST_READ:]
    seen = unicodedata.normalize("NFC", _visible(_last_part(unicodedata.normalize("NFC", raw))))
    name = _trimmed(seen) or NAMELESS
    return _cut(f"_{name}" if _DEVICE.match(name) else name)


def _last_part(name: str) -> str:
    parts = reversed(re.split(r"[/\\]", name))
    return next((part for part in parts if _trimmed(_visible(part))), "")


def _visible(name: str) -> str:
    kept: list[str] = []
    marks = 0
    for letter in name:
        category = unicodedata.category(letter)
        if letter.isspace() or category in ("Zs", "Zl", "Zp"):
            letter = " "
        elif category in _UNSEEN_CATEGORIES or letter in _UNSEEN:
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


def _trimmed(name: str) -> str:
    """One space where there were many; no dots and spaces at the end, which Windows would drop."""
    return " ".join(name.split()).rstrip(". ").lstrip(" ")


def _cut(name: str) -> str:
    if len(name) <= LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or not ending or len(ending) > _LONGEST_ENDING or " " in ending:
        return name[: LONGEST - 1].rstrip() + "…"
    return stem[: LONGEST - 2 - len(ending)].rstrip() + "…" + dot + ending
