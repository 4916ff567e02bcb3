"""The four clocks: their values as configured, and that each fires when it says, whatever drips meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lib.cards import DialectName
from lib.gateway import Deadlines, Gateway
from lib.settings import Settings, load
from tests.faults.faults import ANSWERING
from tests.faults.house import BOTH, House
from tests.faults.places import blackhole
from tests.faults.speech import SPEECH, Speech, sse
from tests.faults.table import Doing
from tests.faults.ways import drips, sends, stalls
from tests.gateway.asking import KEY, an_ask, asked, card_of, sum_of
from tests.gateway.raw_server import RawServer

NEVER = 60.0
LIMIT_S = 1.5
CLOSE_ENOUGH_S = 1.0


class Clock(NamedTuple):
    """One clock, and something that keeps the line busy without ever satisfying it."""

    name: str
    does: Doing


def comment(say: Speech) -> bytes:
    return b": wait\n\n"


def ping(say: Speech) -> bytes:
    return sse({"type": "ping"}, "ping")


CLOCKS = (
    Clock("first", sends(lambda say: b"", stalls)),
    Clock("first", sends(lambda say: say.opening, stalls)),
    Clock("first", drips(lambda say: say.opening, comment)),
    Clock("first", drips(lambda say: say.opening, ping)),
    Clock("gap", sends(lambda say: say.begun, stalls)),
    Clock("gap", drips(lambda say: say.begun, comment)),
    Clock("gap", drips(lambda say: say.begun, ping)),
    Clock("gap", drips(lambda say: say.begun, lambda say: b"\n")),
    Clock("total", drips(lambda say: say.opening, lambda say: say.text("on "))),
    Clock("total", drips(lambda say: say.opening, lambda say: say.thought("on "))),
)


def test_the_configured_clocks_are_these(tmp_path: Path) -> None:
    assert Deadlines() == Deadlines(connect=5, first=300, gap=120, total=3600)
    assert Settings().deadlines == load({}).deadlines == (5, 300, 120, 3600)
    with House(tmp_path, {"chaos": "http://127.0.0.1:9"}, deadlines=Settings().deadlines) as house:
        assert house.services.gateways._deadlines == Deadlines()
    with House(tmp_path, {"chaos": "http://127.0.0.1:9"}, deadlines=(1, 2, 3, 4)) as house:
        assert house.services.gateways._deadlines == Deadlines(1, 2, 3, 4)


async def took(base_url: str, dialect: DialectName, deadlines: Deadlines) -> tuple[str | None, float]:
    """The kind of the error, and the seconds until it was told."""
    door = Gateway(card_of(base_url, dialect), KEY, deadlines=deadlines, pace_s=0)
    began = time.monotonic()
    try:
        error = sum_of(await asked(door, an_ask(), dialect, retry=False)).error
        return (error.kind if error else None), time.monotonic() - began
    finally:
        await door.aclose()


def test_each_clock_fires_within_a_second(measured: Callable[[str], None]) -> None:
    async def everything(server: RawServer) -> list[tuple[str | None, float]]:
        waiting = []
        for clock in CLOCKS:
            limits = {"first": NEVER, "gap": NEVER, "total": NEVER, clock.name: LIMIT_S}
            for dialect in BOTH:
                place = server.endpoint(clock.does(SPEECH[dialect]))
                waiting.append(took(place.base_url, dialect, Deadlines(connect=NEVER, **limits)))
        with blackhole() as port:
            address = f"http://127.0.0.1:{port}"
            waiting += [took(address, dialect, Deadlines(connect=LIMIT_S)) for dialect in BOTH]
            return await asyncio.gather(*waiting)

    with RawServer() as server:
        found = asyncio.run(everything(server))
    assert {kind for kind, _ in found} == {"timeout"}
    off = [seconds - LIMIT_S for _, seconds in found]
    assert max(map(abs, off)) < CLOSE_ENOUGH_S, found
    measured(
        f"defaults 5/300/120/3600 s as configured; {len(found)} deadlines of {LIMIT_S} s (connect, first, gap, total) "
        f"fired {min(off):+.2f} to {max(off):+.2f} s off"
    )


def test_a_body_of_an_error_that_stalls_does_not_hold_the_answer() -> None:
    with RawServer() as server:
        place = server.endpoint(ANSWERING["f06-401-stalls"].does(SPEECH["openai"]))
        kind, seconds = asyncio.run(took(place.base_url, "openai", Deadlines()))
    assert kind == "auth"
    assert seconds < 4
