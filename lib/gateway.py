"""The door to the gateways: the only module that touches the network, and only below configured base URLs.

Redirects are not followed, proxies of the environment are not used, keys travel in one header and appear in no
error. A read timeout is not a stall timeout (a gateway may drip comments for ever), so the deadlines are our own.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import random
import re
import ssl
from collections.abc import AsyncIterator, Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
import msgspec
from msgspec import Struct, structs

from lib.cards import DialectName, GatewayCard, ListedModel, ModelCard, WireForm
from lib.dialects import DIALECTS, Dialect, ResponseDecoder
from lib.dialects.chunked import ChunkMerger
from lib.dialects.faults import error_from_response, looks_like_html
from lib.dialects.model_list import read_model_list
from lib.dialects.repair import repair
from lib.errors import GatewayError, Where
from lib.events import (
    AttemptBegan,
    AttemptFailed,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from lib.messages import Ask
from lib.retries import wait_before_retry
from lib.secret import Secret, redact

Take = Callable[[list[Event]], None]

_CONTENT = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta)
_INSTANT_S = 0.0005
_BURST_BYTES = 16 * 1024
_AFTER_FINISH_S = 5.0
_MAX_ANSWER_BYTES = 128 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024
_MAX_LIST_BYTES = 16 * 1024 * 1024
_ERROR_BODY_S = 3.0
_DRAIN_S = 0.2
_READABLE_CODINGS = ("", "identity", "gzip", "deflate")
_VERSIONED = re.compile(r"/v\d+[a-z]*\d*(?:/openai)?\Z")

for _name in ("httpx", "httpcore"):
    # Their debug lines repeat headers of the answer, which may echo the key.
    logging.getLogger(_name).setLevel(logging.WARNING)


class Deadlines(Struct, frozen=True):
    """Seconds. `first` and `gap` count until content arrives; keep-alives do not stop those clocks."""

    connect: float = 5.0
    first: float = 300.0
    gap: float = 120.0
    total: float = 3600.0
    listing: float = 20.0


class Reach(Struct, frozen=True):
    """What a connection test found: the models listed, and which dialects the gateway serves."""

    models: tuple[ListedModel, ...] = ()
    dialects: tuple[DialectName, ...] = ()
    list_error: GatewayError | None = None


class Gateway:
    """One gateway and its pooled connections. Make it on the event loop that uses it; `transport` is for tests.

    `pace_s` is the pause after a read that had to wait, so that one wake-up carries many tokens (0 = none);
    `max_answer` is the size in bytes beyond which an answer is given up.
    """

    def __init__(
        self,
        card: GatewayCard,
        key: Secret,
        *,
        deadlines: Deadlines | None = None,
        pace_s: float = 0.04,
        max_answer: int = _MAX_ANSWER_BYTES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.card = card
        self._key = key
        self._deadlines = deadlines or Deadlines()
        self._pace_s = pace_s
        self._max_answer = max_answer
        self._learnt: dict[tuple[str, DialectName], WireForm] = {}
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=20, keepalive_expiry=30.0)
        self._http = httpx.AsyncClient(
            transport=transport
            or _merging(httpx.AsyncHTTPTransport(verify=_trusted(), trust_env=False, limits=limits)),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # none is kept, so none is sent
            timeout=httpx.Timeout(connect=self._deadlines.connect, read=None, write=60.0, pool=5.0),
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    def form_for(self, model: str, dialect: DialectName) -> WireForm:
        """How requests for this model are spelt now: the gateway's form plus what its refusals have taught."""
        return self._learnt.get((model, dialect), self.card.form)

    async def answer(
        self, ask: Ask, dialect: DialectName, take: Take, *, card: ModelCard | None = None, retry: bool = True
    ) -> None:
        """Ask, and hand over every event in batches; the last is Finished or Failed. Cancelling closes the request.

        Requests are repeated only as `lib.retries` allows, plus one repair of a refused parameter. Raises BadInput
        when the dialect cannot carry the ask; every other failure is a `Failed` event.
        """
        number, repaired, wire = 1, None, DIALECTS[dialect]
        form, may_repair = self.form_for(ask.model, dialect), True
        while True:
            body = wire.body(ask, form, card)
            take([AttemptBegan(number, repaired)])
            attempt = _Attempt(take, wire.decoder())
            await self._try(wire, body, form, ask.stream, attempt)
            if repaired and (attempt.error is None or attempt.error.kind != "bad_request"):
                self._learnt[ask.model, dialect] = form  # only a repair that helped
            if attempt.error is None:
                return
            fix = repair(body, attempt.error, form) if may_repair and not attempt.content_seen else None
            if fix:
                may_repair, form, repaired, wait = False, fix.form, fix.told, 0.0
            else:
                again = wait_before_retry(
                    attempt.error,
                    attempt=number,
                    content_seen=attempt.content_seen,
                    spread=random.random(),  # noqa: S311  (spreads load, no secret)
                )
                if again is None or not retry:
                    take([Failed(attempt.error)])
                    return
                repaired, wait = None, again
            take([AttemptFailed(number, attempt.error, wait)])
            await asyncio.sleep(wait)
            number += 1

    async def models(self) -> list[ListedModel]:
        """`GET /v1/models`, normalised. Raises GatewayError."""
        wire = DIALECTS[self.card.dialects[0]]
        try:
            async with asyncio.timeout(self._deadlines.listing):
                status, headers, body = await self._get("/v1/models", wire.headers(self._key, self.card.form))
        except TimeoutError as error:
            raise GatewayError("timeout", "no answer in time", where="transport", retryable=True) from error
        if status != 200:
            raise self._clean(error_from_response(status, headers, body))
        try:
            return read_model_list(status, body, headers)
        except GatewayError as error:
            raise self._clean(error) from error

    async def reach(self) -> Reach:
        """Test the connection without spending anything: list the models, and post one invalid request per dialect.

        A served endpoint refuses the empty request with 400 or 422; a missing one says 404 or answers a page.
        Raises GatewayError when the gateway cannot be reached or refuses the key.
        """
        try:
            models, list_error = tuple(await self.models()), None
        except GatewayError as error:
            if error.kind in ("auth", "permission", "redirect") or error.where == "transport":
                raise
            models, list_error = (), error
        refusals = {name: await self._refusal_of_nothing(wire) for name, wire in DIALECTS.items()}
        served = tuple(name for name, error in refusals.items() if error.status in (400, 422))
        if not served:
            key_errors = [refusal for refusal in refusals.values() if refusal.kind in ("auth", "permission")]
            for problem in (*key_errors, list_error):
                if problem:
                    raise problem
        return Reach(models, served, list_error)

    async def _refusal_of_nothing(self, wire: Dialect) -> GatewayError:
        """What the gateway says to an empty request; a page (of a proxy, or of a TLS port) is no word of its own."""
        try:
            async with asyncio.timeout(self._deadlines.listing):
                response = await self._send(self._request(wire, {}, self.card.form, stream=False))
                body = await _limited(response, _MAX_ERROR_BYTES, within=_ERROR_BODY_S)
        except TimeoutError:
            return GatewayError("timeout", "no answer in time", where="transport", retryable=True)
        except GatewayError as error:
            return error
        if looks_like_html(body):
            return GatewayError("not_json", "a page instead of an answer", where="body")
        return self._clean(error_from_response(response.status_code, response.headers, body))

    async def _try(self, wire: Dialect, body: dict[str, Any], form: WireForm, stream: bool, attempt: _Attempt) -> None:
        """One request from the first byte sent to the last byte read; its outcome is in `attempt`."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._deadlines.total
        try:
            async with asyncio.timeout_at(min(ends_at, loop.time() + self._deadlines.first)) as clock:
                response = await self._send(self._request(wire, body, form, stream=stream))
                try:
                    await self._read(response, wire, attempt, clock, ends_at)
                finally:
                    await response.aclose()
        except TimeoutError:
            where: Where = "stream" if attempt.content_seen else "transport"
            attempt.end(GatewayError("timeout", "no content in time", where=where, retryable=True))
        except GatewayError as error:
            attempt.end(error)
        if attempt.error:
            attempt.error.request_id = attempt.error.request_id or attempt.request_id
            attempt.error = self._clean(attempt.error)

    async def _read(
        self, response: httpx.Response, wire: Dialect, attempt: _Attempt, clock: asyncio.Timeout, ends_at: float
    ) -> None:
        if response.status_code != 200:
            body = await _limited(response, _MAX_ERROR_BYTES, within=_ERROR_BODY_S)
            raise error_from_response(response.status_code, response.headers, body)
        if not _is_readable(response):
            raise GatewayError("not_json", "the answer is compressed in a way that was not asked for", where="body")
        attempt.begin(redact(_request_id(response), (self._key,)) or None)
        loop, size, pieces = asyncio.get_running_loop(), 0, response.aiter_bytes()
        while not attempt.ended:
            asked_at = loop.time()
            try:
                piece = await anext(pieces, None)
            except (httpx.TransportError, httpx.DecodingError):
                attempt.end(GatewayError("truncated", "the connection broke", where="transport", retryable=True))
                return
            if piece is None:
                attempt.end()
                return
            size += len(piece)
            if size > self._max_answer:
                raise GatewayError("too_large", "the answer exceeds the size limit", where="stream")
            waited = loop.time() - asked_at > _INSTANT_S
            progress = attempt.feed(piece)
            if attempt.finishing:  # the line may stay open although nothing but usage is left to come
                clock.reschedule(min(clock.when() or ends_at, loop.time() + _AFTER_FINISH_S))
            elif progress:
                clock.reschedule(min(ends_at, loop.time() + self._deadlines.gap))
            gathered = len(piece) < _BURST_BYTES and piece.count(b"\n\n") > 1  # what came during the pause before
            if (waited or gathered) and attempt.content_seen and self._pace_s and not attempt.ended:
                await asyncio.sleep(self._pace_s)
        if attempt.error is None:
            await _drain(pieces)

    def _request(self, wire: Dialect, body: dict[str, Any], form: WireForm, *, stream: bool) -> httpx.Request:
        headers = {
            **wire.headers(self._key, form),
            "content-type": "application/json",
            "accept": "text/event-stream" if stream else "application/json",
            "accept-encoding": "identity",
            "user-agent": "Parlour",
        }
        return self._built("POST", wire.path, headers, body)

    def _built(self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None) -> httpx.Request:
        """The request. Raises GatewayError when it cannot be written; the cause, which may quote it, is dropped."""
        base = self.card.base_url
        path = path.removeprefix("/v1") if _VERSIONED.search(base) else path
        with contextlib.suppress(httpx.InvalidURL, ValueError):
            content = None if body is None else msgspec.json.encode(body)
            return self._http.build_request(method, base + path, content=content, headers=headers)
        raise _unsendable()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """The response with its body unread. Raises GatewayError; nothing of httpx leaves this module."""
        try:
            return await self._http.send(request, stream=True)
        except httpx.LocalProtocolError:
            pass  # its text quotes the refused header: it must not even become the cause
        except (httpx.TransportError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise _translated(error, body_bytes=len(request.content)) from error
        raise _unsendable()

    async def _get(self, path: str, headers: dict[str, str]) -> tuple[int, httpx.Headers, bytes]:
        headers = {**headers, "accept": "application/json", "accept-encoding": "identity", "user-agent": "Parlour"}
        response = await self._send(self._built("GET", path, headers, None))
        whole = response.status_code == 200
        return response.status_code, response.headers, await _limited(response, _MAX_LIST_BYTES, whole=whole)

    def _clean(self, error: GatewayError) -> GatewayError:
        """The same error with our key, and whatever looks like a key, masked in the gateway's own words."""
        for name in ("message", "code", "type", "param", "request_id"):
            value = getattr(error, name)
            setattr(error, name, redact(value, (self._key,)) if value else value)
        error.args = (error.message,)
        return error


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The usual authorities, and those of this machine (or SSL_CERT_FILE): companies have their own."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class _Attempt:
    """What one request has brought so far; holds back its failure, which may be retried."""

    def __init__(self, take: Take, decoder: ResponseDecoder) -> None:
        self._take = take
        self._decoder = decoder
        self.error: GatewayError | None = None
        self.content_seen = False
        self.request_id: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the last event of this request is known, so that reading on is pointless."""
        return self._decoder.ended

    @property
    def finishing(self) -> bool:
        """Whether the finish has been said and at most usage may follow."""
        return self._decoder.finishing

    def begin(self, request_id: str | None) -> None:
        """The gateway accepted the request."""
        self.request_id = request_id
        self._take([Started(request_id=request_id)])

    def feed(self, piece: bytes) -> bool:
        """Bytes of the answer; True when they were progress (content, or the end)."""
        events = self._decoder.feed(piece)
        return bool(events) and self._pass_on(events)

    def end(self, cut: GatewayError | None = None) -> None:
        """No more bytes will come, because of `cut` if given; what the decoder held back comes out."""
        self._pass_on(self._decoder.close(cut))

    def _pass_on(self, events: list[Event]) -> bool:
        """Pass events on; True when they were progress (content, or the end)."""
        progress = False
        passed: list[Event] = []
        for event in events:
            if isinstance(event, Failed):
                self.error = event.error
                break
            if isinstance(event, _CONTENT):
                self.content_seen = progress = True
            progress = progress or isinstance(event, Finished)
            passed.append(event)
        if passed:
            self._take(passed)
        return progress


class _MergedLine:
    """A connection of httpcore whose chunked answers arrive as one chunk per read."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self._merger = ChunkMerger()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            data: bytes = await self._line.read(max_bytes, timeout)
            merged = self._merger.feed(data)
            if merged or not data:
                return merged

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._merger = ChunkMerger()  # what is read after a request is the head of its answer
        await self._line.write(buffer, timeout)

    async def start_tls(self, *given: Any, **named: Any) -> _MergedLine:
        return _MergedLine(await self._line.start_tls(*given, **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)


class _MergedLines:
    """httpcore's way to connect, with `_MergedLine` around each connection."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    async def connect_tcp(self, *given: Any, **named: Any) -> _MergedLine:
        return _MergedLine(await self._backend.connect_tcp(*given, **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def _merging(transport: httpx.AsyncHTTPTransport) -> httpx.AsyncHTTPTransport:
    """The transport, reading cheaply. httpx has no public way to it: should its inside change, it reads as before."""
    pool: Any = getattr(transport, "_pool", None)
    if hasattr(pool, "_network_backend"):
        pool._network_backend = _MergedLines(pool._network_backend)
    return transport


def _request_id(response: httpx.Response) -> str:
    names = ("x-request-id", "request-id", "x-oneapi-request-id")
    return next((response.headers[name][:200] for name in names if response.headers.get(name)), "")


def _is_readable(response: httpx.Response) -> bool:
    """Not compressed, or once and mildly: a second layer, or a stronger coding, can hide gigabytes in one read."""
    return response.headers.get("content-encoding", "").strip().lower() in _READABLE_CODINGS


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    """Read a finished answer's last bytes, but not for long: only a connection read to its end can be used again."""
    with contextlib.suppress(TimeoutError, httpx.TransportError, httpx.DecodingError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in pieces:
                pass


async def _limited(response: httpx.Response, limit: int, *, within: float | None = None, whole: bool = False) -> bytes:
    """The body, cut at `limit` bytes or after `within` seconds; the response is closed.

    Of an error's body any part will do. Raises GatewayError when the connection breaks and `whole` was wanted.
    """
    parts: list[bytes] = []
    size = 0
    if not _is_readable(response):
        await response.aclose()
        return b""
    try:
        async with asyncio.timeout(within) as clock:
            async for piece in response.aiter_bytes():
                parts.append(piece[: limit - size])
                size += len(piece)
                if size >= limit:
                    break
    except (httpx.TransportError, httpx.DecodingError) as error:
        if whole:
            raise GatewayError("truncated", "the connection broke", where="transport", retryable=True) from error
    except TimeoutError:
        if not clock.expired():
            raise
    finally:
        await response.aclose()
    return b"".join(parts)


def _translated(error: Exception, *, body_bytes: int) -> GatewayError:
    """What a transport failure means. Its own text is dropped: httpx puts header values into some of them."""
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return _unsent("timeout", "connect")
        case httpx.ConnectError():
            return _unsent("server", _connect_code(error))
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | UnicodeError():
            return _unsendable()
        case httpx.RemoteProtocolError() if "location header" in str(error).lower():
            return GatewayError("redirect", "moved to another address", where="http")
        case httpx.WriteError() | httpx.ReadError() if body_bytes > 10_000_000:
            return GatewayError("too_large", "the gateway closed the connection during the upload", where="transport")
        case httpx.TimeoutException():
            return GatewayError("timeout", "no answer in time", where="transport", retryable=True)
        case _:
            return GatewayError(
                "server", "the connection closed without an answer", where="transport", code="closed", retryable=True
            )


def _unsendable() -> GatewayError:
    return GatewayError("bad_request", "the request cannot be sent", where="transport", code="url", sent=False)


def _unsent(kind: Any, code: str) -> GatewayError:
    retryable = code != "tls"
    return GatewayError(kind, "", where="transport", code=code, retryable=retryable, sent=False)


def _connect_code(error: BaseException | None) -> str:
    """'tls', 'dns' or 'connect': the cause is some links down the exception chain."""
    text = ""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return "tls"
        text += str(error).lower()
        error = error.__cause__ or error.__context__
    unresolved = ("name or service not known", "getaddrinfo", "name resolution", "no address associated", "nodename")
    return "dns" if any(words in text for words in unresolved) else "tls" if "certificate" in text else "connect"


def with_form(card: GatewayCard, **changes: Any) -> GatewayCard:
    """The card with a changed wire form."""
    return structs.replace(card, form=structs.replace(card.form, **changes))
