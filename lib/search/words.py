"""Text to words, the same for every database: what is stored in an index and what is asked of it.

Words are folded (no case, no accents). Scripts written without spaces, and Hangul with its endings, become overlapping
pairs of characters, and the last character of a run alone, so that any part of a run is found by its pairs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff"  # Thai, Lao, Burmese, Hangul letters, Khmer
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3130-\u318f\u31f0-\u31ff"  # kana, signs
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"  # ideographs, Hangul syllables
)
_MARKS = "\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
_SIGNS = "\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09d7\u0a01-\u0a03\u0a3c-\u0a51"
_MORE = "\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57\u0bbe-\u0bcd"
_REST = "\u0c00-\u0c04\u0c3c-\u0c56\u0c81-\u0c83\u0cbc-\u0cd6\u0d3b-\u0d4d"
LETTER = f"(?:(?![{_UNSPACED}_])[\\w{_MARKS}{_SIGNS}{_MORE}{_REST}])"
"""One character of a spaced word: letters, digits and the marks that belong to them (Unicode L, N, M)."""

_RUN = re.compile(f"([{_UNSPACED}]+)|{LETTER}++")  # possessive: else each letter of a long word takes 60 bytes
_WIDEST = 60
"""Longer words are cut alike in the index and in a query; what is found is then compared whole."""

_MOST_BYTES = 800_000
"""Of one document: a tsvector may hold 1 MB (PostgreSQL manual, "Text Search Limitations")."""


class _Fold(dict[int, str]):
    """A table for `str.translate` that fills itself: each character without accents and case."""

    def __missing__(self, code: int) -> str:
        bare = "".join(c for c in unicodedata.normalize("NFKD", chr(code)) if not "\u0300" <= c <= "\u036f")
        self[code] = unicodedata.normalize("NFC", bare.casefold())
        return self[code]


FOLD = _Fold()


def fold(text: str) -> str:
    """`text` without case and accents: 'Ürgüp' and 'URGUP' become 'urgup', 'Straße' becomes 'strasse'."""
    return text.lower() if text.isascii() else composed(text).translate(FOLD)


def composed(text: str) -> str:
    """`text` with every letter in one piece where Unicode has one (NFC), so that folding works letter by letter."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def runs(folded: str) -> Iterator[tuple[str, bool]]:
    """The words of folded text in their order; True marks a run written without spaces."""
    return ((found[0], found[1] is not None) for found in _RUN.finditer(folded))


def pairs(run: str) -> list[str]:
    """The overlapping pairs of a run, or its single character."""
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


def tokens(text: str) -> list[str]:
    """The distinct tokens an index keeps of `text`, in the order of their first use."""
    found: dict[str, None] = {}
    for run, unspaced in runs(fold(text)):
        if unspaced:
            found.update(dict.fromkeys(pairs(run)))
            found[run[-1]] = None
        else:
            found[run[:_WIDEST]] = None
    return list(found)


def cut(word: str) -> str:
    """A word as the index keeps it."""
    return word[:_WIDEST]


def owner_token(owner: int) -> str:
    """The token that every document of an owner starts with. No text can contain it: § is not part of a word."""
    return f"§{owner}"


def document(text: str, owner: int) -> str:
    """What the index of any database is given for a message: the owner's token and the words, between spaces.

    Always the same for the same text, as taking a document out of a contentless FTS5 table needs (SQLite
    documentation, "FTS5", section "The 'delete' Command").
    """
    words, left = [owner_token(owner)], _MOST_BYTES
    for word in tokens(text):
        left -= len(word.encode()) + 1
        if left < 0:
            break
        words.append(word)
    return " ".join(words)
