"""Search that opens at the message, and order: pins, folders, the archive, many deleted at once and brought back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import CONVERSATIONS, MESSAGES, Running, ask, open_new_chat, open_page, settled

pytestmark = pytest.mark.browser

SEARCH = ".st-key-chat-search input"
FOUND = '.st-key-found [class*="st-key-open-"] button'


def talk(page: Page, app: Running, *messages: str) -> str:
    """A conversation with these messages; its public id."""
    open_new_chat(page, app)
    for count, message in enumerate(messages, 1):
        chat = ask(page, message, answers=count)
    return chat


def search(page: Page, words: str) -> None:
    box = page.locator(SEARCH)
    box.fill(words)
    box.press("Enter")
    expect(page.get_by_role("heading", name="Chats")).to_be_visible()
    settled(page)


def select(page: Page, *chats: str) -> None:
    for count, chat in enumerate(chats, 1):
        page.locator(f".st-key-pick-{chat} label").click()
        expect(page.get_by_text(f"{count} selected")).to_be_visible()


def listed(page: Page, title: str) -> Locator:
    return page.locator(CONVERSATIONS, has_text=title)


def distance_from_top(place: Locator) -> float:
    box = place.bounding_box()
    assert box is not None
    return box["y"]


def test_a_result_opens_at_the_message_with_the_words_marked(app: Running, page: Page) -> None:
    later = [f"Tell me about clouds, part {number}" for number in range(2, 5)]
    chat = talk(page, app, "echo begin", "echo the quagga of Lisbon", *later)
    search(page, '"quagga of lisbon"')
    expect(page.locator(".st-key-found strong").first).to_have_text("quagga of Lisbon")
    expect(page.locator(FOUND)).to_have_count(1)
    page.locator(FOUND).click()
    expect(page).to_have_url(re.compile(rf"[?&]chat={chat}&at=[\w-]+"))
    hit = page.locator(MESSAGES, has_text="the quagga of Lisbon").last
    expect(hit).to_be_in_viewport()
    page.wait_for_timeout(1_200)  # the page goes there again while the rest is drawn
    assert 0 <= distance_from_top(hit) < 200
    assert page.evaluate("() => CSS.highlights.get('parlour-hit').size") >= 1
    ask(page, "echo one more", answers=6)
    expect(page.locator(MESSAGES, has_text="one more").last).to_be_in_viewport()


def test_an_address_with_a_message_that_is_gone_opens_the_chat(app: Running, page: Page) -> None:
    chat = talk(page, app, "echo still here")
    page.goto(f"{app.url}/?chat={chat}&at=nothing-like-it")
    expect(page.locator(MESSAGES).last).to_contain_text("still here")
    settled(page)
    assert "&at=" not in page.url


def test_words_are_found_while_they_are_typed(app: Running, page: Page) -> None:
    talk(page, app, "echo 東京都の天気 zugzwang")
    open_page(page, app, "chats")
    box = page.get_by_label("Search titles and messages")
    for words in ("京都", "zugz"):
        box.fill("")
        box.press_sequentially(words)
        expect(page.get_by_text(f"Chats with “{words}")).to_be_visible()
        expect(page.locator(FOUND)).to_have_count(1)


def test_chats_are_pinned_put_into_folders_and_archived(app: Running, page: Page) -> None:
    pinned, filed, kept = (talk(page, app, f"echo organised {name}") for name in ("pinned", "filed", "kept"))
    open_page(page, app, "chats")
    select(page, pinned)
    page.locator(".st-key-bulk-pin button").click()
    expect(page.get_by_text("Pinned 1 chat.")).to_be_visible()
    expect(page.locator(CONVERSATIONS).first).to_contain_text("organised pinned")

    select(page, filed)
    page.locator(".st-key-bulk-move button").first.click()
    name = page.get_by_label("New folder")
    name.fill("Travel <b>plans</b>")
    name.press("Enter")
    expect(page.get_by_text("Moved 1 chat to “Travel <b>plans</b>”.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(listed(page, "organised filed")).to_have_count(0)
    page.locator(".st-key-conversations summary").click()
    listed(page, "organised filed").click()
    expect(page.locator(MESSAGES).last).to_contain_text("organised filed")

    open_page(page, app, "chats")
    select(page, kept)
    page.locator(".st-key-bulk-archive button").click()
    expect(listed(page, "organised kept")).to_have_count(0)
    page.get_by_text("Archived", exact=True).click()
    expect(page.locator(FOUND)).to_have_count(1)
    expect(page.locator(FOUND)).to_contain_text("organised kept")


def test_many_are_deleted_and_come_back(app: Running, page: Page) -> None:
    chats = [talk(page, app, f"echo doomed {number}") for number in range(2)]
    open_page(page, app, "chats")
    select(page, *chats)
    page.locator(".st-key-bulk-delete button").click()
    expect(page.get_by_text("Deleted 2 chats.")).to_be_visible()
    expect(listed(page, "doomed")).to_have_count(0)
    page.locator(".st-key-bulk-undo-button button").click()
    expect(listed(page, "doomed")).to_have_count(2)
    select(page, chats[0])
    page.locator(".st-key-bulk-delete button").click()
    expect(listed(page, "doomed")).to_have_count(1)
    page.get_by_text("Trash", exact=True).click()
    expect(page.get_by_text("30 days left").first).to_be_visible()
    page.get_by_role("button", name="Restore").first.click()
    expect(listed(page, "doomed")).to_have_count(2)
