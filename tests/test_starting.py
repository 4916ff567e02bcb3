"""The self-check where it counts: real processes, each way of starting Parlour, with a good and a bad setting."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from lib.passwords import Work, hashed
from lib.store import open_store
from tests.socket_reader import drawn

ROOT = Path(__file__).resolve().parent.parent
EVERYWHERE = "0.0.0.0"
NOT_INHERITED = re.compile(r"(OPENAI|ANTHROPIC|PARLOUR|STREAMLIT|UVICORN)_|(HTTPS?|ALL)_PROXY$", re.IGNORECASE)
CANARY = "sk-CANARY-2b7f90c1d5"


class Started:
    """One process and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, port: int) -> None:
        self.process, self._log, self.port = process, log, port

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def status(self, timeout: float = 60) -> int:
        """The exit status."""
        return self.process.wait(timeout)

    def ask(self, address: str = "127.0.0.1", path: str = "/healthz") -> tuple[int, str]:
        """(status, body) of a request that comes in at `address` and names 127.0.0.1, as a hostile one would."""
        request = urllib.request.Request(f"http://{address}:{self.port}{path}", headers={"host": "127.0.0.1"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_until_well(self, timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask()[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"not started (exit status {self.process.poll()}):\n{self.log}")


@contextmanager
def started(folder: Path, command: list[str], *, cwd: Path = ROOT, **env: str) -> Iterator[Started]:
    port, log = free_port(), folder / "log"
    inherited = {name: value for name, value in os.environ.items() if not NOT_INHERITED.match(name)}
    ours = {
        "HOME": str(folder),
        "PARLOUR_DATA_DIR": str(folder / "data"),
        "PARLOUR_DEMO": "off",
        "PYTHONUNBUFFERED": "1",
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [part.replace("PORT", str(port)) for part in command],
            cwd=cwd,
            env={**inherited, **ours, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield Started(process, log, port)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(15)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def own_address() -> str | None:
    """An address of this machine that others could use, if it has one; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address


STREAMLIT = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "PORT"]
UVICORN = [sys.executable, "-m", "uvicorn", "app:app", "--port", "PORT"]


def make_run() -> list[str]:
    """What `make run` would run, without what installs first."""
    assert shutil.which("make"), "the Makefile is how Parlour is started"
    dry = subprocess.run(
        ["make", "--dry-run", "run", "PORT=PORT"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    [line] = [line for line in dry.stdout.splitlines() if "streamlit run" in line]
    return [sys.executable, "-m", *line.removeprefix("exec .venv/bin/").split()]


def test_make_run_is_streamlit_run() -> None:
    assert make_run() == STREAMLIT


def test_streamlit_run_on_this_computer_starts_and_says_nothing(tmp_path: Path) -> None:
    with started(tmp_path, STREAMLIT, OPENAI_BASE_URL="https://gw.example", OPENAI_API_KEY=CANARY) as parlour:
        parlour.wait_until_well()
        assert not re.search("Not started|Warning|Traceback", parlour.log)
        assert "CANARY" not in parlour.log


def test_streamlit_run_for_everybody_ends_before_anybody_is_answered(tmp_path: Path) -> None:
    with started(tmp_path, [*STREAMLIT, "--server.address", EVERYWHERE]) as parlour:
        assert parlour.status() == 2
        assert "Not started: Other computers could connect (0.0.0.0), and there is no login" in parlour.log
        assert "PARLOUR_ALLOW_PUBLIC=yes" in parlour.log
        assert "Traceback" not in parlour.log
    assert not (tmp_path / "data").exists()


def test_streamlit_run_for_everybody_starts_when_its_operator_says_so(tmp_path: Path) -> None:
    flags = {"PARLOUR_ALLOW_PUBLIC": "yes", "PARLOUR_ALLOWED_HOSTS": "chat.example"}
    with started(tmp_path, [*STREAMLIT, "--server.address", EVERYWHERE], **flags) as parlour:
        parlour.wait_until_well()
        assert "Warning: There is no login: whoever reaches chat.example" in parlour.log
        if address := own_address():
            assert parlour.ask(address)[0] == 200


def test_uvicorn_for_everybody_answers_this_computer_only(tmp_path: Path) -> None:
    with started(tmp_path, [*UVICORN, "--host", EVERYWHERE]) as parlour:
        parlour.wait_until_well()
        assert parlour.ask(path="/")[0] == 200
        assert "Warning: The server writes every address" in parlour.log
        if address := own_address():
            for path in ("/", "/healthz", "/_stcore/health"):
                status, words = parlour.ask(address, path)
                assert (status, "Parlour answers the computer it runs on only." in words) == (403, True)
            assert "A request from another computer was refused." in parlour.log


@pytest.mark.parametrize(
    "command",
    [[*STREAMLIT, "--server.address", EVERYWHERE], [*UVICORN, "--no-access-log", "--host", EVERYWHERE]],
    ids=["streamlit run", "uvicorn"],
)
def test_with_an_account_everybody_may_knock_and_who_signs_in_gets_a_page(tmp_path: Path, command: list[str]) -> None:
    store = open_store("", tmp_path / "data")
    store.accounts.add("Anna", "anna", hashed("walnut kettle", Work(4, 1, 1)))
    store.close()
    with started(tmp_path, command, PARLOUR_ALLOWED_HOSTS="chat.example") as parlour:
        parlour.wait_until_well()
        assert "no login" not in parlour.log
        assert ("Pages are served without encryption, passwords too." in parlour.log) == (command[2] == "streamlit")
        for address in filter(None, ("127.0.0.1", own_address())):
            assert [parlour.ask(address, path)[0] for path in ("/", "/static/x.js", "/healthz")] == [401, 401, 200]
        form = urllib.parse.urlencode({"name": "Anna", "password": "walnut kettle"})
        line = http.client.HTTPConnection("127.0.0.1", parlour.port, timeout=30)
        line.request("POST", "/login", form, {"content-type": "application/x-www-form-urlencoded"})
        cookie = line.getresponse().headers["set-cookie"].partition(";")[0]
        line.close()

        async def first_page() -> bytes:
            headers, protocols = {"cookie": cookie}, [Subprotocol("streamlit")]
            url = f"ws://127.0.0.1:{parlour.port}/_stcore/stream"
            async with connect(url, additional_headers=headers, subprotocols=protocols, max_size=None) as socket:
                return (await drawn(socket))[1]

        page = asyncio.run(first_page())
        assert b"signed out" not in page
        assert b"New chat" in page


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"STREAMLIT_SERVER_COOKIE_SECRET": "changeme"}, "The secret that signs cookies is one out of an example"),
        ({"PARLOUR_ALLOWED_HOSTS": "*"}, "cannot be used: a host name such as chat.example.com"),
        ({"OPENAI_BASE_URL": "gw.example", "OPENAI_API_KEY": CANARY}, "OPENAI_BASE_URL: The base URL has no scheme."),
    ],
    ids=["cookie secret", "every host", "unusable setting"],
)
def test_what_must_not_be_is_refused_by_uvicorn_in_one_sentence(
    tmp_path: Path, env: dict[str, str], words: str
) -> None:
    with started(tmp_path, [*UVICORN, "--no-access-log"], **env) as parlour:
        assert parlour.status() == 2
        [line] = [line for line in parlour.log.splitlines() if line.startswith("Not started: ")]
        assert words in line
        assert not re.search("Traceback|CANARY|every address", parlour.log)
