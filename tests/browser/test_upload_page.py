"""The upload page in a real browser: a look at files, and a batch from its files to the file that is taken away."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import Watch
from tests.browser.steps import (
    COMPOSER,
    FOOTERS,
    Running,
    growing,
    open_page,
    rows,
    say,
    settled,
)
from tests.browser.test_accessibility import in_every_look
from tests.intake import made

pytestmark = pytest.mark.browser

CARDS = ".st-key-attachments .card"
HOSTILE = "<img src=x onerror=alert(1)> **b** :red[x] =1+1.png"
ANSWERS = '[data-testid="stChatMessage"]'


def pictures(count: int, **named: bytes) -> list[FilePayload]:
    """Pictures of different widths, the first of them portrait."""
    found = {f"photo {at}.png": made.png(200 + 60 * at, 300) for at in range(count)} | named
    return [FilePayload(name=name, mimeType="image/png", buffer=data) for name, data in found.items()]


def give(page: Page, files: list[FilePayload]) -> None:
    """As the dialog of the browser would hand them over; wait until all of them are in."""
    page.locator(".st-key-attach .pick").set_input_files(files)
    if len(files) <= 6:
        expect(page.locator(CARDS)).to_have_count(len(files))
    expect(page.locator(f"{CARDS} .bar")).to_have_count(0, timeout=60_000)
    settled(page)


def write_prompt(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="What to ask about each file").fill(text)
    page.keyboard.press("Tab")
    settled(page)


def add_field(page: Page, name: str, kind: str = "", *, required: bool = True) -> None:
    lines = page.locator('[class*="st-key-field-"][class*="-name"] input')
    before = lines.count()
    page.locator(".st-key-add-field button").click()
    expect(lines).to_have_count(before + 1)
    settled(page)
    line = lines.last
    line.fill(name)
    line.press("Tab")
    settled(page)
    if kind:
        page.locator('[class*="st-key-field-"][class*="-type"] input').last.click()
        page.get_by_role("option", name=kind).click()
        settled(page)
    if not required:
        page.locator('[class*="st-key-field-"][class*="-required"] label').last.click()
        settled(page)


def set_number(page: Page, name: str, value: str) -> None:
    field = page.get_by_role("spinbutton", name=name)
    field.fill(value)
    field.press("Enter")
    settled(page)


def start(page: Page) -> str:
    """Start it; the public id of the batch."""
    page.locator(".st-key-batch-start button").click()
    expect(page.locator(".st-key-all-batches")).to_be_visible()
    return page.url.rpartition("batch=")[2]


def progress(page: Page) -> Locator:
    return page.get_by_test_id("stProgress")


def finished(page: Page, count: int) -> None:
    expect(progress(page)).to_contain_text(f"{count} of {count} done", timeout=60_000)
    expect(page.get_by_text("Finished ·")).to_be_visible()
    settled(page)


def results(app: Running, batch: str) -> list[dict[str, object]]:
    """What the database holds, in the order of runs and rows."""
    found = rows(
        app,
        "SELECT s.state, s.cells, s.tries, s.problems FROM batch_result s JOIN batch b ON b.id = s.batch_id "
        "JOIN batch_row r ON r.id = s.row_id WHERE b.public_id = ? ORDER BY s.run_id, r.position",
        batch,
    )
    return [dict(row) | {"cells": json.loads(row["cells"])} for row in found]


def open_batches(page: Page, app: Running) -> None:
    open_page(page, app, "upload?side=batch")
    left = int(rows(app, "SELECT count(*) AS n FROM attachment WHERE place = 'batch'")[0]["n"])
    if left > 6:
        page.get_by_role("button", name="Remove all").click()
        left = 0
    for count in range(left, 0, -1):
        expect(page.locator(CARDS)).to_have_count(count)
        page.locator(CARDS).first.get_by_role("button", name="Remove").click()
    expect(page.locator(CARDS)).to_have_count(0)
    settled(page)


# --- looking ----------------------------------------------------------------------------------------------------------


def test_files_are_looked_at_beside_their_answer_which_goes_on_as_a_conversation(app: Running, page: Page) -> None:
    open_page(page, app, "upload")
    page.get_by_role("button", name="Drop files here").wait_for()
    give(page, [*pictures(1), FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"one\ntwo\n")])
    expect(page.locator(".st-key-look-waiting .thumb img")).to_be_visible()
    say(page, "tps=25 What is in these files?")
    answer = page.locator(ANSWERS).last
    growing(answer, beyond=10)
    assert "look=" in page.url
    expect(page.locator(".st-key-look-sent .thumb img")).to_be_visible()
    page.reload()  # the answer is followed again
    growing(page.locator(ANSWERS).last, beyond=40)
    expect(page.locator(FOOTERS)).to_have_count(1, timeout=30_000)
    settled(page)
    expect(page.locator(ANSWERS).last).to_contain_text("200 × 300 pixels")
    files, words = page.locator(".st-key-look-sent").bounding_box(), page.locator(ANSWERS).last.bounding_box()
    assert files is not None and words is not None
    assert files["x"] + files["width"] <= words["x"]
    page.get_by_role("button", name="Continue as a conversation").click()
    expect(page.locator(COMPOSER)).to_have_attribute("placeholder", "Ask anything")
    expect(page.locator(ANSWERS)).to_have_count(2)
    assert "/upload" not in page.url
    settled(page)
    room = page.get_by_test_id("stMainBlockContainer").bounding_box()
    assert room is not None and room["width"] < 800  # a chat is one column again


def test_a_look_can_be_stopped_and_asked_again(app: Running, page: Page) -> None:
    open_page(page, app, "upload")
    give(page, pictures(1))
    say(page, "tps=5 n=400")
    growing(page.locator(ANSWERS).last, beyond=10)
    page.locator(".st-key-stop button").click()
    expect(page.locator(ANSWERS).last).to_contain_text("Stopped.")
    settled(page)
    page.get_by_role("button", name="Answer again").first.click()
    expect(page.locator(".st-key-stop button")).to_be_visible()
    page.locator(".st-key-stop button").click()
    settled(page)
    page.get_by_role("button", name="Look at other files").click()
    settled(page)
    expect(page.get_by_role("button", name="Drop files here")).to_be_visible()


# --- a batch ----------------------------------------------------------------------------------------------------------


def test_five_pictures_fill_a_table_that_can_be_taken_away_and_run_again(
    app: Running, page: Page, tmp_path: Path
) -> None:
    open_batches(page, app)
    expect(page.get_by_role("button", name="Start")).to_be_disabled()
    give(page, pictures(4, **{HOSTILE: made.png(90, 90)}))
    write_prompt(page, "wait=1 Describe the picture")
    add_field(page, "width", "Whole number")
    add_field(page, "Width")
    expect(page.get_by_text("is there twice")).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_be_disabled()
    page.locator('[class*="st-key-field-"][class*="-gone"] button').last.click()
    expect(page.locator('[class*="st-key-field-"][class*="-name"] input')).to_have_count(1)
    settled(page)
    add_field(page, "colours", "List of texts")
    add_field(page, "seen on", "Date", required=False)
    expect(page.get_by_text("5 files ≈")).to_contain_text("≈ $")
    batch = start(page)
    page.reload()  # it goes on, and the page follows again
    settled(page)
    finished(page, 5)
    found = results(app, batch)
    assert [(row["state"], row["problems"]) for row in found] == [("done", "[]")] * 5
    assert [row["cells"]["width"] for row in found] == [200, 260, 320, 380, 90]  # type: ignore[index]
    page.get_by_text("Download", exact=True).click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    lines = list(csv.DictReader(io.StringIO(Path(taken.value.path()).read_text("utf-8-sig"))))
    assert [line["width"] for line in lines] == ["200", "260", "320", "380", "90"]
    assert lines[0]["colours"].count(";") >= 1
    assert all(line["Cost"].startswith("0.0") for line in lines)
    page.keyboard.press("Escape")
    page.get_by_text("Run again", exact=True).click()
    page.get_by_test_id("stPopoverBody").filter(visible=True).get_by_text("Official").click()
    settled(page)
    page.get_by_role("button", name="Run again").last.click()
    expect(page.get_by_role("radio", name="Compare")).to_be_attached()
    finished(page, 5)
    page.locator(".st-key-batch-runs").get_by_text("Compare", exact=True).click()
    settled(page)
    expect(page.get_by_role("heading", name="Agreement")).to_be_visible()
    expect(page.get_by_role("heading", name="File by file")).to_be_visible()
    assert len(results(app, batch)) == 10


def test_a_row_is_shown_beside_its_file_and_opens_as_a_conversation(app: Running, page: Page) -> None:
    open_batches(page, app)
    give(page, pictures(1, **{HOSTILE: made.png(90, 90)}))
    write_prompt(page, "What is this?")
    start(page)
    finished(page, 2)
    table = page.get_by_test_id("stDataFrame").locator("canvas").first.bounding_box()
    assert table is not None
    page.mouse.click(table["x"] + 16, table["y"] + 36 + 35 + 17)
    shown = page.locator(".st-key-batch-one")
    expect(shown).to_contain_text("90 × 90 pixels")
    expect(shown.get_by_text(HOSTILE)).to_be_visible()
    expect(shown.locator(".thumb img")).to_have_count(1)
    shown.get_by_role("button", name="Open as a conversation").click()
    settled(page)
    expect(page.locator(ANSWERS)).to_have_count(2)
    assert "chat=" in page.url


def test_a_batch_is_paused_resumed_and_stopped(app: Running, page: Page) -> None:
    open_batches(page, app)
    give(page, pictures(4))
    write_prompt(page, "wait=2 What is this?")
    set_number(page, "At the same time", "1")
    batch = start(page)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused;")).to_be_visible()
    expect(progress(page)).to_contain_text("1 of 4 done")
    page.get_by_role("button", name="Resume").click()
    expect(progress(page)).to_contain_text("2 of 4 done")
    page.locator(".st-key-run-stop button").click()
    expect(page.get_by_text("Stopped; 1 file waits.")).to_be_visible()
    expect(page.get_by_role("button", name="Ask again about 1 file")).to_be_visible()
    expect(page.get_by_text("may be billed again")).to_be_visible()
    assert [row["state"] for row in results(app, batch)][:2] == ["done", "done"]
    page.get_by_role("button", name="Resume").click()
    expect(progress(page)).to_contain_text("4 of 4 done")


def test_a_budget_stops_a_batch_before_it_is_crossed(app: Running, page: Page) -> None:
    open_batches(page, app)
    give(page, pictures(6))
    write_prompt(page, "What is this?")
    set_number(page, "At the same time", "1")
    set_number(page, "Budget", "0.01")
    expect(page.get_by_text("The budget")).to_be_visible()
    batch = start(page)
    expect(page.get_by_text("could have crossed the budget")).to_be_visible()
    expect(page.get_by_text("Stopped by the budget ·")).to_contain_text("of $0.01")
    spent = rows(
        app,
        "SELECT coalesce(sum(k.nano), 0) AS nano FROM cost_event k JOIN usage_event u ON u.id = k.event_id "
        "JOIN batch_try t ON t.message_id = u.message_id JOIN batch_run n ON n.id = t.run_id "
        "JOIN batch b ON b.id = n.batch_id WHERE b.public_id = ?",
        batch,
    )
    assert 0 < int(spent[0]["nano"]) <= 10_000_000
    assert "waiting" in [row["state"] for row in results(app, batch)]


def test_what_cannot_be_sent_is_said_before_and_a_model_that_takes_it_is_offered(app: Running, page: Page) -> None:
    open_batches(page, app)
    clip = FilePayload(name="clip.mp4", mimeType="video/mp4", buffer=made.mp4(2))
    give(page, [*pictures(1), clip, FilePayload(name="broken.png", mimeType="image/png", buffer=b"")])
    left_out = page.locator(".st-key-left-out")
    expect(left_out).to_contain_text("2 files will be left out")
    expect(left_out).to_contain_text("takes no video")
    expect(left_out).to_contain_text("This file is empty")
    expect(page.get_by_text("1 file ≈")).to_be_visible()
    left_out.get_by_role("button", name="Use Gemini").first.click()
    settled(page)
    expect(left_out).to_contain_text("1 file will be left out")
    expect(page.get_by_text("2 files ≈")).to_be_visible()
    for count in (3, 2, 1):
        expect(page.locator(CARDS)).to_have_count(count)
        page.locator(CARDS).first.get_by_role("button", name="Remove").click()
    expect(page.locator(CARDS)).to_have_count(0)


def test_many_files_are_a_table_and_no_more_than_sixty_come_in(app: Running, page: Page) -> None:
    open_batches(page, app)
    tiny = made.png(16, 16)
    files = [FilePayload(name=f"{at:02}.png", mimeType="image/png", buffer=tiny) for at in range(62)]
    page.locator(".st-key-attach .pick").set_input_files(files)
    expect(page.get_by_text("60 files", exact=True)).to_be_visible(timeout=120_000)
    expect(page.locator(CARDS, has_text="No more files can wait here")).to_have_count(2)
    settled(page)
    page.get_by_role("button", name="Remove all").click()
    settled(page)
    expect(page.get_by_text("Add some files first.")).to_be_visible()


def test_a_batch_is_deleted_and_brought_back(app: Running, page: Page) -> None:
    open_batches(page, app)
    give(page, pictures(1))
    write_prompt(page, "echo short lived")
    start(page)
    finished(page, 1)
    page.get_by_role("button", name="All batches").click()
    settled(page)
    lines = page.locator(".st-key-batches").get_by_text("echo short lived")
    expect(lines).to_have_count(1)
    page.locator(".st-key-batches").get_by_role("button", name="Delete").first.click()
    expect(lines).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(lines).to_have_count(1)


def test_a_batch_that_was_killed_is_resumed_without_asking_twice(parlour: type, page: Page, watch: Watch) -> None:
    watch.forgive_outage()
    watch.forgive("when disconnected from server")  # the page asks for news every second
    app = parlour(PARLOUR_DEMO_SPEED="0")
    open_batches(page, app)
    give(page, pictures(4))
    write_prompt(page, "wait=2 What is this?")
    set_number(page, "At the same time", "1")
    batch = start(page)
    expect(progress(page)).to_contain_text("1 of 4 done")
    app.kill()
    app.start()
    page.goto(f"{app.url}/upload?batch={batch}")
    settled(page)
    expect(page.get_by_text("This batch was interrupted")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(progress(page)).to_contain_text("4 of 4 done", timeout=60_000)
    asked = rows(app, "SELECT count(*) AS n FROM batch_try")
    assert int(asked[0]["n"]) == 4


def test_no_look_of_the_page_is_hard_to_read_or_wider_than_the_screen(
    app: Running, page: Page, count: Callable[[int, int], int]
) -> None:
    open_page(page, app, "upload")
    found = in_every_look(page, "look", count(1, 2))
    page.set_viewport_size({"width": 1280, "height": 900})
    open_batches(page, app)
    give(page, pictures(2))
    write_prompt(page, "What is this?")
    add_field(page, "width", "Whole number")
    page.mouse.move(0, 0)  # what is under the pointer has the colour of the accent
    found |= in_every_look(page, "batch", count(1, 2))
    page.set_viewport_size({"width": 1280, "height": 900})
    open_batches(page, app)
    give(page, pictures(2))
    write_prompt(page, "What is this?")
    start(page)
    finished(page, 2)
    found |= in_every_look(page, "finished", count(1, 2))
    assert found == {}
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
