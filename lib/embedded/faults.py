"""Faults on demand, for tests: off unless the gateway is made with them.

A request names one in the header `x-parlour-fault: cut` or in its model, `fault-cut:gpt-5.4`; or they come by chance
with a rate, the same for the same seed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final, Literal, get_args

from lib.cards import DialectName
from lib.embedded.refusals import Refusal
from lib.errors import GatewayError

Fault = Literal[
    "echo_key", "rate_limit", "quota", "server", "overloaded", "html", "cut", "error", "stall", "drop_media"
]
HEADER: Final = "x-parlour-fault"
PREFIX: Final = "fault-"
IN_STREAM: Final = ("cut", "error", "stall")
STEPS_BEFORE: Final = 8
"""How many tokens are sent before a fault in the stream."""

_NAMES: Final[dict[str, Fault]] = {name: name for name in get_args(Fault)}
_BY_CHANCE: Final = tuple(name for name in _NAMES.values() if name != "drop_media")
"""A lost picture is no failure that anybody sees, so it only comes when it is asked for."""
HTML: Final = b"<!doctype html><html><head><title>Dashboard</title></head><body><div id=app></div></body></html>"


class Faults:
    """Decides which fault a request meets. `rate` is the chance of one that nobody asked for."""

    def __init__(self, seed: int = 0, rate: float = 0.0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._rate = rate

    def pick(self, headers: Mapping[str, str], model: object) -> tuple[Fault | None, object]:
        """The fault of this request, and its model without the prefix that asked for it."""
        name, rest = _from_model(model)
        fault = _NAMES.get(headers.get(HEADER, "")) or name
        if fault is None and self._rate > 0 and self._random.random() < self._rate:
            fault = self._random.choice(_BY_CHANCE)
        return fault, rest


def _from_model(model: object) -> tuple[Fault | None, object]:
    if not isinstance(model, str) or not model.startswith(PREFIX):
        return None, model
    name, colon, rest = model.removeprefix(PREFIX).partition(":")
    fault = _NAMES.get(name) if colon else None
    return (fault, rest) if fault else (None, model)


def refusal_of(fault: Fault, dialect: DialectName, key: str) -> Refusal | None:
    """The error answer of a fault that comes before the stream; None for the others."""
    openai = dialect == "openai"
    match fault:
        case "echo_key":
            return Refusal(401, f"Incorrect API key provided: {key}. Check your key.", "invalid_api_key")
        case "rate_limit":
            waits = (("retry-after", "2"), ("retry-after-ms", "1500"), ("x-ratelimit-remaining-requests", "0"))
            return Refusal(429, "Rate limit reached for requests.", "rate_limit_exceeded", headers=waits)
        case "quota":
            kind = "insufficient_quota" if openai else "billing_error"
            return Refusal(429 if openai else 402, "You exceeded your current quota.", "insufficient_quota", type=kind)
        case "server":
            return Refusal(500, "The server had an error while processing your request.")
        case "overloaded":
            return Refusal(529, "Overloaded")
        case _:
            return None


def error_in_stream(dialect: DialectName) -> GatewayError:
    """What the `error` fault says in the middle of an answer."""
    if dialect == "anthropic":
        return GatewayError("overloaded", "Overloaded", where="stream", type="overloaded_error")
    return GatewayError("server", "The server had an error.", where="stream", type="server_error", code="server_error")
