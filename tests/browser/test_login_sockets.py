"""Many owners at one server at the same moment, over real HTTP and real websockets, without a browser in between.

A reader opens a page as a browser does, and keeps every byte that comes.
"""

from __future__ import annotations

import asyncio
import http.client
import re
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import pytest
from msgspec import Struct
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from lib.ids import now_ms
from lib.login.slips import Slip, hand_over
from lib.passwords import Work, hashed
from lib.store import Store, open_store
from tests.browser.conftest import ROOT, Parlour
from tests.socket_reader import drawn
from tests.store.acts import attempt, end, turn

OWNERS = 50
PASSWORD = "walnut kettle orchard"
T = TypeVar("T")
MARK = re.compile(rb"MARK-\d{4}-")


def apart(deed: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on a thread of its own: in this one Playwright may have left its event loop running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, deed).result()


class Owner(Struct, frozen=True):
    """An account with one chat; `ids` are what others may try."""

    name: str
    mark: str
    chat: str
    answer: str


class Town:
    """One server with many owners, each with a chat that was answered before it started."""

    def __init__(self, folder: Path) -> None:
        self.app = Parlour(folder, {"PARLOUR_DEMO_SPEED": "0"}, ROOT / "app.py")
        store, kept = open_store("", self.app.data_dir), hashed(PASSWORD, Work(4, 1, 1))
        self.owners = [self._moved_in(store, at, kept) for at in range(OWNERS)]
        store.close()
        self.app.start()
        self.cookies: dict[str, str] = {}

    def _moved_in(self, store: Store, at: int, kept: str) -> Owner:
        name, mark = f"owner {at}", f"MARK-{at:04}-"
        owner = store.accounts.add(name, name, kept).owner
        begun = store.answers.begin(owner, turn(f"{mark} asks"), epoch="before")
        store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id), text=f"{mark} is told"))
        store.drafts.set(owner, begun.conversation, f"{mark} draft")
        return Owner(name, mark, begun.conversation, begun.message)

    def asked(
        self, path: str, owner: Owner | None = None, *, method: str = "GET", body: bytes = b"", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """(status, headers, body) of one request, of somebody who is signed in or of a stranger."""
        line = http.client.HTTPConnection("127.0.0.1", self.app.port, timeout=60)
        given = {"origin": self.app.url, **headers} | ({"cookie": self.cookie(owner)} if owner else {})
        line.request(method, path, body, given)
        answer = line.getresponse()
        found = answer.status, answer.headers, answer.read()
        line.close()
        return found

    def cookie(self, owner: Owner) -> str:
        """What a browser holds after signing in, which is done once."""
        if owner.name not in self.cookies:
            form = urlencode({"name": owner.name, "password": PASSWORD}).encode()
            kind = {"content-type": "application/x-www-form-urlencoded"}
            status, headers, _ = self.asked("/login", method="POST", body=form, **kind)
            assert status == 303
            self.cookies[owner.name] = headers["set-cookie"].partition(";")[0]
        return self.cookies[owner.name]

    def line(self, owner: Owner | None, session: str = "") -> connect:
        """A websocket as a page opens it; with a `session` it wants to go on with that one."""
        names = ["streamlit", "x", session] if session else ["streamlit"]
        headers = {"cookie": self.cookie(owner)} if owner else {}
        return connect(
            f"{self.app.url.replace('http', 'ws', 1)}/_stcore/stream",
            origin=self.app.url,  # type: ignore[arg-type]  # any string is an origin
            subprotocols=[Subprotocol(name) for name in names],
            additional_headers=headers,
            max_size=None,
            open_timeout=60,
        )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    yield made
    made.app.stop()


def test_pages_of_many_owners_drawn_at_once_hold_no_foreign_mark(
    town: Town, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    owners = town.owners[: count(6, OWNERS)]
    for owner in owners:
        town.cookie(owner)

    async def visit(owner: Owner) -> tuple[Owner, bytes]:
        async with town.line(owner) as line:
            came = b""
            for query, page in ((f"chat={owner.chat}", ""), ("", "chats"), ("", "usage")):
                came += (await drawn(line, query, page))[1]
            return owner, came

    async def together() -> list[tuple[Owner, bytes]]:
        return await asyncio.gather(*(visit(owner) for owner in owners))

    foreign = 0
    for owner, came in apart(together()):
        marks = set(MARK.findall(came))
        assert owner.mark.encode() in marks
        foreign += len(marks - {owner.mark.encode()})
    assert foreign == 0
    measured(
        f"{len(owners)} sessions of as many owners at once, 3 pages each: {foreign} foreign markers in their frames"
    )


def test_a_known_session_id_is_of_no_use_to_another_user(town: Town, measured: Callable[[str], None]) -> None:
    one, other = town.owners[:2]

    async def take_over() -> None:
        async with town.line(one) as line:
            session, _ = await drawn(line)
            async with town.line(other, session) as thief:
                stolen, came = await drawn(thief, f"chat={other.chat}")
            assert stolen and stolen != session
            assert set(MARK.findall(came)) == {other.mark.encode()}
            assert (await drawn(line))[0] == session  # and its owner goes on undisturbed
        async with town.line(other, session) as thief:
            assert (await drawn(thief))[0] != session
        with pytest.raises(InvalidStatus):
            async with town.line(None, session):
                pass
        async with town.line(one, session) as again:
            assert (await drawn(again))[0] == session

    apart(take_over())
    measured("a foreign session id, of a live and of a resting session: a new session, 0 foreign bytes")


def test_a_stranger_gets_no_websocket_and_no_part_of_the_page(town: Town) -> None:
    async def knock() -> int:
        try:
            async with town.line(None):
                return 101
        except InvalidStatus as error:
            return error.response.status_code

    assert apart(knock()) == 403
    script = re.search(rb'src="\./?(static/js/[^"]+)"', town.asked("/", town.owners[0])[2])
    assert script is not None
    path = f"/{script[1].decode()}"
    assert town.asked(path, town.owners[0])[0] == 200
    for closed in (path, "/_stcore/health", "/_stcore/host-config", f"/answer/{town.owners[0].answer}/text"):
        assert town.asked(closed)[0] == 401, closed
    assert town.asked("/healthz")[0] == 200
    status, headers, _ = town.asked("/usage", accept="text/html")
    assert (status, headers["location"]) == (303, "/login?next=/usage")


def test_no_route_answers_for_what_belongs_to_another(town: Town, measured: Callable[[str], None]) -> None:
    one, other, tried = town.owners[0], town.owners[1], 0
    assert town.asked(f"/answer/{one.answer}/text", one)[2].decode() == f"{one.mark} is told"
    assert town.asked(f"/draft/{one.chat}", one)[2].decode() == f"{one.mark} draft"
    status, _, body = town.asked("/attachments/new?name=a.txt", one, method="PUT", body=one.mark.encode())
    assert status == 201
    attachment = re.search(rb'"id":"([\w-]+)"', body)
    assert attachment is not None
    for path, mine in (
        ("/answer/ID/text", one.answer),
        ("/draft/ID", one.chat),
        ("/file/ID/0", attachment[1].decode()),
        ("/file/ID/thumb", attachment[1].decode()),
        ("/file/ID/0", one.answer),
        ("/attachments/ID?name=a.txt", one.chat),
    ):
        for method in ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"):
            theirs = town.asked(path.replace("ID", mine), other, method=method, body=b"stolen")
            nobodys = town.asked(path.replace("ID", "x" * 22), other, method=method, body=b"stolen")
            assert (theirs[0], theirs[2]) == (nobodys[0], nobodys[2]), (method, path)
            is_page = theirs[2].startswith(b"<!") or (method == "HEAD" and not theirs[2])  # that of any other address
            assert theirs[0] in (404, 405) or is_page, (method, path)
            assert not MARK.search(theirs[2])
            tried += 1
    assert town.asked(f"/draft/{one.chat}", one)[2].decode() == f"{one.mark} draft"
    assert town.asked(f"/answer/{one.answer}/text", one)[2].decode() == f"{one.mark} is told"
    measured(
        f"{tried} requests for what belongs to another: each answered like an unknown id, 0 bytes read, nothing changed"
    )


def test_an_open_page_is_told_when_its_sign_in_has_ended(town: Town) -> None:
    owner = town.owners[7]

    async def listen() -> bytes:
        async with town.line(owner) as line:
            await drawn(line)
            done = hand_over(town.app.data_dir, Slip("disable", owner.name, "", now_ms()))
            assert not done.error
            return (await drawn(line, f"chat={owner.chat}"))[1]

    came = apart(listen())
    assert b"You are signed out" in came
    assert not MARK.search(came)
