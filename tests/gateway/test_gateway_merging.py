"""Chunks that come at once are read at once: the cheap reading below httpx takes effect and changes nothing else."""

from __future__ import annotations

import asyncio

import pytest

from lib.cards import DialectName
from lib.events import Event, TextDelta
from lib.gateway import Gateway
from tests.gateway.asking import DIALECT_NAMES, KEY, WORDS, an_ask, card_of, sum_of
from tests.gateway.raw_server import Line, RawServer, Request, head


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
def test_chunks_that_come_at_once_become_few_batches(server: RawServer, dialect: DialectName) -> None:
    words = WORDS[dialect]
    pieces = [words.opening, *[words.hello] * 300, words.end]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)

    def behave(line: Line, request: Request) -> None:
        opening = head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        line.send(opening + chunks + b"0\r\n\r\n")

    async def batches() -> list[list[Event]]:
        door = Gateway(card_of(server.endpoint(behave).base_url, dialect), KEY, pace_s=0)
        found: list[list[Event]] = []
        await door.answer(an_ask(), dialect, lambda events: found.append(list(events)))
        await door.aclose()
        return found

    found = asyncio.run(batches())
    gathered = sum_of([event for events in found for event in events])
    assert (gathered.text, gathered.complete) == ("Hello" * 300, True)
    assert sum(any(isinstance(event, TextDelta) for event in events) for events in found) < 30
