"""The gateway in the box: off it is not there, on it speaks to this machine and to its key only, and never in the way."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles

import pytest

from bench.visitor import Visitor
from lib.embedded.routes import PREFIXES
from lib.embedded.wires import WIRES
from tests.browser.conftest import ROOT, Parlour
from tests.requests.raw import ask, request

LISTENING = "0A"
HERE = "0100007F"
"""127.0.0.1 as the kernel writes it, in the order of this machine's bytes."""


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Parlour]]:
    started: list[Parlour] = []

    def starting(**env: str) -> Parlour:
        app = Parlour(tmp_path_factory.mktemp("demo"), env, ROOT / "app.py")
        started.append(app)
        app.start()
        return app

    yield starting
    for app in started:
        app.stop()


@pytest.fixture(scope="module")
def on(start: Callable[..., Parlour]) -> Parlour:
    return start(PARLOUR_DEMO="on", PARLOUR_DEMO_SPEED="1")


def ears(app: Parlour) -> set[tuple[str, int]]:
    """(address, port) of all sockets of the process that listen, as proc(5) has them."""
    assert app.process is not None
    own = set(_files(app.process.pid))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{app.process.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and f"socket:[{fields[9]}]" in own:
                address, port = fields[1].split(":")
                found.add((address, int(port, 16)))
    return found


def _files(pid: int) -> Iterator[str]:
    """What its open files are; one may be closed meanwhile."""
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield str(entry.readlink())


def demo_port(app: Parlour) -> int:
    (port,) = {port for _, port in ears(app)} - {app.port}
    return port


def test_off_it_is_not_there(start: Callable[..., Parlour], measured: Callable[[str], None]) -> None:
    app = start(PARLOUR_DEMO="off")
    assert ears(app) == {(HERE, app.port)}
    for path in ("/v1/models", "/gw_llm_power/v1/models", "/v1/chat/completions", "/v1/messages"):
        reply = ask(
            app.port, request("POST", path, [("Host", f"127.0.0.1:{app.port}"), ("Connection", "close")], b"{}")
        )
        assert reply.status in {404, 405}
    measured("off: no other port listens, and its routes are 404 or 405 at the app's own")


def test_on_it_listens_to_this_machine_only(on: Parlour, measured: Callable[[str], None]) -> None:
    assert {address for address, _ in ears(on)} == {HERE}
    assert len(ears(on)) == 2
    with pytest.raises(OSError), socket.create_connection((_another_address(), demo_port(on)), timeout=2):
        pass
    measured("on: its port listens on 127.0.0.1 only")


def _another_address() -> str:
    """An address of this machine that is not 127.0.0.1: packets to 127.0.0.2 stay here too."""
    return "127.0.0.2"


@pytest.mark.parametrize("given", [[], [("Authorization", "Bearer ")], [("Authorization", "Bearer sk-demo-wrong")],
                                   [("x-api-key", "sk-demo-wrong")], [("Cookie", "key=sk-demo")]], ids=str)  # fmt: skip
def test_without_its_key_every_route_is_401(
    on: Parlour, given: list[tuple[str, str]], measured: Callable[[str], None]
) -> None:
    port, tried = demo_port(on), 0
    asked = [("POST", wire.path) for wire in WIRES] + [("GET", "/v1/models"), ("GET", "/v1/models/gpt-5.4")]
    for method, path in ((method, prefix + path) for prefix in PREFIXES for method, path in asked):
        headers = [("Host", f"127.0.0.1:{port}"), ("Content-Type", "application/json"), ("Connection", "close"), *given]
        assert ask(port, request(method, path, headers, b"{}" if method == "POST" else b"")).status == 401, path
        tried += 1
    measured(f"on: {tried} routes without its key, all 401")


def test_health_is_the_only_word_it_gives_to_everybody(on: Parlour) -> None:
    port = demo_port(on)
    reply = ask(port, request("GET", "/healthz", [("Host", "127.0.0.1"), ("Connection", "close")]))
    assert (reply.status, reply.body) == (200, b"ok")
    for path in ("/", "/docs", "/openapi.json", "/v1", "/requests", "/v1/models/../../healthz"):
        assert ask(port, request("GET", path, [("Host", "127.0.0.1"), ("Connection", "close")])).status in {401, 404}


def test_its_answers_do_not_hold_up_a_page(
    on: Parlour, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    """Eight answers of 100 tokens a second to nobody's page, while another page is drawn again and again."""
    n = count(10, 60)

    async def times() -> list[float]:
        async with Visitor(on.url) as page:
            await page.until_runs(0)
            taken = []
            for _ in range(n):
                began, before = time.monotonic(), page.runs_done
                await page.rerun()
                await page.until_runs(before)
                taken.append(time.monotonic() - began)
            assert page.errors == []
            return taken

    async def begin() -> None:
        async with Visitor(on.url) as page:
            await page.until_runs(0)
            await page.say("n=3000 tps=100")
            await page.until_stop()

    async def both() -> tuple[list[float], list[float]]:
        await times()
        calm = await times()
        await asyncio.gather(*(begin() for _ in range(8)))
        return calm, await times()

    calm, busy = (quantiles(found, n=20)[-1] * 1000 for found in asyncio.run(both()))
    assert busy < max(3 * calm, 1000)
    measured(
        f"a page drawn again: p95 {calm:.0f} ms, and {busy:.0f} ms ({busy / calm - 1:+.0%}) during 8 answers of the demo"
    )
