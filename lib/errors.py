"""Every error Parlour raises on purpose, as one tree.

    ParlourError
      + SettingsError          a setting, key or base URL that cannot be used
      + GatewayError           what a gateway (or the way to it) answered; `kind` says which sort
      + StoreError             the database
          - StoreLocked        another process writes this data folder
          - StoreNewer         the database was written by a newer Parlour
          - StoreDamaged       the file is not a healthy database
          - StoreUnwritable    disk full, read-only, or no permission
          - StoreGone          the file was moved, deleted or replaced while it was open
          - StoreBusy          the database did not answer in time
      + NotFound               nothing of this owner has that id
      + AnswerRunning          this branch already has an answer in progress
      + BadInput               what the user gave cannot be sent
      + OverBudget             a budget stops the request before it is sent
      + SignedOut              there is a login, and nobody is signed in behind this page any more
      + TooSoon                too many wrong passwords; the next one is not looked at yet

Errors carry facts, never sentences for the screen: those live in `lib/ui/notices.py`, one per leaf and per kind.
Foreign exceptions are translated once, by the module that owns the library, with `from`.
"""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "auth",
    "permission",
    "not_found",
    "bad_request",
    "context_length",
    "too_large",
    "rate_limit",
    "quota",
    "no_channel",
    "overloaded",
    "server",
    "timeout",
    "not_json",
    "empty",
    "redirect",
    "truncated",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

Where = Literal["http", "body", "stream", "transport"]
"""http: an HTTP status said so · body: inside a 200 body · stream: inside a 200 event stream · transport: no answer."""

ANSWER_SIZE = "answer_size"
"""The code of a `too_large` that is our own verdict on an answer, not a gateway's on a request."""


class ParlourError(Exception):
    """The root. `facts` holds what a human sentence may need; never a key, never a prompt."""

    def __init__(self, message: str = "", **facts: str | int | None) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class SettingsError(ParlourError):
    """A setting cannot be used. `field` names it; `message` says why, without its value when it is secret."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)
        self.field = field


class GatewayError(ParlourError):
    """One failed request to a gateway, in the words of the wire.

    `message` is the gateway's own text (untrusted, already redacted by the door); `retryable` says that the same
    request may work later, not that it is retried automatically; `sent` is False only when no byte of the request
    can have reached the gateway.
    """

    def __init__(
        self,
        kind: Kind,
        message: str = "",
        *,
        where: Where = "http",
        status: int | None = None,
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        retryable: bool = False,
        retry_after_s: float | None = None,
        request_id: str | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.where: Where = where
        self.status = status
        self.code = code
        self.type = type
        self.param = param
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.request_id = request_id
        self.sent = sent

    def __repr__(self) -> str:
        facts = f"where={self.where!r}, status={self.status!r}, code={self.code!r}"
        return f"GatewayError({self.kind!r}, {self.message!r}, {facts})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GatewayError) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return (
            self.kind,
            self.message,
            self.where,
            self.status,
            self.code,
            self.type,
            self.param,
            self.retryable,
            self.retry_after_s,
            self.request_id,
        )


class StoreError(ParlourError):
    """The database refused or failed."""


class StoreLocked(StoreError):
    """Another process writes this data folder (`facts['pid']` when known)."""


class StoreNewer(StoreError):
    """The database schema is newer than this program (`facts`: found, known)."""


class StoreDamaged(StoreError):
    """The file is not a healthy database; nothing was changed."""


class StoreUnwritable(StoreError):
    """Disk full, read-only file system or missing permission."""


class StoreGone(StoreError):
    """The database file was moved, deleted or replaced while it was open: what is written now would be lost."""


class StoreBusy(StoreError):
    """The database did not answer in time; the same call may work later."""


class NotFound(ParlourError):
    """Nothing of this owner has that id; the same error for 'does not exist' and 'is not yours'."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} not found", what=what)


class AnswerRunning(ParlourError):
    """The branch already has a running answer; the caller queues the message instead."""


class BadInput(ParlourError):
    """What the user gave cannot be sent (`reason` is a short code such as 'empty' or 'no_model')."""

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or reason, reason=reason)
        self.reason = reason


class OverBudget(ParlourError):
    """A budget does not let a request through; nothing was stored or sent.

    `facts`: budget (its public id), scope, period, subject, currency, limit_nano, spent_nano, held_nano, left_nano,
    needed_nano and over_nano (None when the request has no known price), ends_ms (when its window ends, None: never).
    """


class SignedOut(ParlourError):
    """There is a login, and whoever is behind this page or request is not signed in, or not any more."""


class TooSoon(ParlourError):
    """Too many wrong passwords: the next attempt has to wait `facts['wait_s']` seconds; this one was not looked at."""
