"""The route that hands out an answer's exact text, for the copy button."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route

from lib.errors import NotFound


def answer_routes(read: Callable[[str], str]) -> list[BaseRoute]:
    """`GET /answer/{id}/text`: what `read` returns for the public id, or 404 when it raises NotFound."""

    def text(request: Request) -> PlainTextResponse:
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        try:
            return PlainTextResponse(read(request.path_params["id"]), headers=headers)
        except NotFound:
            return PlainTextResponse("not found", status_code=404, headers=headers)

    return [Route("/answer/{id:str}/text", text, methods=["GET"])]
