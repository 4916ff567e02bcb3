"""Signing in and out in real browsers: who has an account sees their own chats, and nobody else sees anything."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from lib.ids import now_ms
from lib.login.slips import Slip, hand_over
from lib.passwords import Work, hashed
from tests.browser.conftest import Parlour, Watch
from tests.browser.steps import ask, begun, eventually, open_page, rows, say, settled, stored_answers

ROOT = Path(__file__).resolve().parents[2]
PASSWORDS = {
    "Anna": "walnut kettle orchard",
    "Bernd": "seven slow trains",
    "Carla": "copper ladder bay",
    "Dora": "pocket thread stone",
}
WRONG = "This name and this password do not belong together."


def command_line(app: Parlour, *arguments: str) -> None:
    """Beside the running server."""
    command = [sys.executable, "-m", "lib.accounts", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=app.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def home(parlour_of_module: Callable[..., Parlour]) -> Parlour:
    """One Parlour with a few accounts, added while it runs; their passwords are looked at quickly."""
    app = parlour_of_module(PARLOUR_DEMO_SPEED="0")
    for name, password in PASSWORDS.items():
        done = hand_over(app.data_dir, Slip("add", name, hashed(password, Work(4, 1, 1)), now_ms()))
        assert not done.error
    return app


@pytest.fixture
def watch(watch: Watch) -> Watch:
    watch.forgive(r"status of 40[0-9]|status of 429")  # what this page is about
    watch.forgive(r"WebSocket connection")
    return watch


def sign_in(page: Page, app: Parlour, name: str, path: str = "/", password: str | None = None) -> None:
    """From wherever the gate leads to the form, and on to `path`."""
    page.goto(f"{app.url}{path}")
    expect(page.get_by_role("heading", name="Parlour")).to_be_visible()
    fill(page, name, PASSWORDS[name] if password is None else password)


def fill(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def signed_in(watch: Watch, app: Parlour, name: str, path: str = "/") -> Page:
    page = watch.new_page()
    sign_in(page, app, name, path)
    settled(page)
    return page


def test_in_with_the_right_password_and_out_with_everything(home: Parlour, watch: Watch) -> None:
    page = watch.new_page()
    sign_in(page, home, "Anna", "/settings", "not her password")
    expect(page.get_by_role("alert")).to_have_text(WRONG)
    expect(page.get_by_label("Name")).to_have_value("Anna")
    expect(page.get_by_label("Password")).to_have_value("")
    fill(page, "Nobody", "not a password")
    expect(page.get_by_role("alert")).to_have_text(WRONG)
    fill(page, "anna", PASSWORDS["Anna"])
    settled(page)
    assert urlsplit(page.url).path == "/settings"
    expect(page.get_by_text("Signed in as Anna.")).to_be_visible()
    held = [each for each in page.context.cookies() if each["name"].startswith("parlour-")]
    assert [(each["httpOnly"], each["sameSite"], each["path"]) for each in held] == [(True, "Lax", "/")]
    assert "parlour-" not in page.evaluate("() => document.cookie")
    change_password(page, "not her password", "the second password")
    expect(page.get_by_text("This is not your present password.")).to_be_visible()
    change_password(page, PASSWORDS["Anna"], "the second password")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.context.add_cookies(held)  # type: ignore[arg-type]  # the ones a thief had copied
    page.goto(f"{home.url}/settings")
    fill(page, "Anna", "the second password")
    settled(page)
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert page.url == f"{home.url}/login?next=/settings"


def change_password(page: Page, old: str, new: str) -> None:
    if not page.get_by_label("Present password").is_visible():
        page.get_by_text("Change the password").first.click()
    page.get_by_label("Present password").fill(old)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("New password once more").fill(new)
    page.get_by_role("button", name="Change the password").click()


@pytest.mark.full
def test_two_owners_in_two_browsers_see_their_own_only(
    home: Parlour, watch: Watch, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    dora, bernd = signed_in(watch, home, "Dora"), signed_in(watch, home, "Bernd")
    chats = [ask(dora, "DORAS-MARK one"), ask(bernd, "BERNDS-MARK two")]
    paths = ("chats", "settings", "", "usage", "prices", "data")[: count(1, 6)]
    for page, own, other in ((dora, "DORAS-MARK", "BERNDS-MARK"), (bernd, "BERNDS-MARK", "DORAS-MARK")):
        for path in paths:
            open_page(page, home, path)
            assert other not in page.content()
            if path == "chats":
                expect(page.get_by_text(own).first).to_be_visible()
    open_page(bernd, home, f"?chat={chats[0]}")
    assert "DORAS-MARK" not in bernd.content()
    [answer] = stored_answers(home, chats[0])
    asked = "async ([path, method, body]) => (await fetch(path, {method, body})).status"
    theirs = {
        f"/answer/{answer['public_id']}/text": 200,
        f"/draft/{chats[0]}": 200,
        f"/file/{answer['public_id']}/0": 404,
    }
    for path, status in theirs.items():
        assert dora.evaluate(asked, [path, "GET", None]) == status
        assert bernd.evaluate(asked, [path, "GET", None]) == 404
    for path in (f"/draft/{chats[0]}", f"/attachments/{chats[0]}?name=a.txt"):
        assert bernd.evaluate(asked, [path, "PUT", "stolen"]) == 404
    assert rows(home, "SELECT 1 FROM draft WHERE text = 'stolen'") == []
    measured(f"2 owners in 2 browsers, {len(paths)} pages and 5 routes each: 0 foreign markers, 404 for foreign ids")


@pytest.mark.full
def test_a_disabled_account_is_out_everywhere_and_its_answer_stops(
    home: Parlour, watch: Watch, measured: Callable[[str], None]
) -> None:
    writing, idle = signed_in(watch, home, "Carla"), signed_in(watch, home, "Carla")
    say(writing, "n=4000 tps=60 a long one")
    chat = begun(writing)
    command_line(home, "disable", "Carla")
    began = time.monotonic()
    eventually(lambda: [row["state"] for row in stored_answers(home, chat)], ["stopped"])
    took = time.monotonic() - began
    expect(writing.get_by_role("button", name="Sign in")).to_be_visible()
    idle.get_by_role("button", name="New chat").click()
    expect(idle.get_by_role("button", name="Sign in")).to_be_visible()
    fill(idle, "Carla", PASSWORDS["Carla"])
    expect(idle.get_by_role("alert")).to_have_text(WRONG)
    assert took < 5, took
    measured(f"a disabled account: out at its next rerun, its running answer stopped after {took:.1f} s")
