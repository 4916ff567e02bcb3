"""What users and models write is shown as written: no formula, no colour, no emoji, no image, no script, no fetch.

The `page` fixture fails when anything is asked of another host.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import CONVERSATIONS, MESSAGES, Running, ask, last_message, open_new_chat, seen, words

pytestmark = pytest.mark.browser

MONEY = "I paid $5 and $10 for :red[x] -> y :smile: :material/home: ![a](http://evil.example/x.png)"
SCRIPT = "<script>window.hacked = 1</script><img src=http://evil.example/y.png onerror=window.hacked=1> <b>b</b>"
TITLE = "# **Bold** $a$ :red[red] [x](http://evil.example)"


@pytest.mark.parametrize("text", [MONEY, SCRIPT])
def test_question_and_answer_show_every_character(app: Running, page: Page, text: str) -> None:
    open_new_chat(page, app)
    ask(page, f"echo {text}")
    assert seen(page.locator(MESSAGES).first) == f"echo {words(text)}"
    assert words(text) in seen(last_message(page))
    assert page.evaluate("() => window.hacked") is None
    expect(page.locator(f"{MESSAGES} img, {MESSAGES} .katex, {MESSAGES} script, {MESSAGES} b")).to_have_count(0)
    page.reload()
    expect(page.locator(MESSAGES)).to_have_count(2)
    assert words(text) in seen(last_message(page))


def test_a_title_is_a_title(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    ask(page, TITLE)
    row = page.locator(CONVERSATIONS).first
    expect(row).to_contain_text("**Bold** $a$ :red[red]")
    expect(row.locator("strong, a, .katex, h1")).to_have_count(0)
    expect(page.locator(".st-key-title-button")).to_contain_text("**Bold** $a$ :red[red]")
