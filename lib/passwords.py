"""Passwords: how they are kept, compared and judged, and how names of people are compared.

scrypt (RFC 7914) with the work that OWASP's Password Storage Cheat Sheet gives for 32 MB of memory, kept in the PHC
string format, so that a later release can raise the work and still read what was kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata
from typing import Final

from msgspec import Struct

from lib.errors import BadInput

SHORTEST, LONGEST, LONGEST_NAME = 10, 500, 64
_LEAST_KINDS = 5
"""Different characters."""
_HASH_BYTES, _SALT_BYTES = 32, 16
_PHC = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/-]{8,64})\$([\w+/-]{43})\Z")


class Work(Struct, frozen=True):
    """scrypt's cost: N = 2^ln, the block size r, p rounds one after the other; memory is 128 · N · r bytes."""

    ln: int = 15
    r: int = 8
    p: int = 3


USUAL: Final = Work()
_MOST = Work(18, 16, 8)
"""What a kept string may ask for at most."""


def hashed(password: str, work: Work = USUAL) -> str:
    """The PHC string to keep, with a salt of its own. Takes about 0.2 s."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"$scrypt$ln={work.ln},r={work.r},p={work.p}${_b64(salt)}${_b64(_scrypt(password, salt, work))}"


def fits(password: str, kept: str | None, work: Work = USUAL) -> bool:
    """Whether this password was kept as `kept`. Without one the same work is done, and the answer is no."""
    found = None if kept is None else _read(kept)
    if found is None:
        _scrypt(password, bytes(_SALT_BYTES), work)
        return False
    asked, salt, digest = found
    return hmac.compare_digest(_scrypt(password, salt, asked), digest)


def checked_password(password: str, name: str) -> str:
    """The password, if it may be used. Raises BadInput: password_ and short, long, simple or name."""
    plain = _normal(password)
    if len(plain) < SHORTEST:
        raise BadInput("password_short")
    if len(plain) > LONGEST:
        raise BadInput("password_long")
    if len(set(plain.casefold())) < _LEAST_KINDS:
        raise BadInput("password_simple")
    if _without_signs(folded(name)) and _without_signs(folded(name)) == _without_signs(plain.casefold()):
        raise BadInput("password_name")
    return password


def checked_name(name: str) -> str:
    """A name as it is shown: normal form KC, one line of visible characters. Raises BadInput("bad_name")."""
    plain = unicodedata.normalize("NFKC", name).strip()
    if not 1 <= len(plain) <= LONGEST_NAME or not plain.isprintable():  # neither control nor invisible characters
        raise BadInput("bad_name")
    return plain


def folded(name: str) -> str:
    """A name as it is compared: "Ａnna " and "anna" are one."""
    once = unicodedata.normalize("NFKC", name).strip().casefold()
    return unicodedata.normalize("NFKC", once)


def _normal(password: str) -> str:
    """One password, however a keyboard composed its letters (NIST SP 800-63B, section 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _without_signs(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


def _scrypt(password: str, salt: bytes, work: Work) -> bytes:
    n = 1 << work.ln
    data = _normal(password).encode("utf-8", "replace")
    memory = 128 * work.r * (n + work.p + 2) + (1 << 20)
    return hashlib.scrypt(data, salt=salt, n=n, r=work.r, p=work.p, maxmem=memory, dklen=_HASH_BYTES)


def _read(kept: str) -> tuple[Work, bytes, bytes] | None:
    found = _PHC.match(kept)
    if found is None:
        return None
    work = Work(int(found[1]), int(found[2]), int(found[3]))
    if not (1 <= work.ln <= _MOST.ln and 1 <= work.r <= _MOST.r and 1 <= work.p <= _MOST.p):
        return None
    try:
        return work, _bytes(found[4]), _bytes(found[5])
    except binascii.Error:
        return None


def _b64(data: bytes) -> str:
    """Base64 without padding, as the PHC string format has it."""
    return base64.b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
