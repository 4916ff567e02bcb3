"""The route of drafts: bounded, for this site only, and honest about what it could not do."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette

from lib.errors import NotFound, StoreBusy
from lib.web import middleware
from lib.web.drafts import MOST_BYTES, draft_routes
from tests.web.knocking import LOCAL, Answer, get


class Kept:
    def __init__(self) -> None:
        self.texts = {"new": "for later"}

    def draft(self, chat: str) -> str:
        if chat == "busy":
            raise StoreBusy("no")
        if chat not in self.texts:
            raise NotFound("conversation")
        return self.texts[chat]

    def keep_draft(self, chat: str, text: str) -> None:
        self.draft(chat)
        self.texts[chat] = text


def app(kept: Kept) -> Starlette:
    return Starlette(middleware=middleware(), routes=draft_routes(lambda: kept))


def put(kept: Kept, chat: str, body: bytes, **headers: str) -> int:
    """As `get`, with a body that comes in two pieces."""
    pieces = [(body[: len(body) // 2], True), (body[len(body) // 2 :], False)]
    status: list[int] = []

    async def receive():
        piece, more = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(message) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    path = f"/draft/{chat}"
    scope = {"type": "http", "method": "PUT", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
             "scheme": "http", "http_version": "1.1", "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8501),
             "headers": [(b"host", LOCAL.encode()), *((name.encode(), value.encode()) for name, value in headers.items())]}  # fmt: skip
    asyncio.run(app(kept)(scope, receive, send))
    return status[0]


def draft(kept: Kept, chat: str) -> Answer:
    return get(app(kept), f"/draft/{chat}")


def test_a_draft_is_kept_and_given_back() -> None:
    kept = Kept()
    assert draft(kept, "new").body == b"for later"
    assert put(kept, "new", "größer".encode(), origin=f"http://{LOCAL}") == 204
    assert draft(kept, "new").body.decode() == "größer"
    assert draft(kept, "new").header("cache-control") == "no-store"


@pytest.mark.parametrize(("chat", "status"), [("unknown", 404), ("busy", 503)])
def test_what_cannot_be_done_is_said(chat: str, status: int) -> None:
    assert draft(Kept(), chat).status == status
    assert put(Kept(), chat, b"text") == status


def test_too_long_a_draft_is_refused_and_the_old_one_stays() -> None:
    kept = Kept()
    assert put(kept, "new", b"x" * (MOST_BYTES + 1)) == 413
    assert kept.texts["new"] == "for later"
    assert put(kept, "new", b"x" * MOST_BYTES) == 204


def test_another_site_may_not_write_one() -> None:
    kept = Kept()
    assert put(kept, "new", b"evil", origin="https://evil.example") == 403
    assert kept.texts["new"] == "for later"


def test_bytes_that_are_no_text_do_not_break_it() -> None:
    kept = Kept()
    assert put(kept, "new", b"\xff\xfe") == 204
    assert kept.texts["new"] == "��"
