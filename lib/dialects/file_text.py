"""A document as text on the wire: between two lines that name it, which its own text cannot imitate."""

from __future__ import annotations

import re
from typing import Final

from lib.messages import FilePart

_BAR: Final = "====="
# Any line of ours that a document may hold, by accident or to make the model believe that it ends there.
_IMITATED: Final = re.compile(rf"{_BAR}\s*(?:End of )?file(?: (\d{{1,9}}))?\b", re.IGNORECASE | re.ASCII)
_LONGEST_NAME: Final = 200


def file_text(part: FilePart) -> str:
    """The text of `part` between its two lines, ending in a line break.

    The same part always gives the same text, so that a gateway's prompt cache finds it again. Where the document
    itself holds such a line, both carry a number that it does not hold.
    """
    name, tag = _one_line(part.name), _tag(part.text)
    end = "" if part.text.endswith("\n") else "\n"
    return f"{_BAR} File{tag}: {name}{_facts(part)} {_BAR}\n{part.text}{end}{_BAR} End of file{tag}: {name} {_BAR}\n"


def joined(texts: list[str]) -> str:
    """Texts as one, where a document's first line begins a line of its own."""
    whole = ""
    for text in texts:
        gap = "\n" if whole and not whole.endswith("\n") and text.startswith(f"{_BAR} File") else ""
        whole += gap + text
    return whole


def _tag(text: str) -> str:
    taken = {int(number or 1) for number in _IMITATED.findall(text)}
    free = next(number for number in range(1, len(taken) + 2) if number not in taken)
    return "" if free == 1 else f" {free}"


def _facts(part: FilePart) -> str:
    """What the text does not show: how long the document is, and that this is not all of it."""
    pages = f"{part.pages} page{'' if part.pages == 1 else 's'}" if part.pages else ""
    facts = ", ".join(fact for fact in (pages, "only its beginning" if part.cut else "") if fact)
    return f" ({facts})" if facts else ""


def _one_line(name: str) -> str:
    """A name that stays inside its line and does not look like the line's end."""
    seen = "".join(letter if letter.isprintable() else " " for letter in name[:_LONGEST_NAME])
    return re.sub(r"={2,}", "=", " ".join(seen.split())) or "file"
