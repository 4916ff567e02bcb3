"""Secrets that are none: words of an example file, one sign repeated, a row of the keyboard."""

from __future__ import annotations

import re
import string
from urllib.parse import urlsplit

from lib.self_check.facts import Quality, is_here

SHORTEST_SECRET = 32


def quality(secret: str) -> Quality:
    """How good a secret is that this program signs or is let in with."""
    if is_sample(secret):
        return "sample"
    return "short" if len(secret) < SHORTEST_SECRET else "good"


_SAMPLE = re.compile(
    r"(?:your|my|this|put|insert|paste|replace|enter|with|the|real|own|api|key|keys|secret|secrets|token|password|here|"
    r"change|me|it|example|sample|placeholder|dummy|fake|test|testing|demo|default|insecure|random|string|value|cookie|"
    r"todo|fixme|none|null|sk|proj|ant|pk|gateway|openai|anthropic|postgres|admin|root|user|parlour|qwerty|letmein)+"
)
_RUNS = (
    string.digits * 4,
    string.digits[::-1] * 4,
    string.ascii_lowercase * 2,
    "1234567890" * 4,
    "0123456789abcdef" * 4,
)


def is_sample(secret: str) -> bool:
    """Whether this stands where a secret should: words of an example file, one sign repeated, a row of the keyboard."""
    letters = re.sub(r"[^0-9a-z]", "", secret[:200].lower())
    plain = letters.removeprefix("sk")
    if len(set(plain)) <= 3 or any(plain in run for run in _RUNS):
        return True
    return _SAMPLE.fullmatch(letters.rstrip(string.digits)) is not None


def database_facts(url: str | None) -> tuple[Quality, bool]:
    """(how good the password in a database URL is, whether the database is on this computer). No URL: good, here."""
    try:
        parts = urlsplit(url or "")
        password, host = parts.password, parts.hostname
    except ValueError:
        return "good", True
    return ("sample" if password and is_sample(password) else "good"), host is None or is_here(host)
