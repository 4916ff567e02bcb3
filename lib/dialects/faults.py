"""What went wrong, read from any answer: both error shapes on both endpoints, relays' own shapes, HTML, redirects.

Shapes: `{"error": {message, type, param, code}}` (OpenAI), `{"type": "error", "error": {type, message}, request_id}`
(Anthropic), the bare Error object (OpenAI `ErrorEvent`), `[{"error": …}]` (Gemini), `{"error": "text"}`,
`{"detail": …}` (FastAPI), `{"success": false, "message"}` (new-api), `{"code", "msg"}`, and any of these as JSON text
inside a message, up to three levels deep.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from msgspec import Struct, structs

from lib.dialects import loose
from lib.dialects.fault_words import RETRYABLE, kind_of
from lib.errors import GatewayError, Kind, Where

MAX_MESSAGE: Final = 600
"""Characters kept of a gateway's own text."""

_LEVELS: Final = 3
_DEPTH: Final = 8
_READ_AT_MOST: Final = 256 * 1024
_REQUEST_ID_HEADERS: Final = ("x-request-id", "request-id", "x-oneapi-request-id")
_REQUEST_ID_TEXT: Final = re.compile(r"\(?request[ _]id[:：]\s*([\w.:-]{4,80})\)?", re.IGNORECASE)
_MESSAGE_NAMES: Final = ("message", "msg", "error_msg", "error_message", "errmsg", "detail", "reason", "title")
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


class Fault(Struct, frozen=True):
    """The facts of one error object, whatever its shape."""

    message: str = ""
    code: str | None = None
    type: str | None = None
    param: str | None = None
    request_id: str | None = None


def error_from_response(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """The error of an answer whose status is not 200, or whose 200 body is no answer.

    `headers` may be spelt in any case. `retry_after_s` comes from `retry-after-ms`, else from `retry-after` (seconds,
    or a date relative to the answer's own `date`), uncapped: the caller decides how long is too long. Never raises.
    """
    known = {name.lower(): value for name, value in headers.items()}
    fault = _fault_of_body(status, known, body[:_READ_AT_MOST])
    kind = _kind_of_response(status, fault, body)
    return GatewayError(
        kind,
        bounded(fault.message),
        where="http" if status >= 300 else "body",
        status=status,
        code=fault.code,
        type=fault.type,
        param=fault.param,
        retryable=_may_retry(kind, status, known),
        retry_after_s=_retry_after(known),
        request_id=_request_id(known) or fault.request_id,
    )


def error_from_value(value: Any, where: Where, named: bool = False) -> GatewayError | None:
    """The error that a JSON value inside a 200 answer carries, or None when it carries none.

    `named` says that the event was called `error`, so that a bare object with a message is one.
    """
    if not named and not says_error(value):
        return None
    fault = find_fault(value) or Fault("the gateway reported an error")
    status = 200 if where == "body" else None
    kind = kind_of(status, (fault.code, fault.type), fault.message)
    return GatewayError(
        kind,
        bounded(fault.message),
        where=where,
        status=status,
        code=fault.code,
        type=fault.type,
        param=fault.param,
        retryable=kind in RETRYABLE,
        request_id=fault.request_id,
    )


def says_error(value: Any) -> bool:
    """Whether an object claims to be an error by itself (a null, false or empty `error` is not a claim)."""
    if isinstance(value, list):
        return any(says_error(item) for item in value[:3] if isinstance(item, dict))
    known = loose.table(value)
    return bool(known.get("error")) or known.get("type") == "error" or known.get("success") is False


def find_fault(value: Any, levels: int = _LEVELS, depth: int = _DEPTH) -> Fault | None:
    """The innermost error object that can be found in `value`; outer facts fill what the inner one leaves open.

    `levels` bounds JSON text inside text, `depth` objects inside objects.
    """
    if isinstance(value, str):
        return _fault_in_text(value, levels)
    if depth <= 0:
        return None
    if isinstance(value, list):
        faults = (find_fault(item, levels, depth - 1) for item in value[:3])
        return next((fault for fault in faults if fault is not None), None)
    if not isinstance(value, dict):
        return None
    own = _fault_of_object(value)
    for inner in _inner_of(value):
        found = find_fault(inner, levels, depth - 1)
        if found is not None and found.message:
            return _filled(found, own)
    return own if own != Fault() else None


def _inner_of(value: dict[str, Any]) -> Iterator[Any]:
    """What in an object may hold the error itself: `error` of any shape, objects and JSON text under other names."""
    for name in ("error", "errors"):
        if isinstance(value.get(name), str | dict | list):
            yield value[name]
    for name in _MESSAGE_NAMES:
        inner = value.get(name)
        if isinstance(inner, dict) or (isinstance(inner, str) and "{" in inner):
            yield inner


def bounded(text: str) -> str:
    """A gateway's text on one line, without control characters, at most `MAX_MESSAGE` long."""
    line = _BLANKS.sub(" ", text[: MAX_MESSAGE * 8]).strip()
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"


def html_title(body: bytes) -> str:
    """The title of an HTML page, or "" (markup is never shown)."""
    found = _TITLE.search(body[:_READ_AT_MOST].decode("utf-8", "replace"))
    return bounded(html.unescape(found.group(1))) if found else ""


def looks_like_html(body: bytes) -> bool:
    """Whether a body begins as markup."""
    return body[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _fault_of_body(status: int, headers: Mapping[str, str], body: bytes) -> Fault:
    if 300 <= status < 400:
        return Fault(f"moved to {headers.get('location', 'another address')}")
    if looks_like_html(body):
        return Fault(html_title(body) or _phrase(status))
    found: Fault | None = None
    for value in loose.values(_json_part(body)) or []:
        found = found or find_fault(value)
    if found is None:
        plain = body.decode("utf-8", "replace").strip()
        found = find_fault(plain[: MAX_MESSAGE * 8]) if plain else None
    found = found or Fault()
    return found if found.message else structs.replace(found, message=_phrase(status))


def _json_part(body: bytes) -> bytes:
    """A body, or the data of the event stream that some gateways answer errors with."""
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not body.startswith((b"data:", b"event:", b":")):
        return body
    lines = (line for line in body.replace(b"\r", b"\n").split(b"\n") if line.startswith(b"data:"))
    return b"\n".join(line[5:] for line in lines)


def _fault_in_text(text: str, levels: int) -> Fault | None:
    """Plain text is the message; JSON in it (perhaps after a prefix such as `400 `) is unwrapped."""
    at = text.find("{")
    if at >= 0 and levels > 0:
        for value in loose.values(text[at:].encode("utf-8", "replace")) or []:
            inner = find_fault(value, levels - 1) if isinstance(value, dict) else None
            if inner is not None and inner.message:
                return _filled(inner, Fault(request_id=_id_in(text)))
    return Fault(message=text, request_id=_id_in(text)) if text.strip() else None


def _fault_of_object(value: dict[str, Any]) -> Fault:
    message = next((text for name in _MESSAGE_NAMES if (text := _message(value.get(name)))), "")
    cause = loose.text(loose.table(value.get("metadata")).get("raw"))
    if cause and cause not in message:
        message = f"{message} – {cause}" if message else cause
    kind = _word(value.get("type"))
    return Fault(
        message=message,
        code=_word(value.get("code")) or _word(value.get("status")),
        type=kind if kind != "error" else None,
        param=_word(value.get("param")),
        request_id=_word(value.get("request_id")) or _word(value.get("requestId")) or _id_in(message),
    )


def _message(value: Any) -> str:
    """A message, or FastAPI's list of `{loc, msg}` as one line."""
    if isinstance(value, str):
        return value
    lines = []
    for item in loose.items(value)[:5]:
        entry = loose.table(item)
        place = ".".join(str(step) for step in loose.items(entry.get("loc")) if isinstance(step, str | int))
        words = loose.text(entry.get("msg")) or loose.text(entry.get("message"))
        lines.append(f"{place}: {words}" if place and words else words)
    return "; ".join(line for line in lines if line)


def _word(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)[:200].strip() or None


def _filled(inner: Fault, outer: Fault) -> Fault:
    return Fault(
        message=inner.message or outer.message,
        code=inner.code or outer.code,
        type=inner.type or outer.type,
        param=inner.param or outer.param,
        request_id=inner.request_id or outer.request_id,
    )


def _kind_of_response(status: int, fault: Fault, body: bytes) -> Kind:
    if 300 <= status < 400:
        return "redirect"
    if status < 300:
        if not body.strip():
            return "empty"
        if looks_like_html(body):
            return "not_json"
    return kind_of(status, (fault.code, fault.type), fault.message)


def _phrase(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def _id_in(text: str) -> str | None:
    found = _REQUEST_ID_TEXT.search(text[: MAX_MESSAGE * 8])
    return found.group(1) if found else None


def _request_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name][:200] for name in _REQUEST_ID_HEADERS if headers.get(name)), None)


def _may_retry(kind: Kind, status: int, headers: Mapping[str, str]) -> bool:
    """By kind, unless the gateway says otherwise itself (`x-should-retry`, as the vendors' own clients obey it)."""
    said = headers.get("x-should-retry", "").strip().lower()
    if said in ("true", "false"):
        return said == "true"
    return kind in RETRYABLE and status not in (501, 505)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    milliseconds = _seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    given = headers.get("retry-after")
    seconds = _seconds(given)
    if seconds is not None or not given:
        return seconds
    until, now = _date(given), _date(headers.get("date")) or datetime.now(UTC)
    return None if until is None else max(0.0, (until - now).total_seconds())


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text) if text else -1.0
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _date(text: str | None) -> datetime | None:
    """An HTTP date. Without a zone it is UTC (RFC 9110, section 5.6.7)."""
    try:
        date = parsedate_to_datetime(text) if text else None
    except (ValueError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date is not None and date.tzinfo is None else date
