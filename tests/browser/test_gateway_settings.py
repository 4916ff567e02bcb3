"""Connecting a gateway with a key: every mistake has its sentence, and the key never comes back to the browser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from lib.embedded import EmbeddedGateway
from lib.money import money
from lib.secret import Secret
from tests.browser.conftest import free_port
from tests.browser.steps import Running, ask, eventually, ledger, open_new_chat, open_page, rows, settled

pytestmark = pytest.mark.browser

ALERT = "[data-testid=stAlert]"
KEY = "sk-browser-0123456789abcdefghijkl"


@pytest.fixture(scope="module")
def gateway() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway(key=Secret(KEY), speed=0) as running:
        yield running


class WebPage(BaseHTTPRequestHandler):
    """Answers everything with a page, as a dashboard beside the API does."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Dashboard</title><p>Please log in")

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def web_page() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), WebPage)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def enter(page: Page, label: str, text: str) -> None:
    box = page.get_by_role("textbox", name=label, exact=True)
    box.fill(text)
    box.press("Tab")


def try_connection(page: Page, url: str, key: str) -> None:
    enter(page, "Base URL", url)
    enter(page, "Key", key)
    page.get_by_role("button", name="Test connection").click()


def test_every_mistake_has_its_sentence(app: Running, page: Page, gateway: EmbeddedGateway, web_page: str) -> None:
    open_page(page, app, "settings")
    mistakes = {
        (gateway.base_url, "sk-wrong-0123456789"): "The gateway does not accept this key.",
        (gateway.base_url, "short"): "The key is too short.",
        (gateway.base_url + "/nowhere", KEY): "There is no gateway at this path.",
        (web_page, KEY): "The base URL answers with a web page",
        (f"http://127.0.0.1:{free_port()}", KEY): "Nothing answers at this address.",
        ("gateway.example", KEY): "The base URL has no scheme.",
        ("", KEY): "The base URL is missing.",
    }
    for (url, key), sentence in mistakes.items():
        try_connection(page, url, key)
        expect(page.locator(ALERT, has_text=sentence)).to_be_visible()
    try_connection(page, gateway.base_url, KEY)
    expect(page.locator(ALERT, has_text="Connected.")).to_contain_text("45 models")


def test_a_saved_key_works_and_never_comes_back(
    parlour: Callable[..., Running], page: Page, gateway: EmbeddedGateway
) -> None:
    app = parlour()
    received: list[bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: received.append(payload if isinstance(payload, bytes) else payload.encode()))  # fmt: skip

    page.on("websocket", listen)
    open_page(page, app, "settings")
    enter(page, "Name", "Mine")
    try_connection(page, gateway.base_url + "/v1/", KEY)
    expect(page.locator(ALERT, has_text="Connected.")).to_be_visible()
    page.get_by_role("button", name="Add gateway").click()
    expect(page.get_by_text("Saved Mine.")).to_be_visible()
    settled(page)
    boxes = page.locator("input").all()
    assert KEY not in page.content()
    assert [box.input_value() for box in boxes if KEY in box.input_value()] == []

    page.reload()
    settled(page)
    page.get_by_text("Mine", exact=True).click()
    expect(page.get_by_placeholder(f"Stored, ends in {KEY[-4:]}")).to_be_visible()
    assert KEY not in page.content()
    assert not any(KEY.encode() in frame for frame in received)
    assert_key_is_sealed(app.data_dir)

    open_new_chat(page, app)
    expect(page.locator(".st-key-model-button")).to_contain_text("$")
    chat = ask(page, "echo with my own key")
    [row] = ledger(app, chat)
    assert (row["outcome"], row["demo"]) == ("ok", 0)
    open_page(page, app, "usage")
    spend = page.locator("[data-testid=stMetric]", has_text="Spend")
    expect(spend.locator("[data-testid=stMetricValue]")).to_have_text(money(row["nano"], row["currency"]))


def assert_key_is_sealed(data_dir: Path) -> None:
    """Nowhere in clear, and what opens it is readable by its owner only."""
    for file in data_dir.rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes(), file
    [key_file] = [file for file in data_dir.iterdir() if "key" in file.name]
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_a_removed_gateway_leaves_its_spend(
    parlour: Callable[..., Running], page: Page, gateway: EmbeddedGateway
) -> None:
    app = parlour(PARLOUR_DEMO_SPEED="0")
    open_page(page, app, "settings")
    enter(page, "Name", "Soon gone")
    try_connection(page, gateway.base_url, KEY)
    expect(page.locator(ALERT, has_text="Connected.")).to_be_visible()
    page.get_by_role("button", name="Add gateway").click()
    expect(page.get_by_text("Saved Soon gone.")).to_be_visible()
    open_new_chat(page, app)
    chat = ask(page, "echo the last one")
    open_page(page, app, "settings")
    page.get_by_text("Soon gone", exact=True).click()
    page.get_by_role("button", name="Remove").filter(visible=True).first.click()
    expect(page.get_by_text("Removed Soon gone.")).to_be_visible()
    eventually(lambda: rows(app, "SELECT key_cipher FROM gateway WHERE name = 'Soon gone'")[0]["key_cipher"], None)
    page.goto(f"{app.url}/?chat={chat}")
    settled(page)
    expect(page.locator(".st-key-title-button")).to_be_visible()
    [row] = ledger(app, chat)
    open_page(page, app, "usage")
    spend = page.locator("[data-testid=stMetric]", has_text="Spend")
    expect(spend.locator("[data-testid=stMetricValue]")).to_have_text(money(row["nano"], row["currency"]))
