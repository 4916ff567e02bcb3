"""Signed tickets: what a browser's cookie says, and what the gate says to a page. Nobody else can make one.

A ticket names the account, its epoch and the sign-in; no name, and nothing that would have to be secret. HMAC-SHA256
(RFC 2104) under a key for this purpose alone; the sign-in's id carries the time at which it began.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from msgspec import Struct

from lib.ids import ms_of

LIVES_MS = 30 * 86_400_000
"""A sign-in ends after 30 days, however much it is used."""
_AHEAD_MS = 300_000
"""So far another clock may go ahead."""
_TICKET = re.compile(r"1\.(\d{1,19})\.(\d{1,10})\.(\d{1,19})\.([\w-]{43})\Z", re.ASCII)


class Ticket(Struct, frozen=True):
    """One sign-in of an account."""

    account: int
    epoch: int
    login: int

    @property
    def ends_ms(self) -> int:
        return ms_of(self.login) + LIVES_MS

    def is_in_time(self, now_ms: int) -> bool:
        """Whether it has begun and not run out."""
        return ms_of(self.login) <= now_ms + _AHEAD_MS and now_ms < self.ends_ms


class Tickets:
    """Writes and reads tickets for one purpose."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def written(self, ticket: Ticket) -> str:
        """The ticket with its signature, in characters that a cookie and a header may hold."""
        words = f"1.{ticket.account}.{ticket.epoch}.{ticket.login}"
        return f"{words}.{self._signature(words)}"

    def read(self, text: str) -> Ticket | None:
        """The ticket, if we wrote it."""
        found = _TICKET.match(text)
        if found is None or not hmac.compare_digest(self._signature(text[: found.start(4) - 1]), found[4]):
            return None
        return Ticket(int(found[1]), int(found[2]), int(found[3]))

    def _signature(self, words: str) -> str:
        digest = hmac.new(self._key, words.encode("ascii"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
