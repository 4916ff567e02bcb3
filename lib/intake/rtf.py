"""RTF: the words between its control words, which is all that a model needs of it (Microsoft's RTF 1.9.1)."""

from __future__ import annotations

import re
from pathlib import Path

from lib.attachments import Attachment
from lib.intake.job import Job
from lib.intake.plain_text import as_text

_TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|((?:\\'[0-9a-fA-F]{2}){1,4096})|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)"
)
_SIGNS = {
    "par": "\n",
    "line": "\n",
    "page": "\n",
    "row": "\n",
    "sect": "\n",
    "tab": "\t",
    "cell": "\t",
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
}
_SILENT = {
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "generator", "themedata",
    "listtable", "listoverridetable", "rsidtbl", "fldinst", "datastore", "xmlnstbl", "latentstyles", "deleted",
}  # fmt: skip
_PAGES = {"437", "850", "852", "866", "874", "932", "936", "949", "950", *(str(page) for page in range(1250, 1259))}
"""Windows code pages by the numbers that `ansicpg` has."""
_MOST_DEPTH = 1000


def rtf(job: Job) -> Attachment:
    """The words as one text. Raises `Refused`."""
    most = 20 * job.limits.text_chars
    with Path(job.path).open("rb") as file:
        raw = file.read(most)
    text, full = _words(raw.decode("latin-1"), job.limits.text_chars)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # two \\u make one emoji
    return as_text(job, text, more=full or job.size > most)


def _words(source: str, most: int) -> tuple[str, bool]:
    """The words, and whether there were more than `most` characters."""
    words = _Words()
    for match in _TOKEN.finditer(source):
        word, number, code, symbol, brace, plain = match.groups()
        if brace:
            words.brace(brace)
        elif word:
            words.control(word, number)
        elif symbol:
            words.symbol(symbol)
        else:
            words.characters(plain or words.decoded(bytes.fromhex(code.replace("\\'", ""))))
        if words.length > most or words.depth > _MOST_DEPTH:
            return words.text, True
    return words.text, False


class _Words:
    """What is said so far. `_silent` and `_after` belong to a group and end with it.

    `_after` is how many characters stand behind each \\u for readers that do not know it; `_skip` how many of them
    are still to come.
    """

    def __init__(self) -> None:
        self._out: list[str] = []
        self._groups: list[tuple[bool, int]] = []
        self._silent, self._after, self._skip = False, 1, 0
        self._page = "cp1252"
        self.length = 0

    @property
    def depth(self) -> int:
        return len(self._groups)

    @property
    def text(self) -> str:
        return "".join(self._out)

    def brace(self, brace: str) -> None:
        if brace == "{":
            self._groups.append((self._silent, self._after))
        else:
            self._silent, self._after = self._groups.pop() if self._groups else (False, 1)
        self._skip = 0

    def control(self, word: str, number: str | None) -> None:
        self._silent = self._silent or word in _SILENT
        if word == "uc":
            self._after = min(int(number or 1), 8)
        elif word == "ansicpg" and number in _PAGES:
            self._page = f"cp{number}"
        elif word == "u" and number:
            self._say(chr(int(number) % 65536))  # a signed number of 16 bits
            self._skip = self._after
        else:
            self._say(_SIGNS.get(word, ""))

    def symbol(self, symbol: str) -> None:
        self._silent = self._silent or symbol == "*"
        self._say({"~": "\u00a0", "_": "-"}.get(symbol, symbol if symbol in "\\{}" else ""))

    def decoded(self, data: bytes) -> str:
        """Characters that stand as bytes; some letters take two of them. Those behind a \\u are skipped one by one."""
        left = min(self._skip, len(data))
        self._skip -= left
        return data[left:].decode(self._page, "replace")

    def characters(self, text: str) -> None:
        skipped = min(self._skip, len(text))
        self._skip -= skipped
        self._say(text[skipped:])

    def _say(self, text: str) -> None:
        if text and not self._silent:
            self._out.append(text)
            self.length += len(text)
