"""A gateway that says our key back: in errors, headers, lists and figures. Nothing that leaves the door holds it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from lib.cards import DialectName, GatewayCard, ListedModel
from lib.events import Event, Gathered
from lib.gateway import Gateway
from lib.messages import Ask, user
from lib.secret import Secret
from tests.canary.echoing import FAULTS, MODEL, Echoing
from tests.canary.searching import Searcher
from tests.gateway.raw_server import RawServer

KEY = 'sk-CANARY-q7Rz+2V/xK=9&m<"w%4TbJ6tYP'
SEARCHER = Searcher(KEY)
LOGGERS = ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection", "parlour")


@pytest.fixture
def echoing(server: RawServer) -> Echoing:
    return Echoing(server, KEY)


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, name)


def told(echoing: Echoing, fault: str, dialect: DialectName) -> tuple[list[Event], Gathered]:
    """What comes through the door."""
    events: list[Event] = []

    async def ask() -> None:
        door = Gateway(GatewayCard(0, "g", echoing.base_url, (dialect,)), Secret(KEY))
        try:
            await door.answer(Ask(MODEL, (user(f"fault {fault}"),)), dialect, events.extend)
        finally:
            await door.aclose()

    asyncio.run(ask())
    gathered = Gathered()
    for event in events:
        gathered.take(event)
    return events, gathered


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_no_event_and_no_line_of_the_log_holds_the_key(
    server: RawServer, caplog: pytest.LogCaptureFixture, dialect: DialectName, measured: Callable[[str], None]
) -> None:
    for fault in FAULTS:
        echoing = Echoing(server, KEY)
        events, gathered = told(echoing, fault, dialect)
        error = gathered.error
        shown = [repr(event) for event in events] + [repr(vars(error)) if error else ""]
        assert SEARCHER.search("events", "\n".join(shown)) == [], fault
        assert SEARCHER.search("log", caplog.text) == [], fault
        assert echoing.heard == {KEY}
        assert (echoing.endpoint.posts, echoing.elsewhere.requests) == (1, []), fault
    measured(f"{dialect}: {len(FAULTS)} ways to say the key back, 0 copies behind the door or in the log at debug")


def test_the_words_of_an_answer_are_not_touched(echoing: Echoing) -> None:
    _, gathered = told(echoing, "headers", "openai")
    assert (gathered.text, gathered.complete) == ("With headers.", True)


def test_a_list_loses_the_models_that_are_the_key(echoing: Echoing, caplog: pytest.LogCaptureFixture) -> None:
    async def models() -> list[str]:
        door = Gateway(GatewayCard(0, "g", echoing.base_url, ("openai",)), Secret(KEY))
        try:
            return [repr(model) for model in await door.models()]
        finally:
            await door.aclose()

    found = asyncio.run(models())
    assert len(found) == 2
    assert SEARCHER.search("list", "\n".join(found)) == []
    assert SEARCHER.search("log", caplog.text) == []


@pytest.mark.parametrize(("key", "left"), [("openrouter", 2), ("sk-auto-4711-abcd", 1)])
def test_a_key_that_is_a_mere_word_takes_no_model_out_of_the_list(key: str, left: int) -> None:
    door = Gateway(GatewayCard(0, "g", "http://127.0.0.1:1", ("openai",)), Secret(key))
    listed = [ListedModel("openrouter/auto"), ListedModel("x/sk-auto-4711-abcd")]
    assert len(door._without_key(listed)) == left
    asyncio.run(door.aclose())
