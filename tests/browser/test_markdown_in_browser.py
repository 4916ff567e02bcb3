"""What the guard promises, seen in real Chromium through real Streamlit."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page

from tests.markdown.hazards import FORMULAS, SEEN_AS, SEEN_AS_WRITTEN

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import streamlit as st
from lib.markdown import END_OF_BLOCK, LiveDrawing, drawn, label, quiet
from tests.markdown.hazards import FORMULAS, SEEN_AS, SEEN_AS_WRITTEN

def live(text):
    one = LiveDrawing()
    pieces = [p for i in range(0, len(text), 5) for p in one.feed(text[i:i + 5])] + one.close()
    for piece in pieces:
        yield (lambda: None) if piece is END_OF_BLOCK else piece

written = SEEN_AS_WRITTEN + [text for text, _ in SEEN_AS]
for n, text in enumerate(written):
    with st.container(key=f"stored-{{n}}"):
        for block in drawn(text):
            st.markdown(block)
    with st.container(key=f"live-{{n}}"):
        st.write_stream(live(text))
for n, text in enumerate(SEEN_AS_WRITTEN):
    with st.container(key=f"button-{{n}}"):
        st.button(label(text), key=f"b{{n}}")
    with st.container(key=f"caption-{{n}}"):
        st.caption(quiet(text))
for n, text in enumerate(FORMULAS):
    with st.container(key=f"formula-{{n}}"):
        for block in drawn(text):
            st.markdown(block)
with st.container(key="links"):
    st.markdown(drawn("[a](https://ok.example/x) [b](mailto:me@ok.example) <https://ok.example> https://ok.example/~u")[0])
with st.container(key="deep"):
    for block in drawn(">" * 3000 + " deep"):
        st.markdown(block)
with st.container(key="the-end"):
    st.text("drawn")
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("markdown-page")
    script = folder / "page.py"
    script.write_text(SCRIPT, encoding="utf-8")
    port = _free_port()
    flags = {
        "server.port": port, "server.address": "127.0.0.1", "server.headless": "true", "browser.serverAddress": "127.0.0.1",
        "browser.gatherUsageStats": "false", "server.fileWatcherType": "none", "client.toolbarMode": "minimal",
    }  # fmt: skip
    command = [sys.executable, "-m", "streamlit", "run", str(script), *(f"--{k}={v}" for k, v in flags.items())]
    quiet_env = {k: v for k, v in os.environ.items() if not k.startswith("STREAMLIT_")}
    with subprocess.Popen(
        command, cwd=folder, env=quiet_env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_healthy(url)
            yield url
        finally:
            server.terminate()


def _wait_until_healthy(url: str) -> None:
    for _ in range(300):
        try:
            with urlopen(f"{url}/_stcore/health", timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail("Streamlit did not start")


@pytest.fixture(scope="module")
def asked() -> list[str]:
    return []


@pytest.fixture(scope="module")
def page(chromium: Browser, address: str, asked: list[str]) -> Iterator[Page]:
    page = chromium.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.locator(".st-key-the-end").get_by_text("drawn").wait_for(timeout=60_000)
    page.locator("[data-test-script-state=notRunning]").first.wait_for(timeout=60_000)
    page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton]').length === 0", timeout=60_000)
    page.locator(".katex").first.wait_for(timeout=30_000)
    yield page
    page.close()


def seen(page: Page, prefix: str) -> dict[int, str]:
    texts: dict[str, str] = page.evaluate(
        """prefix => Object.fromEntries([...document.querySelectorAll(`[class*="st-key-${prefix}-"]`)].map(e =>
            [e.className.match(new RegExp(`st-key-${prefix}-(\\\\d+)`))[1], e.innerText]))""",
        prefix,
    )
    return {int(n): re.sub(r"\n+", "\n", text).strip() for n, text in texts.items()}


EXPECTED = [*SEEN_AS_WRITTEN, *(expected for _, expected in SEEN_AS)]


@pytest.mark.parametrize("way", ["stored", "live"])
def test_hostile_text_is_seen_as_written(page: Page, way: str) -> None:
    shown = seen(page, way)
    wrong = {expected: shown.get(n) for n, expected in enumerate(EXPECTED) if shown.get(n) != expected}
    assert wrong == {}


@pytest.mark.parametrize("way", ["button", "caption"])
def test_labels_show_every_character(page: Page, way: str) -> None:
    shown = {n: text.replace("\u2060", "") for n, text in seen(page, way).items()}
    wrong = {text: shown.get(n) for n, text in enumerate(SEEN_AS_WRITTEN) if shown.get(n) != text}
    assert wrong == {}


def test_formulas_are_drawn(page: Page) -> None:
    assert [page.locator(f".st-key-formula-{n} .katex").count() > 0 for n in range(len(FORMULAS))] == [True] * len(
        FORMULAS
    )
    assert page.locator(".katex-error").count() == 0


def test_nothing_but_formulas_is_maths(page: Page) -> None:
    assert page.locator("[class*=st-key-stored-] .katex, [class*=st-key-live-] .katex").count() == 0


def test_no_image_is_made(page: Page) -> None:
    assert page.locator("[data-testid=stMarkdownContainer] img, [data-testid=stCaptionContainer] img").count() == 0


def test_only_web_and_mail_links_are_made(page: Page) -> None:
    hrefs: list[str] = page.evaluate("[...document.querySelectorAll('.stMarkdown a')].map(a => a.getAttribute('href'))")
    assert {urlsplit(href).scheme for href in hrefs if not href.startswith("#")} == {"http", "https", "mailto"}
    assert page.locator(".st-key-links a").count() == 4
    assert page.locator("[class*=st-key-button-] a").count() == 0


def test_endless_nesting_is_text(page: Page) -> None:
    assert "deep" in page.locator(".st-key-deep").inner_text()
    assert page.locator(".st-key-deep [role=alert], .st-key-deep .stException").count() == 0


def test_no_request_leaves_for_another_host(page: Page, address: str, asked: list[str]) -> None:
    assert page.locator("body").count() == 1
    foreign = [url for url in asked if not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))]
    assert foreign == []
