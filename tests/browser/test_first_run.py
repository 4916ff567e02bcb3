"""The first minute: the demo answers at once, or a gateway is connected right on the page, mistakes in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from lib.embedded import EmbeddedGateway
from lib.secret import Secret
from tests.browser.conftest import free_port
from tests.browser.steps import Running, answered, ask, chat_of, ledger, open_new_chat, rows, settled

pytestmark = pytest.mark.browser

ALERT = "[data-testid=stAlert]"
KEY = "sk-first-0123456789abcdefghijkl"


@pytest.fixture(scope="module")
def gateway() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway(key=Secret(KEY), speed=0) as running:
        yield running


def connect(page: Page, url: str, key: str) -> None:
    page.get_by_role("textbox", name="Base URL").fill(url)
    page.get_by_role("textbox", name="Key").fill(key)
    page.get_by_role("button", name="Connect", exact=True).click()


def test_a_first_question_goes_to_the_demo(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    expect(page.get_by_text("Try the demo now")).to_be_visible()
    page.get_by_role("radio", name="What can Parlour do?").click()
    answered(page)
    [row] = ledger(app, chat_of(page))
    assert (row["outcome"], row["demo"]) == ("ok", 1)


def test_a_gateway_is_connected_and_chosen_in_under_a_minute(
    parlour: Callable[..., Running], page: Page, gateway: EmbeddedGateway
) -> None:
    app = parlour(PARLOUR_DEMO_SPEED="0")
    began = time.monotonic()
    open_new_chat(page, app)
    connect(page, "gateway.example", KEY)
    expect(page.locator(ALERT, has_text="The base URL has no scheme.")).to_be_visible()
    connect(page, f"http://127.0.0.1:{free_port()}", KEY)
    expect(page.locator(ALERT, has_text="Nothing answers at this address.")).to_be_visible()
    connect(page, gateway.base_url, "sk-wrong-0123456789abcdefgh")
    expect(page.locator(ALERT, has_text="does not accept this key")).to_be_visible()
    connect(page, gateway.base_url + "/v1/", KEY)
    expect(page.get_by_text("You are connected to 127")).to_be_visible()
    settled(page)
    expect(page.get_by_text("Connect your gateway")).to_have_count(0)
    assert KEY not in page.content()
    chat = ask(page, "echo hello")
    assert time.monotonic() - began < 60
    [row] = ledger(app, chat)
    assert (row["outcome"], row["demo"]) == ("ok", 0)
    assert row["nano"] is not None, "its prices are known before the first answer"
    [stored] = rows(app, "SELECT dialects FROM gateway WHERE demo = 0")
    assert stored["dialects"] == '["openai","anthropic"]'


def test_without_the_demo_the_form_comes_first(parlour: Callable[..., Running], page: Page) -> None:
    app = parlour(PARLOUR_DEMO="off")
    open_new_chat(page, app)
    expect(page.get_by_role("heading", name="Welcome to Parlour")).to_be_visible()
    expect(page.get_by_role("textbox", name="Base URL")).to_be_visible()
