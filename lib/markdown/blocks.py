"""Guarded Markdown cut into finished blocks, so that a page never sends a finished block again.

A cut is made only at a blank line, outside fences and display maths, before a line that surely starts a new top-level
block. A stored answer is cut by the same rules as a live one: nothing jumps when an answer ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final, Literal

from lib.markdown.safety import Guard, guard

MIN_CHARS = 300
MAX_CHARS = 8_000  # a fence longer than this is closed and opened again in the next block


class _End(Enum):
    OF_BLOCK = "end of block"


END_OF_BLOCK: Final = _End.OF_BLOCK
Piece = str | Literal[_End.OF_BLOCK]
"""Text to append to the current block, or the mark that the block is finished."""

_FENCE = re.compile(r"([ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(`{3,}|~{3,})([^\n]*)")
_CLOSE = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*$")
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_WAIT = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?:[-*+]|\d{1,9}[.)]?|`+[^\n]*|~+[^\n]*|\$+)?")


class BlockSplitter:
    """Cuts a growing text. The cut does not depend on how the text arrives.

    Joined, the blocks are the text, except that a fence longer than `MAX_CHARS` is closed and opened again (with the
    same words after its backticks). The text itself is kept elsewhere, byte for byte.
    """

    def __init__(self, min_chars: int = MIN_CHARS, max_chars: int = MAX_CHARS) -> None:
        self._min, self._max = min_chars, max_chars
        self._held = ""
        self._inside = False  # in the middle of a line
        self._size = 0
        self._blank = False
        self._list = ""  # what the items of the list being written start with
        self._fence = ""
        self._info = ""
        self._indent = ""
        self._maths = False
        self._quoted = False

    def feed(self, text: str) -> list[Piece]:
        """What can be said of the text by now."""
        return self._run(text, final=False)

    def finish(self) -> list[Piece]:
        """What was held back; the last block is not marked as ended."""
        return self._run("", final=True)

    def _run(self, text: str, *, final: bool) -> list[Piece]:
        text, at, out = self._held + text, 0, list[Piece]()
        while at < len(text):
            newline = text.find("\n", at)
            end = newline + 1 if newline >= 0 else len(text)
            line = text[at:end]
            if not self._inside:
                if newline < 0 and not final and _WAIT.fullmatch(line):
                    break
                out += self._start(line.rstrip("\n"))
            out.append(line)
            self._size += len(line)
            self._inside = newline < 0
            at = end
        self._held = text[at:]
        return _joined(out)

    def _start(self, line: str) -> list[Piece]:
        """What goes before this line: nothing, or the end of a block."""
        if self._fence:
            return self._in_fence(line)
        if self._maths:
            self._maths = line.strip() != "$$"
            return []
        if not line.strip():
            self._blank = True
            return []
        cut = self._cuts(line)
        self._note(line)
        if cut:
            self._size = 0
            return [END_OF_BLOCK]
        return []

    def _cuts(self, line: str) -> bool:
        if not self._blank or self._size < self._min or line[0] in " \t":
            return False
        item = _kind(line)
        return not item or item != self._list or self._size > self._max

    def _note(self, line: str) -> None:
        if line[0] not in " \t" and (self._blank or _kind(line)):
            self._list = _kind(line)
        self._blank = False
        self._maths = line.strip() == "$$"
        if opened := _FENCE.match(line):
            if opened[2][0] == "`" and "`" in opened[3]:
                return
            self._indent, self._fence, self._info = opened[1], opened[2], opened[3]
            self._quoted = ">" in opened[1]

    def _in_fence(self, line: str) -> list[Piece]:
        closing = _CLOSE.match(line)
        if closing and closing[1][0] == self._fence[0] and len(closing[1]) >= len(self._fence):
            self._fence = ""
            return []
        if (self._quoted and not line.lstrip(" ").startswith(">")) or self._left_item(line):
            self._fence = ""
            return self._start(line)
        if self._size < self._max or self._quoted:
            return []
        closed = " " * len(self._indent.expandtabs(4)) + self._fence + "\n"
        again = f"{self._fence}{self._info}\n"
        self._indent, self._list, self._size = "", "", len(again)
        return [closed, END_OF_BLOCK, again]

    def _left_item(self, line: str) -> bool:
        inner = len(self._indent.expandtabs(4)) if self._list and not self._quoted else 0
        return inner > 0 and bool(line.strip()) and len(line) - len(line.lstrip(" ")) < min(inner, 2)


def _kind(line: str) -> str:
    """What kind of list item the line is: its bullet, or the mark after its number; empty for anything else."""
    return line.split(None, 1)[0][-1] if _ITEM.match(line) else ""


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    out: list[Piece] = []
    text: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            text.append(piece)
            continue
        if text:
            out.append("".join(text))
            text.clear()
        out.append(piece)
    if text:
        out.append("".join(text))
    return out


def collected(pieces: Iterable[Piece]) -> list[str]:
    """The blocks that a stream of pieces makes; none is empty."""
    blocks = [""]
    for piece in pieces:
        if isinstance(piece, str):
            blocks[-1] += piece
        else:
            blocks.append("")
    return [block for block in blocks if block]


def split(text: str, min_chars: int = MIN_CHARS, max_chars: int = MAX_CHARS) -> list[str]:
    """Guarded text, already whole, cut as a `BlockSplitter` would have cut it."""
    splitter = BlockSplitter(min_chars, max_chars)
    return collected([*splitter.feed(text), *splitter.finish()])


class LiveDrawing:
    """An answer while it is written: guard and splitter in one."""

    def __init__(self) -> None:
        self._guard = Guard()
        self._splitter = BlockSplitter()

    def feed(self, delta: str) -> list[Piece]:
        """Pieces to draw now, in order."""
        return self._splitter.feed(self._guard.feed(delta))

    def close(self) -> list[Piece]:
        """The rest, when the answer has ended (in whatever way)."""
        return [*self._splitter.feed(self._guard.close()), *self._splitter.finish()]


def drawn(text: str) -> list[str]:
    """A stored answer as the blocks that `LiveDrawing` would have left behind."""
    return split(guard(text))
