"""A refused request as a value, before any wire format."""

from __future__ import annotations

from msgspec import Struct


class Refusal(Struct, frozen=True):
    """What a rule says to a request it does not let through.

    `code` and `param` exist in the OpenAI dialect only. `type` None means the usual one of the status. `headers` are
    extra response headers.
    """

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def bad(message: str, code: str | None = None, param: str | None = None) -> Refusal:
    """The usual 400."""
    return Refusal(400, message, code, param)
