"""What is shown of a hit: a piece of the text around it, with the hits marked. Plain text; escaping is the screen's."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate, pairwise

from msgspec import Struct

from lib.search.query import Query, Term
from lib.search.terms import pattern
from lib.search.words import FOLD, composed, fold

_BEFORE, _WIDTH = 60, 220
_MOST_MARKS = 12
_SPACES = re.compile(r"\s+")


class Snippet(Struct, frozen=True):
    """One line. `marks` are (start, end) of the hits in `text`, in order and apart."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it is a hit."""
        edges = [0, *(edge for mark in self.marks for edge in mark), len(self.text)]
        return [(self.text[a:b], bool(at % 2)) for at, (a, b) in enumerate(pairwise(edges)) if a < b]


def snippet(query: Query, text: str) -> Snippet:
    """The neighbourhood of the first hit of `query` in `text`; its start when nothing is marked."""
    text = composed(text)
    hits = _in_original(_hits(query.terms, fold(text)), text)
    start = _start(text, hits[0][0]) if hits else 0
    end = min(len(text), start + _WIDTH)
    return _one_line(text, start, end, [(a, b) for a, b in hits if start <= a and b <= end])


def marked(query: Query, title: str) -> Snippet:
    """The whole of a short text with the hits marked."""
    text = composed(title)
    return _one_line(text, 0, len(text), _in_original(_hits(query.terms, fold(text)), text))


def _hits(terms: tuple[Term, ...], folded: str) -> list[tuple[int, int]]:
    """The first places of each term, without overlaps, in order."""
    found: list[tuple[int, int]] = []
    for term in terms:
        for _, hit in zip(range(_MOST_MARKS), pattern(term).finditer(folded), strict=False):
            found.append(hit.span())
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
    return apart


def _in_original(hits: list[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Places in the folded text as places in the text it was folded from."""
    if text.isascii() or not hits:
        return hits
    ends = list(accumulate(len(FOLD[ord(letter)]) for letter in text))
    return [(_letter_at(ends, start), _letter_at(ends, end - 1) + 1) for start, end in hits]


def _letter_at(ends: list[int], folded_at: int) -> int:
    """The index of the letter whose folded form covers `folded_at`; `ends` grow."""
    return bisect_right(ends, folded_at)


def _start(text: str, hit: int) -> int:
    """Where to begin so that the hit has something before it: at a word when one begins there."""
    start = max(0, hit - _BEFORE)
    space = text.find(" ", start, hit)
    return space + 1 if start and space >= 0 else start


def _one_line(text: str, start: int, end: int, hits: list[tuple[int, int]]) -> Snippet:
    """That stretch with single spaces, and an ellipsis where something was left out."""
    line, marks, at = "…" if start else "", [], start
    for a, b in hits:
        line += _spaced(text[at:a], line)
        hit = _spaced(text[a:b], "x")
        marks.append((len(line), len(line) + len(hit)))
        line, at = line + hit, b
    line += _spaced(text[at:end], line)
    return Snippet(line.rstrip() + ("…" if end < len(text) else ""), tuple(marks))


def _spaced(text: str, before: str) -> str:
    spaced = _SPACES.sub(" ", text)
    return spaced.lstrip() if not before or before.endswith((" ", "…")) else spaced
