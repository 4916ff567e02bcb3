"""What models and gateways write does nothing: hundreds of payloads through every place of the app that draws words.

A browser reads a Parlour that was filled with them (`tests/hostile`), with both walls up, with the policy off, and with
the rewriting off. With both off the same texts must be seen to work, or the silence of the others says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import ROOT, Parlour
from tests.hostile.fetches import fetches
from tests.hostile.filled import Filled, fill, groups, spread
from tests.hostile.gateway import KEY, HostileGateway
from tests.hostile.injections import INJECTIONS
from tests.hostile.plain_page import careless_pages
from tests.hostile.tour import PLACES, House, tour
from tests.hostile.watching import Listener, Reader, reading

pytestmark = pytest.mark.browser

Measured = Callable[[str], None]
Count = Callable[[int, int], int]
SOME = 42
"""Texts in a daily run."""
ANSWERS = "answers, questions, thoughts, files and captions (1 of 3)"
LIVE = "answers while they are written, thoughts, errors, tool calls, unknown events (1 of 3)"


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with Listener() as running:
        yield running


@pytest.fixture(scope="module")
def texts(listener: Listener, count: Count) -> list[str]:
    forms = fetches(listener.port)
    return [*spread(INJECTIONS, count(SOME, len(INJECTIONS))), *spread(forms, count(SOME // 2, len(forms)))]


@pytest.fixture(scope="module")
def gateway(texts: list[str]) -> Iterator[HostileGateway]:
    with HostileGateway(texts, groups(texts)) as running:
        yield running


class Homes:
    """Two Parlours, filled alike, started when they are first asked for: one as it is, one without the rewriting."""

    def __init__(self, folder: Path, texts: list[str], gateway: HostileGateway) -> None:
        self._folder, self._texts, self._gateway = folder, texts, gateway
        self._running: dict[bool, tuple[Parlour, Filled]] = {}

    def home(self, *, rewriting: bool) -> tuple[Parlour, Filled]:
        if rewriting not in self._running:
            folder = self._folder / ("as-it-is" if rewriting else "without-rewriting")
            folder.mkdir()
            (folder / "data").mkdir(mode=0o700)
            filled = fill(folder / "data", self._texts, self._gateway.base_url.removesuffix("/v1"))
            env = {"OPENAI_BASE_URL": self._gateway.base_url, "OPENAI_API_KEY": KEY, "PARLOUR_DEMO": "off"}
            env |= {} if rewriting else {"PYTHONPATH": f"{ROOT / 'tests/hostile/no_rewriting'}:{ROOT}"}
            self._running[rewriting] = Parlour(folder, env, ROOT / "app.py"), filled
            self._running[rewriting][0].start()
        return self._running[rewriting]

    def close(self) -> None:
        for running, _ in self._running.values():
            running.stop()


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, texts: list[str], gateway: HostileGateway) -> Iterator[Homes]:
    made = Homes(tmp_path_factory.mktemp("hostile"), texts, gateway)
    yield made
    made.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """In a full run every place is walked through, in a daily one some."""
    if "place" in metafunc.fixturenames:
        full = metafunc.config.getoption("--full")
        metafunc.parametrize("place", list(PLACES) if full else metafunc.function.daily)


def daily(*places: str) -> Callable[[Any], Any]:
    def keep(test: Any) -> Any:
        test.daily = places
        return test

    return keep


def walk(reader: Reader, homes: Homes, count: Count, place: str, *, rewriting: bool = True) -> int:
    """How many different texts were to be seen."""
    app, filled = homes.home(rewriting=rewriting)
    asks = asked(filled, count(1, 24))
    house = House(app.url, filled, filled.chats[: count(1, 99)], count(0, 14), asks)
    assert list(tour(reader, house, {place: PLACES[place]})) == [place]
    return len(reader.shown)


def asked(filled: Filled, most: int) -> list[str]:
    """Questions that make the gateway say every group, and some of them in its other ways."""
    kinds = ("say", "odd", "think", "call", "fail")
    return [f"{kind} {n}" for n in range(len(filled.chats)) for kind in kinds if kind == "say" or n % 4 == 0][:most]


def proven(reader: Reader) -> None:
    """A picture put into the page by hand is asked for exactly when there is no policy."""
    reader.page.evaluate(
        "at => { const p = new Image(); p.src = at; document.body.append(p) }", "http://proof.example/p.png"
    )
    reader.page.wait_for_timeout(200)


@daily(LIVE)
def test_nothing_runs_and_nothing_is_fetched(
    place: str, homes: Homes, chromium: Browser, listener: Listener, count: Count, measured: Measured, texts: list[str]
) -> None:
    app, _ = homes.home(rewriting=True)
    listener.asked.clear()
    with reading(chromium, app.url) as reader:
        shown = walk(reader, homes, count, place)
        proven(reader)
        assert reader.seen.wrong == []
    assert listener.asked == []
    assert shown >= min(20, len(texts) // 4)
    measured(
        f"{place}: {shown} of {len(texts)} texts to be seen, 0 ran, 0 dialogs, 0 navigations, 0 windows, 0 requests, "
        f"{reader.n_links} links, 0 of them to anything but web, mail or our pages"
    )


@daily(ANSWERS)
def test_without_the_policy_nothing_is_fetched_either(
    place: str, homes: Homes, chromium: Browser, listener: Listener, count: Count, measured: Measured
) -> None:
    app, _ = homes.home(rewriting=True)
    listener.asked.clear()
    with reading(chromium, app.url, bypass_csp=True) as reader:
        shown = walk(reader, homes, count, place)
        assert reader.seen.wrong == []
        proven(reader)
        assert [url for url in reader.seen.asked if "proof" in url], "the policy was still there"
    assert listener.asked == []
    measured(f"policy off, {place}: {shown} texts to be seen, 0 ran, 0 requests")


@daily("titles beside the page, folders")
def test_without_the_rewriting_the_policy_holds_alone(
    place: str, homes: Homes, chromium: Browser, listener: Listener, count: Count, measured: Measured
) -> None:
    app, _ = homes.home(rewriting=False)
    listener.asked.clear()
    with reading(chromium, app.url) as reader:
        shown = walk(reader, homes, count, place, rewriting=False)
        stopped = {one for one in reader.seen.markup if one.startswith("src=")}
        assert reader.seen._replace(markup=[], links=[]).wrong == []
    assert listener.asked == []
    measured(f"rewriting off, {place}: {shown} texts to be seen, {len(stopped)} pictures in the page, 0 fetched, 0 ran")


@pytest.mark.full
def test_with_neither_the_texts_are_seen_to_work(
    homes: Homes, chromium: Browser, listener: Listener, count: Count, measured: Measured
) -> None:
    app, _ = homes.home(rewriting=False)
    listener.asked.clear()
    with reading(chromium, app.url, bypass_csp=True) as reader:
        walk(reader, homes, count, ANSWERS, rewriting=False)
        assert reader.seen.markup, "the rewriting was still there"
        names = {url for url in reader.seen.asked if ".canary.example" in url}
        came = len(listener.forms) + len(names)
        assert came >= count(4, 10)
        measured(f"with both walls off {came} forms are fetched in answers alone")


def test_a_careless_page_is_taken_over(chromium: Browser, count: Count, measured: Measured) -> None:
    texts = spread(INJECTIONS, count(40, len(INJECTIONS)))
    with careless_pages(texts) as home, reading(chromium, home) as reader:
        for start in range(0, len(texts), 40):
            reader.page.goto(f"{home}/all/{start}/{min(start + 40, len(texts))}", wait_until="load")
            reader.page.wait_for_timeout(500)
        ran = set(reader.seen.ran)
    assert len(ran) >= len(texts) // 2
    measured(f"of {len(texts)} payloads {len(ran)} run in a page without walls")


def test_a_careless_page_fetches_for_everybody(chromium: Browser, count: Count, measured: Measured) -> None:
    with Listener() as canary:
        forms = spread(fetches(canary.port), count(30, 999))
        with careless_pages(forms) as home, reading(chromium, home) as reader:
            for start in range(0, len(forms), 30):
                reader.page.goto(f"{home}/all/{start}/{min(start + 30, len(forms))}", wait_until="commit")
                for _ in range(20):  # until most came: no event tells of all of them
                    reader.page.wait_for_timeout(500)
                    names = {url.partition("?")[0] for url in reader.seen.asked if ".canary.example" in url}
                    came = len(canary.forms) + len(names)
                    if came >= min(start + 30, len(forms)) // 3:
                        break
    assert came >= len(forms) // 3
    measured(f"of {len(forms)} forms {came} are fetched by a page without walls")


@pytest.mark.parametrize("paper", ["share", "export", "statement"])
def test_a_paper_by_itself_does_nothing(
    paper: str, homes: Homes, chromium: Browser, listener: Listener, measured: Measured, texts: list[str]
) -> None:
    """Shared pages come with their own policy; a file opened from the disk has only what stands in it: read without."""
    app, filled = homes.home(rewriting=True)
    listener.asked.clear()
    papers = {"export": filled.exports, "statement": (filled.statement,)}.get(paper, ())
    pages = [f"{app.url}/share/{token}" for token in filled.shares] if paper == "share" else []
    pages += [f"{app.url}/paper/{n}" for n in range(len(papers))]
    with reading(chromium, app.url, bypass_csp=True) as reader:
        reader.page.route("**/paper/*", lambda route: route.fulfill(
            body=papers[int(route.request.url.rpartition("/")[2])], content_type="text/html; charset=utf-8"
        ))  # fmt: skip
        for address in pages:
            reader.page.goto(address)
            reader.page.evaluate("() => document.querySelectorAll('details').forEach(part => part.open = true)")
            reader.audit(paper=True)
        assert reader.seen.wrong == []
        assert len(reader.shown) >= len(texts) // 3, len(reader.shown)
        measured(f"{paper} read without any policy: {len(reader.shown)} texts to be seen, 0 ran, 0 requests")
    assert listener.asked == []
