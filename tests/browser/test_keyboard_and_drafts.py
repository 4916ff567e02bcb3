"""Keys without a mouse, words that survive a reload, and addresses that bring a first message."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import (
    COMPOSER,
    CONVERSATIONS,
    FOOTERS,
    MESSAGES,
    Running,
    ask,
    begun,
    eventually,
    last_message,
    open_new_chat,
    rows,
    say,
    settled,
)

pytestmark = pytest.mark.browser


def drafts(app: Running) -> list[str]:
    return [row["text"] for row in rows(app, "SELECT text FROM draft ORDER BY changed_ms")]


def test_a_draft_belongs_to_its_chat_and_survives_a_reload(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    expect(page.locator(COMPOSER)).to_be_focused()
    page.keyboard.type("for a new chat")
    eventually(lambda: drafts(app), ["for a new chat"])
    page.reload()
    expect(page.locator(COMPOSER)).to_have_value("for a new chat")
    ask(page, "echo sent")
    eventually(lambda: drafts(app), [])
    expect(page.locator(COMPOSER)).to_be_focused()
    page.keyboard.type("for this chat")
    page.locator(".st-key-new-chat button").click()
    expect(page.locator(MESSAGES)).to_have_count(0)
    expect(page.locator(COMPOSER)).to_have_value("")
    expect(page.locator(COMPOSER)).to_be_focused()
    page.locator(CONVERSATIONS, has_text="sent").click()
    expect(page.locator(COMPOSER)).to_have_value("for this chat")
    ask(page, "echo cleared", answers=2)
    eventually(lambda: drafts(app), [])


def test_words_typed_while_the_first_answer_comes_stay(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=200 tps=100 slowly")
    begun(page)
    page.keyboard.type("the next thought")
    expect(page.locator(FOOTERS)).to_have_count(1)
    settled(page)
    expect(page.locator(COMPOSER)).to_have_value("the next thought")
    eventually(lambda: drafts(app), ["the next thought"])
    page.locator(COMPOSER).fill("")
    eventually(lambda: drafts(app), [])


def test_keys_reach_everything(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "echo by hand")
    page.keyboard.press("Control+k")
    expect(page.locator(".st-key-chat-search input")).to_be_focused()
    page.keyboard.press("Control+Shift+m")
    expect(page.get_by_role("combobox", name="Model")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+y")
    expect(last_message(page).get_by_title("Copied")).to_be_visible()
    page.keyboard.press("Control+Shift+e")
    expect(last_message(page)).to_contain_text("2/2")
    settled(page)
    page.keyboard.press("Control+,")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    settled(page)
    page.keyboard.press("Control+Shift+o")
    expect(page.locator(COMPOSER)).to_be_focused()


def test_the_sheet_lists_the_keys_and_typing_a_question_mark_is_typing(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    sheet = page.get_by_role("dialog", name="Keyboard")
    expect(page.locator(COMPOSER)).to_be_focused()
    page.keyboard.type("what?")
    expect(page.locator(COMPOSER)).to_have_value("what?")
    expect(sheet).to_be_hidden()
    page.keyboard.press("Control+/")
    expect(sheet).to_contain_text("Answer again")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page.locator(COMPOSER)).to_be_focused()
    page.locator(".st-key-keyboard button").click()
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(COMPOSER).fill("")
    eventually(lambda: drafts(app), [])


def test_escape_stops(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=3000 tps=100 on and on")
    begun(page)
    page.keyboard.press("Escape")
    expect(last_message(page)).to_contain_text("Stopped.")
    settled(page)
    expect(page.locator(COMPOSER)).to_be_focused()


def test_an_address_fills_and_never_sends(app: Running, page: Page) -> None:
    page.goto(f"{app.url}/?q=echo%20read%20me%20first&model=gpt-5.4")
    settled(page)
    expect(page.locator(COMPOSER)).to_have_value("echo read me first")
    expect(page.locator(".st-key-model-button")).to_contain_text("GPT-5.4")
    assert "q=" not in page.url
    expect(page.locator(MESSAGES)).to_have_count(0)
    page.locator(COMPOSER).press("Enter")
    expect(last_message(page)).to_contain_text("GPT-5.4")
