"""What the page says when the database cannot be used, and that it is well again as soon as the database is."""

from __future__ import annotations

import shutil
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lib.store import open_store
from lib.store.migrations import STEPS
from tests.browser.conftest import ROOT, Parlour, Watch
from tests.browser.steps import answered, say
from tests.store.acts import answered as filled

pytestmark = pytest.mark.browser


class SickParlour(Parlour):
    """Its server runs although its database does not."""

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture
def sick(tmp_path: Path) -> Iterator[SickParlour]:
    parlour = SickParlour(tmp_path, {"PARLOUR_DEMO_SPEED": "0"}, ROOT / "app.py")
    with closing(open_store("", parlour.data_dir)) as store:
        filled(store, "an old chat")
    shutil.copy(parlour.data_dir / "parlour.db", tmp_path / "whole.db")
    yield parlour
    parlour.stop()


@pytest.mark.full
def test_every_illness_has_its_sentence_and_the_cure_works_without_a_restart(
    sick: SickParlour, tmp_path: Path, page: Page, watch: Watch
) -> None:
    watch.forgive_outage()
    watch.forgive(r"503 .*/draft/")  # a draft cannot be kept while the database is gone
    file, whole = sick.data_dir / "parlour.db", (tmp_path / "whole.db").read_bytes()
    file.write_bytes(whole[:5_000])
    sick.start()
    says(page, sick, "The database file is damaged; nothing was changed. Restore a backup")
    assert file.read_bytes() == whole[:5_000]

    file.write_bytes(whole)
    _to_newer(file, 1)
    says(page, sick, "This data was written by a newer Parlour. Update the program")
    _to_newer(file, -1)

    with closing(open_store("", sick.data_dir)):
        says(page, sick, "Another Parlour already uses this data folder. Stop it")

    (sick.data_dir / "parlour.key").write_bytes(b"half a key")
    says(page, sick, "The key file in the data folder is damaged. Restore parlour.key from a backup")
    (sick.data_dir / "parlour.key").unlink()

    page.goto(sick.url)
    expect(page.get_by_text("an old chat").first).to_be_visible()
    say(page, "n=5 first")
    answered(page)

    aside = file.rename(tmp_path / "aside.db")
    say(page, "n=5 second")
    expect(page.get_by_text("The database file was moved or deleted while Parlour runs").first).to_be_visible()
    expect(page.get_by_text("n=5 second").first).to_be_visible()
    assert not file.exists()
    aside.rename(file)
    page.reload()
    say(page, "n=5 third")
    expect(page.get_by_text("n=5 third").first).to_be_visible()
    answered(page, 2)


def says(page: Page, app: Parlour, sentence: str) -> None:
    page.goto(app.url)
    expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
    expect(page.get_by_test_id("stChatInput")).to_have_count(0)


def _to_newer(file: Path, by: int) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        if by > 0:
            connection.execute("INSERT INTO schema_step VALUES (?, 'later', 0)", [STEPS[-1].number + 1])
        else:
            connection.execute("DELETE FROM schema_step WHERE number > ?", [STEPS[-1].number])
