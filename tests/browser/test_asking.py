"""Asking a question and watching the answer come, across reloads and tabs."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import (
    COMPOSER,
    CONVERSATIONS,
    MESSAGES,
    Running,
    answered,
    ask,
    begun,
    growing,
    last_message,
    open_new_chat,
    prose,
    say,
    seen,
    stored_answers,
    words,
)

pytestmark = pytest.mark.browser


def test_an_answer_grows_while_the_composer_stays_usable(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=300 tps=100 A walk by the sea")
    chat = begun(page)
    first = growing(last_message(page), beyond=100)
    composer = page.locator(COMPOSER)
    composer.fill("a thought meanwhile")
    growing(last_message(page), beyond=len(first) + 100)
    expect(composer).to_have_value("a thought meanwhile")
    expect(composer).to_be_enabled()
    expect(page.locator(CONVERSATIONS, has_text="A walk by the sea")).to_be_visible()
    assert answered(page) == chat


def test_a_reload_in_the_middle_loses_nothing(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=500 tps=100 reload me")
    chat = begun(page)
    before = growing(last_message(page), beyond=300)
    page.reload()
    expect(page.locator(MESSAGES)).to_have_count(2)
    growing(last_message(page), beyond=len(before))
    answered(page)
    [stored] = stored_answers(app, chat)
    assert stored["state"] == "done"
    assert prose(stored["text"]) in seen(last_message(page))
    assert before[:250] in seen(last_message(page))


def test_a_second_tab_follows_the_same_answer(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "n=400 tps=100 for two tabs")
    begun(page)
    second = page.context.new_page()
    second.goto(page.url)
    expect(second.locator(MESSAGES)).to_have_count(2)
    so_far = growing(last_message(second), beyond=100)
    growing(last_message(second), beyond=len(so_far))
    answered(page)
    answered(second)
    text = "[data-testid=stMarkdownContainer]"
    shown = [[words(part) for part in tab.locator(f"{MESSAGES} {text}").all_inner_texts()] for tab in (page, second)]
    assert shown[0] == shown[1]


def test_reasoning_is_folded_behind_how_long_it_took(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    chat = ask(page, "think about the weather")
    [stored] = stored_answers(app, chat)
    folded = last_message(page).locator("[data-testid=stExpander]")
    expect(folded).to_contain_text(re.compile("Thought for "))
    assert stored["reasoning"]
    assert words(stored["reasoning"])[:40] not in seen(last_message(page))
    folded.locator("summary").click()
    expect(folded).to_contain_text(words(stored["reasoning"])[:40])


def test_copy_puts_the_exact_text_on_the_clipboard(app: Running, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.url)
    open_new_chat(page, app)
    chat = ask(page, "show markdown")
    last_message(page).get_by_role("button", name="Copy").click()
    [stored] = stored_answers(app, chat)
    page.wait_for_function("async wanted => await navigator.clipboard.readText() === wanted", arg=stored["text"])
