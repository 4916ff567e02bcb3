"""Messages that are entered faster than the page can take them all arrive, one after the other."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import COMPOSER, Running, eventually, open_new_chat, rows

pytestmark = pytest.mark.browser
SAID = "SELECT parts FROM message WHERE role = 'user' UNION ALL SELECT parts FROM queue_item"


def test_messages_in_quick_succession_all_arrive_in_order(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    box = page.locator(COMPOSER)
    for number in range(6):
        box.fill(f"echo quick-{number}")
        box.press("Enter")
        expect(box).to_have_value("")  # until then the words stand there and can be changed
    eventually(lambda: [f"quick-{n}" in str([row["parts"] for row in rows(app, SAID)]) for n in range(6)], [True] * 6)


def test_a_message_that_waits_can_still_be_changed(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    box = page.locator(COMPOSER)
    box.fill("echo the first")
    # At once, as a script: by hand nobody can be so quick.
    page.evaluate(
        """() => {
          const box = document.querySelector('[data-testid="stChatInputTextArea"]');
          const enter = () => box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 13, bubbles: true}));
          const write = (text) => {
            Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(box, text);
            box.dispatchEvent(new Event('input', {bubbles: true}));
          };
          enter();
          write('echo the second');
          enter();
          write('echo the second, longer');
        }"""
    )
    eventually(lambda: len(rows(app, "SELECT 1 FROM message WHERE role = 'user' AND parts LIKE '%the first%'")), 1)
    expect(box).to_have_value("echo the second, longer")
    box.press("Enter")
    eventually(lambda: len(rows(app, "SELECT 1 FROM message WHERE parts LIKE '%the second, longer%'")) > 0, True)
