"""A full library (`bench.shelves`): lists and searches in the store, and the chat page in Chromium with long chats."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from bench.figures import Figure, middle, spread
from bench.processes import Upstream, running_app
from bench.screen import COMPOSER, IDLE, STOP, open_page
from bench.shelves import (
    COMMON,
    COMMON_CHINESE,
    COMMON_TOO,
    HUGE,
    HUGE_CODE,
    LONG,
    LONG_TURNS,
    RARE,
    RARE_CHINESE,
    RARE_MODEL,
    SHORT,
    library,
)
from lib.search import parse
from lib.store import Store, open_store
from lib.store.rows import Only
from lib.ui.transcript import WINDOW

TRIES, OPENINGS, KEYS = 15, 5, 60
SEARCHES = {
    "a rare word": RARE,
    "a common word": COMMON,
    "two common words": f"{COMMON} {COMMON_TOO}",
    "common Chinese": COMMON_CHINESE,
    "rare Chinese": RARE_CHINESE,
    "a word that is nowhere": "xylophonist",
    "a common word, a model hardly used": f"{COMMON} model:{RARE_MODEL}",
    "a model alone": "model:sonnet",
    "answers dearer than any": "cost:>100",
}
_WATCH = """
(() => {
  if (window !== window.top) return;
  const seen = window.typed = {keys: [], ran: 0};
  const after = told => requestAnimationFrame(() => { const next = new MessageChannel(); next.port1.onmessage = told; next.port2.postMessage(0); });
  addEventListener('keydown', event => {
    if (event.key.length !== 1) return;
    addEventListener('input', () => after(() => seen.keys.push(performance.now() - event.timeStamp)), {capture: true, once: true});
  }, true);
  new MutationObserver(changes => {
    for (const {target} of changes) if (target.dataset.testScriptState === 'notRunning') seen.ran = Date.now();
  }).observe(document, {subtree: true, attributeFilter: ['data-test-script-state']});
})();
"""  # noqa: E501


def measure(upstream: Upstream) -> Iterator[Figure]:
    """Build or copy the library, then the store's figures and those of the page."""
    with tempfile.TemporaryDirectory() as folder:
        library(Path(folder) / "data")
        store = open_store("", Path(folder) / "data", zone="UTC")
        try:
            yield from _in_store(store)
        finally:
            store.close()
        with running_app(Path(folder), upstream) as (url, _):
            yield from _on_screen(url, upstream)


# --- the store ----------------------------------------------------------------------------------------------------


def _in_store(store: Store) -> Iterator[Figure]:
    owner = store.owner()
    shown, pinned = Only(pinned=False, archived=False, folder=""), Only(pinned=True, archived=False)

    def sidebar() -> None:
        store.conversations.list(owner, only=pinned, limit=20)
        store.folders.list(owner)
        store.conversations.list(owner, only=shown, limit=41)

    yield _figure("5,000 chats: the sidebar's lists", _times(sidebar))
    titles = _times(lambda: store.conversations.list(owner, query=COMMON, limit=40))
    yield _figure("title search", titles, 150)
    nothing = _times(lambda: store.conversations.list(owner, query="xylophonist", limit=40))
    yield _figure("title search, no title fits", nothing, 150)
    for name, words in SEARCHES.items():
        query = parse(words)
        found = store.search.find(owner, query).hits
        yield _figure(f"search: {name}", _times(partial(store.search.find, owner, query)), 150, len(found))
    branch = _times(lambda: store.conversations.transcript(owner, LONG, last=WINDOW // 2))
    yield _figure(f"{LONG_TURNS} turns: reading the newest", branch)
    yield _figure(f"{LONG_TURNS} turns: sizes for the quote", _times(lambda: store.measures.branch(owner, LONG)))


def _times(work: Callable[[], Any]) -> list[float]:
    """Milliseconds of each try."""
    found = []
    for _ in range(TRIES):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return found


def _figure(what: str, ms: list[float], target: float | None = None, hits: int | None = None) -> Figure:
    note = spread(ms) if hits is None else f"{hits} chats on the page; {spread(ms)}"
    return Figure(what, middle(ms), "ms", target, note=note)


# --- the page -----------------------------------------------------------------------------------------------------


def _on_screen(url: str, upstream: Upstream) -> Iterator[Figure]:
    with open_page() as page:
        page.add_init_script(_WATCH)
        reader = _Reader(page, url, upstream)
        yield from reader.openings()
        yield from reader.rerun()
        yield from reader.earlier()
        yield from reader.typing()
        yield from reader.huge(HUGE, "an answer of 1 MB")
        yield from reader.huge(HUGE_CODE, "1 MB in one block of code")
        yield from reader.chats()


class _Reader:
    """Somebody who reads in one tab."""

    def __init__(self, page: Page, url: str, upstream: Upstream) -> None:
        self._page, self._url, self._upstream = page, url, upstream

    def openings(self) -> list[Figure]:
        """The long chat by its address in a new tab, then from the sidebar; a short one beside it."""
        self._at(f"?chat={SHORT}")
        began = self._now()
        self._page.goto("about:blank")
        self._at(f"?chat={LONG}", _last_words(LONG))
        cold = self._told()["painted"] - began
        short, long, sizes, gaps = list[float](), list[float](), list[float](), list[float]()
        for _ in range(OPENINGS):
            short.append(self._open(SHORT))
            long.append(self._open(LONG))
            sizes.append(self._told()["bytes"] / 1e3)
            gaps.append(self._told()["gap"])
        name = f"{LONG_TURNS} turns: "
        return [
            Figure(f"{name}opened from the sidebar, newest turn painted", middle(long), "ms", 1_000, note=spread(long)),
            Figure(f"{name}bytes for it", middle(sizes), "kB", note=f"longest gap between frames {max(gaps):.0f} ms"),
            Figure("… a chat of 5 turns", middle(short), "ms", note=spread(short)),
            Figure(f"{name}in a new tab, with the program itself", cold, "ms", note="one try"),
        ]

    def rerun(self) -> list[Figure]:
        """What a run of the page costs in which nothing has changed."""
        times, sizes = list[float](), list[float]()
        for _ in range(OPENINGS):
            field = self._page.get_by_label("Search chats")
            field.focus()
            self._reset()
            field.press("Enter")
            self._page.wait_for_function("() => window.typed.ran > 0")
            self._page.wait_for_timeout(300)
            times.append(self._page.evaluate("() => window.typed.ran - window.bench.enter"))
            sizes.append(self._told()["bytes"] / 1e3)
        return [
            Figure(f"{LONG_TURNS} turns: a rerun", middle(times), "ms", note=spread(times)),
            Figure("… bytes for it", middle(sizes), "kB"),
        ]

    def earlier(self) -> list[Figure]:
        """The first press on 'Load earlier messages'."""
        first = LONG_TURNS - WINDOW // 2 - WINDOW
        self._page.get_by_role("button", name="Load earlier messages").scroll_into_view_if_needed()
        self._reset(f"TURN-{first:04}")
        self._page.get_by_role("button", name="Load earlier messages").click()
        self._painted()
        waited = self._told()["painted"] - self._told()["click"]
        self._idle()
        told = self._told()
        note = f"{told['bytes'] / 1e3:,.0f} kB, longest gap between frames {told['gap']:.0f} ms"
        return [Figure(f"… {WINDOW} earlier turns painted", waited, "ms", note=note)]

    def typing(self) -> list[Figure]:
        """Letters into the composer of the long chat, in peace and while an answer comes."""
        self._open(SHORT)
        self._page.reload()
        self._at(f"?chat={LONG}", _last_words(LONG))
        calm = self._typed()
        composer = self._page.locator(COMPOSER)
        composer.fill("id=library n=3000 tps=100")
        self._page.wait_for_timeout(300)
        composer.press("Enter")
        self._upstream.wait_for("library", "first")
        self._page.wait_for_timeout(3_000)
        busy = self._typed()
        self._page.locator(STOP).click()
        self._page.locator(STOP).wait_for(state="detached")
        self._idle()
        composer.fill("")
        what = "typing, key to its paint"
        return [
            Figure(f"{LONG_TURNS} turns: {what}, while 100 tokens/s come", middle(busy), "ms", note=_ninety_five(busy)),
            Figure("… without an answer", middle(calm), "ms", note=_ninety_five(calm)),
        ]

    def huge(self, chat: str, what: str) -> list[Figure]:
        """Opening it, to its first words."""
        self._open(SHORT)
        waited = self._open(chat, f"BEGIN-{chat}")
        told = self._told()
        note = f"{told['bytes'] / 1e3:,.0f} kB; longest gap between frames {told['gap']:.0f} ms"
        return [Figure(f"{what}: opened, first words painted", waited, "ms", 1_000, note=note)]

    def chats(self) -> list[Figure]:
        """The page of chats, and a search on it."""
        self._open(SHORT)
        self._reset()
        self._page.get_by_role("link", name="Chats").click()
        self._page.locator(".st-key-found button").nth(29).wait_for()
        self._idle()
        opened = self._page.evaluate("() => window.typed.ran - window.bench.click")
        size = self._told()["bytes"] / 1e3
        self._reset()
        self._page.get_by_label("Search titles and messages").press_sequentially(RARE, delay=20)
        began = self._now()
        self._page.locator(".st-key-found strong").first.wait_for()
        found = self._now() - began
        return [
            Figure("the page of chats, to the end of its run", opened, "ms", 1_000, note=f"{size:,.0f} kB"),
            Figure("… last letter to hits on the screen", found, "ms", note="300 ms of it wait for the next letter"),
        ]

    # --- hands and eyes -----------------------------------------------------------------------------------------------

    def _open(self, chat: str, wanted: str | None = None) -> float:
        """Milliseconds from the press on its row to the paint of the `wanted` words; waits for the end of the run."""
        row = self._page.locator(f".st-key-chat-{chat} button")
        row.scroll_into_view_if_needed()
        self._reset(wanted or _last_words(chat))
        row.click()
        self._painted()
        self._idle()
        return float(self._told()["painted"] - self._told()["click"])

    def _at(self, query: str, wanted: str = "") -> None:
        self._page.goto(f"{self._url}/{query}", wait_until="commit")
        self._reset(wanted)
        if wanted:
            self._painted()
        self._idle()

    def _idle(self) -> None:
        self._page.locator(IDLE).wait_for(timeout=60_000)
        self._page.wait_for_timeout(700)

    def _painted(self) -> None:
        self._page.wait_for_function("() => window.bench.painted > 0", timeout=60_000)

    def _typed(self) -> list[float]:
        composer = self._page.locator(COMPOSER)
        composer.focus()
        self._reset()
        composer.press_sequentially("the quick brown fox jumps over it " * (KEYS // 30), delay=70)
        self._page.wait_for_timeout(300)
        found: list[float] = self._page.evaluate("() => window.typed.keys")
        composer.fill("")
        return found

    def _reset(self, wanted: str = "") -> None:
        self._page.evaluate(
            """wanted => {
                Object.assign(window.bench, {bytes: 0, frames: 0, gap: 0, last: 0, painted: 0, wanted});
                Object.assign(window.typed, {keys: [], ran: 0});
            }""",
            wanted,
        )

    def _told(self) -> dict[str, Any]:
        found: dict[str, Any] = self._page.evaluate("() => ({...window.bench})")
        return found

    def _now(self) -> float:
        return time.time() * 1000


def _last_words(chat: str) -> str:
    return f"END-{(LONG_TURNS if chat == LONG else 5) - 1:04}-{chat}"


def _ninety_five(values: list[float]) -> str:
    most = sorted(values)[int(len(values) * 0.95)] if values else 0
    return f"95 %: {most:.0f} ms; {spread(values)}" if values else "no key was seen"
