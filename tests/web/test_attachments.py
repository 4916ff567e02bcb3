"""The route that takes files in: streamed, bounded, cleaned up on every path, honest about what it could not do."""

from __future__ import annotations

import asyncio
import json
import resource
import stat
from pathlib import Path
from typing import Any, Literal

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from lib.errors import BadInput, NotFound, ParlourError, StoreBusy
from lib.web import attachment_routes, middleware
from lib.web.files import File
from tests.web.knocking import LOCAL

MOST = 3_000_000


class Kept:
    """Remembers what it was given, and how the file lay there."""

    most_bytes = MOST

    def __init__(self, folder: Path, fails: Exception | None = None) -> None:
        self.incoming = folder
        self.taken: list[tuple[str, str, bytes]] = []
        self.modes: list[int] = []
        self._fails = fails

    def check_room(self, place: str) -> None:
        if place == "unknown":
            raise NotFound("conversation")
        if place == "full":
            raise BadInput("too_many")

    def attach(self, place: str, name: str, path: Path) -> str:
        if self._fails:
            raise self._fails
        self.modes.append(stat.S_IMODE(path.stat().st_mode))
        self.taken.append((place, name, path.read_bytes()))
        return f"id-{len(self.taken)}"

    def served(self, public_id: str, part: int | Literal["thumb"]) -> File:
        raise NotFound("file")

    def left(self) -> list[Path]:
        return list(self.incoming.iterdir())


class Sent:
    """A PUT, piece by piece; `broken` ends it like a browser that goes away."""

    def __init__(self, kept: Kept, pieces: list[bytes], path: str = "/attachments/new", query: str = "name=a.png",
                 broken: bool = False, **headers: str) -> None:  # fmt: skip
        self.status = 0
        self.body = b""
        waiting: list[Message] = [
            {"type": "http.request", "body": piece, "more_body": broken or at < len(pieces) - 1}
            for at, piece in enumerate(pieces)
        ]

        async def receive() -> Message:
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            else:
                self.body += message.get("body", b"")

        given = [("host", LOCAL), *headers.items()]
        scope: dict[str, Any] = {
            "type": "http", "method": "PUT", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "root_path": "", "scheme": "http", "http_version": "1.1", "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 8501), "headers": [(name.encode(), value.encode()) for name, value in given],
        }  # fmt: skip
        app = Starlette(middleware=middleware(), routes=attachment_routes(lambda: kept))
        asyncio.run(app(scope, receive, send))

    @property
    def answer(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.body)
        return found


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_a_file_is_streamed_into_a_private_file_taken_in_and_removed(kept: Kept) -> None:
    sent = Sent(kept, [b"one ", b"two ", b"three"], query="name=gr%C3%B6%C3%9Fer%20%26%20co.png")
    assert (sent.status, sent.answer) == (201, {"id": "id-1"})
    assert kept.taken == [("new", "größer & co.png", b"one two three")]
    assert kept.modes == [0o600]
    assert kept.left() == []


def test_a_file_of_which_only_a_part_could_be_written_is_not_taken(kept: Kept) -> None:
    """On a disk that becomes full in the middle of a piece; the most bytes of one file act alike."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        sent = Sent(kept, [b"x" * 1500])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (sent.status, kept.taken, kept.left()) == (507, [], [])


def test_a_file_without_a_name_and_without_bytes_is_taken_too(kept: Kept) -> None:
    assert Sent(kept, [b""], query="").status == 201
    assert kept.taken == [("new", "", b"")]


@pytest.mark.parametrize("headers", [{}, {"content-length": str(MOST + 1)}], ids=["streamed", "announced"])
def test_too_many_bytes_are_refused_with_a_sentence_and_leave_nothing(kept: Kept, headers: dict[str, str]) -> None:
    sent = Sent(kept, [b"x" * 1_000_000] * 3 + [b"y"], **headers)
    assert sent.status == 413
    assert "larger than 3 MB" in sent.answer["sentence"]
    assert (kept.taken, kept.left()) == ([], [])


def test_exactly_as_many_bytes_as_allowed_are_taken(kept: Kept) -> None:
    assert Sent(kept, [b"x" * 1_000_000] * 3).status == 201


def test_a_browser_that_goes_away_leaves_nothing(kept: Kept) -> None:
    Sent(kept, [b"x" * 1_500_000, b"half"], broken=True)
    assert (kept.taken, kept.left()) == ([], [])


@pytest.mark.parametrize(
    ("path", "fails", "status", "words"),
    [
        ("/attachments/unknown", None, 404, "does not exist"),
        ("/attachments/full", None, 409, "No more files"),
        ("/attachments/new", BadInput("quota"), 507, "all the room"),
        ("/attachments/new", BadInput("something new"), 422, "cannot be used"),
        ("/attachments/new", StoreBusy("no"), 503, "Try again"),
        ("/attachments/new", ParlourError("sk-secret"), 503, "Try again"),
        ("/attachments/new", OSError(28, "No space left on device"), 507, "no room"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    tmp_path: Path, path: str, fails: Exception | None, status: int, words: str
) -> None:
    kept = Kept(tmp_path, fails)
    sent = Sent(kept, [b"some bytes"], path=path)
    assert sent.status == status
    assert words in sent.answer["sentence"]
    assert "secret" not in sent.answer["sentence"]
    assert kept.left() == []


def test_another_site_may_not_send_a_file(kept: Kept) -> None:
    assert Sent(kept, [b"evil"], origin="https://evil.example").status == 403
    assert kept.taken == []


def test_our_own_page_may(kept: Kept) -> None:
    assert Sent(kept, [b"fine"], origin=f"http://{LOCAL}").status == 201
