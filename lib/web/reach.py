"""How far the app reaches: without a word from its operator it answers this computer only.

The address on which a connection came in tells whether it came over a network. That is known for every request,
whoever runs the app and however it was told where to listen (ASGI, "HTTP connection scope", `server`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lib.self_check import is_here

REFUSAL = (
    "Parlour answers the computer it runs on only. To open it to others, add an account with python -m lib.accounts "
    "add NAME, or put something in front that asks who is there and start it with PARLOUR_ALLOW_PUBLIC=yes."
)
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
_log = logging.getLogger("parlour.safety")


class OnlyFromHere:
    """Refuses what came in over another address than a loopback one: HTTP with 403, websockets with 1008."""

    def __init__(self, app: ASGIApp, *, public: bool | Callable[[], bool]) -> None:
        """`public`: whether others are let in; a function is asked at every request."""
        self._app = app
        self._public = public
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        public = self._public() if callable(self._public) else self._public
        if public or scope["type"] not in {"http", "websocket"} or _came_in_here(scope):
            await self._app(scope, receive, send)
            return
        self._tell_once()
        if scope["type"] == "http":
            await PlainTextResponse(REFUSAL, 403)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})

    def _tell_once(self) -> None:
        if not self._told:
            self._told = True
            _log.warning("A request from another computer was refused. %s", REFUSAL)


def _came_in_here(scope: Scope) -> bool:
    """A server without an address, or without a port, is a socket in the file system."""
    server = scope.get("server")
    return server is None or server[1] is None or is_here(str(server[0]))
