"""Choosing a model, its variant and its parameters; the ledger says what was really asked."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import FOOTERS, Running, ask, ledger, open_new_chat, rows, settled

pytestmark = pytest.mark.browser

POPOVER = "[data-testid=stPopoverBody]"


def open_models(page: Page) -> Locator:
    page.locator(".st-key-model-button button").click()
    inside = page.locator(POPOVER)
    expect(inside).to_be_visible()
    return inside


def close(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator(POPOVER)).to_have_count(0)
    settled(page)


def choose(page: Page, model: str, variant: str | None = None) -> None:
    """Open the popover, type and pick a base model, then a variant whose button begins so."""
    inside = open_models(page)
    box = inside.get_by_role("combobox", name="Model")
    box.fill(model)
    page.get_by_role("option", name=model).first.click()
    settled(page)
    if variant:
        inside.get_by_role("radio", name=variant).or_(inside.get_by_role("button", name=variant)).first.click()
        settled(page)
    close(page)


def params_of(app: Running, chat: str) -> dict[str, object]:
    """The parameters of the newest answer of a conversation."""
    sql = "SELECT a.params FROM answer a JOIN conversation c ON c.id = a.conversation_id WHERE c.public_id = ? ORDER BY a.id DESC"
    found: dict[str, object] = json.loads(rows(app, sql, chat)[0]["params"])
    return found


def test_the_chosen_variant_is_asked_and_named(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    choose(page, "GPT-5.4", "Budget")
    expect(page.locator(".st-key-model-button")).to_contain_text("GPT-5.4 · Budget")
    chat = ask(page, "echo hello")
    [row] = ledger(app, chat)
    assert (row["model"], row["base"], row["variant"]) == ("gpt-5.4-low", "gpt-5.4", "low")
    expect(page.locator(FOOTERS)).to_contain_text("GPT-5.4 · Budget")
    page.reload()
    expect(page.locator(".st-key-model-button")).to_contain_text("GPT-5.4 · Budget")


def test_a_temperature_is_sent_only_to_a_model_that_takes_it(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    choose(page, "Claude Sonnet 4.6")
    page.locator(".st-key-parameters-button button").click()
    temperature = page.locator(POPOVER).get_by_role("spinbutton", name="Temperature")
    temperature.fill("0.3")
    temperature.press("Enter")
    settled(page)
    close(page)
    chat = ask(page, "echo warm")
    assert params_of(app, chat)["temperature"] == 0.3

    choose(page, "Claude Opus 4.7")
    page.locator(".st-key-parameters-button button").click()
    expect(page.locator(POPOVER)).to_contain_text("takes neither temperature nor top p")
    expect(page.locator(POPOVER).get_by_role("spinbutton", name="Temperature")).to_have_count(0)
    close(page)
    ask(page, "echo cold", answers=2)
    assert params_of(app, chat).get("temperature") is None
    assert [row["outcome"] for row in ledger(app, chat)] == ["ok", "ok"]


def test_the_other_dialect_answers_too(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    choose(page, "Claude Sonnet 4.6")
    open_models(page).get_by_text("Messages", exact=True).click()
    settled(page)
    close(page)
    chat = ask(page, "echo in the other dialect")
    assert [(row["dialect"], row["outcome"]) for row in ledger(app, chat)] == [("anthropic", "ok")]
