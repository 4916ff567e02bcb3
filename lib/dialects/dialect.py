"""What a dialect is to those who use it: the client half, as a `Protocol`."""

from __future__ import annotations

from typing import Any, Protocol

from lib.cards import DialectName, ModelCard, WireForm
from lib.errors import GatewayError
from lib.events import Event
from lib.messages import Ask
from lib.secret import Secret


class ResponseDecoder(Protocol):
    """One response's bytes in, events out; a fresh one per response. Never raises."""

    @property
    def ended(self) -> bool:
        """Whether the last event has come out, so that reading on is pointless."""

    @property
    def finishing(self) -> bool:
        """Whether the finish has been said: at most usage and the end mark may follow."""

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes."""

    def close(self, cut: GatewayError | None = None) -> list[Event]:
        """The last events. `cut` is the transport's error when the connection broke."""


class Dialect(Protocol):
    """A wire format. `path` is appended to a base URL that does not end in `/v1`."""

    @property
    def name(self) -> DialectName:
        """Its name in settings, in the store and on the command line."""

    @property
    def path(self) -> str:
        """Where asks are posted, such as `/v1/messages`."""

    def headers(self, key: Secret, form: WireForm) -> dict[str, str]:
        """The headers of a request, the key's among them."""

    def body(self, ask: Ask, form: WireForm, card: ModelCard | None = None) -> dict[str, Any]:
        """The request, ready for `wire_body.written`. Raises BadInput for a part that cannot be carried."""

    def adjusted(self, ask: Ask, card: ModelCard | None = None) -> tuple[str, ...]:
        """Names of parameters that `body` sends with another value than the user set."""

    def decoder(self) -> ResponseDecoder:
        """A fresh decoder for one response."""
