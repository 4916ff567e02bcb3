"""The route that keeps what is typed and not sent yet, so that it survives a reload and another device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from lib.errors import NotFound, ParlourError

MOST_BYTES = 200_000
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Drafts(Protocol):
    """Where drafts lie, by the public id of their conversation; "new" is the next new one."""

    def draft(self, chat: str) -> str: ...
    def keep_draft(self, chat: str, text: str) -> None: ...


def draft_routes(drafts: Callable[[], Drafts]) -> list[BaseRoute]:
    """`GET` and `PUT /draft/{chat}`: 404 for an unknown conversation, 413 above 200 kB of UTF-8, 503 when the store
    cannot do it now. Who may write is the Doorkeeper's matter: it checks the origin of every PUT."""

    async def draft(request: Request) -> Response:
        chat = str(request.path_params["chat"])
        try:
            if request.method == "PUT":
                return await _put(request, chat, drafts)
            return PlainTextResponse(await run_in_threadpool(lambda: drafts().draft(chat)), headers=_HEADERS)
        except NotFound:
            return _refused("not found", 404)
        except ParlourError:
            return _refused("try again", 503)

    return [Route("/draft/{chat:str}", draft, methods=["GET", "PUT"])]


async def _put(request: Request, chat: str, drafts: Callable[[], Drafts]) -> Response:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return _refused("too long", 413)
    text = bytes(body).decode("utf-8", "replace")
    await run_in_threadpool(lambda: drafts().keep_draft(chat, text))
    return Response(status_code=204, headers=_HEADERS)


def _refused(words: str, status: int) -> PlainTextResponse:
    return PlainTextResponse(words, status, headers=_HEADERS)
