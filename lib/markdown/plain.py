"""Untrusted words for places where Streamlit would read Markdown: titles, file names, model names, error texts."""

from __future__ import annotations

import re

LABEL_LIMIT = 200
QUIET_LIMIT = 4_000

_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_MARK = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_MARKS = re.compile(f"({_MARK}{{4}}){_MARK}+")
_SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")
_ADDRESS = re.compile(r"(?:https?(?=://)|www(?=\.))|@(?=[\w.-])", re.IGNORECASE)
_REPLACED = re.compile(r"(^|(?<=\s))(<->|->|<-|--|>=|<=|~=)(?=\s|$)")
_SHORTCODE = re.compile(r":(?=(?:[\w-]+|\+1):)")
_KEPT = frozenset(",;'\"%/?=^ ")
_JOINER = "\u2060"


def plain(text: str, limit: int = LABEL_LIMIT) -> str:
    """One clean line for places that do not read Markdown at all: select box options, table cells, `st.text`, names."""
    return _bounded(" ".join(_HIDDEN.sub("", re.sub(r"[\t\r\n\u2028\u2029]", " ", text)).split()), limit)


def label(text: str, limit: int = LABEL_LIMIT) -> str:
    """One line, at most `limit` characters as seen, in which Streamlit finds nothing to interpret.

    Control, direction and other invisible characters are dropped. Where Streamlit replaces text after decoding
    (`->`, `:smile:`) or links it (`www.`, an e-mail address), one invisible word joiner is put between: a label takes
    no directives that could do it without.
    """
    return _spelled(plain(text, limit))


def quiet(text: str, limit: int = QUIET_LIMIT) -> str:
    """Several lines of untrusted text for a caption or an error box: line ends stay, nothing is interpreted."""
    cleaned = _HIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    "))
    lines = [" ".join(line.split()) for line in _bounded(cleaned.strip(), limit).split("\n")]
    return "\\\n".join(_spelled(line) or "&nbsp;" for line in lines)


def _bounded(text: str, limit: int) -> str:
    text = _MARKS.sub(r"\1", text)
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + "…"


def _spelled(line: str) -> str:
    line = _REPLACED.sub(lambda found: found[2][0] + _JOINER + found[2][1:], line)
    line = line.replace("<" + _JOINER + "->", "<" + _JOINER + "-" + _JOINER + ">")
    line = _SHORTCODE.sub(":" + _JOINER, line)
    line = _ADDRESS.sub(lambda found: found[0] + _JOINER, line)
    return _SPECIAL.sub(lambda found: found[0] if found[0] in _KEPT else f"&#{ord(found[0])};", line)
