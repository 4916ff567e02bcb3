"""A key that cannot be printed by accident."""

from __future__ import annotations

import re
from typing import Final, NoReturn
from urllib.parse import quote

from lib.errors import SettingsError

_KEY: Final = re.compile(r"[\x21-\x7e]{8,512}\Z")


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

    A key is also found percent-encoded, and where the text was cut in its middle.
    """
    for secret in secrets:
        if secret:
            mask = f"…{secret.hint}"
            for form in (secret.reveal(), quote(secret.reveal(), safe=""), quote(secret.reveal())):
                text = text.replace(form, mask)
            text = _without_beginning(text, secret.reveal())
    return _LOOKS_LIKE_KEY.sub(_mask, text)


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
