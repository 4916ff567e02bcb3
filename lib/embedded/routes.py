"""The embedded gateway's addresses, as a Starlette application. One request comes in here and leaves as a reply."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from traceback import extract_tb
from typing import Any, Final, get_args

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lib.cards import ModelCard, VideoForm
from lib.dialects.served import Facts
from lib.embedded import offer
from lib.embedded.answers import script_for
from lib.embedded.counting import count_prefixes
from lib.embedded.dropping import is_medium, other_forms, without
from lib.embedded.faults import HTML, IN_STREAM, Fault, Faults, refusal_of
from lib.embedded.given import Given
from lib.embedded.plan import pace_of, plan_of
from lib.embedded.prompt_cache import PromptCache
from lib.embedded.refusals import Refusal
from lib.embedded.replies import Answer, Prepared, refused
from lib.embedded.request_log import Entry, RequestLog
from lib.embedded.rules import check_key, first_refusal, read_json, too_large, unknown_path, wrong_method
from lib.embedded.rules_openai import model_exists
from lib.embedded.wires import OPENAI, WIRES, Wire, wire_of_path
from lib.ids import new_public_id
from lib.secret import Secret

PREFIXES: Final = ("", "/gw_llm_power")
MAX_BODY: Final = 32 * 1024 * 1024
VIDEO_FORMS: Final[tuple[VideoForm, ...]] = get_args(VideoForm)
_log = logging.getLogger(__name__)


class Arrangement(Struct, frozen=True):
    """How one embedded gateway is set up. `speed` 1 is lifelike, 0 never waits; `max_body` is in bytes.

    Videos spelt in another form than `video_forms` are dropped without a word.
    """

    key: Secret
    models: Mapping[str, ModelCard]
    speed: float = 1.0
    reject_unknown: bool = False
    max_body: int = MAX_BODY
    faults: Faults | None = None
    video_forms: tuple[VideoForm, ...] = VIDEO_FORMS


class Reception:
    """Answers requests by an arrangement; keeps the log and the prompt cache."""

    def __init__(self, arrangement: Arrangement, requests: RequestLog) -> None:
        self._set = arrangement
        self._requests = requests
        self._cache = PromptCache()

    def app(self) -> Starlette:
        """The ASGI application with all routes, under each prefix."""
        routes = [route for prefix in PREFIXES for route in self._routes(prefix)]
        app = Starlette(
            routes=[Route("/healthz", _healthz, methods=["GET"]), *routes],
            exception_handlers={404: self._not_found, 405: self._not_allowed, Exception: self._broken},
        )
        app.router.redirect_slashes = False
        return app

    def _routes(self, prefix: str) -> list[Route]:
        listing = [
            Route(f"{prefix}/v1/models", self._models, methods=["GET"]),
            Route(f"{prefix}/v1/models/{{name:path}}", self._model, methods=["GET"]),
        ]
        return [Route(prefix + wire.path, self._asked(wire), methods=["POST"]) for wire in WIRES] + listing

    # ---- asking ----------------------------------------------------------------------------------------------

    def _asked(self, wire: Wire) -> Callable[[Request], Awaitable[Response]]:
        async def asked(request: Request) -> Response:
            entry = self._requests.open(request.method, request.url.path)
            outcome: Prepared | Response | None = None
            try:
                outcome = await self._prepared(request, wire, entry)
            except ClientDisconnect:
                entry.end("disconnected")
                return Response(status_code=499)
            finally:
                if outcome is None:
                    entry.end("broken")
            if isinstance(outcome, Prepared):
                return Answer(outcome, entry)
            entry.status = outcome.status_code
            entry.end("refused" if outcome.status_code >= 400 else "faulted")
            return outcome

        return asked

    async def _prepared(self, request: Request, wire: Wire, entry: Entry) -> Prepared | Response:
        request_id = f"req_{new_public_id()}"
        no_key = check_key(request.headers, self._set.key, wire.name, x_api_key=wire.takes_x_api_key)
        if no_key is not None:
            return refused(no_key, wire, request_id)
        raw = await _read(request, self._set.max_body)
        body = raw if isinstance(raw, Refusal) else read_json(request.headers.get("content-type"), raw, wire.name)
        if isinstance(body, Refusal):
            return refused(body, wire, request_id)
        fault = self._fault(request, body)
        entry.model = str(body.get("model"))[:100]
        if fault is not None and fault not in (*IN_STREAM, "drop_media"):
            return self._faulty(fault, wire, request_id)
        body = without(body, is_medium if fault == "drop_media" else other_forms(self._set.video_forms))
        version = request.headers.get("anthropic-version")
        # Checking and planning are pure computation, up to image decoding: not the event loop's work.
        found = await asyncio.to_thread(self._checked, wire, body, version, request_id)
        if isinstance(found, Refusal):
            return refused(found, wire, request_id)
        entry.stream = found.stream
        return msgspec.structs.replace(found, fault=fault)

    def _checked(self, wire: Wire, body: dict[str, Any], version: str | None, request_id: str) -> Prepared | Refusal:
        """Rules 7 to 25, then the whole answer."""
        given = Given(body, self._set.models, wire.name, version=version, reject_unknown=self._set.reject_unknown)
        refusal = first_refusal(wire.rules, given)
        if refusal is not None:
            return refusal
        ask, card = wire.ask_from(body), given.card
        counts = count_prefixes(ask, card)
        script = script_for(ask, card)
        plan = plan_of(script, ask.params, card, sum(counts), self._cache.read(ask, counts))
        answer_id = wire.id_prefix + new_public_id().replace("-", "A").replace("_", "B")
        facts = Facts(answer_id, card.id, int(time.time()), wire.wants_usage(body), plan.stop_sequence)
        return Prepared(wire, facts, plan, pace_of(script, card, self._set.speed), ask.stream, request_id)

    def _fault(self, request: Request, body: dict[str, Any]) -> Fault | None:
        if self._set.faults is None:
            return None
        fault, model = self._set.faults.pick(request.headers, body.get("model"))
        if "model" in body:
            body["model"] = model
        return fault

    def _faulty(self, fault: Fault, wire: Wire, request_id: str) -> Response:
        refusal = refusal_of(fault, wire.name, self._set.key.reveal())
        if refusal is not None:
            return refused(refusal, wire, request_id)
        return Response(HTML, 200, {wire.request_id_header: request_id}, media_type="text/html")

    # ---- listing ---------------------------------------------------------------------------------------------

    async def _models(self, request: Request) -> Response:
        return self._listed(request, lambda: offer.list_body(self._set.models))

    async def _model(self, request: Request) -> Response:
        name = request.path_params["name"]
        missing = model_exists(Given({"model": name}, self._set.models, "openai"))
        if missing is not None:
            return self._listed(request, lambda: missing)
        return self._listed(request, lambda: offer.model_body(self._set.models[name]))

    def _listed(self, request: Request, body: Callable[[], bytes | Refusal]) -> Response:
        entry = self._requests.open(request.method, request.url.path)
        request_id = f"req_{new_public_id()}"
        answer = check_key(request.headers, self._set.key, "openai", x_api_key=True) or body()
        entry.status = answer.status if isinstance(answer, Refusal) else 200
        entry.end("refused" if isinstance(answer, Refusal) else "done")
        if isinstance(answer, Refusal):
            return refused(answer, OPENAI, request_id)
        return Response(answer, 200, {OPENAI.request_id_header: request_id}, media_type="application/json")

    # ---- everything else -------------------------------------------------------------------------------------

    async def _not_found(self, request: Request, _error: Exception) -> Response:
        wire = wire_of_path(request.url.path)
        return self._stray(request, wire, unknown_path(request.method, request.url.path, wire.name))

    async def _not_allowed(self, request: Request, error: Exception) -> Response:
        wire = wire_of_path(request.url.path)
        headers = error.headers if isinstance(error, HTTPException) and error.headers else {}
        allowed = headers.get("Allow", "")
        return self._stray(request, wire, wrong_method(request.method, request.url.path, wire.name, allowed))

    def _stray(self, request: Request, wire: Wire, refusal: Refusal) -> Response:
        entry = self._requests.open(request.method, request.url.path)
        entry.status = refusal.status
        entry.end("refused")
        return refused(refusal, wire, f"req_{new_public_id()}")

    async def _broken(self, request: Request, error: Exception) -> Response:
        """Our own mistake: a plain 500; the log names its kind and place, never the request."""
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]
        what, where = type(error).__name__, " < ".join(reversed(places))
        _log.error("embedded gateway: %s on %a at %s", what, request.url.path, where)
        refusal = Refusal(500, "The embedded gateway made a mistake.")
        return refused(refusal, wire_of_path(request.url.path), f"req_{new_public_id()}")


async def _healthz(_request: Request) -> Response:
    return Response(b"ok", media_type="text/plain")


async def _read(request: Request, limit: int) -> bytes | Refusal:
    """Rule 5: the whole body, or a refusal; one over the cap is read past for a while so that the peer hears it."""
    length = request.headers.get("content-length", "0")
    declared = int(length) if length.isdecimal() else 0
    if declared > 4 * limit:
        return too_large(limit)
    chunks: list[bytes] = []
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > 4 * limit:
            break
        if total <= limit:
            chunks.append(chunk)
        else:
            chunks.clear()
    return too_large(limit) if total > limit else b"".join(chunks)
