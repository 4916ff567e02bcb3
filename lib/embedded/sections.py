"""The texts in the box: `help.md` (Parlour explained) and `show.md` (things to look at), read once."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

_HERE: Final = Path(__file__).parent
_WORD: Final = re.compile(r"[^\W_]+")
_COMMON_TEXT: Final = (
    "a about an and are as at be by can do does for from get give go has have how i if in into is it its me my not of "
    "on or please so tell that the their then there they this to use was we were what when where which who why will "
    "with work would you your explain show"
)
_COMMON: Final = frozenset(_COMMON_TEXT.split())
_ENOUGH: Final = 4


class Section(Struct, frozen=True):
    """One part of a text: its title, the words it answers to, its Markdown."""

    title: str
    words: frozenset[str]
    text: str


@cache
def help_sections() -> tuple[Section, ...]:
    """Parlour's own help, one section per topic."""
    return _read("help.md")


@cache
def show_sections() -> dict[str, str]:
    """What `show …` shows, by name."""
    return {section.title: section.text for section in _read("show.md")}


def _read(name: str) -> tuple[Section, ...]:
    text = (_HERE / name).read_text(encoding="utf-8")
    return tuple(_section(part) for part in re.split(r"^## ", text, flags=re.M)[1:])


def _section(part: str) -> Section:
    title, _, body = part.partition("\n")
    marked = re.match(r"<!-- words: (.*?) -->\n", body)
    words = frozenset(marked.group(1).split()) if marked else frozenset()
    return Section(title.strip(), words, body[marked.end() if marked else 0 :].strip())


def best_section(question: str) -> tuple[Section, int] | None:
    """The help section that fits the question best, with its score; None when none fits well enough."""
    asked = {_stem(word) for word in _words(question)} - _COMMON
    scored = [(section, _score(section, asked)) for section in help_sections()]
    best = max(scored, key=lambda pair: pair[1])
    return best if best[1] >= _ENOUGH else None


def _score(section: Section, asked: set[str]) -> int:
    """A word of the title counts 4, a listed word 3, any other word of the text 1."""
    title = {_stem(word) for word in _words(section.title)} - _COMMON
    listed = {_stem(word) for word in section.words}
    text = {_stem(word) for word in _words(section.text)}
    return 4 * len(asked & title) + 3 * len(asked & (listed - title)) + len(asked & (text - title - listed))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
