"""Signing in and out over HTTP: `GET` and `POST /login`, `POST /logout`.

A form of another site is refused twice: by the Doorkeeper, who reads Origin, and here, where browsers that say which
site a request comes from (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/) must say that it is this one.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from lib.errors import BadInput, ParlourError, TooSoon
from lib.login import Login, Who
from lib.login.tickets import LIVES_MS
from lib.web.login_page import POLICY, login_page

MOST_BYTES = 8192
AT_ONCE = 8
"""Sign-ins that hold a thread at the same time, of the 40 that all requests share; the others wait without one."""
_LONGEST_NEXT = 2000
_HEADERS = {"cache-control": "no-store", "content-security-policy": POLICY, "x-robots-tag": "noindex"}
WRONG = "This name and this password do not belong together."
BUSY = "The database does not answer. Try again in a moment."


def own_path(text: str) -> str:
    """A path on this very host with its query, or "/" for whatever else somebody wrote there."""
    plain = text.isprintable() and not any(sign in text for sign in "\\ ")
    if not plain or not text.startswith("/") or text.startswith("//") or len(text) > _LONGEST_NEXT:
        return "/"
    return "/" if text.partition("?")[0] in {"/login", "/logout"} else text


class LoginForm:
    """The answers to the two addresses."""

    def __init__(self, base_path: str = "") -> None:
        self._base = base_path
        self._at_once = asyncio.Semaphore(AT_ONCE)

    def address(self, next_path: str) -> str:
        """Where to sign in, to go on at `next_path` then."""
        return f"{self._base}/login" + ("" if next_path == "/" else f"?next={quote(next_path, safe='/')}")

    async def answer(self, scope: Scope, receive: Receive, send: Send, login: Login, who: Who | None) -> None:
        """Answer a request to `/login` or `/logout`."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request, login, who)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request, login: Login, who: Who | None) -> Response:
        is_login = request.url.path == f"{self._base}/login"
        if request.method == "POST":
            if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
                return PlainTextResponse("Another site may not do this.", 403)
            return await (self._sign_in(request, login, who) if is_login else self._sign_out(login, who))
        if not is_login or request.method not in {"GET", "HEAD"}:
            return PlainTextResponse("Method Not Allowed", 405, {"allow": "GET, POST" if is_login else "POST"})
        next_path = own_path(request.query_params.get("next", "/"))
        if who is not None:
            return RedirectResponse(self._base + next_path, 303, _HEADERS)
        return self._page(next_path)

    async def _sign_in(self, request: Request, login: Login, before: Who | None) -> Response:
        fields = await _fields(request)
        if fields is None:
            return PlainTextResponse("This is not the form.", 400)
        name, next_path = fields.get("name", ""), own_path(fields.get("next", "/"))
        address = request.client.host if request.client else ""
        try:
            async with self._at_once:
                cookie = await run_in_threadpool(login.sign_in, name, fields.get("password", ""), address)
            if before is not None:
                await run_in_threadpool(login.sign_out, before)
        except BadInput:
            return self._page(next_path, name, WRONG, 401)
        except TooSoon as error:
            wait = int(error.facts.get("wait_s") or 1)
            again = f"Too many wrong passwords. Try again in {wait} second{'' if wait == 1 else 's'}."
            return self._page(next_path, name, again, 429, {"retry-after": str(wait)})
        except ParlourError:
            return self._page(next_path, name, BUSY, 503)
        response = RedirectResponse(self._base + next_path, 303, _HEADERS)
        self._set(response, login.cookie_name, cookie, secure=_is_secure(request))
        return response

    async def _sign_out(self, login: Login, who: Who | None) -> Response:
        try:
            if who is not None:
                await run_in_threadpool(login.sign_out, who)
        except ParlourError:
            return PlainTextResponse(BUSY, 503)
        response = RedirectResponse(self.address("/"), 303, _HEADERS)
        for secure in (False, True):
            self._set(response, login.cookie_name, "", secure=secure)
        return response

    def _page(
        self, next_path: str, name: str = "", wrong: str = "", status: int = 200, more: dict[str, str] | None = None
    ) -> Response:
        page = login_page(f"{self._base}/login", next_path, name=name[:200], wrong=wrong)
        return HTMLResponse(page, status, _HEADERS | (more or {}))

    def _set(self, response: Response, name: str, value: str, *, secure: bool) -> None:
        """The cookie, or its end. Over https the prefix makes sure that this very host has set it (RFC 6265bis)."""
        age = LIVES_MS // 1000 if value else 0
        start = f"__Host-{name}" if secure else name
        marks = "; Secure" if secure else ""
        cookie = f"{start}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{marks}"
        response.headers.append("set-cookie", cookie)


def _is_secure(request: Request) -> bool:
    """Whether the browser came over https: the server says so, or the browser itself, where a proxy speaks for it."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


async def _fields(request: Request) -> dict[str, str] | None:
    """The fields of the form, each once; None for what no browser of ours sends."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            return None
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=10)
    except (UnicodeDecodeError, ValueError):
        return None
    return {name: values[0] for name, values in found.items() if len(values) == 1}
