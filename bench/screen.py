"""The way a reader sees it: the app in Chromium, before the bench's upstream.

A script in the page notes the moment a word is painted (the frame after the mutation that brought it), the longest
gap between two animation frames, the bytes that came over the WebSocket and when Enter and Stop were pressed. All
clocks are those of one machine. The server's CPU time is that of its process tree.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.figures import Figure, middle, spread
from bench.processes import Upstream, cpu_of_tree, running_app

ANSWER_TOKENS, ANSWER_TPS = 4_000, 100
ENTER_TRIES, STOP_TRIES = 20, 10
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
COMPOSER = '[data-testid="stChatInputTextArea"]'
STOP = ".st-key-stop button"
_CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
_WATCH = """
(() => {
  if (window !== window.top) return;
  const bench = window.bench = {bytes: 0, frames: 0, gap: 0, last: 0, enter: 0, click: 0, wanted: '', painted: 0};
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', m => { bench.bytes += m.data.byteLength ?? m.data.size ?? m.data.length; bench.frames++; });
    }
  };
  const beat = now => { if (bench.last) bench.gap = Math.max(bench.gap, now - bench.last); bench.last = now; requestAnimationFrame(beat); };
  requestAnimationFrame(beat);
  const note = text => {
    if (!bench.wanted || !text.includes(bench.wanted)) return;
    bench.wanted = '';
    requestAnimationFrame(() => { const after = new MessageChannel(); after.port1.onmessage = () => { bench.painted = Date.now(); }; after.port2.postMessage(0); });
  };
  // Words inside code are several elements: the text of the whole block is looked at.
  const block = node => (node.parentElement?.closest('[data-testid="stMarkdownContainer"]') ?? node).textContent ?? '';
  new MutationObserver(changes => {
    if (!bench.wanted) return;
    for (const change of changes) {
      if (change.type === 'characterData') note(block(change.target));
      else for (const node of change.addedNodes) note(block(node));
    }
  }).observe(document, {subtree: true, childList: true, characterData: true});
  addEventListener('keydown', event => { if (event.key === 'Enter') bench.enter = Date.now(); }, true);
  addEventListener('pointerdown', () => { bench.click = Date.now(); }, true);
})();
"""  # noqa: E501


_names = (f"q{number}" for number in itertools.count(1))  # never the same twice at one upstream


class Screen:
    """One open chat and its upstream."""

    def __init__(self, page: Page, upstream: Upstream, server: int) -> None:
        self.page = page
        self._upstream = upstream
        self._server = server
        self._name = next(_names)

    def _say(self, orders: str) -> str:
        """Send a message with these orders; its name at the upstream."""
        name, self._name = self._name, next(_names)
        composer = self.page.locator(COMPOSER)
        composer.fill(f"id={name} {orders}")
        time.sleep(0.3)
        composer.press("Enter")
        return name

    def _settle(self) -> None:
        self.page.locator(STOP).wait_for(state="detached", timeout=120_000)
        self.page.locator(IDLE).wait_for(timeout=60_000)
        time.sleep(0.3)

    def _reset(self, wanted: str = "") -> None:
        self.page.evaluate(
            "wanted => Object.assign(window.bench, {bytes: 0, frames: 0, gap: 0, last: 0, painted: 0, wanted})", wanted
        )

    def _noted(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("() => ({...window.bench})")
        return found

    def warm(self) -> None:
        """A few short answers, so that the chat has messages and the server has met every step."""
        for _ in range(3):
            name = self._say("n=120 tps=0")
            self._upstream.wait_for(name, "done")
            self._settle()

    def stream(self) -> list[Figure]:
        """One answer of 4,000 tokens at 100 tokens a second."""
        self._reset(f"LAST-{self._name}")
        cpu = cpu_of_tree(self._server)
        name = self._say(f"n={ANSWER_TOKENS} tps={ANSWER_TPS}")
        last = self._upstream.wait_for(name, "done", timeout_s=ANSWER_TOKENS / ANSWER_TPS + 60)
        self.page.wait_for_function("() => window.bench.painted > 0", timeout=60_000)
        at_last = self._noted()
        self._settle()
        used, noted = cpu_of_tree(self._server) - cpu, self._noted()
        what = f"{ANSWER_TOKENS:,} tokens at {ANSWER_TPS}/s"
        return [
            Figure(f"{what}: bytes to the page", noted["bytes"] / 1e6, "MB", 0.4, note=f"{noted['frames']} messages"),
            Figure(f"{what}: CPU of the server", used, "s", 1.5),
            Figure(f"{what}: last token painted after the last byte", at_last["painted"] - last * 1000, "ms", 100),
            Figure(f"{what}: longest gap between frames", noted["gap"], "ms", 250),
        ]

    def enter(self) -> list[Figure]:
        """From Enter to the request at the upstream, in a chat with messages."""
        waits: list[float] = []
        first: list[float] = []
        for _ in range(ENTER_TRIES):
            self._reset(f"FIRST-{self._name}")
            name = self._say("n=40 tps=0")
            received = self._upstream.wait_for(name, "received")
            self.page.wait_for_function("() => window.bench.painted > 0", timeout=60_000)
            noted = self._noted()
            waits.append(received * 1000 - noted["enter"])
            first.append(noted["painted"] - self._upstream.wait_for(name, "first") * 1000)
            self._settle()
        return [
            Figure("Enter to the upstream's request", middle(waits), "ms", 60, note=spread(waits)),
            Figure("first token to its paint", middle(first), "ms", note=spread(first)),
        ]

    def stop(self) -> list[Figure]:
        """From the press on Stop to the closed connection at the upstream, before the first token and after."""
        early = [self._stopped("n=50 tps=50 first=60000", pause_s=0.5) for _ in range(STOP_TRIES)]
        late = [self._stopped("n=6000 tps=100", pause_s=1.0) for _ in range(STOP_TRIES)]
        return [
            Figure("Stop to disconnect, before the first token", middle(early), "ms", 100, note=spread(early)),
            Figure("Stop to disconnect, while streaming", middle(late), "ms", 100, note=spread(late)),
        ]

    def _stopped(self, orders: str, pause_s: float) -> float:
        name = self._say(orders)
        self._upstream.wait_for(name, "received")
        self.page.locator(STOP).wait_for()
        time.sleep(pause_s)
        self.page.locator(STOP).click()
        gone = self._upstream.wait_for(name, "gone")
        pressed = self._noted()["click"]
        self._settle()
        return gone * 1000 - float(pressed)


def measure(upstream: Upstream, parts: list[str]) -> Iterator[Figure]:
    """The figures of the parts `stream`, `enter` and `stop`, each in a new chat."""
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder), upstream) as (url, server):
        for part in parts:
            with open_page() as page:
                page.goto(url)
                screen = Screen(page, upstream, server)
                page.locator(IDLE).wait_for(timeout=60_000)
                screen.warm()
                yield from getattr(screen, part)()


@contextmanager
def open_page() -> Iterator[Page]:
    """A tab of a new Chromium that watches itself."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_CHROMIUM_ARGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(_WATCH)
        yield page
        browser.close()
