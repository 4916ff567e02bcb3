"""Taking chats out, bringing them in, and showing one to somebody else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.steps import MESSAGES, Running, ask, ledger, open_new_chat, open_page, rows, seen, settled

pytestmark = pytest.mark.browser
SHARE = ".st-key-share-button button"
MENU = '[data-testid="stPopoverBody"]'


def downloaded(page: Page, button: str, folder: Path) -> Path:
    """The file behind a button."""
    with page.expect_download() as download:
        page.locator(f".st-key-{button} button").first.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def open_menu(page: Page) -> None:
    page.locator(SHARE).first.click()
    expect(page.locator(MENU).get_by_text("Download this chat")).to_be_visible()


def make_link(page: Page) -> str:
    """Create a link and read its address."""
    page.locator(".st-key-create-link button").click()
    code = page.locator(MENU).locator("code")
    expect(code).to_contain_text("/share/")
    return code.inner_text().strip()


def import_file(page: Page, app: Running, path: Path) -> None:
    open_page(page, app, "data")
    page.locator('input[type="file"]').set_input_files(path)
    page.locator(".st-key-import-go button").click()
    expect(page.get_by_role("button", name="Undo import")).to_be_visible()
    settled(page)


def transcript(page: Page) -> list[str]:
    """What a reader sees, message by message, without how fast each answer came."""
    return [re.sub(r"[\d.]+ (s to first word|tokens/s)", "", seen(each)) for each in page.locator(MESSAGES).all()]


def test_a_chat_moves_to_another_installation_and_back_out(
    parlour: Callable[..., Running], page: Page, watch: Watch, tmp_path: Path
) -> None:
    old, new = parlour(PARLOUR_DEMO_SPEED="0"), parlour(PARLOUR_DEMO_SPEED="0")
    open_new_chat(page, old)
    chat = ask(page, "echo **bold** words and `code`")
    ask(page, "echo the second", answers=2)
    before = transcript(page)
    open_menu(page)
    path = downloaded(page, "download-json", tmp_path)
    assert path.name == "echo-bold-words-and-code.json"
    file = json.loads(path.read_text())
    assert (file["format"], file["conversations"][0]["id"]) == ("parlour", chat)

    there = watch.new_page()
    import_file(there, new, path)
    expect(there.get_by_text("Imported 1 chat.")).to_be_visible()
    there.goto(f"{new.url}/?chat={chat}")
    expect(there.locator(MESSAGES)).to_have_count(4)
    settled(there)
    assert transcript(there) == before
    assert [row["nano"] for row in ledger(new, chat)] == [row["nano"] for row in ledger(old, chat)]
    ask(there, "echo it goes on", answers=3)

    import_again(there, new, path)
    open_page(there, new, "data")
    there.get_by_role("button", name="Undo import").click()
    expect(there.get_by_text("you went on with them")).to_be_visible()
    assert len(rows(new, "SELECT id FROM conversation WHERE deleted_ms IS NULL")) == 1


def import_again(page: Page, app: Running, path: Path) -> None:
    """The same file is recognised."""
    open_page(page, app, "data")
    page.locator('input[type="file"]').set_input_files(path)
    expect(page.get_by_text("1 chat here already, left alone.")).to_be_visible()
    expect(page.locator(".st-key-import-go")).to_have_count(0)


def test_everything_leaves_in_one_zip_without_a_key(app: Running, page: Page, tmp_path: Path) -> None:
    open_new_chat(page, app)
    ask(page, "echo all together")
    open_page(page, app, "data")
    path = downloaded(page, "export-all", tmp_path)
    assert re.fullmatch(r"parlour-\d{4}-\d\d-\d\d-json\.zip", path.name)
    open_page(page, app, "data")
    page.locator('input[type="file"]').set_input_files(path)
    expect(page.get_by_text("here already, left alone.")).to_be_visible()


def test_an_export_of_another_program_is_looked_at_taken_and_undone(app: Running, page: Page) -> None:
    fixture = Path(__file__).parents[1] / "transfer/fixtures/chatgpt.json"
    open_page(page, app, "data")
    page.locator('input[type="file"]').set_input_files(fixture)
    expect(page.get_by_text("2 chats with 6 messages")).to_be_visible()
    expect(page.get_by_text("your spend does not change")).to_be_visible()
    page.locator(".st-key-import-go button").click()
    expect(page.get_by_text("Imported 2 chats.")).to_be_visible()
    open_new_chat(page, app)
    page.locator(".st-key-conversations button", has_text="Bread with rye").click()
    expect(page.get_by_text("80 % of the flour's weight, so 400 g.")).to_be_visible()
    open_page(page, app, "data")
    page.get_by_role("button", name="Undo import").click()
    expect(page.get_by_text("The import was undone.")).to_be_visible()
    expect(page.locator(".st-key-conversations button", has_text="Bread with rye")).to_have_count(0)


def test_a_file_that_is_nothing_is_refused_with_a_reason(app: Running, page: Page, tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text('"a shopping list"')
    open_page(page, app, "data")
    page.locator('input[type="file"]').set_input_files(path)
    expect(page.get_by_text("Nothing in this file looks like chats")).to_be_visible()


def test_a_link_opens_without_the_app_and_ends_when_revoked(app: Running, page: Page, watch: Watch) -> None:
    open_new_chat(page, app)
    chat = ask(page, "echo <script>document.title='x'</script> ![p](https://evil.example/p.png) for **you**")
    open_menu(page)
    address = make_link(page)
    assert address.startswith(f"{app.url}/share/")

    guest = watch.new_page(java_script_enabled=False)
    asked: list[str] = []
    guest.on("request", lambda request: asked.append(request.url))
    answer = guest.goto(address)
    assert answer is not None and answer.status == 200
    expect(guest.get_by_text("A snapshot of")).to_be_visible()
    expect(guest.locator("article.assistant strong")).to_have_text("you")
    assert guest.locator("script, img, iframe, link").count() == 0
    assert [url for url in asked if not url.endswith("/favicon.ico")] == [address]
    assert "tokens" not in guest.locator("main").inner_text()  # no costs unless chosen

    token = address.rpartition("/")[2]
    assert token not in app.log
    assert not [row for row in rows(app, "SELECT token_hash, title FROM share") if token in tuple(row)]

    watch.forgive(r"404 \(Not Found\)")
    page.locator(MENU).get_by_role("button", name="Revoke").click()
    expect(page.locator(MENU).get_by_role("button", name="Revoke")).to_have_count(0)
    gone = guest.goto(address)
    assert gone is not None and gone.status == 404
    expect(guest.get_by_text("Nothing here")).to_be_visible()
    assert chat


def test_deleting_a_chat_ends_its_links(app: Running, page: Page, watch: Watch) -> None:
    open_new_chat(page, app)
    ask(page, "echo soon gone")
    open_menu(page)
    address = make_link(page)
    page.keyboard.press("Escape")
    page.locator(".st-key-title-button button").click()
    page.get_by_role("button", name="Delete chat").first.click()
    expect(page.get_by_text("Deleted “echo soon gone”.")).to_be_visible()
    watch.forgive(r"404 \(Not Found\)")
    guest = watch.new_page()
    gone = guest.goto(address)
    assert gone is not None and gone.status == 404


def test_links_are_listed_with_all_data(app: Running, page: Page) -> None:
    open_new_chat(page, app)
    ask(page, "echo shown to others")
    open_menu(page)
    make_link(page)
    open_page(page, app, "data")
    expect(page.get_by_text("echo shown to others · made")).to_be_visible()
    page.get_by_role("button", name="Revoke").first.click()
    expect(page.get_by_text("Revoked. The link leads nowhere now.")).to_be_visible()
