"""Long text to order: Markdown of exactly so many tokens, the same for the same request."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from lib.embedded.counting import pieces

_TEXT: Final = (
    "river stone letter garden window market winter harbour candle bridge orchard railway signal pocket copper ladder "
    "morning island thread kettle mirror basket meadow engine quiet slow early plain narrow bright heavy patient "
    "careful distant ordinary small open warm carries follows keeps opens finds leaves counts answers measures turns "
    "waits crosses under over beside without between after before the a every another this that and but while"
)
_WORDS: Final = _TEXT.split()


@lru_cache(maxsize=16)
def long_text(tokens: int, seed: int = 0) -> str:
    """Markdown of exactly `tokens` tokens: headings, paragraphs, lists and a table, in turn."""
    source = random.Random(seed)  # noqa: S311 - scenery, not secrets
    parts: list[str] = []
    count = 0
    for block in _blocks(source):
        if count >= tokens:
            break
        parts.append(block)
        count += len(pieces(block))
    return "".join(pieces("".join(parts))[:tokens])


def _blocks(source: random.Random) -> Iterator[str]:
    part = 0
    while True:
        part += 1
        yield f"## Part {part}: {_words(source, 2)}\n\n"
        yield _paragraph(source)
        yield "".join(f"- {_sentence(source)}\n" for _ in range(4)) + "\n"
        yield _paragraph(source)
        if part % 3 == 0:
            yield _table(source)


def _words(source: random.Random, count: int) -> str:
    return " ".join(source.choice(_WORDS) for _ in range(count))


def _sentence(source: random.Random) -> str:
    return _words(source, source.randint(7, 14)).capitalize() + "."


def _paragraph(source: random.Random) -> str:
    return " ".join(_sentence(source) for _ in range(source.randint(3, 5))) + "\n\n"


def _table(source: random.Random) -> str:
    rows = "".join(f"| {_words(source, 2)} | {source.randint(1, 999)} |\n" for _ in range(4))
    return f"| what | how many |\n|---|---|\n{rows}\n"
