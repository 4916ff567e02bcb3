"""The process is killed in the middle of an answer: nothing that was shown is lost, nothing is counted twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Parlour, Watch
from tests.browser.steps import (
    FOOTERS,
    MESSAGES,
    answered,
    begun,
    eventually,
    growing,
    last_message,
    ledger,
    prose,
    say,
    seen,
    settled,
    stored_answers,
)

pytestmark = pytest.mark.browser


def test_after_a_kill_the_answer_is_kept_labelled_and_can_be_had_again(
    parlour: Callable[..., Parlour], page: Page, watch: Watch
) -> None:
    watch.forgive_outage()
    app = parlour(PARLOUR_DEMO_SPEED="0")
    page.goto(app.url)
    say(page, "n=400 tps=100 survive")
    chat = begun(page)
    before = growing(last_message(page), beyond=300)
    eventually(lambda: len(stored_answers(app, chat)[0]["text"]) > 300, True)
    app.kill()
    app.start()
    page.goto(f"{app.url}/?chat={chat}")
    expect(page.locator(FOOTERS)).to_have_count(1)
    settled(page)
    expect(last_message(page)).to_contain_text("Parlour was closed while this answer was written")
    [stored] = stored_answers(app, chat)
    assert stored["state"] == "interrupted"
    assert before[:250] in seen(last_message(page))
    assert prose(stored["text"])[:250] in seen(last_message(page))
    assert [row["outcome"] for row in ledger(app, chat)] == ["unknown"]

    last_message(page).get_by_role("button", name="Answer again").click()
    expect(last_message(page)).to_contain_text("2/2")
    answered(page)
    assert [message["state"] for message in stored_answers(app, chat)] == ["interrupted", "done"]
    assert [row["outcome"] for row in ledger(app, chat)] == ["unknown", "ok"]
    expect(page.locator(MESSAGES)).to_have_count(2)
