"""Handing a gateway on to CC Switch, in a real browser: when the key is there, where it is, and that the link works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, WebSocket, expect

from lib.embedded import EmbeddedGateway
from lib.secret import Secret
from tests.browser.conftest import Parlour
from tests.browser.steps import open_page, settled

pytestmark = pytest.mark.browser

KEY = "sk-CANARY+0e/9d=41b8"
MARK = b"CANARY"
OPEN = '[data-testid="stLinkButton"] a'


@pytest.fixture(scope="module")
def gateway() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway(key=Secret(KEY), speed=0) as running:
        yield running


@pytest.fixture
def frames(page: Page) -> list[bytes]:
    """Every frame that reaches the browser."""
    received: list[bytes] = []

    def keep(payload: str | bytes) -> None:
        received.append(payload if isinstance(payload, bytes) else payload.encode())

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", keep)

    page.on("websocket", listen)
    return received


def test_the_key_reaches_the_browser_in_the_link_and_at_the_click_only(
    parlour: Callable[..., Parlour], page: Page, frames: list[bytes], gateway: EmbeddedGateway
) -> None:
    app = parlour(OPENAI_BASE_URL=gateway.base_url, OPENAI_API_KEY=KEY, ANTHROPIC_BASE_URL=gateway.base_url,
                  ANTHROPIC_AUTH_TOKEN=KEY, PARLOUR_DEMO="off")  # fmt: skip
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script("addEventListener('securitypolicyviolation', (event) => { window.broken = event.blockedURI })")
    open_page(page, app, "settings")
    page.get_by_text("Import to CC Switch", exact=True).click()
    expect(page.get_by_text("no images through Messages")).to_be_visible()
    settled(page)
    assert frames
    assert not any(MARK in frame for frame in frames)
    assert MARK.decode() not in page.content()

    # By the keyboard: the section is still opening, and a button that moves is not clicked.
    page.get_by_role("button", name="Make the link").press("Enter")
    expect(page.locator(OPEN)).to_be_visible()
    settled(page)
    link = page.locator(OPEN).get_attribute("href") or ""
    assert link == (
        f"ccswitch://v1/import?resource=provider&app=claude&name=127.0.0.1&endpoint={quote(gateway.base_url, safe='')}"
        f"&apiKey={quote(KEY, safe='')}&model=gpt-5.4-low&haikuModel=gpt-5.4-low&sonnetModel=gpt-5.4-low"
        "&opusModel=gpt-5.4-low&enabled=true"
    )
    assert [frame.count(MARK) for frame in frames if MARK in frame] == [1]
    assert sum(frame.count(link.encode()) for frame in frames) == 1
    assert page.content().count(MARK.decode()) == 1
    assert MARK.decode() not in page.url

    # Nobody is registered for the scheme here; that it is asked for means that no policy of ours holds the click.
    with page.context.expect_event("request", lambda request: request.url == link):
        page.locator(OPEN).click()
    assert page.evaluate("window.broken") is None
    assert not any(MARK.decode() in url for url in asked if not url.startswith("ccswitch:"))

    page.get_by_role("button", name="Show it with the key").press("Enter")
    expect(page.locator("code", has_text=f"apiKey={quote(KEY, safe='')}")).to_be_visible()
    expect(page.locator(OPEN)).to_have_count(0)
    page.reload()
    settled(page)
    assert MARK.decode() not in page.content()
    assert MARK.decode() not in app.log
    assert_not_stored(app.data_dir)


def assert_not_stored(data_dir: Path) -> None:
    for file in data_dir.rglob("*"):
        assert not (file.is_file() and MARK in file.read_bytes()), file
