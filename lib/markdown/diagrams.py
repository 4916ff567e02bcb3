"""Mermaid diagrams in a guarded block, set apart so that each can be drawn with its source beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

LONGEST = 20_000
"""Characters of source beyond which only the source is shown: laying out a diagram blocks the browser."""
_OPEN = re.compile(r"(?P<mark>`{3,}(?=[^`]*$)|~{3,})[ \t]*(?P<word>[^\s`]*)")
_NEST = re.compile(r"(?P<lead>(?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t])+)(?P<mark>`{3,}|~{3,})[ \t]*mermaid\b", re.I)


class Diagram(Struct, frozen=True):
    """The source of one finished diagram."""

    source: str


def with_diagrams(block: str) -> Iterator[str | Diagram]:
    """The Markdown of a block and its diagrams, in order.

    A fence named `mermaid` at the margin that is closed becomes a diagram. One that is not (the answer was cut, or it
    is in a list or a quotation) stays code: it is named `text`, because Streamlit would draw it without its source.
    """
    if "mermaid" not in block.lower():
        yield block
        return
    lines, prose, at = block.splitlines(keepends=True), list[str](), 0
    while at < len(lines):
        found = _OPEN.match(lines[at].rstrip("\n"))
        if not found:
            prose.append(_renamed(lines[at]))
            at += 1
            continue
        end = _end(lines, at, found["mark"])
        source = "".join(lines[at + 1 : end])
        wanted = found["word"].lower() == "mermaid"
        if wanted and end < len(lines) and source.strip() and len(source) <= LONGEST:
            yield from _said(prose)
            yield Diagram(source)
            prose.clear()
        else:
            first = found["mark"] + "text\n" if wanted else lines[at]
            prose += [first, *lines[at + 1 : end + 1]]
        at = end + 1
    yield from _said(prose)


def _end(lines: list[str], at: int, mark: str) -> int:
    """Where the fence closes; the number of lines when it does not."""
    close = re.compile(rf" {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*\n?")
    return next((place for place in range(at + 1, len(lines)) if close.fullmatch(lines[place])), len(lines))


def _renamed(line: str) -> str:
    nested = _NEST.match(line)
    return line if nested is None else f"{nested['lead']}{nested['mark']}text\n"


def _said(prose: list[str]) -> Iterator[str]:
    text = "".join(prose)
    if text.strip():
        yield text
