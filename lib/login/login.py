"""Who is there: signing in and out, and recognising who signed in before, for pages, routes and the websocket alike.

Everything is answered from a copy of the directory in memory, so that asking costs nothing. It is read anew after each
change of this process; with PostgreSQL, where other processes change it too, every two seconds. When the database does
not answer, the copy is believed for a minute, and then nobody is.
"""

from __future__ import annotations

import threading
import time

from msgspec import Struct

from lib.errors import BadInput, SignedOut, StoreBusy, StoreError, TooSoon
from lib.ids import new_id, now_ms
from lib.keys import KeyBox
from lib.login.attempts import Attempts
from lib.login.tickets import Ticket, Tickets
from lib.passwords import USUAL, Work, checked_password, fits, folded, hashed
from lib.self_check import is_sample
from lib.store import Store
from lib.store.accounts import Account, Accounts, Directory

FRESH_S, BELIEVED_S = 2.0, 60.0
_AT_ONCE = 2
"""Passwords that are looked at at the same time: each takes 32 MB and a processor."""
_PATIENCE_S = 10.0
_ON_A_PAGE = "page"
"""Where an old password is asked for that comes over a page's own connection, as an address."""


class Who(Struct, frozen=True):
    """Somebody who is signed in."""

    account: int
    owner: int
    name: str
    ticket: Ticket


class Login:
    """The accounts at work. Called from any thread."""

    def __init__(self, store: Store, keys: KeyBox, *, attempts: Attempts | None = None, work: Work = USUAL) -> None:
        """Raises StoreError when the directory cannot be read."""
        self._store: Accounts = store.accounts
        self._others_write = store.engine != "sqlite"
        self._cookies, self._pages = Tickets(keys.derived("cookie")), Tickets(keys.derived("page"))
        self._attempts = attempts or Attempts()
        self._work = work
        self._looking = threading.BoundedSemaphore(_AT_ONCE)
        self._reading = threading.Lock()
        self._read_at = 0.0
        self._outdated = False
        self._directory = Directory()
        self._by_id: dict[int, Account] = {}
        self.cookie_name = f"parlour-{keys.derived('name of the cookie').hex()[:8]}"
        self.refresh()

    # --- the directory ----------------------------------------------------------------------------------------------

    @property
    def on(self) -> bool:
        """Whether there is a login: as soon as there is one account."""
        return bool(self._directory.accounts)

    @property
    def stale(self) -> bool:
        """Whether the directory should be read again: where other processes may have changed it, or after a change
        of this one that could not be read."""
        return self._outdated or (self._others_write and time.monotonic() - self._read_at > FRESH_S)

    def refresh(self) -> None:
        """Read the directory after a change. Raises StoreError, and then the copy is not believed any more."""
        with self._reading:
            self._outdated = True
            self._read()

    def _read(self) -> None:
        found = self._store.directory(now_ms())
        self._by_id = {account.id: account for account in found.accounts}
        self._directory = found
        self._read_at = time.monotonic()
        self._outdated = False

    def keep_fresh(self) -> None:
        """Read the directory if it is stale. Raises StoreBusy when that fails and the copy is not believed any more."""
        if not self.stale:
            return
        try:
            with self._reading:
                self._read()
        except StoreError as error:
            if self._outdated or (self.on and time.monotonic() - self._read_at > BELIEVED_S):
                raise StoreBusy("who may come in cannot be asked") from error

    def disabled_owners(self) -> frozenset[int]:
        """The owners whose account may not sign in."""
        return frozenset(account.owner for account in self._directory.accounts if not account.enabled)

    def accounts(self) -> tuple[Account, ...]:
        """All accounts, the oldest first."""
        return self._directory.accounts

    # --- who is there -----------------------------------------------------------------------------------------------

    def by_cookie(self, cookie: str) -> Who | None:
        """Who holds this cookie, if their sign-in has not ended."""
        return self._who(self._cookies.read(cookie))

    def for_pages(self, who: Who) -> str:
        """What the gate tells a page about a visitor; a page believes nothing else."""
        return self._pages.written(who.ticket)

    def on_page(self, told: str | None) -> Who:
        """Who a page was told is there. Raises SignedOut, also when they have been signed out meanwhile."""
        self.keep_fresh()
        who = self._who(self._pages.read(told)) if told else None
        if who is None:
            raise SignedOut
        return who

    def knows(self, told: str) -> bool:
        """Whether who a page was told is there has not been signed out meanwhile; as the copy has it."""
        return self._who(self._pages.read(told)) is not None

    def _who(self, ticket: Ticket | None) -> Who | None:
        account = self._by_id.get(ticket.account) if ticket else None
        if ticket is None or account is None or not account.enabled:
            return None
        if account.epoch != ticket.epoch or ticket.login in self._directory.ended or not ticket.is_in_time(now_ms()):
            return None
        return Who(account.id, account.owner, account.name, ticket)

    # --- coming and going -------------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, address: str) -> str:
        """The cookie of a new sign-in.

        Raises BadInput("wrong_login") for an unknown name, a wrong password and a disabled account alike, TooSoon,
        StoreError.
        """
        account = self._checked(name, password, address)
        self.refresh()
        return self._cookies.written(Ticket(account.id, account.epoch, new_id()))

    def sign_out(self, who: Who) -> None:
        """End this sign-in, wherever its cookie is. Raises StoreError."""
        self._store.end_login(who.owner, who.ticket.login, who.ticket.ends_ms)
        self.refresh()

    def sign_out_everywhere(self, who: Who) -> None:
        """End every sign-in of the account. Raises StoreError."""
        self._store.end_logins(who.account)
        self.refresh()

    def change_password(self, who: Who, old: str, new: str) -> None:
        """Another password; every sign-in ends, this one too.

        Raises BadInput("wrong_password"), BadInput for a password that may not be used, TooSoon, StoreError.
        """
        accepted(new, who.name)
        try:
            self._checked(who.name, old, _ON_A_PAGE)
        except BadInput as error:
            raise BadInput("wrong_password") from error
        self._store.set_password(who.account, hashed(new, self._work))
        self.refresh()

    def _checked(self, name: str, password: str, address: str) -> Account:
        """The account of this name, when the password is its own; as much work for an unknown name."""
        key = folded(name[:200])
        self._attempts.begin(key, address)
        found = self._store.secret(key)
        if not self._looking.acquire(timeout=_PATIENCE_S):
            raise TooSoon("busy", wait_s=int(_PATIENCE_S))
        try:
            right = fits(password[:1000], found[1] if found else None, self._work)
        finally:
            self._looking.release()
        if found is None or not right or not found[0].enabled:  # not even by counting is a disabled one told apart
            raise BadInput("wrong_login")
        self._attempts.succeeded(key, address)
        return found[0]


def accepted(password: str, name: str) -> str:
    """A password that may be used for this name. Raises BadInput as `checked_password` does."""
    if password.isascii() and is_sample(password):
        raise BadInput("password_short" if len(password) < 10 else "password_simple")
    return checked_password(password, name)
