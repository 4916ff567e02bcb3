"""Mermaid diagrams in a guarded block, set apart so that each can be drawn with its source beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

LONGEST = 20_000
"""Characters of source beyond which only the source is shown: laying out a diagram blocks the browser."""
_OPEN = re.compile(r"(?P<mark>`{3,}(?=[^`]*$)|~{3,})[ \t]*(?P<word>[^\s`]*)")
_NEST = re.compile(
    r"(?P<lead>(?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t])+)(?P<mark>`{3,}|~{3,})[ \t]*(?:mermaid\b|[^\s`]*&)", re.I
)
_ANY = re.compile(
    r"^(?P<open>(?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t])*(?:`{3,}|~{3,}))[ \t]*(?:mermaid\b|[^\s`]*&)[^\n]*", re.I | re.M
)
_METADATA = re.compile(
    r"@\s*\{(?!\s*(?:\"?(?:shape|label|type)\"?\s*:\s*(?:[\w-]+|\"[^\"\\]*\")\s*(?:,\s*|(?=\}))){1,9}\})"
)
_ACTOR = re.compile(r"(?:^|;)[ \t]*(?:properties|details)\b", re.I | re.M)
_LOADS = re.compile(r"(?:url|image|image-set|cross-fade|src)\(|@import|theme-?css", re.I)
_STYLE = re.compile(r"(?:^|;)[ \t]*(?:style|classDef|linkStyle)\b.*\\", re.I | re.M)
_DIRECTIVE = re.compile(r"%%\s{0,99}\{")
_HEAD = re.compile(r"\s*---[ \t]*\n(?:(?!---).*\n)*?.*\\")


class Diagram(Struct, frozen=True):
    """The source of one finished diagram."""

    source: str


def with_diagrams(block: str) -> Iterator[str | Diagram]:
    """The Markdown of a block and its diagrams, in order.

    A fence named `mermaid` at the margin that is closed becomes a diagram. One that is not (the answer was cut, or it
    is in a list or a quotation) stays code: it is named `text`, because Streamlit would draw it without its source.
    So does one that could load something: Mermaid lays a diagram out in the page before it becomes an image.
    """
    if not _ANY.search(block):
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
        if wanted and end < len(lines) and source.strip() and len(source) <= LONGEST and not may_load(source):
            yield from _said(prose)
            yield Diagram(source)
            prose.clear()
        else:
            first = found["mark"] + "text\n" if wanted or "&" in found["word"] else lines[at]
            prose += [first, *lines[at + 1 : end + 1]]
        at = end + 1
    yield from _said(prose)


def undrawn(piece: str) -> str:
    """A piece of a growing answer in which no fence is named `mermaid`: its source is seen while it is written.

    Nor is one named with a character reference, which is read there too (CommonMark 0.31, 2.5).
    """
    return _ANY.sub(r"\g<open>text", piece)


def may_load(source: str) -> bool:
    """Whether a diagram could make the browser ask for something while it is laid out.

    Seen in Mermaid 11: pictures of nodes (`A@{ img: … }`, where YAML may spell the key with escapes), icons of actors
    (`properties A: {"icon": …}`), and addresses in styles.
    """
    if any(pattern.search(source) for pattern in (_METADATA, _LOADS, _STYLE)):
        return True
    # Only a sequence diagram has actors; elsewhere "Details" is a name. A directive may stand in the middle of a word.
    if ("sequence" in source or "%%" in source) and _ACTOR.search(source):
        return True
    return "\\" in source and bool(_DIRECTIVE.search(source) or _HEAD.match(source))


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
