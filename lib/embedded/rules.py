"""The rules a request passes before it is answered: what holds for every request whatever its dialect says.

A rule is a pure function: facts in, a `Refusal` or None out. The first refusal answers the request; the order is part
of the behaviour. Rules over the parsed body live in `rules_openai` and `rules_anthropic`. By number:

     1 path               8 model named          15 images seen here     22 stop sequences
     2 method             9 model exists         16 image is sound       23 stream, number of choices
     3 a key             10 served here          17 image limits         24 tools, tool turns, thinking
     4 the right key     11 messages there       18 video                25 prompt fits the context
     5 body size         12 roles                19 token cap
     6 JSON              13 first, last turn     20 sampling range
     7 version           14 content              21 sampling and model
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from lib.cards import DialectName
from lib.embedded.given import Given
from lib.embedded.refusals import Refusal, bad
from lib.secret import Secret

Rule = Callable[[Given], Refusal | None]


def first_refusal(rules: Iterable[Rule], given: Given) -> Refusal | None:
    """What the first rule that objects says; None when all pass."""
    return next((refusal for rule in rules if (refusal := rule(given)) is not None), None)


def unknown_path(method: str, path: str, dialect: DialectName) -> Refusal:
    """Rule 1."""
    return Refusal(404, "Not Found" if dialect == "anthropic" else f"Invalid URL ({method} {path})")


def wrong_method(method: str, path: str, dialect: DialectName, allowed: str) -> Refusal:
    """Rule 2."""
    if dialect == "anthropic":
        return Refusal(405, "Method Not Allowed", headers=(("allow", allowed),))
    message = f"Not allowed to {method} on {path}."
    return Refusal(405, message, "method_not_allowed", headers=(("allow", allowed),))


def check_key(headers: Mapping[str, str], key: Secret, dialect: DialectName, *, x_api_key: bool) -> Refusal | None:
    """Rules 3 and 4: `Authorization: Bearer`, and where `x_api_key` allows it that header; never two different keys."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    given = {bearer.strip()} if scheme.lower() == "bearer" and bearer.strip() else set()
    if x_api_key and headers.get("x-api-key"):
        given.add(headers["x-api-key"].strip())
    if len(given) > 1:
        return Refusal(401, "Authorization and x-api-key carry different keys; send one of them")
    if not given:
        return Refusal(401, _no_key(dialect))
    if hmac.compare_digest(given.copy().pop().encode(), key.reveal().encode()):
        return None
    return _wrong_key(given.pop(), dialect)


def _no_key(dialect: DialectName) -> str:
    if dialect == "anthropic":
        return "Authorization header is required"
    return "You didn't provide an API key. Send it in an Authorization header: Authorization: Bearer YOUR_KEY."


def _wrong_key(given: str, dialect: DialectName) -> Refusal:
    if dialect == "anthropic":
        return Refusal(401, "invalid x-api-key")
    return Refusal(401, f"Incorrect API key provided: {masked(given)}.", "invalid_api_key")


def masked(key: str) -> str:
    """A wrong key as it may be shown: its ends when it is long enough to keep its middle secret."""
    return f"{key[:4]}***{key[-3:]}" if len(key) >= 16 else "***"


def too_large(limit: int) -> Refusal:
    """Rule 5."""
    message = f"Request exceeds the maximum size of {limit} bytes"
    return Refusal(413, message, "request_too_large")


def read_json(content_type: str | None, body: bytes, dialect: DialectName) -> dict[str, Any] | Refusal:
    """Rule 6: a JSON object in UTF-8."""
    if content_type is not None and "json" not in content_type.lower():
        return _not_json(f"Content-Type is {content_type[:60]!r}, not application/json", dialect)
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _not_json(str(error), dialect)
    return value if isinstance(value, dict) else _not_json("it is not an object", dialect)


def _not_json(why: str, dialect: DialectName) -> Refusal:
    if dialect == "anthropic":
        return bad(f"The request body is not valid JSON: {why}")
    return bad(f"We could not parse the JSON body of your request. ({why})")
