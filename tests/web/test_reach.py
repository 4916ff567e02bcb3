"""The app answers this computer only, unless its operator said otherwise; whoever runs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from lib.web import middleware
from lib.web.reach import REFUSAL, OnlyFromHere


def asked(server: Any, *, kind: str = "http", public: bool | Callable[[], bool] = False) -> str | int:
    """ "in" when the app behind was reached, else the status (HTTP) or the close code."""
    heard: list[Message] = []
    reached = False

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal reached
        reached = True

    async def send(message: Message) -> None:
        heard.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": kind, "method": "GET", "path": "/", "headers": [], "server": server}
    asyncio.run(OnlyFromHere(behind, public=public)(scope, receive, send))
    return "in" if reached else heard[0].get("status", heard[0].get("code"))


@pytest.mark.parametrize("server", [("127.0.0.1", 8501), ("::1", 1), ("::ffff:127.0.0.1", 1), None, ("/run/x", None)])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_this_computer_is_answered(server: Any, kind: str) -> None:
    assert asked(server, kind=kind) == "in"


@pytest.mark.parametrize("server", [("10.0.0.3", 80), ("::ffff:10.0.0.3", 80), ("2001:db8::1", 80), ("a.example", 80)])
def test_others_are_refused_unless_they_are_let_in(server: Any) -> None:
    assert asked(server) == 403
    assert asked(server, kind="websocket") == 1008
    assert asked(server, public=True) == "in"
    assert asked(server, kind="websocket", public=True) == "in"


def test_whether_others_are_let_in_is_asked_at_every_request() -> None:
    answers = iter([False, True, False])
    elsewhere = ("10.0.0.3", 80)
    assert [asked(elsewhere, public=lambda: next(answers)) for _ in range(3)] == [403, "in", 403]


@pytest.mark.parametrize(("public", "status"), [(False, 403), (True, 404)])
def test_the_walls_of_the_app_hold_this_one_and_its_refusal_has_the_headers(public: bool, status: int) -> None:
    heard: list[Message] = []

    async def send(message: Message) -> None:
        heard.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": "GET", "path": "/nothing", "root_path": "", "query_string": b""}
    scope |= {"headers": [(b"host", b"localhost")], "server": ("10.0.0.3", 80)}
    asyncio.run(Starlette(middleware=middleware(public=public))(scope, receive, send))
    assert heard[0]["status"] == status
    assert b"content-security-policy" in dict(heard[0]["headers"])


def test_the_start_of_the_app_is_not_a_visit() -> None:
    assert asked(("10.0.0.3", 80), kind="lifespan") == "in"


def test_the_first_refusal_is_logged_and_only_the_first(caplog: pytest.LogCaptureFixture) -> None:
    async def nothing(*_: Any) -> None:
        """Neither asks nor answers."""

    door = OnlyFromHere(nothing, public=False)
    scope = {"type": "websocket", "path": "/", "headers": [], "server": ("10.0.0.3", 80)}
    with caplog.at_level(logging.WARNING, "parlour.safety"):
        for _ in range(3):
            asyncio.run(door(scope, nothing, nothing))  # type: ignore[arg-type]
    assert [REFUSAL in record.message for record in caplog.records] == [True]
