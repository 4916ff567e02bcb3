"""Routes of our own, beside Streamlit's: for now the health check."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from lib.errors import ParlourError

Health = Mapping[str, str]
"""`status` ("ok" when requests can be served) and `version`; words for an operator, never a secret."""


def routes(health: Callable[[], Health], *, base_path: str = "") -> list[BaseRoute]:
    """`GET /healthz`: 200 with what `health` returns, or 503 when its status is not "ok" or it raises a
    `ParlourError`. `health` runs in a worker thread and may ask the database."""

    def healthz(_: Request) -> JSONResponse:
        state = _state(health)
        return JSONResponse(state, 200 if state.get("status") == "ok" else 503, {"cache-control": "no-store"})

    return [Route(f"{base_path}/healthz", healthz, methods=["GET"])]


def _state(health: Callable[[], Health]) -> dict[str, str]:
    try:
        return dict(health())
    except ParlourError as exc:
        # The kind of failure, not its text: a database URL may stand in there.
        return {"status": "failing", "reason": type(exc).__name__}
