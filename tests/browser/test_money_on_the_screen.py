"""One answer's cost is the same figure in the ledger, below the answer, in the chat's total and on the usage page."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lib.money import money
from tests.browser.steps import FOOTERS, Running, ask, ledger, open_new_chat, open_page, rows, settled

pytestmark = pytest.mark.browser


def spent(app: Running) -> int:
    """The sum of everything in the ledger, nano."""
    found = rows(app, "SELECT sum(k.nano) AS nano FROM cost_event k WHERE k.seq = (SELECT max(seq) FROM cost_event e WHERE e.event_id = k.event_id)")  # fmt: skip
    return int(found[0]["nano"])


def test_the_line_and_the_title_show_what_the_ledger_says(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    chat = ask(page, "n=700 a costly answer")
    [row] = ledger(app, chat)
    assert row["out_visible"] == 700
    footer = page.locator(FOOTERS)
    expect(footer).to_contain_text("→ 700 tokens")
    expect(footer).to_contain_text(f"· {money(row['nano'], row['currency'])}")
    assert "Demo price × reported tokens" in (footer.locator(".line").get_attribute("title") or "")
    ask(page, "n=900 and one more", answers=2)
    both = sum(row["nano"] for row in ledger(app, chat))
    page.locator(".st-key-title-button button").click()
    expect(page.get_by_text(f"Demo spend in this chat: {money(both)}", exact=True)).to_be_visible()


def test_the_usage_page_shows_the_same_sum_and_gives_it_as_csv(app: Running, page: Page, tmp_path: Path) -> None:
    open_new_chat(page, app)
    chat = ask(page, "n=1200 for the report")
    [row] = ledger(app, chat)
    open_page(page, app, "usage")
    expect(page.get_by_text("Its made-up prices count in no total", exact=False)).to_be_visible()
    page.get_by_role("button", name="Show demo spend").click()
    spend = page.locator("[data-testid=stMetric]", has_text="Spend")
    expect(spend.locator("[data-testid=stMetricValue]")).to_have_text(money(spent(app)))
    settled(page)
    page.get_by_role("radio", name="Requests").click()
    page.get_by_role("button", name="Download", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "usage.csv")
    with (tmp_path / "usage.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    counted = rows(app, "SELECT count(*) AS n FROM usage_event")[0]["n"]
    assert len(lines) == counted
    assert any((line["model"], line["out_visible"]) == (row["model"], "1200") for line in lines)
