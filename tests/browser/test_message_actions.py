"""What can be done with a message: edited, answered again, continued, forked, deleted. Nothing is overwritten."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import (
    CONVERSATIONS,
    FOOTERS,
    MESSAGES,
    STOP,
    Running,
    ask,
    begun,
    chat_of,
    eventually,
    growing,
    last_message,
    ledger,
    open_new_chat,
    say,
    seen,
    settled,
    stop,
)

pytestmark = pytest.mark.browser

EDITOR = ".st-key-editing textarea"


def question(page: Page, at: int = 0) -> Locator:
    """The footer of a message of the user floats up when it is pointed at."""
    place = page.locator(f"{MESSAGES}:has(> [aria-label='Chat message from user'])").nth(at)
    place.hover()
    return place


def more(page: Page) -> Locator:
    """Open the menu below the last answer; a page that still moves closes it, so it may need a second press."""
    menu = last_message(page).get_by_role("menu")
    eventually(lambda: menu.is_visible() or pressed_more(page, menu), True)
    return menu


def pressed_more(page: Page, menu: Locator) -> bool:
    last_message(page).get_by_role("button", name="More").click()
    page.wait_for_timeout(200)
    return menu.is_visible()


def test_an_edited_question_stands_beside_the_old_one(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    chat = ask(page, "echo the old words")
    question(page).get_by_role("button", name="Edit").click()
    expect(page.locator(EDITOR)).to_have_value("echo the old words")
    expect(page.locator(EDITOR)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(EDITOR)).to_have_count(0)
    question(page).get_by_role("button", name="Edit").click()
    page.locator(EDITOR).fill("echo the new words")
    page.locator(EDITOR).press("Control+Enter")
    expect(last_message(page).locator(FOOTERS)).to_be_visible()
    expect(last_message(page)).to_contain_text("the new words")
    expect(question(page)).to_contain_text("2/2")
    page.reload()
    expect(last_message(page)).to_contain_text("the new words")
    question(page).get_by_role("button", name="Previous version").click()
    expect(last_message(page)).to_contain_text("the old words")
    assert len(ledger(app, chat)) == 2


def test_the_menu_offers_other_variants_with_the_difference(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    chat = ask(page, "Show everything")
    menu = more(page)
    items = menu.get_by_role("menuitem")
    expect(items.first).to_be_focused()
    expect(items.filter(has_text="Official")).to_contain_text("+$")
    expect(items.filter(has_text="Shared pool")).to_contain_text("−$")
    page.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(last_message(page).get_by_role("button", name="More")).to_be_focused()
    more(page).get_by_role("menuitem").filter(has_text="Official").click()
    expect(last_message(page)).to_contain_text("2/2")
    expect(last_message(page)).to_contain_text("Claude Sonnet 4.6 · Official")
    settled(page)
    assert [row["variant"] for row in ledger(app, chat)] == ["standard", "official"]
    expect(page.locator(".st-key-model-button")).not_to_contain_text("Official")


def test_an_answer_is_edited_without_asking_anybody(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    chat = ask(page, "echo as the model said it")
    more(page).get_by_role("menuitem", name="Edit").click()
    page.locator(EDITOR).fill("as a person puts it")
    page.get_by_role("button", name="Save").click()
    expect(last_message(page)).to_contain_text("as a person puts it")
    expect(last_message(page)).to_contain_text("edited by you")
    expect(last_message(page)).to_contain_text("2/2")
    assert len(ledger(app, chat)) == 1


def test_a_stopped_answer_is_continued(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=600 tps=100 a long one")
    chat = begun(page)
    growing(last_message(page), beyond=200)
    stop(page)
    before = seen(last_message(page).locator("[data-testid=stMarkdownContainer]").first)
    last_message(page).get_by_role("button", name="Continue").click()
    expect(last_message(page)).to_contain_text("2/2", timeout=30_000)
    settled(page)
    expect(last_message(page)).to_contain_text(before[:60])
    assert len(ledger(app, chat)) == 2


def test_deleted_messages_come_back_with_undo_and_cost_stays(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    ask(page, "echo one")
    chat = ask(page, "echo two", answers=2)
    question(page, 1).get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted 2 messages.")).to_be_visible()
    expect(page.locator(MESSAGES)).to_have_count(2)
    assert len(ledger(app, chat)) == 2
    page.locator(".st-key-undo-delete button").click()
    expect(page.locator(MESSAGES)).to_have_count(4)
    question(page, 1).get_by_role("button", name="Delete").click()
    expect(page.locator(MESSAGES)).to_have_count(2)
    ask(page, "echo something else", answers=2)
    expect(page.get_by_text("Deleted 2 messages.")).to_have_count(0)


def test_a_fork_begins_a_chat_of_its_own(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    ask(page, "echo the root of it")
    chat = ask(page, "echo left behind", answers=2)
    question(page, 0).get_by_role("button", name="Fork from here").click()
    expect(page.locator(MESSAGES)).to_have_count(1)
    settled(page)
    assert chat_of(page) != chat
    expect(page.locator(CONVERSATIONS, has_text="(fork)")).to_be_visible()
    assert ledger(app, chat_of(page)) == []


def test_while_an_answer_runs_an_edit_branches(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=3000 tps=100 very long")
    chat = begun(page)
    growing(last_message(page), beyond=50)
    question(page).get_by_role("button", name="Edit").click()
    page.locator(EDITOR).fill("echo rather this")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("An answer is being written to another version")).to_be_visible()
    expect(page.locator(MESSAGES)).to_have_count(1)
    page.get_by_role("button", name="Show it").click()
    growing(last_message(page), beyond=100)
    question(page).get_by_role("button", name="Edit").click()
    page.locator(EDITOR).fill("echo now this")
    page.get_by_role("button", name="Save and send").click()
    expect(last_message(page)).to_contain_text("now this")
    settled(page)
    assert [row["outcome"] for row in ledger(app, chat)] == ["stopped", "ok"]


def test_deleting_a_question_stops_the_answer_to_it(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=3000 tps=100 not this")
    chat = begun(page)
    growing(last_message(page), beyond=50)
    question(page).get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted 2 messages.")).to_be_visible()
    expect(page.locator(STOP)).to_have_count(0)
    expect(page.locator(MESSAGES)).to_have_count(0)
    assert [row["outcome"] for row in ledger(app, chat)] == ["stopped"]
