"""A really running Parlour and a real Chromium for the browser tests.

    def test_a_question_is_answered(app, page):
        open_new_chat(page, app)

`app` is one Parlour for all tests of a module, answered by the demo without any waiting that the message does not
order. `parlour(...)` starts one as its own process with its own data folder; the object it returns can be killed and
restarted on the same folder and port. `page` fails its test when anything was asked of another host or the console
showed an error; `watch` tells it what to forgive and opens further pages (narrow, dark, another browser). What a
user does and sees is in `steps.py`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, WebError, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
OURS = frozenset({"127.0.0.1", "localhost"})
NOT_INHERITED = re.compile(r"(OPENAI|ANTHROPIC|PARLOUR|STREAMLIT)_|(HTTPS?|ALL)_PROXY$", re.IGNORECASE)

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing else has a name, so a leak shows as a failed request and never leaves the machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

HARMLESS = (
    # On the address of a sub-page Streamlit's own script looks for the app's base path by trial.
    r"404 \(Not Found\).* http://127\.0\.0\.1:\d+/[\w-]+/_stcore/(health|host-config)",
)


def chromium_path() -> str | None:
    named = os.environ.get("PARLOUR_CHROMIUM")
    candidates = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next((path for name in candidates if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium: install it or name it in PARLOUR_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


class Parlour:
    """The app as a process of its own, on a free port of 127.0.0.1."""

    def __init__(self, folder: Path, env: Mapping[str, str], app: Path) -> None:
        self.data_dir = folder / "data"
        self.log_path = folder / "parlour.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._app = app
        inherited = {name: value for name, value in os.environ.items() if not NOT_INHERITED.match(name)}
        # A home of its own, so that a Streamlit configuration of the user does not take part.
        home = {"HOME": str(folder), "PARLOUR_DATA_DIR": str(self.data_dir), "PYTHONUNBUFFERED": "1"}
        self.env = {**inherited, **home, **env}

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self, timeout: float = 60) -> None:
        """Start and wait until `/healthz` says ok. Raises AssertionError with the log when it does not."""
        assert self.process is None, "it runs already"
        command = [sys.executable, "-m", "streamlit", "run", str(self._app), "--server.port", str(self.port)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self._app.parent, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + timeout
        while not self.is_healthy():
            gone = self.process.poll()
            if gone is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"Parlour did not start (exit code {gone}):\n{self.log[-4000:]}")
            time.sleep(0.05)

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """SIGKILL, as a crash or a power cut would do it, children included."""
        self._end(signal.SIGKILL)

    def stop(self, timeout: float = 15) -> None:
        """SIGTERM and wait; SIGKILL when it does not go."""
        self._end(signal.SIGTERM, timeout)

    def restart(self) -> None:
        """Start again on the same folder and port, after `kill` or a stop of its own."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals, timeout: float = 15) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, how)
            process.wait(timeout)
        except ProcessLookupError:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def parlour_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Parlour]]:
    """As `parlour`, for the tests of a module together."""
    started: list[Parlour] = []

    def start(**env: str) -> Parlour:
        running = Parlour(tmp_path_factory.mktemp("parlour"), env, ROOT / "app.py")
        started.append(running)
        running.start()
        return running

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="module")
def app(parlour_of_module: Callable[..., Parlour]) -> Parlour:
    """One for the whole module, so every test begins a conversation of its own."""
    return parlour_of_module(PARLOUR_DEMO_SPEED="0")


@pytest.fixture
def parlour(tmp_path: Path) -> Iterator[Callable[..., Parlour]]:
    """`parlour(**env)` starts one; every one started is stopped at the end of the test."""
    started: list[Parlour] = []

    def start(*, app: Path = ROOT / "app.py", **env: str) -> Parlour:
        folder = tmp_path / f"parlour-{len(started)}"
        folder.mkdir()
        running = Parlour(folder, env, app)
        started.append(running)
        running.start()
        return running

    yield start
    for running in started:
        running.stop()


class Watch:
    """Opens pages and remembers what they asked of other hosts and what went wrong in them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._forgiven = list(HARMLESS)
        self.outside: list[str] = []
        self.errors: list[str] = []

    def new_page(self, **options: Any) -> Page:
        """A page in a browser profile of its own; options as for Playwright's `new_context`
        (`viewport={"width": 390, "height": 844}`, `color_scheme="dark"`)."""
        context = self._browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self._contexts.append(context)
        context.on("request", lambda request: self._asked(request.url))
        context.on("page", lambda page: page.on("websocket", lambda socket: self._asked(socket.url)))
        context.on("console", self._said)
        context.on("weberror", self._raised)
        return context.new_page()

    def forgive(self, pattern: str) -> None:
        """Console errors that match are expected in this test."""
        self._forgiven.append(pattern)

    def forgive_outage(self) -> None:
        """The app goes away on purpose in this test: what an open page says about that is expected."""
        self.forgive(r"WebSocket connection|ERR_CONNECTION|ERR_EMPTY_RESPONSE|Failed to fetch")

    def complaints(self) -> list[str]:
        """What nobody forgave."""
        errors = [error for error in self.errors if not any(re.search(pattern, error) for pattern in self._forgiven)]
        return [f"asked {url}" for url in self.outside] + errors

    def pages(self) -> list[Page]:
        return [page for context in self._contexts for page in context.pages]

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in OURS:
            self.outside.append(url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location.get('url', '')}".strip())

    def _raised(self, error: WebError) -> None:
        self.errors.append(str(error.error))


@pytest.fixture
def watch(
    chromium: Browser,
    parlour: Callable[..., Parlour],  # set up before and stopped after the pages, whatever the test's order
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Iterator[Watch]:
    watching = Watch(chromium)
    yield watching
    outcome = request.node.stash.get(FAILED, False)
    if outcome:
        for number, page in enumerate(watching.pages()):
            page.screenshot(path=tmp_path / f"failure-{number}.png")
    watching.close()
    assert outcome or not watching.complaints(), "\n" + "\n".join(watching.complaints())


@pytest.fixture
def page(watch: Watch) -> Page:
    return watch.new_page()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
