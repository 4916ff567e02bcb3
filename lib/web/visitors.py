"""Who may knock: the Host names we answer to, the origins that may act, and the doors that stay shut.

A page of another site can make the user's browser talk to 127.0.0.1. Two tricks matter: DNS rebinding (the other
site's own name is made to point here, so the browser thinks it is the same site; only the Host header tells) and
cross-site requests and websockets (the Origin header tells). Both are refused before Streamlit sees them; for an
unknown websocket origin Streamlit would even ask an outside service for this machine's address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lib.errors import SettingsError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

CLOSED = (
    "/_stcore/metrics",  # unauthenticated figures about sessions and memory
    "/_stcore/agent",  # a headless way to drive the app
    "/_stcore/script-health-check",  # runs a script for anybody who asks
    "/component/",  # files of custom components; there are none
    "/app/static/",  # static files; there are none
)
"""Streamlit's routes that Parlour does not use: 404, as if they were not there."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_NAME = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")  # a host name as browsers send it, or the inside of [::1]

POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1


class Visitors:
    """The names under which the app is known, and what follows from a request's Host and Origin."""

    def __init__(self, allowed_hosts: Iterable[str] = ()) -> None:
        """`allowed_hosts` are names without scheme or port, `*.example.com` for every name below; loopback is given.

        Raises `SettingsError` for anything else: `*` would switch the protection off.
        """
        self._configured = frozenset(_checked(host) for host in allowed_hosts)

    def knows_host(self, host: str | None) -> bool:
        """Whether a Host header names us. The port does not matter, the browser cannot be tricked by it."""
        name = _host_name(host or "")
        return name is not None and (name in LOOPBACK or self._is_configured(name))

    def may_act(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of `origin` may open a websocket or change something here.

        No Origin means no browser. Otherwise it is the page's own host and port, or, behind a proxy that rewrites
        Host, a configured name. Loopback on another port is another program: refused.
        """
        if origin is None:
            return True
        parts = _split(origin)
        if parts is None or parts[0] not in {"http", "https"}:
            return False
        scheme, netloc = parts
        if _without_default_port(scheme, netloc) == _without_default_port(scheme, (host or "").lower()):
            return True
        name = _host_name(netloc)
        return name is not None and self._is_configured(name)

    def _is_configured(self, name: str) -> bool:
        if name in self._configured:
            return True
        return any(entry.startswith("*.") and name.endswith(entry[1:]) for entry in self._configured)


class Doorkeeper:
    """Refuses what `Visitors` does not know and what is closed: HTTP with 400, 403 or 404, websockets with 1008."""

    def __init__(self, app: ASGIApp, *, visitors: Visitors, base_path: str = "") -> None:
        self._app = app
        self._visitors = visitors
        self._closed = tuple(base_path + path for path in CLOSED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        status = self._refusal(scope)
        if status is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(_REASONS[status], status)(scope, receive, send)
        else:
            # Closing before accepting: the server answers the handshake with 403 and no websocket exists.
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})

    def _refusal(self, scope: Scope) -> int | None:
        """The HTTP status with which a request is turned away, or None when it may pass."""
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._visitors.knows_host(hosts[0]):
            return 400
        acts = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if acts and not all(self._visitors.may_act(origin, hosts[0]) for origin in origins):
            return 403
        return 404 if str(scope["path"]).startswith(self._closed) else None


_REASONS = {
    400: "This address is not one of Parlour's names. Open http://localhost with the port you started it on, "
    "or add the name to the allowed hosts.",
    403: "Another site may not do this.",
    404: "Not Found",
}


def _checked(host: str) -> str:
    name = host.strip().lower().rstrip(".")
    plain = name.removeprefix("*.")
    if not plain or _host_name(plain) != plain.strip("[]"):
        raise SettingsError("allowed_hosts", "a host name such as chat.example.com, without scheme, port or path")
    return name.strip("[]")


def _host_name(netloc: str) -> str | None:
    """The lower-case name in `name`, `name:port`, `[v6]` or `[v6]:port`; None when it is nothing of the kind."""
    parts = _split(f"http://{netloc}")
    if parts is None or parts[1] != netloc.lower():
        return None
    name = (urlsplit(f"http://{netloc}").hostname or "").rstrip(".")
    return name if _NAME.fullmatch(name) else None


def _split(url: str) -> tuple[str, str] | None:
    """Scheme and host-with-port of a bare origin, both lower case; None when it is malformed or holds more."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # out of range raises
    except ValueError:
        return None
    extra = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    return None if extra or not parts.netloc else (parts.scheme, parts.netloc.lower())


def _without_default_port(scheme: str, netloc: str) -> str:
    return netloc.removesuffix(":443" if scheme == "https" else ":80")
