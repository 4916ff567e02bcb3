"""An answer that stops anywhere before its end is told as cut, with everything that had arrived; never as whole."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from lib.cards import DialectName
from lib.events import Event
from lib.gateway import Deadlines, Gateway
from tests.faults.speech import HALF, REST, SPEECH, Speech
from tests.gateway.asking import KEY, an_ask, asked, assert_well_formed, card_of, sum_of
from tests.gateway.raw_server import Behaviour, Line, RawServer, Request, head, streams

WORDS = [HALF, REST, "third 日本 ", "\u2028fourth 😀", " fifth"]
PATIENT = Deadlines(connect=5, first=30, gap=30, total=60)
ENDINGS = ("closed", "reset", "no last chunk", "short of its length")


def stream_of(say: Speech) -> bytes:
    """A whole answer without its finish: wherever it is cut, the end is missing."""
    return say.opening + say.thought("Let me think.") + say.events(WORDS) + say.thought("Hm.") + say.events(["done"])


def cuts(body: bytes, number: int) -> list[int]:
    """Different places: every kind of byte is among them (event borders, inside JSON, inside a character)."""
    borders = [at + 2 for at in range(len(body)) if body.startswith(b"\n\n", at)]
    inside = [at for at in range(1, len(body)) if 0x80 <= body[at] < 0xC0]
    names = [at for at in range(len(body)) if body.startswith((b"data:", b"event:", b"\n"), at)]
    seeded = random.Random(6)
    places = [*borders, *seeded.sample(inside, min(len(inside), 20)), *seeded.sample(names, 20), len(body)]
    rest = [at for at in range(1, len(body)) if at not in places]
    return sorted([*places, *seeded.sample(rest, max(0, number - len(places)))][:number])


def ending(how: str, piece: bytes) -> Behaviour:
    kind = {"content-type": "text/event-stream"}
    if how in ("closed", "reset"):
        return streams(piece, then=(lambda line: line.reset()) if how == "reset" else None)

    def behave(line: Line, request: Request) -> None:
        if how == "no last chunk":
            line.send(head(200, {**kind, "transfer-encoding": "chunked"}) + b"%x\r\n%b\r\n" % (len(piece), piece))
        else:
            line.send(head(200, {**kind, "content-length": str(len(piece) + 1)}) + piece)
        line.close()

    return behave


async def everything(server: RawServer, dialect: DialectName, asks: list[tuple[int, str]]) -> list[list[Event]]:
    body, turns = stream_of(SPEECH[dialect]), asyncio.Semaphore(40)

    async def one(at: int, how: str) -> list[Event]:
        async with turns:
            place = server.endpoint(ending(how, body[:at]))
            door = Gateway(card_of(place.base_url, dialect), KEY, deadlines=PATIENT, pace_s=0)
            try:
                return await asked(door, an_ask(), dialect, retry=False)
            finally:
                await door.aclose()

    return await asyncio.gather(*(one(at, how) for at, how in asks))


def visible(say: Speech, upto: int) -> str:
    """The text of the events that are whole before byte `upto`."""
    before, text = len(say.opening) + len(say.thought("Let me think.")), ""
    pieces = [*WORDS, None, "done"]
    for piece in pieces:
        before += len(say.thought("Hm.") if piece is None else say.text(piece))
        text += piece or "" if before <= upto else ""
    return text


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_no_cut_is_taken_for_an_end(
    dialect: DialectName, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    say, number = SPEECH[dialect], count(60, 200)
    places = cuts(stream_of(say), number)
    asks = [(at, ENDINGS[position % len(ENDINGS)]) for position, at in enumerate(places)]
    with RawServer() as server:
        brought = asyncio.run(everything(server, dialect, asks))
    for (at, how), events in zip(asks, brought, strict=True):
        assert_well_formed(events)
        found = sum_of(events)
        assert not found.complete, (at, how)
        assert found.error is not None
        assert found.error.kind in (("truncated",) if found.text else ("truncated", "empty"))
        # the last event may be whole although its blank line, or the line end before it, never came
        whole = {visible(say, at), visible(say, at + 1), visible(say, at + 2)}
        if how == "reset":  # which throws away what the other side has not read yet
            assert any(text.startswith(found.text) for text in whole), at
        else:
            assert found.text in whole, (at, how)
    measured(f"{len(asks)} of {len(asks)} truncations detected ({dialect}; {len(ENDINGS)} ways to end), no text lost")


def test_the_same_stream_with_its_end_is_whole() -> None:
    """So it is the missing end that the cuts are told by."""
    with RawServer() as server:
        for dialect, say in SPEECH.items():
            place = server.endpoint(streams(stream_of(say) + say.end()))

            async def once(base_url: str = place.base_url, dialect: DialectName = dialect) -> list[Event]:
                door = Gateway(card_of(base_url, dialect), KEY, deadlines=PATIENT, pace_s=0)
                try:
                    return await asked(door, an_ask(), dialect)
                finally:
                    await door.aclose()

            found = sum_of(asyncio.run(once()))
            assert found.complete
            assert found.text == "".join(WORDS) + "done"
