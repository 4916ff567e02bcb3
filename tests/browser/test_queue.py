"""Messages sent while an answer is written wait as cards, in order: edited, moved, sent or taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import MESSAGES, Running, answered, begun, growing, last_message, open_new_chat, say, stop

pytestmark = pytest.mark.browser

CARDS = ".st-key-queue .card"


def waiting(page: Page, text: str) -> Locator:
    return page.locator(CARDS, has_text=text)


def wait_behind(page: Page, *texts: str) -> None:
    for text in texts:
        say(page, text)
        expect(waiting(page, text)).to_be_visible()


def test_waiting_messages_are_edited_moved_and_removed_and_go_in_order(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=2200 tps=150 first")
    begun(page)
    wait_behind(page, "echo second", "echo third", "echo not this one")
    expect(waiting(page, "third")).to_contain_text("Claude Sonnet 4.6")
    waiting(page, "not this one").get_by_role("button", name="Remove").click()
    expect(page.locator(CARDS)).to_have_count(2)
    waiting(page, "third").get_by_role("button", name="Move up").click()
    expect(page.locator(CARDS).first).to_contain_text("third")
    waiting(page, "third").get_by_role("button", name="Edit").click()
    page.keyboard.press("End")
    page.keyboard.type(" and changed")
    page.keyboard.press("Control+Enter")
    expect(waiting(page, "third and changed")).to_be_visible()
    page.reload()
    expect(page.locator(CARDS)).to_have_count(2)
    answered(page, 3)
    expect(page.locator(CARDS)).to_have_count(0)
    users = page.locator(f"{MESSAGES}:has(> [aria-label='Chat message from user']) [data-testid='stMarkdownContainer']")
    assert users.all_inner_texts() == ["n=2200 tps=150 first", "echo third and changed", "echo second"]


def test_after_stop_the_queue_says_why_it_waits_and_any_card_may_go_first(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=2000 tps=100 too long")
    begun(page)
    growing(last_message(page), beyond=50)
    wait_behind(page, "echo afterwards", "echo at once")
    stop(page)
    expect(page.locator(".st-key-queue")).to_contain_text("You stopped the answer")
    expect(page.locator(MESSAGES)).to_have_count(2)
    waiting(page, "at once").get_by_role("button", name="Send now").click()
    answered(page, 3)
    expect(page.locator(CARDS)).to_have_count(0)
    expect(page.locator(MESSAGES).nth(3)).to_contain_text("at once")
    expect(last_message(page)).to_contain_text("afterwards")
