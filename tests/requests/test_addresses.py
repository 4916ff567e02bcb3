"""Opening an address does nothing: whatever it says, no request goes out and no row changes.

A link can come from anybody. It may choose what is shown and what stands in the message box, and that is all.
"""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from itertools import product
from urllib.parse import quote

import pytest

from bench.visitor import Visitor
from tests.requests.conftest import Place
from tests.requests.raw import TRACEBACKS, ask, request

PAGES = ("", "chat", "chats", "upload", "usage", "prices", "settings", "data", "no-such-page", "chat/../settings")
HARM = "<script>fetch('/draft/new',{method:'PUT'})</script>' OR 1=1 -- $(id)"
WORDS = (
    "q=Send+this+now",
    "q=" + quote(HARM),
    "q=" + quote(quote(quote("a\r\nSet-Cookie: a=b"))),
    "q=%00%ff%fe%f0%9f",
    "q=" + "a" * 60_000,
    "q=one&q=two&q[]=three",
    "q=Send&send=1&submit=true&autosubmit=1&run=1",
    "message=Send+this&suggestion=What+can+Parlour+do%3F",
    "q=Send&model=gpt-5.4&temporary=1",
    "model=gpt-5.4",
    "model=" + quote(HARM),
    "temporary=1",
    "temporary=1&chat={chat}",
    "chat={chat}",
    "chat={chat}&at={answer}",
    "chat={chat}&at=nobody",
    "chat=nobody&at={answer}",
    "chat=" + quote("../../etc/passwd"),
    "chat=&at=&q=&model=",
    "chat={chat}&chat=other",
    "at={answer}",
    "batch=nobody&side=batch",
    "look={chat}",
    "bill=nobody&statement=nobody",
    "part=rules&gateway=1&model=gpt-5.4",
    "part=" + quote(HARM),
    "gateway=-1",
    "gateway=" + "9" * 400,
    "view=requests&days=99999999999&zone=Nowhere/None&from=0000-99-99",
    "delete={chat}&stop=1&archive=1&export=all&import=http://127.0.0.1:1/x",
    "base_url=http://127.0.0.1:1&key=sk-evil-0123456789&gateway=http://evil.example",
    "url=http://127.0.0.1:1/&next=//evil.example&redirect=https://evil.example",
    "embed=true&embed_options=show_toolbar&embed_options=light_theme",
    "%3Fq%3DSend&%2526=1;a=b;;&&==",
)
CORPUS = tuple(product(PAGES, WORDS))


def snapshot(place: Place) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with sqlite3.connect(f"file:{place.app.data_dir / 'parlour.db'}?mode=ro", uri=True, timeout=10) as database:
        names = [
            row[0]
            for row in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'"
            )
        ]
        found = {name: sorted(database.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in names}
    database.close()
    return found


@pytest.fixture(scope="module")
def names(place: Place) -> dict[str, str]:
    """A chat that exists, and its answer, which was read."""

    async def begun() -> str:
        async with Visitor(place.app.url) as page:
            await page.say("Good morning")
            await page.until_runs(1)
            return page.chat or ""

    chat = asyncio.run(begun())
    with sqlite3.connect(f"file:{place.app.data_dir / 'parlour.db'}?mode=ro", uri=True) as database:
        answer = database.execute("SELECT public_id FROM message WHERE role = 'assistant'").fetchone()[0]
    database.close()
    return {"chat": chat, "answer": answer}


def filled(query: str, names: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], query)


async def opened(place: Place, page_name: str, query: str) -> list[str]:
    """Open it as a browser does, until its script has run; what went wrong."""
    async with Visitor(place.app.url, query, page=page_name) as page:
        await page.until_runs(0)
        return [*page.errors, *(["closed"] if page.lost else [])]


def test_no_address_sends_or_changes_anything(
    place: Place, names: dict[str, str], count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    tried = list(_chosen(count(16, len(CORPUS))))
    before, requests = snapshot(place), len(place.gateway.requests)
    for page_name, query in tried:
        asked = filled(query, names)
        assert asyncio.run(opened(place, page_name, asked)) == [], (page_name, query[:200])
        reply = ask(place.port, request("GET", f"/{page_name}?{asked}", _headers(place)))
        assert reply.status in {200, 400, 403, 404, 414, 431}, (page_name, query[:200])
        assert not TRACEBACKS.search(reply.body)
        assert len(place.gateway.requests) == requests, (page_name, query[:200])
        assert snapshot(place) == before, (page_name, query[:200])
    assert place.alive
    measured(f"{len(tried):,} addresses opened: 0 requests to the gateway, 0 rows changed, 0 exceptions")


def _chosen(n: int) -> Iterator[tuple[str, str]]:
    """The chat page with each query first, as far as it goes; then the other pages."""
    on_chat = [pair for pair in CORPUS if pair[0] == ""]
    others = [pair for pair in CORPUS if pair[0] != ""]
    random.Random(43).shuffle(others)
    yield from random.Random(44).sample(on_chat, min(n, len(on_chat)))
    yield from others[: max(0, n - len(on_chat))]


def _headers(place: Place) -> list[tuple[str, str]]:
    return [("Host", place.host), ("Connection", "close")]


def test_a_link_to_another_version_of_an_answer_turns_to_it_and_does_nothing_else(
    place: Place, names: dict[str, str], measured: Callable[[str], None]
) -> None:
    """Only who has the unguessable names of a chat and a message in it can write such a link."""
    _add_a_version(place, names["answer"], "another-version-0001")
    before, requests = snapshot(place), len(place.gateway.requests)
    assert asyncio.run(opened(place, "", f"chat={names['chat']}&at=another-version-0001")) == []
    after = snapshot(place)
    assert {name for name in after if after[name] != before[name]} <= {"conversation", "message"}
    assert len(after["message"]) == len(before["message"])
    changed = [row for row in after["message"] if row not in before["message"]]
    assert all("user" in row for row in changed), "only which version of its answers a question shows"
    assert len(place.gateway.requests) == requests
    measured("a link with the names of a chat and an older version turns to that version; no other row changes")


def _add_a_version(place: Place, answer: str, public_id: str) -> None:
    with sqlite3.connect(place.app.data_dir / "parlour.db", timeout=10) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(message)")]
        values = ", ".join({"id": "id + 1", "public_id": "?"}.get(name, name) for name in columns)
        taken = f"INSERT INTO message ({', '.join(columns)}) SELECT {values} FROM message WHERE public_id = ?"
        database.execute(taken, (public_id, answer))
    database.close()
