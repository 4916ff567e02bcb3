"""The door to the gateways: the only place that touches the network, and only below configured base URLs.

Redirects are not followed, proxies of the environment are not used, keys travel in one header and appear in no
error. A read timeout is not a stall timeout (a gateway may drip comments for ever), so the deadlines are our own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
from msgspec import Struct, structs

from lib.cards import DialectName, GatewayCard, ListedModel, ModelCard, WireForm
from lib.dialects import DIALECTS, Dialect
from lib.dialects.faults import error_from_response, looks_like_html
from lib.dialects.model_list import read_model_list
from lib.dialects.repair import repair
from lib.dialects.wire_body import written
from lib.errors import ANSWER_SIZE, GatewayError, Where
from lib.events import AttemptBegan, AttemptFailed, Failed
from lib.gateway.attempt import Attempt, Take
from lib.gateway.reading import drain, is_readable, limited, pieces_of, request_id_of
from lib.gateway.transport import merging, trusted
from lib.gateway.troubles import translated, unsendable
from lib.gateway.upload import Upload
from lib.messages import Ask
from lib.retries import wait_before_retry
from lib.secret import Secret, mentions, redact

__all__ = ["Deadlines", "Gateway", "Reach"]

_INSTANT_S = 0.0005
_BURST_BYTES = 16 * 1024
_AFTER_FINISH_S = 5.0
_MAX_ANSWER_BYTES = 128 * 1024 * 1024
_MAX_ANSWER_CHARS = 10_500_000
_MAX_ERROR_BYTES = 64 * 1024
_MAX_LIST_BYTES = 16 * 1024 * 1024
_ERROR_BODY_S = 3.0
_VERSIONED = re.compile(r"/v\d+[a-z]*\d*(?:/openai)?\Z")

for _name in ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.proxy", "httpcore.socks"):
    # Their debug lines repeat headers of the answer, which may echo the key; a level set elsewhere changes nothing.
    logging.getLogger(_name).setLevel(logging.WARNING)
    logging.getLogger(_name).addFilter(lambda record: record.levelno >= logging.WARNING)


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
            transport=transport or merging(httpx.AsyncHTTPTransport(verify=trusted(), trust_env=False, limits=limits)),
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
            attempt = Attempt(take, wire.decoder(), self._key)
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
            listed = read_model_list(status, body, headers)
        except GatewayError as error:
            raise self._clean(error) from error
        return await asyncio.to_thread(self._without_key, listed)  # of a list of 16 MB that takes seconds

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
                response = await self._post(wire, {}, self.card.form, stream=False)
                body = await limited(response, _MAX_ERROR_BYTES, within=_ERROR_BODY_S)
        except TimeoutError:
            return GatewayError("timeout", "no answer in time", where="transport", retryable=True)
        except GatewayError as error:
            return error
        if looks_like_html(body):
            return GatewayError("not_json", "a page instead of an answer", where="body")
        return self._clean(error_from_response(response.status_code, response.headers, body))

    async def _try(self, wire: Dialect, body: dict[str, Any], form: WireForm, stream: bool, attempt: Attempt) -> None:
        """One request from the first byte sent to the last byte read; its outcome is in `attempt`."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._deadlines.total
        try:
            async with asyncio.timeout_at(min(ends_at, loop.time() + self._deadlines.first)) as clock:
                response = await self._post(wire, body, form, stream=stream)
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
        self, response: httpx.Response, wire: Dialect, attempt: Attempt, clock: asyncio.Timeout, ends_at: float
    ) -> None:
        if response.status_code != 200:
            body = await limited(response, _MAX_ERROR_BYTES, within=_ERROR_BODY_S)
            raise error_from_response(response.status_code, response.headers, body)
        if not is_readable(response):
            raise GatewayError("not_json", "the answer is compressed in a way that was not asked for", where="body")
        attempt.begin(redact(request_id_of(response), (self._key,)) or None)
        loop, size, pieces = asyncio.get_running_loop(), 0, pieces_of(response)
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
                raise GatewayError("too_large", "the answer exceeds the size limit", where="stream", code=ANSWER_SIZE)
            waited = loop.time() - asked_at > _INSTANT_S
            progress = attempt.feed(piece)
            if attempt.chars > _MAX_ANSWER_CHARS and not attempt.ended:
                raise GatewayError("too_large", "the answer exceeds the size limit", where="stream", code=ANSWER_SIZE)
            if attempt.finishing:  # the line may stay open although nothing but usage is left to come
                clock.reschedule(min(clock.when() or ends_at, loop.time() + _AFTER_FINISH_S))
            elif progress:
                clock.reschedule(min(ends_at, loop.time() + self._deadlines.gap))
            gathered = len(piece) < _BURST_BYTES and piece.count(b"\n\n") > 1  # what came during the pause before
            if (waited or gathered) and attempt.content_seen and self._pace_s and not attempt.ended:
                await asyncio.sleep(self._pace_s)
        if attempt.error is None:
            await drain(pieces)

    async def _post(self, wire: Dialect, body: dict[str, Any], form: WireForm, *, stream: bool) -> httpx.Response:
        headers = {
            **wire.headers(self._key, form),
            "content-type": "application/json",
            "accept": "text/event-stream" if stream else "application/json",
            "accept-encoding": "identity",
            "user-agent": "Parlour",
        }
        upload = _upload(body)
        return await self._send(self._built("POST", wire.path, headers, upload), upload)

    def _built(self, method: str, path: str, headers: dict[str, str], upload: Upload | None) -> httpx.Request:
        """The request. Raises GatewayError when it cannot be written; the cause, which may quote it, is dropped."""
        base = self.card.base_url
        path = path.removeprefix("/v1") if _VERSIONED.search(base) else path
        if upload is not None:
            headers = {**headers, "content-length": str(upload.length)}
        with contextlib.suppress(httpx.InvalidURL, ValueError):
            content = None if upload is None else upload.content
            return self._http.build_request(method, base + path, content=content, headers=headers)
        raise unsendable()

    async def _send(self, request: httpx.Request, upload: Upload | None = None) -> httpx.Response:
        """The response with its body unread. Raises GatewayError; nothing of httpx leaves this family."""
        try:
            return await self._http.send(request, stream=True)
        except httpx.LocalProtocolError:
            pass  # its text quotes the refused header: it must not even become the cause
        except (httpx.TransportError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise translated(error, upload) from error
        raise unsendable()

    async def _get(self, path: str, headers: dict[str, str]) -> tuple[int, httpx.Headers, bytes]:
        headers = {**headers, "accept": "application/json", "accept-encoding": "identity", "user-agent": "Parlour"}
        response = await self._send(self._built("GET", path, headers, None))
        whole = response.status_code == 200
        return response.status_code, response.headers, await limited(response, _MAX_LIST_BYTES, whole=whole)

    def _without_key(self, listed: list[ListedModel]) -> list[ListedModel]:
        """The list without models that our key is the name of, or a part of it, and without such owners.

        A mere word may be in honest names: "openrouter" in "openrouter/auto".
        """
        if self._key.is_word or not mentions("\n".join(f"{model.id}\n{model.owned_by}" for model in listed), self._key):
            return listed
        named = [model for model in listed if not mentions(model.id, self._key)]
        return [
            structs.replace(model, owned_by=None) if mentions(model.owned_by or "", self._key) else model
            for model in named
        ]

    def _clean(self, error: GatewayError) -> GatewayError:
        """The same error with our key, and whatever looks like a key, masked in the gateway's own words."""
        for name in ("message", "code", "type", "param", "request_id"):
            value = getattr(error, name)
            setattr(error, name, redact(value, (self._key,)) if value else value)
        error.args = (error.message,)
        return error


def _upload(body: dict[str, Any]) -> Upload:
    """Raises GatewayError for text that no bytes stand for; the cause, which may quote it, is dropped."""
    with contextlib.suppress(ValueError):
        return Upload(written(body))
    raise unsendable()
