"""The usage page: its figures are the ledger's, every figure leads to its requests, and from there to the message."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from lib.money import money
from tests.browser.steps import Running, ask, ledger, open_new_chat, open_page, rows, settled

pytestmark = pytest.mark.browser

BARS = '[data-testid="stVegaLiteChart"] .mark-rect path'
IN_FORCE = "k.seq = (SELECT max(seq) FROM cost_event e WHERE e.event_id = k.event_id)"


def figure(page: Page, name: str) -> Locator:
    metric = page.locator("[data-testid=stMetric]", has=page.get_by_text(name, exact=True))
    return metric.locator("[data-testid=stMetricValue]")


def choose_row(page: Page, table: int, row: int) -> None:
    """Choose a row of a table: its cells are drawn, not elements."""
    settled(page)
    place = page.locator("[data-testid=stDataFrame]").nth(table)
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 17, box["y"] + 35 + 35 * row + 17)
    settled(page)


def test_a_bar_leads_to_its_requests_and_they_lead_to_the_message(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    chat = ask(page, "n=640 a costly answer")
    [row] = ledger(app, chat)
    open_page(page, app, "usage?demo=1&period=7d")
    spent = rows(app, f"SELECT sum(k.nano) AS nano, count(*) AS n FROM cost_event k WHERE {IN_FORCE}")[0]
    expect(figure(page, "Spend")).to_have_text(money(spent["nano"]))
    expect(figure(page, "Requests")).to_have_text(f"{spent['n']:,}")
    page.locator(BARS).first.click()
    expect(page).to_have_url(re.compile("tab=requests"))
    settled(page)
    expect(page.get_by_role("heading", name=f"{spent['n']} request")).to_be_visible()
    choose_row(page, 0, 0)
    expect(page).to_have_url(re.compile(f"request={row['id']}"))
    expect(page.get_by_text("Why it cost that")).to_be_visible()
    expect(page.get_by_text("640 output")).to_be_visible()
    page.get_by_role("link", name="Open its message").click()
    expect(page).to_have_url(re.compile(f"chat={chat}.*at="))
    expect(page.get_by_role("group", name="Chat message from user")).to_contain_text("n=640 a costly answer")
    page.go_back()
    expect(page.get_by_text("Why it cost that")).to_be_visible()


def test_the_numbers_on_the_screen_are_those_of_the_database(app: Running, page: Page) -> None:
    open_page(page, app, "usage")
    page.get_by_role("button", name="Show demo spend").or_(page.get_by_role("button", name="Fill")).last.click()
    settled(page)
    if not rows(app, "SELECT 1 FROM usage_event WHERE gateway_id = -1 LIMIT 1"):
        page.get_by_role("button", name="Fill with demo data").click()
    expect(page.get_by_role("button", name="Remove demo data")).to_be_visible(timeout=60_000)
    open_page(page, app, "usage?demo=1&period=30d&zone=UTC&variant=hc&model=gpt-5.4")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = int((today - timedelta(days=29)).timestamp() * 1000) << 20
    where = f"u.id >= ? AND u.demo = 1 AND u.variant = 'hc' AND u.base = 'gpt-5.4' AND {IN_FORCE}"
    sums = rows(
        app,
        "SELECT count(*) AS n, sum(k.nano) AS nano, sum(u.usage_source = 'estimated') AS guessed, "
        "sum(u.in_uncached + u.in_cache_read + u.in_cache_write_5m + u.in_cache_write_1h) AS asked "
        f"FROM usage_event u JOIN cost_event k ON k.event_id = u.id WHERE {where}",
        since,
    )[0]
    about = "≈ " if sums["guessed"] else ""
    expect(figure(page, "Spend")).to_have_text(about + money(sums["nano"]))
    expect(figure(page, "Requests")).to_have_text(f"{sums['n']:,}")
    expect(figure(page, "Tokens in")).to_have_text(f"{sums['asked']:,}")
    page.get_by_role("radio", name="Requests").click()
    expect(page.get_by_role("heading", name=f"{sums['n']:,} requests")).to_be_visible()


def test_filters_survive_a_reload_and_are_taken_away_one_by_one(app: Running, page: Page) -> None:
    open_page(page, app, "usage?demo=1&period=90d&variant=hc&status=stopped&tab=speed")
    for _ in range(2):
        expect(page.get_by_role("button", name="Variant: Premium pool")).to_be_visible()
        expect(page.get_by_role("button", name="Status: Stopped")).to_be_visible()
        expect(page.get_by_role("radio", name="Speed")).to_be_checked()
        page.reload()
        settled(page)
    page.get_by_role("button", name="Variant: Premium pool").click()
    expect(page.get_by_role("button", name="Variant: Premium pool")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"status=stopped"))
    assert "variant=" not in page.url
    page.go_back()
    expect(page.get_by_role("button", name="Variant: Premium pool")).to_be_visible()


def test_older_and_newer_pages_and_files_hold_exactly_the_filtered_requests(
    app: Running, page: Page, tmp_path: Path
) -> None:
    open_page(page, app, "usage?demo=1&period=30d&tab=requests&variant=low")
    heading = page.get_by_role("heading", name=re.compile(r"[\d,]+ requests?"))
    expect(heading).to_be_visible()
    n = int(re.sub(r"\D", "", heading.inner_text()))
    if n > 25:
        page.get_by_role("button", name="Older").click()
        expect(page).to_have_url(re.compile("page=after-"))
        settled(page)
        page.get_by_role("button", name="Newer").click()
        expect(page).to_have_url(re.compile("page=before-"))
        settled(page)
    page.get_by_role("button", name="Download", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "usage.csv")
    with (tmp_path / "usage.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == n
    assert {line["variant"] for line in lines} <= {"low"}
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    download.value.save_as(tmp_path / "usage.json")
    found = json.loads((tmp_path / "usage.json").read_text())
    assert len(found["requests"]) == n
    assert found["about"]["filter"]["variant"] == ["low"]


def test_demo_data_is_removed_with_a_click_and_the_rest_stays(app: Running, page: Page) -> None:
    before = rows(app, "SELECT count(*) AS n FROM usage_event WHERE gateway_id <> -1")[0]["n"]
    open_page(page, app, "usage?demo=1")
    page.get_by_role("button", name="Remove demo data").click()
    expect(page.get_by_role("button", name="Fill with demo data")).to_be_visible()
    assert rows(app, "SELECT count(*) AS n FROM usage_event WHERE gateway_id = -1")[0]["n"] == 0
    assert rows(app, "SELECT count(*) AS n FROM usage_event")[0]["n"] == before
