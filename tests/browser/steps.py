"""What a user does and sees on the screen, and what the database says about it, for the browser tests."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Locator, Page, expect

expect.set_options(timeout=20_000)

IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
MESSAGES = '[data-testid="stChatMessage"]'
FOOTERS = '[class*="st-key-footer-"]'
COMPOSER = '[data-testid="stChatInputTextArea"]'
STOP = ".st-key-stop button"
CONVERSATIONS = ".st-key-conversations button"


class Running(Protocol):
    """A Parlour (`conftest.Parlour`)."""

    url: str
    data_dir: Path


# --- doing ----------------------------------------------------------------------------------------------------------


def open_new_chat(page: Page, app: Running) -> None:
    page.goto(app.url)
    settled(page)


def open_page(page: Page, app: Running, path: str) -> None:
    page.goto(f"{app.url}/{path}")
    settled(page)


def settled(page: Page) -> None:
    """Wait until the script is done and every widget is drawn."""
    page.locator(IDLE).wait_for(timeout=30_000)
    page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')", timeout=30_000)


def say(page: Page, text: str) -> None:
    """Write into the composer and press Enter."""
    composer = page.locator(COMPOSER)
    composer.fill(text)
    composer.press("Enter")


def ask(page: Page, text: str, *, answers: int = 1) -> str:
    """Say it and wait until the `answers`-th answer of this conversation is whole; the conversation's public id."""
    say(page, text)
    return answered(page, answers)


def answered(page: Page, count: int = 1) -> str:
    """Wait until `count` answers are on the screen and nothing runs; the conversation's public id."""
    expect(page.locator(FOOTERS)).to_have_count(count, timeout=30_000)
    settled(page)
    return chat_of(page)


def begun(page: Page) -> str:
    """Wait until an answer runs in a conversation that the URL names; its public id."""
    expect(page.locator(STOP)).to_be_visible()
    return chat_of(page)


def stop(page: Page) -> None:
    page.locator(STOP).click()
    expect(page.locator(STOP)).to_have_count(0)
    settled(page)


def chat_of(page: Page) -> str:
    """The public id of the conversation that the URL names."""
    expect(page).to_have_url(re.compile(r"[?&]chat=[\w-]+"))
    found = re.search(r"[?&]chat=([\w-]+)", page.url)
    assert found is not None
    return found[1]


def last_message(page: Page) -> Locator:
    return page.locator(MESSAGES).last


def seen(place: Locator) -> str:
    """The words a reader sees, with any white space as one space.

    Streamlit's avatar is an icon font's word; our style hides it, but may arrive a moment after the first message.
    """
    return re.sub(r"^(smart_toy|face) ", "", words(place.inner_text()))


def words(text: str) -> str:
    return " ".join(text.split())


def prose(markdown: str) -> str:
    """Markdown of the demo's plain paragraphs as a reader sees it."""
    return words(re.sub(r"(?m)^(#+|-) |[*_`]", "", markdown))


def growing(place: Locator, *, beyond: int, timeout_s: float = 10) -> str:
    """Wait until more than `beyond` characters are seen; what is seen then."""
    deadline = time.monotonic() + timeout_s
    while len(text := seen(place)) <= beyond:
        assert time.monotonic() < deadline, f"it does not grow beyond {beyond}: {text[-200:]!r}"
        time.sleep(0.05)
    return text


# --- what the database says -----------------------------------------------------------------------------------------


def rows(app: Running, sql: str, *values: object) -> list[sqlite3.Row]:
    """Read the database of a running Parlour from outside."""
    with sqlite3.connect(f"file:{app.data_dir / 'parlour.db'}?mode=ro", uri=True, timeout=10) as database:
        database.row_factory = sqlite3.Row
        found = database.execute(sql, values).fetchall()
    database.close()
    return found


def stored_answers(app: Running, chat: str) -> list[sqlite3.Row]:
    """The assistant's messages of a conversation, oldest first: public_id, text, reasoning, state."""
    return rows(
        app,
        "SELECT m.* FROM message m JOIN conversation c ON c.id = m.conversation_id "
        "WHERE c.public_id = ? AND m.role = 'assistant' ORDER BY m.id",
        chat,
    )


def ledger(app: Running, chat: str) -> list[sqlite3.Row]:
    """The usage events of a conversation, oldest first, each with the nano and currency that are in force."""
    return rows(
        app,
        "SELECT u.*, k.nano, k.currency FROM usage_event u JOIN conversation c ON c.id = u.conversation_id "
        "JOIN cost_event k ON k.event_id = u.id "
        "AND k.seq = (SELECT max(seq) FROM cost_event WHERE event_id = u.id) "
        "WHERE c.public_id = ? ORDER BY u.id",
        chat,
    )


def eventually(read: Any, wanted: object, timeout_s: float = 10) -> None:
    """`read()` becomes `wanted`."""
    deadline = time.monotonic() + timeout_s
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, f"still {found!r}, not {wanted!r}"
        time.sleep(0.05)
