"""The gate: with a login, nothing but its own page, the health check and snapshots by link opens to a stranger.

Pure ASGI, so the websocket is gated like every page, file and route. Whoever has signed in is named to what lies
behind: to our own routes by `visitor`, to pages by one header that Streamlit hands on (`server.trustedUserHeaders`). A
header of that name from outside is dropped, and pages believe our signature only.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextvars import ContextVar

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib.errors import ParlourError, StoreError
from lib.login import Login, Who
from lib.web.login_form import LoginForm, own_path

VISITOR_HEADER = "x-parlour-visitor"
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
LAST_WORDS_S = 5.0
"""So long after its sign-in has ended a page may still be told so; then its connection is closed."""
_OPEN = re.compile(r"/healthz|/share/[\w-]{1,100}", re.ASCII)
_CANNOT_ASK = "The database does not answer, so nobody can be let in. Try again in a moment."

_visitor: ContextVar[Who | None] = ContextVar("visitor", default=None)


def visitor() -> Who | None:
    """Who sent the request that is being answered; None without a login, and for strangers."""
    return _visitor.get()


class Gate:
    """Lets in who is signed in. `login` gives the login once there is one to ask, `start` makes it be there."""

    def __init__(
        self, app: ASGIApp, *, login: Callable[[], Login | None], start: Callable[[], object], base_path: str = ""
    ) -> None:
        self._app = app
        self._login = login
        self._start = start
        self._base = base_path
        self._form = LoginForm(base_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        scope = _without_claims(scope)
        try:
            login = await self._asked()
        except StoreError:
            await _refuse(scope, receive, send, 503, _CANNOT_ASK)
            return
        if login is None or not login.on:
            is_page = scope["type"] == "websocket"
            await self._app(scope, receive, _until(send, self._is_shut) if is_page else send)
            return
        who = _known(scope, login)
        path = str(scope["path"]).removeprefix(self._base)
        if scope["type"] == "http" and path in {"/login", "/logout"}:
            await self._form.answer(scope, receive, send, login, who)
        elif who is not None:
            await self._let_in(scope, receive, send, login, who)
        elif scope["type"] == "http" and _OPEN.fullmatch(path):
            await self._app(scope, receive, send)
        else:
            await self._turn_away(scope, receive, send, path)

    def _is_shut(self) -> bool:
        """Whether there is a login by now: then who came without one hears nothing more."""
        login = self._login()
        return login is not None and login.on

    async def _asked(self) -> Login | None:
        """The login; None when there is nothing behind the gate that anybody could be shown. Raises StoreBusy."""
        login = self._login()
        if login is None:
            try:
                await run_in_threadpool(self._start)
            except ParlourError:
                return None  # pages can say why, and have nothing else to show
            login = self._login()
        if login is not None and login.stale:
            await run_in_threadpool(login.keep_fresh)
        return login

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, login: Login, who: Who) -> None:
        headers = [*scope["headers"], (VISITOR_HEADER.encode(), login.for_pages(who).encode())]
        before = _visitor.set(who)
        try:
            if scope["type"] == "http":
                await self._app({**scope, "headers": headers}, receive, _kept_private(send))
            else:
                await self._app({**scope, "headers": headers}, receive, _while_signed_in(send, login, who))
        finally:
            _visitor.reset(before)

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        if scope["type"] == "http" and _is_page(scope):
            query = scope["query_string"].decode("ascii", "replace")
            there = own_path(f"{path}?{query}" if query else path)
            await RedirectResponse(self._form.address(there), 303, _NO_STORE)(scope, receive, send)
        else:
            await _refuse(scope, receive, send, 401, "Sign in first.")


_NO_STORE = {"cache-control": "no-store"}


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, words: str) -> None:
    if scope["type"] == "http":
        await PlainTextResponse(words, status, _NO_STORE)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})


def _without_claims(scope: Scope) -> Scope:
    """The request without what only we may say."""
    ours = VISITOR_HEADER.encode()
    kept = [(name, value) for name, value in scope["headers"] if name.lower().replace(b"_", b"-") != ours]
    return {**scope, "headers": kept}


def _known(scope: Scope, login: Login) -> Who | None:
    """Who signed in: of several cookies the one first that only this very host can have set."""
    jars = [cookie_parser(value) for value in Headers(scope=scope).getlist("cookie")]
    for name in (f"__Host-{login.cookie_name}", login.cookie_name):
        for jar in jars:
            if name in jar and (who := login.by_cookie(jar[name])):
                return who
    return None


def _is_page(scope: Scope) -> bool:
    """Whether a browser wants to show this by itself, and not as a part of a page."""
    if scope["method"] not in {"GET", "HEAD"}:
        return False
    headers = Headers(scope=scope)
    mode = headers.get("sec-fetch-mode")
    return mode == "navigate" if mode else "text/html" in headers.get("accept", "")


def _kept_private(send: Send) -> Send:
    """What belongs to one visitor is asked for again by the next one at the same browser."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            kept = headers.get("cache-control", "")
            if "private" in kept:
                headers["cache-control"] = "private, no-cache"
            elif not kept:
                headers["cache-control"] = "no-store"
        await send(message)

    return guarded


def _while_signed_in(send: Send, login: Login, who: Who) -> Send:
    """Nothing more is sent to a page once its sign-in has ended, but for what tells it so."""
    ticket = login.for_pages(who)
    return _until(send, lambda: not login.knows(ticket))


def _until(send: Send, is_over: Callable[[], bool]) -> Send:
    ended_at = 0.0

    async def guarded(message: Message) -> None:
        nonlocal ended_at
        if message["type"] == "websocket.send" and is_over():
            ended_at = ended_at or time.monotonic()
            if time.monotonic() - ended_at > LAST_WORDS_S:
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                raise OSError("the sign-in has ended")
        await send(message)

    return guarded
