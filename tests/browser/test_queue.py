"""Messages sent while an answer is written wait, in order, and can be taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import MESSAGES, Running, answered, begun, growing, last_message, open_new_chat, say, stop

pytestmark = pytest.mark.browser


def waiting(page: Page, text: str) -> Locator:
    return page.get_by_text(f"Next: {text}")


def test_two_waiting_messages_go_in_order(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=300 tps=100 first")
    begun(page)
    for text in ("echo second", "echo third"):
        say(page, text)
        expect(waiting(page, text)).to_be_visible()
    answered(page, 3)
    expect(page.get_by_text("Next:")).to_have_count(0)
    users = page.locator(f"{MESSAGES}:has(> [aria-label='Chat message from user'])")
    assert users.all_inner_texts() == ["n=300 tps=100 first", "echo second", "echo third"]
    expect(last_message(page)).to_contain_text("third")


def test_a_waiting_message_can_be_removed(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=400 tps=100 alone")
    begun(page)
    say(page, "echo not this one")
    expect(waiting(page, "echo not this one")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(waiting(page, "echo not this one")).to_have_count(0)
    answered(page)
    expect(page.locator(MESSAGES)).to_have_count(2)


def test_after_stop_the_queue_waits_for_a_word(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=2000 tps=100 too long")
    begun(page)
    growing(last_message(page), beyond=50)
    say(page, "echo afterwards")
    expect(waiting(page, "echo afterwards")).to_be_visible()
    stop(page)
    expect(waiting(page, "echo afterwards")).to_be_visible()
    expect(page.locator(MESSAGES)).to_have_count(2)
    page.get_by_role("button", name="Send now").click()
    answered(page, 2)
    expect(last_message(page)).to_contain_text("afterwards")
    expect(page.get_by_text("Next:")).to_have_count(0)
