"""Putting text together from deltas: surrogate halves that arrive apart, and `<think>` tags that arrive in pieces."""

from __future__ import annotations

from typing import Final

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


class Surrogates:
    """Joins the two halves of a character that a gateway put into two deltas (RFC 8259, section 8.2).

    A half without its other half becomes U+FFFD, so what comes out can always be encoded as UTF-8.
    """

    def __init__(self) -> None:
        self.held = ""

    def take(self, text: str) -> str:
        """What can be shown so far; a first half at the end is held back."""
        if self.held:
            text, self.held = self.held + text, ""
        if text.isascii():
            return text
        if "\ud800" <= text[-1] <= "\udbff":
            text, self.held = text[:-1], text[-1]
        return _joined(text)

    def rest(self) -> str:
        """What is still held at the end."""
        text, self.held = self.held, ""
        return _joined(text)


def _joined(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class ThinkTags:
    """Tells reasoning between `<think>` and `</think>` from text, when the tag opens the answer.

    Anywhere else the tag is text. Never closed means that everything is reasoning. Blanks around the reasoning and
    before the text that follows are dropped. Only what may still become a tag, and trailing blanks, are held back.
    """

    def __init__(self) -> None:
        self.passing = False
        self._thinking = False
        self._begun = False
        self._held = ""

    def take(self, text: str) -> tuple[str, str]:
        """`(reasoning, text)` that `text` adds; either may be empty. `passing` is True once all the rest is text."""
        if self.passing:
            return "", text
        held, self._held = self._held + text, ""
        if self._thinking:
            return self._think(held)
        if self._begun:
            return "", self._after(held)
        return self._open(held)

    def rest(self, whole: bool) -> tuple[str, str]:
        """What is still held at the end; of an answer that is not `whole`, half a tag is dropped, not shown."""
        held, self._held = self._held, ""
        if self._thinking:
            return held.rstrip() if whole else _safe(held), ""
        return "", held if whole and not self._begun else ""

    def _open(self, held: str) -> tuple[str, str]:
        start = held.lstrip()
        if start.startswith(_OPEN):
            self._thinking = True
            return self._think(start[len(_OPEN) :])
        if _OPEN.startswith(start):
            self._held = held
            return "", ""
        self.passing = True
        return "", held

    def _think(self, held: str) -> tuple[str, str]:
        if not self._begun:
            held = held.lstrip()
            self._begun = bool(held)
        thought, tag, after = held.partition(_CLOSE)
        if tag:
            self._thinking, self._begun = False, True
            return thought.rstrip(), self._after(after)
        shown = _safe(held)
        self._held = held[len(shown) :]
        return shown, ""

    def _after(self, held: str) -> str:
        held = held.lstrip()
        self.passing = bool(held)
        return held


def _safe(held: str) -> str:
    """`held` without trailing blanks and without an end that may be the beginning of the closing tag."""
    at = held.rfind("<")
    if at >= 0 and _CLOSE.startswith(held[at:]):
        held = held[:at]
    return held.rstrip()
