"""What happens to model text before it is read as Markdown: one kind of line end, bounded marks, no margin."""

from __future__ import annotations

import re

MARKS_LIMIT = 8
_MARK = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f"
    "\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
_MARKS = re.compile(f"[{_MARK}]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Intake:
    """Line ends made one kind, control characters visible, runs of combining marks bounded."""

    def __init__(self) -> None:
        self._held = ""
        self._marks = 0

    def take(self, text: str, final: bool) -> str:
        text = self._held + text
        self._held = ""
        if text.endswith("\r") and not final:
            text, self._held = text[:-1], "\r"
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if text.isascii():
            self._marks = 0 if text else self._marks
            return _CONTROL.sub("\ufffd", text)
        return self._bounded(_CONTROL.sub("\ufffd", text))

    def _bounded(self, text: str) -> str:
        out: list[str] = []
        at = 0
        for run in _MARKS.finditer(text):
            before = self._marks if run.start() == 0 else 0
            keep = max(0, min(MARKS_LIMIT - before, len(run[0])))
            out += (text[at : run.start()], run[0][:keep])
            at = run.end()
            self._marks = before + len(run[0]) if at == len(text) else 0
        if at < len(text):
            self._marks = 0
        out.append(text[at:])
        return "".join(out)


class Margin:
    """Takes away the margin of the first line from all lines that have it, and empty lines before the first.

    Streamlit strips a text before it draws it; an indented first line would then mean something else than we read.
    """

    def __init__(self) -> None:
        self._held = ""
        self._width: int | None = None
        self._inside = False

    def take(self, text: str, final: bool) -> str:
        if self._width == 0 and not self._held:
            return text
        text, self._held = self._held + text, ""
        out: list[str] = []
        while text:
            if self._width == 0:
                out.append(text)
                break
            if not self._inside:
                bare = text.lstrip(" ")
                spaces = len(text) - len(bare)
                if not bare and not final and (self._width is None or spaces < self._width):
                    self._held = text
                    break
                if self._width is None and bare.startswith("\n"):
                    text = bare[1:]
                    continue
                text = self._trimmed(text, bare, spaces)
            end = text.find("\n") + 1
            self._inside = not end and bool(text)
            out.append(text[:end] if end else text)
            text = text[end:] if end else ""
        return "".join(out)

    def _trimmed(self, text: str, bare: str, spaces: int) -> str:
        if self._width is None:
            self._width = spaces if spaces <= 3 and not bare.startswith("\t") else 0
        if spaces < self._width and not bare.startswith("\n"):
            self._width = 0
        return text[min(spaces, self._width) :]
