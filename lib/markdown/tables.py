"""Tables and code in an answer, as data to download. Reads the text as it was written; draws nothing.

Tables are those of GitHub's Markdown (https://github.github.com/gfm/, "Tables (extension)"); fences those of CommonMark
0.31, 4.5. Neither is looked for inside the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

MOST = 50
"""Tables, and blocks of code, that are offered of one answer."""
_FENCE = re.compile(
    r"(?P<lead>(?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t])*)(?P<mark>`{3,}(?=[^`]*$)|~{3,})[ \t]*(?P<info>.*)$"
)
_QUOTE = re.compile(r"(?:[ ]{0,3}>[ ]?)+")
_DELIMITER = re.compile(r"[ \t]*:?-+:?[ \t]*")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


class Table(Struct, frozen=True):
    """A table: its header, then its rows; every row has as many cells as the header."""

    rows: tuple[tuple[str, ...], ...]


class CodeBlock(Struct, frozen=True):
    """A fenced block: the first word after its fence (lower case, may be empty) and its text with a last line end.

    `closed` is False when the text ended inside it.
    """

    language: str
    text: str
    closed: bool = True


def tables(text: str) -> tuple[Table, ...]:
    """The tables of an answer, outside code, in order; at most 50."""
    return tuple(found for found in _parts(text) if isinstance(found, Table))[:MOST]


def code_blocks(text: str) -> tuple[CodeBlock, ...]:
    """The fenced blocks that hold something, in order; at most 50."""
    return tuple(found for found in _parts(text) if isinstance(found, CodeBlock) and found.text.strip())[:MOST]


def _parts(text: str) -> Iterator[Table | CodeBlock]:
    if "|" not in text and "```" not in text and "~~~" not in text:
        return
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    at = 0
    while at < len(lines):
        if fence := _FENCE.match(lines[at]):
            block, at = _code(lines, at, fence)
            yield block
        elif at + 1 < len(lines) and (width := _head_width(lines[at], lines[at + 1])):
            table, at = _table(lines, at, width)
            yield table
        else:
            at += 1


def _code(lines: list[str], at: int, fence: re.Match[str]) -> tuple[CodeBlock, int]:
    mark, lead = fence["mark"], fence["lead"]
    close = re.compile(rf"[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*")
    body: list[str] = []
    language = (fence["info"].split() or [""])[0].lower()
    for place in range(at + 1, len(lines)):
        if close.fullmatch(lines[place]):
            return CodeBlock(language, _joined(body)), place + 1
        body.append(_inside(lines[place], lead))
    return CodeBlock(language, _joined(body), closed=False), len(lines)


def _joined(body: list[str]) -> str:
    return "\n".join(body) + "\n" * bool(body)


def _inside(line: str, lead: str) -> str:
    """The line without what its list item or quotation put in front of it."""
    at = 0
    for char in lead:
        if at < len(line) and (line[at] == char == ">" or (char != ">" and line[at] in " \t")):
            at += 1
        elif char == ">":
            break
    return line[at:]


def _head_width(head: str, delimiters: str) -> int:
    """How many columns the table that begins here has; 0 when none does."""
    if "|" not in delimiters and "|" not in head:
        return 0
    marks = _cells(delimiters)
    if not marks or not all(_DELIMITER.fullmatch(mark) for mark in marks) or not _bare(head):
        return 0
    return len(marks) if len(_cells(head)) == len(marks) else 0


def _table(lines: list[str], at: int, width: int) -> tuple[Table, int]:
    rows = [_cells(lines[at])]
    at += 2
    while at < len(lines) and _bare(lines[at]) and not _FENCE.match(lines[at]) and "|" in lines[at]:
        cells = _cells(lines[at])[:width]
        rows.append(cells + [""] * (width - len(cells)))
        at += 1
    return Table(tuple(tuple(_said(cell) for cell in row) for row in rows)), at


def _bare(line: str) -> str:
    quoted = _QUOTE.match(line)
    return line[quoted.end() if quoted else 0 :].strip(" \t")


def _cells(line: str) -> list[str]:
    """What stands between the bars; a bar with a backslash before it belongs to its cell, also inside code."""
    bare = _bare(line)
    bare = bare[1:] if bare.startswith("|") else bare
    cells = re.split(r"(?<!\\)\|", bare)
    return cells[:-1] if len(cells) > 1 and not cells[-1].strip() else cells


def _said(cell: str) -> str:
    """The words of a cell: `\\|` is a bar, `<br>` a line end; other marks stay as the model wrote them."""
    return _BREAK.sub("\n", cell.replace("\\|", "|").strip(" \t"))
