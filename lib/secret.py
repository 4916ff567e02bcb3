"""A key that cannot be printed by accident."""

from __future__ import annotations

import base64
import functools
import html
import json
import re
from itertools import groupby
from operator import itemgetter
from typing import Final, NoReturn
from urllib.parse import quote

from lib.errors import SettingsError

_KEY: Final = re.compile(r"[\x21-\x7e]{8,512}\Z")
_PART: Final = 10
"""Signs of a key that tell too much of it."""
_FOR_URLS: Final = str.maketrans("+/", "-_")


class Secret:
    """A gateway key. `repr`, `str`, f-strings and tracebacks show the mask; `reveal()` is for the one header.

    >>> Secret("sk-abcdefgh1234")
    Secret('…1234')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself. Call it only where the request header (or the cipher) is made."""
        return self._value

    @property
    def hint(self) -> str:
        """The last four characters, for 'stored, ends in 4f2a'; nothing of a key shorter than 12."""
        return self._value[-4:] if len(self._value) >= 12 else ""

    @property
    def is_word(self) -> bool:
        """Whether it is a mere word, as for a gateway at home that takes any; no digits, no capitals."""
        return not any(sign.isdigit() or sign.isupper() for sign in self._value)

    def __repr__(self) -> str:
        return f"Secret('…{self.hint}')"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled")


def key_from(text: str) -> Secret:
    """The key in what a user pasted: surrounding white space stripped, then 8 to 512 visible ASCII characters.

    Raises SettingsError without the value in it (a newline in a header would make httpx print the key).
    """
    value = text.strip()
    if value.lower().startswith("bearer "):
        value = value[7:].strip()
    if not _KEY.match(value):
        reason = "empty" if not value else "too_short" if len(value) < 8 else "bad_characters"
        raise SettingsError("key", reason)
    return Secret(value)


def redact(text: str, secrets: tuple[Secret, ...] = ()) -> str:
    """`text` with the given keys, and whatever looks like a key, replaced by a mask.

    A key is also found in part, where the text was cut in its middle, and in what programs make of it on the way into
    a message: percent-encoding, base64, hex, escapes of JSON and HTML.
    """
    for secret in secrets:
        if secret:
            text = _without_beginning(_without_forms(text, secret), secret.reveal())
    return _LOOKS_LIKE_KEY.sub(_mask, text)


def mentions(text: str, secret: Secret) -> bool:
    """Whether a key, or a part of it that `redact` knows, is in `text`."""
    key = secret.reveal() if secret else ""
    return bool(key) and (_holds_part(text, key) or any(_spells(run[0], key) for run in _BYTES.finditer(text)))


def _without_forms(text: str, secret: Secret) -> str:
    if _holds_part(text, secret.reveal()):
        for form, _ in _forms(secret.reveal()):
            text = text.replace(form, f"…{secret.hint}")
        text = _without_parts(text, secret.reveal())
    return _BYTES.sub(lambda found: "[key]" if _spells(found[0], secret.reveal()) else found[0], text)


@functools.lru_cache(maxsize=64)
def _forms(key: str) -> tuple[tuple[str, int], ...]:
    """What a key may look like, each with the number of signs from which a part of it tells too much."""
    texts = (key, quote(key, safe=""), quote(key), json.dumps(key)[1:-1], html.escape(key), key[::-1])
    found = {text: min(len(text), _PART) for text in texts}
    for before in range(3):  # four signs of base64 stand for three bytes, so there are three ways to write a text
        whole = base64.b64encode(bytes(before) + key.encode()).decode().rstrip("=")[before + 1 if before else 0 :]
        found |= {text: min(len(text), 2 * _PART) for text in (whole, whole.translate(_FOR_URLS))}
    return tuple(found.items())


def _holds_part(text: str, key: str) -> bool:
    return any(
        not parts.isdisjoint(text[at : at + size] for at in range(len(text) - size + 1)) for size, parts in _parts(key)
    )


@functools.lru_cache(maxsize=64)
def _parts(key: str) -> tuple[tuple[int, frozenset[str]], ...]:
    """All that is looked for, by its length: a text without any of these holds none of the forms."""
    found: dict[int, set[str]] = {}
    for form, least in _forms(key):
        found.setdefault(least, set()).update(form[at : at + least] for at in range(len(form) - least + 1))
    return tuple((size, frozenset(parts)) for size, parts in found.items())


_BYTES: Final = re.compile(
    r"(?:(?:\\{1,8}u00|\\{1,8}x|%|&#x|0x)?[0-9a-f]{2}[;:, ]?){10,}|(?:&#[0-9]{2,3};){10,}", re.IGNORECASE
)
"""Bytes written out one by one: hex, with or without something between, escapes, entities. Of backslashes only as many
as escapes of escapes have: without a limit a row of them would take the square of its length."""


def _spells(run: str, key: str) -> bool:
    """Whether bytes that were written out one by one hold a part of the key."""
    if run[:2] == "&#" and run[2] not in "xX":
        spelt = ["".join(map(chr, map(int, re.findall(r"[0-9]+", run))))]
    else:
        digits = re.sub(r"\\{1,8}u00|\\{1,8}x|%|&#x|0x|[;:, ]", "", run, flags=re.IGNORECASE)
        spelt = [bytes.fromhex(digits[at : len(digits) - (len(digits) - at) % 2]).decode("latin-1") for at in (0, 1)]
    return any(text[at : at + _PART] in key for text in spelt for at in range(len(text) - _PART + 1))


def _without_parts(text: str, key: str) -> str:
    """The text without what it has in common with any form, where that is at least so long."""
    hidden = bytearray(len(text))
    for size, parts in _parts(key):
        for at in range(len(text) - size + 1):
            if text[at : at + size] in parts:
                hidden[at : at + size] = b"\1" * size
    runs = groupby(zip(hidden, text, strict=True), key=itemgetter(0))
    return "".join("[key]" if gone else "".join(sign for _, sign in run) for gone, run in runs)


def _without_beginning(text: str, key: str) -> str:
    """The text without the beginning of the key that it ends with (before an ellipsis, if it was shortened)."""
    stem, dots = (text[:-1], "…") if text.endswith("…") else (text, "")
    length = next((size for size in range(min(len(key), len(stem)), 5, -1) if stem.endswith(key[:size])), 0)
    return f"{stem[:-length]}[key]{dots}" if length else text


_LOOKS_LIKE_KEY: Final = re.compile(
    r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}|\b(?:sk|pk|rk)-[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]+)?"
)


def _mask(match: re.Match[str]) -> str:
    return f"{match.group(1) or ''}[key]"
