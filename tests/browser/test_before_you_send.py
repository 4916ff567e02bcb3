"""Before you send: the meter and the quote, the ways out of a full context, presets, and files of an answer."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

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


class TwoModels(BaseHTTPRequestHandler):
    """A gateway with a model that reads 2,000 tokens and one that reads 100,000; it notes what it is asked."""

    asked: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        models = [
            {"id": name, "context_length": context} for name, context in (("a-tiny", 2_000), ("b-large", 100_000))
        ]
        self._send("application/json", json.dumps({"object": "list", "data": models}))

    def do_POST(self) -> None:
        self.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        said = {"choices": [{"index": 0, "delta": {"content": "short answer"}}]}
        ended = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        self._send("text/event-stream", f"data: {json.dumps(said)}\n\ndata: {json.dumps(ended)}\n\ndata: [DONE]\n\n")

    def _send(self, kind: str, body: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())


@pytest.fixture
def two_models(parlour: Callable[..., Running]) -> Iterator[Running]:
    """A Parlour whose only gateway is `TwoModels`."""
    TwoModels.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), TwoModels)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield parlour(
        OPENAI_BASE_URL=f"http://127.0.0.1:{server.server_port}/v1", OPENAI_API_KEY="sk-two-models-0123456789"
    )
    server.shutdown()
    server.server_close()


def test_a_message_beyond_the_context_waits_for_a_decision(two_models: Running, page: Page) -> None:
    app = two_models
    open_new_chat(page, app)
    expect(page.locator(QUOTE).first).to_contain_text("0 of 2k tokens · next unpriced")
    chat = ask(page, "old words " * 300)
    say(page, "new words " * 600)
    warning = page.locator("[data-testid=stAlert]", has_text="Not sent yet")
    expect(warning).to_contain_text("a-tiny reads 2k")
    expect(page.locator(MESSAGES)).to_have_count(2)
    assert len(TwoModels.asked) == 1
    for way in ("Start a new chat with it", "Leave out the oldest 2 messages", "Ask b-large (reads 100k, unpriced)"):
        expect(page.get_by_role("button", name=way)).to_be_visible()
    page.get_by_role("button", name="Leave out the oldest 2 messages").click()
    answered(page, 2)
    expect(warning).to_have_count(0)
    assert [message["role"] for message in TwoModels.asked[-1]["messages"]] == ["user"]
    [kept] = rows(app, "SELECT count(*) AS n FROM message WHERE deleted_ms IS NULL")
    assert kept["n"] == 4, "nothing was deleted"
    assert len(ledger(app, chat)) == 2


def test_a_larger_model_or_a_new_chat_takes_what_does_not_fit(two_models: Running, page: Page) -> None:
    app = two_models
    open_new_chat(page, app)
    chat = ask(page, "old words " * 300)
    say(page, "new words " * 600)
    page.get_by_role("button", name="Ask b-large").click()
    answered(page, 2)
    asked = TwoModels.asked[-1]
    assert (asked["model"], len(asked["messages"])) == ("b-large", 3)
    expect(page.locator(".st-key-model-button")).to_contain_text("b-large")
    page.locator(".st-key-model-button button").first.click()
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="a-tiny").click()
    settled(page)
    page.keyboard.press("Escape")
    say(page, "newer words " * 200)
    page.get_by_role("button", name="Start a new chat with it").click()
    answered(page, 1)
    assert chat_of(page) != chat
    assert (TwoModels.asked[-1]["model"], len(TwoModels.asked[-1]["messages"])) == ("a-tiny", 1)


def test_a_preset_sets_system_prompt_and_parameters(parlour: Callable[..., Running], page: Page) -> None:
    app = parlour(PARLOUR_DEMO_SPEED="0")
    open_new_chat(page, app)
    parameters = page.locator(".st-key-parameters-button button").first
    parameters.click()
    page.get_by_label("System prompt").fill("Speak like a sailor.")
    page.get_by_role("spinbutton", name="Temperature").fill("0.7")
    page.get_by_role("spinbutton", name="Temperature").press("Tab")
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
    expect(page.get_by_role("spinbutton", name="Temperature")).to_have_value("0.70")
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
