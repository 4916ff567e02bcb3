"""Prices on the screen: entered, imported, made by rules, put on requests afterwards; budgets, statements and bills."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from msgspec import structs
from playwright.sync_api import Locator, Page, expect

from lib.cards import Prices
from lib.catalogue import load_catalogue
from lib.embedded import EmbeddedGateway
from lib.ids import now_ms
from lib.ledger import Cost
from lib.secret import Secret
from lib.store import open_store
from tests.browser.conftest import Parlour
from tests.browser.steps import (
    FOOTERS,
    ask,
    chat_of,
    eventually,
    open_new_chat,
    open_page,
    rows,
    say,
    settled,
    stored_answers,
)
from tests.pages.spending import asked

pytestmark = pytest.mark.browser

KEY = "sk-browser-0123456789abcdefghijkl"
MODEL = "gpt-5.4-low"
"""The gateway names no price for it."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[EmbeddedGateway]:
    """One that names no prices for its budget variants."""
    cards = [
        structs.replace(card, vendor_prices=Prices()) if card.variant == "low" else card for card in load_catalogue()
    ]
    with EmbeddedGateway(key=Secret(KEY), speed=0, catalogue=cards) as running:
        yield running


@pytest.fixture(scope="module")
def real(parlour_of_module: Callable[..., Parlour], gateway: EmbeddedGateway) -> Parlour:
    return parlour_of_module(OPENAI_BASE_URL=gateway.base_url, OPENAI_API_KEY=KEY, PARLOUR_DEMO="off")


def part(page: Page, app: Parlour, name: str, **more: str) -> None:
    query = "&".join(f"{key}={value}" for key, value in {"part": name, **more}.items())
    open_page(page, app, f"prices?{query}")


def fill(page: Page, label: str, text: str) -> None:
    box = page.get_by_role("textbox", name=label, exact=True)
    box.fill(text)
    box.press("Tab")
    settled(page)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    settled(page)


def choose_model(page: Page, model: str) -> None:
    """The base and the variant that the id names, in the chat's picker."""
    page.locator(".st-key-model-button button").first.click()
    base, variant = page.get_by_role("combobox", name=re.compile("Model")), page.get_by_role("radio")
    base.click()
    page.get_by_role("option", name=re.compile(r"GPT-5\.4$")).click()
    settled(page)
    variant.filter(has_text={"low": "Budget", "hc": "Premium"}[model.rpartition("-")[2]]).click()
    settled(page)
    page.keyboard.press("Escape")


def version(app: Parlour, model: str) -> list[tuple[str, int | None]]:
    """The rows of the price book, the newest last."""
    found = rows(app, "SELECT source, input_pico FROM price_version WHERE model = ? ORDER BY valid_from_ms, id", model)
    return [(row["source"], row["input_pico"]) for row in found]


def warning(page: Page) -> Locator:
    return page.locator("[data-testid=stAlert]")


def test_a_price_in_the_wrong_unit_waits_for_a_confirmation(real: Parlour, page: Page) -> None:
    part(page, real, "book", model=MODEL)
    fill(page, "Input", "900")
    fill(page, "Output", "4500")
    expect(warning(page)).to_contain_text("Not saved until you confirm")
    press(page, "Save price")
    assert version(real, MODEL) == []
    page.get_by_text("It really is input $900.00, output").click()
    settled(page)
    press(page, "Save price")
    eventually(lambda: version(real, MODEL), [("entered", 900_000_000)])
    press(page, "Take my price back")
    eventually(lambda: version(real, MODEL)[-1], ("entered", None))


def test_no_table_offers_a_csv_that_a_spreadsheet_would_run(real: Parlour, page: Page) -> None:
    """Streamlit's own does not guard against formulas; it names the table in its label."""
    part(page, real, "book")
    page.get_by_test_id("stDataFrame").first.hover()
    expect(page.get_by_role("button", name=re.compile("Fullscreen"))).to_be_visible()
    expect(page.get_by_label(re.compile("Download as CSV"))).to_be_hidden()


def test_a_pasted_list_is_seen_before_it_is_kept(real: Parlour, page: Page) -> None:
    part(page, real, "add")
    area = page.get_by_role("textbox", name="Price list")
    area.fill(
        "model, input per 1M, output per 1M\nclaude-opus-4-7-low, 1.50, 7.50\nclaude-haiku-4-5, 900, 4500\nbad, x, 1"
    )
    area.press("Control+Enter")
    settled(page)
    expect(page.get_by_text("1 line left out")).to_be_visible()
    expect(warning(page)).to_contain_text("far from what is known")
    expect(page.get_by_text("1 held back until confirmed.")).to_be_visible()
    press(page, "Save 1 price")
    eventually(lambda: version(real, "claude-opus-4-7-low"), [("entered", 1_500_000)])
    assert [source for source, _ in version(real, "claude-haiku-4-5")] == ["gateway"]


def test_a_rule_prices_a_variant_and_repricing_corrects_what_was_asked(real: Parlour, page: Page) -> None:
    open_new_chat(page, real)
    choose_model(page, MODEL)
    ask(page, "What can Parlour do?")
    unpriced = "SELECT count(*) AS n FROM cost_event WHERE nano IS NULL"
    assert rows(real, unpriced)[0]["n"] == 1

    part(page, real, "changes")
    expect(page.get_by_text("1 request is unpriced.")).to_be_visible()
    part(page, real, "rules")
    page.get_by_role("combobox", name="Variant").click()
    page.get_by_role("option", name="Budget").click()
    fill(page, "costs", "0.3")
    expect(page.get_by_text("It would price")).to_be_visible()
    press(page, "Add rule")
    eventually(lambda: [source for source, _ in version(real, MODEL)][-1], "rule")

    part(page, real, "changes")
    expect(page.get_by_text("can be priced with the prices now valid")).to_be_visible()
    press(page, "Price 1 request")
    expect(page.get_by_text("Every request has a price")).to_be_visible()
    found = rows(real, "SELECT u.in_uncached, u.out_visible, u.out_reasoning, k.nano, k.seq, k.kind, v.input_pico, "
                       "v.output_pico FROM cost_event k JOIN usage_event u ON u.id = k.event_id "
                       "JOIN price_version v ON v.id = k.price_version_id WHERE k.kind = 'reprice'")  # fmt: skip
    assert len(found) == 1
    row = found[0]
    pico = row["in_uncached"] * row["input_pico"] + (row["out_visible"] + row["out_reasoning"]) * row["output_pico"]
    assert (row["nano"], row["seq"]) == ((pico + 500) // 1000, 2)
    total = rows(real, "SELECT sum(cost_nano) AS nano, sum(n_unpriced) AS n FROM conversation_total")[0]
    assert (total["nano"], total["n"]) == (row["nano"], 0)


def test_a_budget_holds_a_message_until_it_is_sent_anyway(real: Parlour, page: Page) -> None:
    part(page, real, "budgets")
    fill(page, "Limit", "0.01")
    press(page, "Add budget")
    eventually(lambda: rows(real, "SELECT count(*) AS n FROM budget")[0]["n"], 1)
    expect(page.get_by_text("$0.01 per month", exact=True)).to_be_visible()

    open_new_chat(page, real)
    choose_model(page, "gpt-5.4-hc")
    before = rows(real, "SELECT count(*) AS n FROM message")[0]["n"]
    say(page, "What can Parlour do?")
    expect(page.get_by_text("Not sent: of the budget of $0.01")).to_be_visible()
    assert rows(real, "SELECT count(*) AS n FROM message")[0]["n"] == before
    page.get_by_role("button", name=re.compile("saves up to")).click()
    expect(page.locator(FOOTERS)).to_have_count(1)
    settled(page)
    assert rows(real, "SELECT model FROM usage_event ORDER BY id DESC LIMIT 1")[0]["model"] == MODEL

    choose_model(page, "gpt-5.4-hc")
    say(page, "And again")
    expect(page.get_by_text("Not sent: of the budget of $0.01")).to_be_visible()
    press(page, "Send this one anyway")
    expect(page.locator(FOOTERS)).to_have_count(2)
    assert rows(real, "SELECT model, over_nano > 0 AS over FROM budget_override")[0]["over"]
    say(page, "And once more")
    expect(page.get_by_text("Not sent: of the budget of $0.01")).to_be_visible()
    press(page, "Discard")
    expect(page.get_by_text("Not sent: of the budget")).to_have_count(0)
    answers = len(stored_answers(real, chat_of(page)))
    page.get_by_role("button", name=re.compile("Answer again")).last.click()
    expect(page.get_by_text("Not sent: of the budget of $0.01")).to_be_visible()
    press(page, "Send this one anyway")
    eventually(lambda: len(stored_answers(real, chat_of(page))), answers + 1)

    part(page, real, "budgets")
    expect(page.get_by_text("Sent over a budget")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("There is no budget yet")).to_be_visible()


def test_a_bill_is_held_against_the_ledger(real: Parlour, page: Page) -> None:
    asked = rows(real, "SELECT id, model, in_uncached, out_visible FROM usage_event ORDER BY id LIMIT 1")[0]
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((asked["id"] >> 20) / 1000))
    bill = (
        "time,model,input tokens,output tokens,cost,request id\n"
        f"{at},{asked['model']},{asked['in_uncached']},{asked['out_visible']},0.05,x1\n"
        f"{at},stranger,10,10,0.02,x2\n"
    )
    part(page, real, "bills")
    area = page.get_by_role("textbox", name="Or paste it")
    area.fill(bill)
    area.press("Control+Enter")
    settled(page)
    expect(page.get_by_text("Read as a table: 2 lines.")).to_be_visible()
    press(page, "Import and compare")
    expect(page.get_by_text("1 line belongs to a request, 0 of them agree exactly. 1 only on the bill")).to_be_visible()
    expect(page.get_by_text("Only on the bill (1)")).to_be_visible()
    press(page, "Delete this import")
    expect(page.get_by_text("No bill was imported yet.")).to_be_visible()


def test_a_month_is_closed_and_verified(real: Parlour, page: Page) -> None:
    real.stop()
    with closing(open_store("", real.data_dir)) as store:
        cost = Cost(nano=5, input_nano=2, output_nano=3, source="gateway")
        asked(store, "gpt-5.4", cost, at_ms=now_ms() - 40 * 86_400_000)
    real.start()
    part(page, real, "statements")
    press(page, "Close this month")
    expect(page.locator(".st-key-statement code")).to_contain_text("sha256")
    press(page, "Verify")
    expect(page.get_by_text("The ledger still says exactly this")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="HTML", exact=True).click()
    assert "<script" not in download.value.path().read_text()
