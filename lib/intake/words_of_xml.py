"""Words out of the XML of office files: paragraphs become lines, table cells columns, headings marked lines.

Local names are enough: `p`, `t` and `tab` mean the same in WordprocessingML, DrawingML and OpenDocument.
"""

from __future__ import annotations

from xml.parsers import expat

from lib.intake.outbox import Refused

_LINES = {"p", "h"}
_ROWS = {"tr", "table-row"}
_TABLES = {"tbl", "table"}
_CELLS = {"tc", "table-cell"}
_SPACE = {"tab": "\t", "br": "\n", "cr": "\n", "line-break": "\n", "noBreakHyphen": "-"}
_SILENT = {"annotation", "tracked-changes", "instrText", "delText", "del", "notes", "tabs", "Fallback"}
"""Remarks, what was deleted, field codes, speaker's notes, tab stops, and the second telling of what `Choice` told."""
_OPEN_DOCUMENT = ":opendocument:"
_MOST_DEPTH = 256
_MOST_SPACES = 80


class Words:
    """Collects the words of one or more XML files, up to `most` characters."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._out: list[str] = []
        self._length = 0
        self._depth = self._silent = self._texts = self._table = 0
        self.seen_root = self.spoke = False
        self.pages = 0

    @property
    def full(self) -> bool:
        return self._length > self._most

    @property
    def text(self) -> str:
        lines = "".join(self._out).split("\n")
        return "\n".join(line.rstrip() for line in lines).strip("\n")

    def page(self, title: str) -> None:
        self.pages += 1
        self._say(f"\n\n--- {title} ---\n")

    def parser(self) -> expat.XMLParserType:
        """A parser for one file that speaks to these words. It raises `Refused` at a document type: no entities."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self._depth = self._silent = self._texts = self._table = 0
        return parser

    def _doctype(self, *_: object) -> None:
        raise Refused("damaged")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.seen_root = True
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise Refused("damaged")
        space, _, local = name.rpartition(" ")
        if self._silent or local in _SILENT:
            self._silent += 1
            return
        self._texts += _holds_words(space, local)
        self._table += local in _TABLES
        if local in _SPACE:
            self._say(_SPACE[local])
        elif local == "pStyle" and _value(attributes).lower().startswith(("heading", "title")):
            self._say("# ")
        elif _OPEN_DOCUMENT in space:
            self._start_open_document(space, local, attributes)

    def _start_open_document(self, space: str, local: str, attributes: dict[str, str]) -> None:
        if local == "h":
            self._say("# ")
        elif local == "s":
            self._say(" " * _spaces(attributes))
        elif local == "page" and ":drawing:" in space:
            self.page(f"Slide {self.pages + 1}")

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._silent:
            self._silent -= 1
            return
        space, _, local = name.rpartition(" ")
        self._texts -= _holds_words(space, local)
        self._table -= local in _TABLES
        if local in _CELLS:
            self._say("\t")
        elif local in _ROWS or (local in _LINES and not self._table):
            self._say("\n")
        elif local in _LINES:
            self._say(" ")

    def _characters(self, text: str) -> None:
        if self._texts and not self._silent:
            words = text.replace("\n", " ")
            self.spoke = self.spoke or bool(words.strip())
            self._say(words)

    def _say(self, text: str) -> None:
        if not self.full:
            self._out.append(text)
            self._length += len(text)


def _holds_words(space: str, local: str) -> bool:
    """Whether characters directly inside are words: OpenDocument has them in paragraphs, OOXML only in `t`."""
    return local in _LINES if _OPEN_DOCUMENT in space else local == "t"


def _value(attributes: dict[str, str]) -> str:
    return next((value for name, value in attributes.items() if name.endswith(" val")), "")


def _spaces(attributes: dict[str, str]) -> int:
    """`text:s` stands for a run of spaces; how many is in `text:c`."""
    count = next((value for name, value in attributes.items() if name.endswith(" c")), "1")
    return min(int(count), _MOST_SPACES) if count.isdecimal() else 1
