"""Guarded Markdown cut into finished blocks, so that a page never sends a finished block again.

A cut is made only at a blank line, outside fences and display maths, before a line that surely starts a new top-level
block. A stored answer is cut by the same rules as a live one: nothing jumps when an answer ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final, Literal

from lib.markdown.diagrams import undrawn
from lib.markdown.safety import BLOCK, CODE, FENCE, Guard, marked

MIN_CHARS = 300
MAX_CHARS = 8_000  # a fence longer than this is closed and opened again in the next block


class _End(Enum):
    OF_BLOCK = "end of block"


END_OF_BLOCK: Final = _End.OF_BLOCK
Piece = str | Literal[_End.OF_BLOCK]
"""Text to append to the current block, or the mark that the block is finished."""

_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_WAIT = re.compile(f"[{BLOCK}{FENCE}{CODE}]*(?:[-*+]|\\d{{1,9}}[.)]?)?|{BLOCK}?{FENCE}.*")


class BlockSplitter:
    """Cuts a growing text that `Guard(marked=True)` wrote. The cut does not depend on how the text arrives.

    Only the guard knows what is code, so it alone says where a block may begin; this class chooses among those places.
    Joined, the blocks are the guarded text, except that a fence longer than `MAX_CHARS` is closed and opened again
    (with the same words after its backticks). The text itself is kept elsewhere, byte for byte.
    """

    def __init__(self, min_chars: int = MIN_CHARS, max_chars: int = MAX_CHARS) -> None:
        self._min, self._max = min_chars, max_chars
        self._held = ""
        self._inside = False  # in the middle of a line
        self._size = 0
        self._list = ""  # what the items of the list being written start with
        self._opening = ""  # the line that opened the fence

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
                bare = line.lstrip(BLOCK + FENCE + CODE)
                out += self._start(line[: len(line) - len(bare)], bare)
                line = bare
            out.append(line)
            self._size += len(line)
            self._inside = newline < 0
            at = end
        self._held = text[at:]
        return _joined(out)

    def _start(self, marks: str, line: str) -> list[Piece]:
        """What goes before this line: nothing, or the end of a block."""
        if CODE in marks:
            return self._cut_code() if self._size > self._max else []
        before: list[Piece] = []
        if BLOCK in marks:
            kind = _kind(line)
            if self._size >= self._min and (not kind or kind != self._list or self._size > self._max):
                before, self._size = [END_OF_BLOCK], 0
            self._list = kind
        if FENCE in marks:
            self._opening = line if line.endswith("\n") else line + "\n"
        return before

    def _cut_code(self) -> list[Piece]:
        opening = self._opening.lstrip(" \t")
        fence = opening[: len(opening) - len(opening.lstrip(opening[0]))]
        self._list, self._size, self._opening = "", len(opening), opening
        return [fence + "\n", END_OF_BLOCK, opening]


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
    """Guarded and marked text, already whole, cut as a `BlockSplitter` would have cut it."""
    splitter = BlockSplitter(min_chars, max_chars)
    return collected([*splitter.feed(text), *splitter.finish()])


class LiveDrawing:
    """An answer while it is written: guard and splitter in one."""

    def __init__(self) -> None:
        self._guard = Guard(marked=True)
        self._splitter = BlockSplitter()

    def feed(self, delta: str) -> list[Piece]:
        """Pieces to draw now, in order."""
        return _undrawn(self._splitter.feed(self._guard.feed(delta)))

    def close(self) -> list[Piece]:
        """The rest, when the answer has ended (in whatever way)."""
        return _undrawn([*self._splitter.feed(self._guard.close()), *self._splitter.finish()])


def _undrawn(pieces: list[Piece]) -> list[Piece]:
    return [undrawn(piece) if isinstance(piece, str) else piece for piece in pieces]


def drawn(text: str) -> list[str]:
    """A stored answer as the blocks that `LiveDrawing` would have left behind."""
    return split(marked(text))
