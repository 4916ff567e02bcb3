"""A temporary chat leaves nothing behind but its numbers."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import (
    COMPOSER,
    CONVERSATIONS,
    FOOTERS,
    MESSAGES,
    Running,
    last_message,
    open_new_chat,
    rows,
    say,
    settled,
)

pytestmark = pytest.mark.browser


def test_a_temporary_chat_is_neither_stored_nor_listed_and_its_cost_counts(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    page.get_by_text("Temporary", exact=True).click()
    expect(page.get_by_text("Not stored: gone when you reload")).to_be_visible()
    page.locator(COMPOSER).press_sequentially("echo between us")
    page.locator(COMPOSER).press("Enter")
    expect(page.locator(FOOTERS)).to_have_count(1)
    expect(page.locator(".st-key-temporary-mark")).to_contain_text("Temporary")
    say(page, "echo once more")
    expect(page.locator(FOOTERS)).to_have_count(2)
    settled(page)
    last_message(page).get_by_role("button", name="Answer again").click()
    expect(last_message(page)).to_contain_text("2/2")
    settled(page)
    assert "chat=" not in page.url
    expect(page.locator(CONVERSATIONS)).to_have_count(0)
    assert [tuple(row) for row in rows(app, "SELECT count(*) FROM message")] == [(0,)]
    assert [tuple(row) for row in rows(app, "SELECT count(*) FROM draft")] == [(0,)]
    assert [tuple(row) for row in rows(app, "SELECT count(*) FROM usage_event")] == [(3,)]
    page.reload()
    settled(page)
    expect(page.locator(MESSAGES)).to_have_count(0)
