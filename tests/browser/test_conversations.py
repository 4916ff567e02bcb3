"""The list of conversations: names, search, deletion with undo, and addresses that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import (
    COMPOSER,
    CONVERSATIONS,
    MESSAGES,
    Running,
    ask,
    last_message,
    open_new_chat,
    open_page,
    settled,
)

pytestmark = pytest.mark.browser


def listed(page: Page, title: str) -> Locator:
    return page.locator(CONVERSATIONS, has_text=title)


def rename(page: Page, title: str) -> None:
    page.locator(".st-key-title-button button").click()
    box = page.get_by_label("Title")
    box.fill(title)
    box.press("Enter")
    settled(page)
    page.keyboard.press("Escape")


def test_a_new_name_appears_in_the_sidebar(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    ask(page, "echo before")
    rename(page, "Garden plans")
    expect(listed(page, "Garden plans")).to_be_visible()
    expect(listed(page, "echo before")).to_have_count(0)
    page.reload()
    expect(page.locator(".st-key-title-button")).to_contain_text("Garden plans")


def test_a_deleted_chat_comes_back_with_undo(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    chat = ask(page, "echo do not lose me")
    page.locator(".st-key-title-button button").click()
    page.get_by_role("button", name="Delete chat").first.click()
    expect(listed(page, "do not lose me")).to_have_count(0)
    expect(page.get_by_text("Deleted “echo do not lose me”.")).to_be_visible()
    assert chat not in page.url
    page.locator(".st-key-undo-delete button").click()
    expect(last_message(page)).to_contain_text("do not lose me")
    expect(listed(page, "do not lose me")).to_be_visible()
    assert chat in page.url


def test_search_finds_titles(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    ask(page, "echo Straßenbahn nach Ürgüp")
    search = page.locator(".st-key-chat-search input")
    search.fill("ürgüp")
    search.press("Enter")
    expect(page.locator(CONVERSATIONS)).to_have_count(1)
    expect(listed(page, "Straßenbahn")).to_be_visible()
    search.fill("no such words")
    search.press("Enter")
    expect(page.get_by_text("No title fits.")).to_be_visible()


def test_an_unknown_address_says_so_and_a_new_chat_is_ready(app: Running, page: Page) -> None:
    page.goto(f"{app.url}/?chat=nobody-knows-this")
    expect(page.get_by_text("This conversation does not exist or was deleted.")).to_have_count(1)
    settled(page)
    assert "chat=" not in page.url
    ask(page, "echo here we are")
    expect(last_message(page)).to_contain_text("here we are")


def test_from_an_unknown_address_the_other_pages_can_be_reached(app: Running, page: Page) -> None:
    page.goto(f"{app.url}/?chat=nobody-knows-this")
    expect(page.get_by_text("This conversation does not exist")).to_have_count(1)
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    settled(page)
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()


def test_new_chat_leaves_the_old_one_alone(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    first = ask(page, "echo the first of two")
    page.locator(".st-key-new-chat button").click()
    expect(page.locator(MESSAGES)).to_have_count(0)
    second = ask(page, "echo the second of two")
    assert first != second
    listed(page, "the first of two").click()
    expect(last_message(page)).to_contain_text("the first of two")
    expect(page.get_by_text("the second of two")).to_have_count(1)
    page.go_back()
    expect(last_message(page)).to_contain_text("the second of two")


def test_the_usage_page_may_be_the_first_ever_opened(parlour: Callable[..., Running], page: Page) -> None:
    app = parlour()
    open_page(page, app, "usage")
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    page.locator(".st-key-new-chat button").click()
    expect(page.locator(COMPOSER)).to_be_visible()
    settled(page)
    open_page(page, app, "settings")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
