"""Whether bytes are text, in which encoding, and what sort of text."""

from __future__ import annotations

import codecs
import json
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS: Final = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
"""Not among them: backspace, tab, line and page breaks, and escape, which logs of terminals are full of."""
_FEWEST_SURE: Final = 64
_XML_PREAMBLE: Final = re.compile(
    r"\s*(?:<\?xml[^>]{0,500}\?>|<!--.{0,2000}?-->|<!DOCTYPE\s+svg[^>]{0,2000}>|\s)*", re.S
)

_MARKUP: Final = (
    (re.compile(r"<(?:\w{1,20}:)?svg[\s>]", re.IGNORECASE), "image/svg+xml"),
    (re.compile(r"<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE), "text/html"),
)
_OVERRULED: Final = frozenset(
    {"", "text/plain", "text/csv", "text/tab-separated-values", "text/xml", "application/json"}
)
"""Types by name that give way when the text itself says that it is HTML or SVG."""

_BY_ENDING: Final = {
    "txt": "text/plain",
    "text": "text/plain",
    "log": "text/plain",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "tab": "text/tab-separated-values",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "mdx": "text/markdown",
    "json": "application/json",
    "geojson": "application/json",
    "ipynb": "application/json",
    "jsonl": "application/x-ndjson",
    "ndjson": "application/x-ndjson",
    "xml": "text/xml",
    "html": "text/html",
    "htm": "text/html",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "toml": "application/toml",
    "css": "text/css",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "py": "text/x-python",
    "ics": "text/calendar",
    "vcf": "text/vcard",
    "eml": "message/rfc822",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "tex": "text/x-tex",
    "sql": "application/sql",
    "sh": "text/x-shellscript",
    "diff": "text/x-diff",
    "patch": "text/x-diff",
}
_CODE_ENDINGS: Final = """
    ada asm bash bat c cc cfg clj cmake cpp cs cxx dart erl ex exs f90 fs go gradle graphql groovy h hpp hs hx ini
    java jl jsx kt kts less lisp lua m make mm ml nim nix pas php pl proto ps1 r rb rs rst sass scala scm scss sol
    svelte swift tcl tf ts tsx v vb vhdl vue zig zsh
"""
_CODE: Final = frozenset(_CODE_ENDINGS.split())


def text_encoding(head: bytes) -> str | None:
    """The encoding to read `head` (and what follows it) with; None when it is not text.

    A byte-order mark decides; then UTF-8; then Windows-1252, when it looks like writing. A NUL byte is not writing.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding if _reads_as(head, encoding) else None
    if _reads_as(head, "utf-8"):
        return "utf-8"
    return "cp1252" if _is_western(head) else None


def text_type(head: bytes, name: str = "") -> str | None:
    """The media type of text, None for bytes that are none; `name` is believed unless the text differs."""
    encoding = text_encoding(head) if head else None
    if encoding is None:
        return None
    text = head.decode(encoding, "ignore")
    by_name = _by_name(name)
    if by_name in _OVERRULED:
        markup = _markup(text)
        if markup:
            return markup
    return by_name or ("application/json" if _is_json(text) else "text/plain")


def _by_name(name: str) -> str:
    stem, dot, ending = name.lower().rpartition(".")
    if not dot or not stem:
        return ""
    return _BY_ENDING.get(ending) or ("text/x-code" if ending in _CODE else "")


def _markup(text: str) -> str | None:
    preamble = _XML_PREAMBLE.match(text)
    at = preamble.end() if preamble else 0
    found = next((media_type for pattern, media_type in _MARKUP if pattern.match(text, at)), None)
    return found or ("text/xml" if text.lstrip().startswith("<?xml") else None)


def _is_json(text: str) -> bool:
    """Whether the whole of it is an object or a list; a longer one that is cut off needs its name."""
    stripped = text.strip()
    if not stripped or stripped[0] + stripped[-1] not in ("{}", "[]"):
        return False
    try:
        json.loads(stripped)
    except (ValueError, RecursionError):
        return False
    return True


def _reads_as(head: bytes, encoding: str) -> bool:
    """Whether it decodes (a last character may be cut) into something with hardly any control characters."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return "\x00" not in text and len(_CONTROLS.findall(text)) * 100 <= len(text)


def _is_western(head: bytes) -> bool:
    """No control characters at all; and letters of ASCII for the most part, where there is too little to be sure."""
    if _CONTROLS.search(head.decode("latin-1")):
        return False
    high = sum(byte >= 0x80 for byte in head)
    return high * 10 <= len(head) * (3 if len(head) < _FEWEST_SURE else 9)
