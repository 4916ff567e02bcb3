"""What no browser sends hurts nobody: the process lives, its memory stays, another reader is served, nothing is told."""

from __future__ import annotations

import asyncio
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from statistics import quantiles

import pytest

from bench.visitor import Visitor
from tests.intake import made
from tests.requests import malformed
from tests.requests.conftest import Place
from tests.requests.malformed import Target
from tests.requests.raw import TRACEBACKS, Socket, ask, cpu_seconds, exchange, frame, request, resident

MB = 1 << 20
CLOSE = frame(b"\x03\xe8", 8)
PATIENCE_S = 5.0


@pytest.fixture(scope="module")
def target(place: Place) -> Iterator[Target]:
    """An open page, a file of ours and files of Streamlit's."""
    opened: dict[str, str] = {}
    over = threading.Event()

    async def stay() -> None:
        async with Visitor(place.app.url) as page:
            await page.until_runs(0)
            opened["session"] = page.session
            while not over.is_set():
                await asyncio.sleep(0.1)

    thread = threading.Thread(target=lambda: asyncio.run(stay()))
    thread.start()
    while "session" not in opened:
        time.sleep(0.02)
    health = ask(place.port, request("GET", "/_stcore/health", [("Host", place.host)]))
    found = re.search(r"_streamlit_xsrf=([^;]+)", health.header("set-cookie"))
    upload = f"/_stcore/upload_file/{opened['session']}/file-1"
    yield Target(place.host, upload, found[1] if found else "", _ranged(place))
    over.set()
    thread.join()


def _ranged(place: Place) -> tuple[str, ...]:
    page = ask(place.port, request("GET", "/", [("Host", place.host)])).body.decode()
    script = re.findall(r'(?:src|href)="\./(static/[^"]+)"', page)
    data = made.png()
    put = request("PUT", "/attachments/new?name=a.png", [("Host", place.host)], data)
    taken = json.loads(ask(place.port, put).body)
    return (
        *(f"/{path}" for path in script[:2]),
        f"/file/{taken['id']}/0",
        f"/file/{taken['id']}/thumb",
        "/media/none.png",
    )


def _frames_sent(place: Place, luck: random.Random) -> bytes:
    socket = Socket(place.port)
    try:
        assert socket.status == 101
        socket.send(malformed.frames(luck) + CLOSE)
        return socket.until_closed()
    except OSError:
        return b""  # closed while we were writing
    finally:
        socket.close()


KINDS: dict[str, tuple[Callable[[Place, Target, random.Random], bytes], int, int]] = {
    "websocket frames": (lambda place, target, luck: _frames_sent(place, luck), 60, 4_000),
    "requests": (lambda place, target, luck: _sent(place, malformed.requests(luck, target)), 50, 3_000),
    "bodies": (lambda place, target, luck: _sent(place, malformed.bodies(luck, target)), 25, 1_500),
    "ranges": (lambda place, target, luck: _sent(place, malformed.ranges(luck, target)), 25, 1_500),
}
"""How one is sent, and how many of them in a daily run and in a full one."""


def _sent(place: Place, data: bytes) -> bytes:
    return exchange(place.port, data, timeout=PATIENCE_S, half_close=True)


@pytest.mark.parametrize("kind", KINDS)
def test_malformed_things_hurt_nobody(
    place: Place, target: Target, kind: str, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    send, part, full = KINDS[kind]
    n, luck = count(part, full), random.Random(f"51 {kind}")
    for _ in range(n // 4):  # until every pool is filled and as many left pages are kept as ever will be
        assert not TRACEBACKS.search(send(place, target, luck))
    calm = _times(place, 60)
    before, busy = resident(place.pid), list[float]()
    with _Other(place, busy):
        for number in range(n - n // 4):
            got = send(place, target, luck)
            assert not TRACEBACKS.search(got), (number, got[:500])
    grown = resident(place.pid) - before
    assert place.alive
    assert grown < 60 * MB
    p95 = [quantiles(times, n=20)[-1] * 1000 for times in (calm, busy)]
    assert p95[1] < max(2 * p95[0], 250) or n == part, "a daily run has too few to say"
    measured(
        f"{n:,} {kind}: process alive, memory {grown / MB:+.0f} MB, 0 tracebacks in answers, another reader's request "
        f"p95 {p95[0]:.0f} ms before and {p95[1]:.0f} ms during"
    )


class _Other:
    """Another reader who asks for something simple meanwhile."""

    def __init__(self, place: Place, times: list[float]) -> None:
        self._place = place
        self._times = times
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.is_set() or len(self._times) < 20:
            self._times += _times(self._place, 1)
            self._over.wait(0.02)


def _times(place: Place, n: int) -> list[float]:
    """Seconds that simple requests take, each on a connection of its own."""
    taken = []
    for _ in range(n):
        began = time.monotonic()
        assert ask(place.port, request("GET", "/draft/new", [("Host", place.host)]), timeout=30).status == 200
        taken.append(time.monotonic() - began)
    return taken


def test_no_range_costs_a_second(place: Place, target: Target, measured: Callable[[str], None]) -> None:
    worst = 0.0
    for path in target.ranged:
        for wanted in ("0-," * 5_000, ",".join(f"{n}-{n}" for n in range(0, 8_000, 2)), "0-0" + ",0-0" * 9_000):
            before = cpu_seconds(place.pid)
            headers = [("Host", place.host), ("Range", f"bytes={wanted}"), ("Connection", "close")]
            exchange(place.port, request("GET", path, headers))
            worst = max(worst, cpu_seconds(place.pid) - before)
    assert worst < 1.0
    measured(f"thousands of ranges in one request, {len(target.ranged)} routes: {worst:.2f} s of CPU at most")


def test_a_flood_of_messages_does_not_send_anything(place: Place) -> None:
    assert place.gateway.posts <= 1, "the one of the tests of addresses"
