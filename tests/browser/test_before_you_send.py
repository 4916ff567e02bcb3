"""Before you send: the meter and the quote, the ways out of a full context, presets, and files of an answer."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import (
    FOOTERS,
    MESSAGES,
    Running,
    answered,
    ask,
    chat_of,
    ledger,
    open_new_chat,
    rows,
    say,
    settled,
)

pytestmark = pytest.mark.browser

QUOTE = ".st-key-quote-button button"
SMALL = "Claude Haiku 4.5"


def pick_model(page: Page, name: str) -> None:
    page.locator(".st-key-model-button button").first.click()
    page.get_by_role("combobox", name="Model").fill(name)
    page.get_by_role("option", name=name).first.click()
    settled(page)
    page.keyboard.press("Escape")


def test_the_quote_follows_the_chat_and_names_what_it_rests_on(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    expect(page.locator(QUOTE).first).to_contain_text("0 of 1M tokens · next ≈ $")
    chat = ask(page, "hello there")
    [row] = ledger(app, chat)
    history = row["in_uncached"] + (row["in_cache_read"] or 0) + row["out_visible"]
    expect(page.locator(QUOTE).first).to_contain_text(f"≈ {history} of 1M tokens")
    page.locator(QUOTE).first.click()
    popover = page.get_by_test_id("stPopoverBody").filter(visible=True)
    expect(popover).to_contain_text(f"History: ≈ {history} tokens")
    expect(popover).to_contain_text("the median of this chat’s answers")
    expect(popover).to_contain_text("without what you are typing")
    expect(popover).to_contain_text("Shared pool: ≈ $")
    expect(popover).to_contain_text("Demo prices")


def test_a_message_beyond_the_context_waits_for_a_decision(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    pick_model(page, SMALL)
    chat = ask(page, "echo " + "old words " * 4_000)
    text = "echo " + "new words " * 70_000
    say(page, text)
    warning = page.locator("[data-testid=stAlert]", has_text="Not sent yet")
    expect(warning).to_contain_text(f"{SMALL} reads 200k")
    expect(page.locator(MESSAGES)).to_have_count(2)
    assert len(ledger(app, chat)) == 1
    for way in ("Start a new chat with it", "Leave out the oldest 2 messages", "reads 1M"):
        expect(page.get_by_role("button", name=way).first).to_be_visible()
    page.get_by_role("button", name="Leave out the oldest 2 messages").click()
    answered(page, 2)
    assert [row["chars_in"] for row in ledger(app, chat)][1] == len(text)
    assert rows(app, "SELECT count(*) AS n FROM message WHERE deleted_ms IS NULL AND length(text) > 30000")[0]["n"] >= 4


def test_another_model_takes_what_does_not_fit(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    pick_model(page, SMALL)
    say(page, "echo " + "new words " * 90_000)
    expect(page.get_by_role("button", name="Start a new chat with it")).to_have_count(0)
    page.get_by_role("button", name="reads 1M").first.click()
    answered(page)
    [row] = ledger(app, chat_of(page))
    assert row["outcome"] == "ok"
    assert row["base"] != "claude-haiku-4-5"


def test_a_preset_sets_system_prompt_and_parameters(parlour: Callable[..., Running], page: Page) -> None:
    app = parlour(PARLOUR_DEMO_SPEED="0")
    open_new_chat(page, app)
    parameters = page.locator(".st-key-parameters-button button").first
    parameters.click()
    page.get_by_label("System prompt").fill("Speak like a sailor.")
    page.get_by_label("Temperature").fill("0.7")
    page.get_by_label("Temperature").press("Tab")
    page.get_by_role("button", name="Save as…").click()
    page.get_by_label("Name", exact=True).fill("Sailor")
    page.get_by_label("Name", exact=True).press("Tab")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved Sailor.")).to_be_visible()
    [row] = rows(app, "SELECT name, system, params, model FROM preset")
    assert (row["name"], row["system"], row["model"]) == ("Sailor", "Speak like a sailor.", None)

    chat = ask(page, "hello")
    page.locator(".st-key-new-chat button").click()
    settled(page)
    parameters.click()
    page.get_by_label("System prompt").fill("")
    page.get_by_role("combobox", name="Presets").click()
    page.get_by_role("option", name="Sailor").click()
    settled(page)
    expect(page.get_by_label("System prompt")).to_have_value("Speak like a sailor.")
    expect(page.get_by_label("Temperature")).to_have_value("0.7")
    second = ask(page, "hello again")
    found = rows(app, "SELECT system FROM conversation WHERE public_id IN (?, ?)", chat, second)
    assert {row["system"] for row in found} == {"Speak like a sailor."}


def test_tables_and_code_of_an_answer_can_be_downloaded(app: Running, page: Page, tmp_path: Path) -> None:
    open_new_chat(page, app)
    ask(page, "plain words")
    expect(page.get_by_role("button", name="Files")).to_have_count(0)
    ask(page, "echo\n\n| a | b |\n|---|---|\n| 1 | =2+3 |\n\n```python\nprint('hi')\n```\n", answers=2)
    page.get_by_role("button", name="Files").click()
    for button, name, said in (("Table as CSV", "table.csv", None), ("python", "code.py", "print('hi')\n")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        assert download.value.suggested_filename == name
        file = tmp_path / name
        download.value.save_as(file)
        if said is None:
            assert list(csv.reader(io.StringIO(file.read_text("utf-8-sig")))) == [["a", "b"], ["1", "'=2+3"]]
        else:
            assert file.read_text() == said


def test_a_diagram_has_its_source_and_a_broken_one_is_its_source(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    ask(page, "echo\n\n```mermaid\ngraph TD\nA[Start] --> B[Go]\n```\n\n```mermaid\ngraph TD\nA[[[ nonsense ((\n```\n")
    good, bad = (page.locator("[class*=st-key-diagram-]:not([class*=-source])").nth(at) for at in range(2))
    expect(good.get_by_alt_text("Mermaid flowchart")).to_be_visible()
    expect(good.locator("[data-testid=stCode]")).to_be_hidden()
    good.get_by_role("button", name="Source").click()
    expect(page.get_by_test_id("stPopoverBody").filter(visible=True)).to_contain_text("A[Start] --> B[Go]")
    expect(bad.locator("[data-testid=stCode]")).to_contain_text("nonsense")
    expect(bad.locator("[data-testid=stCode]")).to_be_visible()
    expect(bad.locator("[data-testid=stMermaidChart]").first).to_be_hidden()
    expect(page.locator(FOOTERS)).to_have_count(1)


def test_words_run_in_their_own_direction(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    ask(page, "echo\n\nשלום עולם\n\nplain words")
    hebrew = page.locator(f"{MESSAGES} p", has_text="שלום").last
    assert hebrew.evaluate("one => getComputedStyle(one).unicodeBidi") == "plaintext"
    edges = hebrew.evaluate(
        "one => { const r = document.createRange(); r.selectNodeContents(one);"
        " return [r.getBoundingClientRect().right, one.getBoundingClientRect().right] }"
    )
    assert abs(edges[0] - edges[1]) < 2, "it begins at the right"
