"""The door to the gateways: the only module that touches the network, and only below configured base URLs.

Redirects are not followed, proxies of the environment are not used, keys travel in one header and appear in no
error. A read timeout is not a stall timeout (a gateway may drip comments for ever), so the deadlines are our own.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
from msgspec import Struct, structs

from lib.cards import DialectName, GatewayCard, ListedModel, ModelCard, WireForm
from lib.dialects import DIALECTS, Dialect
from lib.dialects.faults import error_from_response
from lib.dialects.model_list import read_model_list
from lib.dialects.repair import Repair, repair
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
_MAX_ANSWER_BYTES = 128 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024
_MAX_LIST_BYTES = 16 * 1024 * 1024


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

    `pace_s` is the pause after a read that had to wait, so that one wake-up carries many tokens (0 = none).
    """

    def __init__(
        self,
        card: GatewayCard,
        key: Secret,
        *,
        deadlines: Deadlines | None = None,
        pace_s: float = 0.025,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.card = card
        self._key = key
        self._deadlines = deadlines or Deadlines()
        self._pace_s = pace_s
        self._learnt: dict[tuple[str, DialectName], WireForm] = {}
        self._http = httpx.AsyncClient(
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(connect=self._deadlines.connect, read=None, write=60.0, pool=5.0),
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=20, keepalive_expiry=30.0),
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
            attempt = _Attempt(take)
            await self._try(wire, body, form, ask.stream, attempt)
            if attempt.error is None:
                return
            fix = repair(body, attempt.error, form) if may_repair and not attempt.content_seen else None
            if fix:
                may_repair, form, repaired, wait = False, fix.form, _spelt(fix), 0.0
                self._learnt[ask.model, dialect] = form
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
        served = [name for name in DIALECTS if await self._serves(DIALECTS[name])]
        if not served and list_error:
            raise list_error
        return Reach(models, tuple(served), list_error)

    async def _serves(self, wire: Dialect) -> bool:
        try:
            async with asyncio.timeout(self._deadlines.listing):
                request = self._request(wire, {}, self.card.form, stream=False)
                response = await self._send(request)
                body = await _limited(response, _MAX_ERROR_BYTES)
        except (TimeoutError, GatewayError):
            return False
        error = error_from_response(response.status_code, response.headers, body)
        return response.status_code in (400, 422) and error.kind != "not_json"

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
            attempt.error = GatewayError("timeout", "no content in time", where=where, retryable=True)
        except GatewayError as error:
            attempt.error = error
        if attempt.error:
            attempt.error = self._clean(attempt.error)

    async def _read(
        self, response: httpx.Response, wire: Dialect, attempt: _Attempt, clock: asyncio.Timeout, ends_at: float
    ) -> None:
        request_id = response.headers.get("x-request-id") or response.headers.get("request-id")
        if response.status_code != 200:
            body = await _limited(response, _MAX_ERROR_BYTES)
            raise error_from_response(response.status_code, response.headers, body)
        attempt.take([Started(request_id=request_id)])
        loop, decoder, size = asyncio.get_running_loop(), wire.decoder(), 0
        pieces = response.aiter_bytes()
        while attempt.error is None:
            asked_at = loop.time()
            try:
                piece = await anext(pieces, None)
            except (httpx.TransportError, httpx.DecodingError):
                attempt.broken = True
                break
            if piece is None:
                break
            size += len(piece)
            if size > _MAX_ANSWER_BYTES:
                raise GatewayError("too_large", "the answer exceeds the size limit", where="stream")
            events = decoder.feed(piece)
            waited = loop.time() - asked_at > _INSTANT_S
            if events and attempt.take(events):
                clock.reschedule(min(ends_at, loop.time() + self._deadlines.gap))
            if waited and attempt.content_seen and self._pace_s:
                await asyncio.sleep(self._pace_s)
        if attempt.error is None:
            attempt.take(decoder.close())

    def _request(self, wire: Dialect, body: dict[str, Any], form: WireForm, *, stream: bool) -> httpx.Request:
        headers = {
            **wire.headers(self._key, form),
            "content-type": "application/json",
            "accept": "text/event-stream" if stream else "application/json",
            "accept-encoding": "identity",
            "user-agent": "Parlour",
        }
        return self._http.build_request(
            "POST", self.card.base_url + wire.path, content=msgspec.json.encode(body), headers=headers
        )

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """The response with its body unread. Raises GatewayError; nothing of httpx leaves this module."""
        try:
            return await self._http.send(request, stream=True)
        except (httpx.TransportError, httpx.InvalidURL, OSError) as error:
            raise _translated(error, body_bytes=len(request.content)) from error

    async def _get(self, path: str, headers: dict[str, str]) -> tuple[int, httpx.Headers, bytes]:
        headers = {**headers, "accept": "application/json", "accept-encoding": "identity", "user-agent": "Parlour"}
        response = await self._send(self._http.build_request("GET", self.card.base_url + path, headers=headers))
        try:
            return response.status_code, response.headers, await _limited(response, _MAX_LIST_BYTES)
        finally:
            await response.aclose()

    def _clean(self, error: GatewayError) -> GatewayError:
        """The same error with our key, and whatever looks like a key, masked in the gateway's own words."""
        error.message = redact(error.message, (self._key,))
        error.args = (error.message,)
        return error


class _Attempt:
    """What one request has brought so far; holds back its failure, which may be retried."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self.error: GatewayError | None = None
        self.content_seen = False
        self.broken = False

    def take(self, events: list[Event]) -> bool:
        """Pass events on; True when they were progress (content, or the end)."""
        progress = False
        passed: list[Event] = []
        for event in events:
            if isinstance(event, Failed):
                self.error = self._as_broken(event.error)
                break
            if isinstance(event, _CONTENT):
                self.content_seen = progress = True
            progress = progress or isinstance(event, Finished)
            passed.append(event)
        if passed:
            self._take(passed)
        return progress

    def _as_broken(self, error: GatewayError) -> GatewayError:
        """A stream cut by a broken connection says so: same kind, other place."""
        if self.broken and error.kind in ("truncated", "empty"):
            return GatewayError("truncated", error.message, where="transport", retryable=True)
        return error


def _spelt(fix: Repair) -> str:
    return fix.param if fix.to is None else f"{fix.param} → {fix.to}"


async def _limited(response: httpx.Response, limit: int) -> bytes:
    """The body, cut at `limit` bytes. A connection that breaks here loses nothing we need."""
    parts, size = [], 0
    try:
        async for piece in response.aiter_bytes():
            parts.append(piece[: limit - size])
            size += len(piece)
            if size >= limit:
                break
    except (httpx.TransportError, httpx.DecodingError):
        pass
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
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return GatewayError("bad_request", "the request cannot be sent", where="transport", code="url", sent=False)
        case httpx.WriteError() | httpx.ReadError() if body_bytes > 10_000_000:
            return GatewayError("too_large", "the gateway closed the connection during the upload", where="transport")
        case httpx.TimeoutException():
            return GatewayError("timeout", "no answer in time", where="transport", retryable=True)
        case _:
            return GatewayError(
                "server", "the connection closed without an answer", where="transport", code="closed", retryable=True
            )


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
