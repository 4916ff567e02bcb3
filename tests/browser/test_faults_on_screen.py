"""Gateways that fail, as a person sees it: a sentence with the next step, what had arrived, and a chat that goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from lib.ui.answer_line import STATE_WORDS
from lib.ui.notices import notice_for_kind
from tests.browser.steps import (
    COMPOSER,
    FOOTERS,
    MESSAGES,
    STOP,
    Running,
    answered,
    begun,
    last_message,
    ledger,
    open_new_chat,
    say,
    seen,
    settled,
    stop,
    stored_answers,
    words,
)
from tests.faults.chaos import NEXT_ANSWER, Chaos
from tests.faults.faults import FAULTS
from tests.faults.house import CANARY
from tests.faults.speech import HALF

pytestmark = pytest.mark.browser

NEVER_SEEN = ("Traceback", "Error(", "httpx", "<html", "alert(1)")
FORMS = (CANARY, CANARY[:12], CANARY[-10:])


@pytest.fixture(scope="module")
def gateway() -> Iterator[Chaos]:
    with Chaos(FAULTS, by_question=True) as running:
        yield running


@pytest.fixture(scope="module")
def app(parlour_of_module: Callable[..., Running], gateway: Chaos) -> Running:
    return parlour_of_module(OPENAI_BASE_URL=gateway.base_url, OPENAI_API_KEY=CANARY)


def assert_shown(page: Page, question: str, sentence: str, text: str, label: str) -> None:
    """The question, what had arrived with its label, and one sentence; nothing of the machinery."""
    messages = page.locator(MESSAGES)
    expect(messages.nth(0)).to_contain_text(question)
    expect(messages.nth(1)).to_contain_text(sentence)
    shown = seen(messages.nth(1))
    assert text in shown
    assert label in shown
    everything = page.locator("body").inner_text()
    assert not [word for word in NEVER_SEEN if word in everything]
    assert not [form for form in FORMS if form in page.content()]
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def assert_goes_on(page: Page) -> None:
    """The composer takes the next question at once, and it is answered whole."""
    expect(page.locator(COMPOSER)).to_be_editable()
    say(page, "NEXT please")
    answered(page, 2)
    expect(last_message(page)).to_contain_text(NEXT_ANSWER)


@pytest.mark.parametrize(
    ("fault", "kind", "text", "outcomes"),
    [
        ("f06-401-echoes-the-key", "auth", "", ["refused"]),
        pytest.param("f13-429-seconds", "rate_limit", "", ["refused"] * 3, marks=pytest.mark.full),
        ("f26-closes-clean", "truncated", HALF, ["cut"]),
        pytest.param("f19-page", "not_json", "", ["unknown"], marks=pytest.mark.full),
        pytest.param("f38-error", "overloaded", HALF, ["cut"], marks=pytest.mark.full),
    ],
    ids=["401", "429", "cut", "page", "error"],
)
def test_a_fault_is_told_and_the_chat_goes_on(
    app: Running, page: Page, fault: str, kind: str, text: str, outcomes: list[str]
) -> None:
    open_new_chat(page, app)
    question = f"{fault} “é” 日本"
    say(page, question)
    chat = answered(page)
    notice, label = notice_for_kind(kind), STATE_WORDS["cut"] if text else ""
    assert_shown(page, question, words(notice.text), text, label)
    assert [row["outcome"] for row in ledger(app, chat)] == outcomes
    assert_goes_on(page)
    page.reload()
    settled(page)
    expect(page.locator(FOOTERS)).to_have_count(2)
    assert_shown(page, question, words(notice.text), text, label)
    expect(last_message(page)).to_contain_text(NEXT_ANSWER)


def test_an_answer_that_stalls_can_be_stopped_and_keeps_its_words(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    say(page, "f23-stall now")
    chat = begun(page)
    expect(last_message(page)).to_contain_text("The answer is")
    stop(page)
    label = STATE_WORDS["stopped"]
    assert_shown(page, "f23-stall now", label, HALF, label)
    assert [row["state"] for row in stored_answers(app, chat)] == ["stopped"]
    assert_goes_on(page)
    page.reload()
    settled(page)
    assert_shown(page, "f23-stall now", label, HALF, label)
    expect(page.locator(STOP)).to_have_count(0)
