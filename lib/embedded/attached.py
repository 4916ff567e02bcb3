"""What came along with the words of a message: documents between their two lines, and the captions of pictures."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from msgspec import Struct

from lib.messages import ImagePart, Message, TextPart

_FIRST_LINE: Final = re.compile(r"===== File(?P<tag>(?: \d{1,9})?): (?P<name>.*) =====\n?")
_LONGEST_CAPTION: Final = 120


class Document(Struct, frozen=True):
    """A file that came as text; `name` as its first line has it, with the number of its pages."""

    name: str
    text: str


def said_in(message: Message) -> str:
    """The words of a message without its documents and the captions of its pictures."""
    captions = captions_of(message)
    texts = [
        part.text for at, part in enumerate(message.parts) if isinstance(part, TextPart) and at + 1 not in captions
    ]
    documents, said = _divided("".join(texts))
    return said.strip("\n") if captions or documents else said


def documents_in(message: Message) -> tuple[Document, ...]:
    """The documents of a message, in order."""
    return _divided(message.text)[0]


def _divided(text: str) -> tuple[tuple[Document, ...], str]:
    """The documents of a text and the rest of it, in one walk; what never ends is no document."""
    documents: list[Document] = []
    said: list[str] = []
    held: list[str] = []
    name, last_line = "", None
    for line in text.splitlines(keepends=True):
        if last_line is None and (found := _FIRST_LINE.fullmatch(line)):
            name, last_line, held = found["name"], f"===== End of file{found['tag']}: ", [line]
        elif last_line is None:
            said.append(line)
        elif line.startswith(last_line):
            documents.append(Document(name, "".join(held[1:])))
            last_line, held = None, []
        else:
            held.append(line)
    return tuple(documents), "".join(said + held)


def captions_of(message: Message) -> dict[int, str]:
    """The caption of each picture that has one, by its place among the parts: the short text right before it.

    A text is no caption when it is all that was said.
    """
    parts = message.parts
    found = {
        at: before.text.strip()
        for at, (before, part) in enumerate(pairwise(parts), 1)
        if isinstance(part, ImagePart) and isinstance(before, TextPart) and len(before.text) <= _LONGEST_CAPTION
    }
    spoken = any(isinstance(part, TextPart) and at + 1 not in found for at, part in enumerate(parts))
    return found if spoken or len(found) > 1 else {}
