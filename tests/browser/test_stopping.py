"""Stop, seen from both ends: the screen and the gateway that was being asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from lib.embedded import EmbeddedGateway
from tests.browser.steps import (
    COMPOSER,
    MESSAGES,
    STOP,
    Running,
    answered,
    ask,
    begun,
    eventually,
    growing,
    last_message,
    ledger,
    open_new_chat,
    rows,
    say,
    seen,
    stop,
    stored_answers,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def gateway() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway(speed=0) as running:
        yield running


@pytest.fixture(scope="module")
def app(parlour_of_module: Callable[..., Running], gateway: EmbeddedGateway) -> Running:
    return parlour_of_module(OPENAI_BASE_URL=gateway.base_url, OPENAI_API_KEY=gateway.key.reveal())


def test_stop_works_before_the_first_word(app: Running, page: Page, gateway: EmbeddedGateway) -> None:
    open_new_chat(page, app)
    say(page, "wait=20 hello")
    chat = begun(page)
    expect(last_message(page)).to_contain_text("Waiting for the model")
    eventually(lambda: gateway.requests.running, 1)
    stop(page)
    expect(last_message(page)).to_contain_text("Stopped")
    eventually(lambda: gateway.requests.running, 0)
    assert gateway.requests.entries[-1].outcome == "disconnected"
    assert [message["state"] for message in stored_answers(app, chat)] == ["stopped"]
    assert [row["outcome"] for row in ledger(app, chat)] == ["stopped"]
    ended = "SELECT state FROM answer a JOIN conversation c ON c.id = a.conversation_id WHERE c.public_id = ?"
    assert [row["state"] for row in rows(app, ended, chat)] == ["stopped"]
    ask(page, "echo still here", answers=2)
    expect(last_message(page)).to_contain_text("still here")


def test_stop_works_after_a_reload_and_keeps_what_had_come(app: Running, page: Page, gateway: EmbeddedGateway) -> None:
    open_new_chat(page, app)
    say(page, "n=2000 tps=100 a long one")
    chat = begun(page)
    growing(last_message(page), beyond=200)
    page.reload()
    expect(page.locator(MESSAGES)).to_have_count(2)
    shown = growing(last_message(page), beyond=300)
    stop(page)
    assert shown in seen(last_message(page))
    assert gateway.requests.entries[-1].outcome == "disconnected"
    [stored] = stored_answers(app, chat)
    assert stored["state"] == "stopped"
    [row] = ledger(app, chat)
    assert (row["outcome"], row["usage_source"]) == ("stopped", "estimated")


def test_escape_stops_while_a_draft_is_kept(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=2000 tps=100 stop me with a key")
    chat = begun(page)
    growing(last_message(page), beyond=50)
    page.locator(COMPOSER).fill("a draft")
    page.locator(COMPOSER).blur()
    page.keyboard.press("Escape")
    expect(page.locator(STOP)).to_have_count(0)
    assert answered(page) == chat
    expect(page.locator(COMPOSER)).to_have_value("a draft")
    assert [message["state"] for message in stored_answers(app, chat)] == ["stopped"]


def test_another_page_and_back_does_not_stop_the_answer(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=300 tps=100 go on without me")
    chat = begun(page)
    growing(last_message(page), beyond=50)
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    page.get_by_role("button", name="go on without me").click()
    assert answered(page) == chat
    assert [message["state"] for message in stored_answers(app, chat)] == ["done"]
