"""A key is used for everything that Parlour does, and then looked for in every byte that it sent, showed or wrote.

One gateway is configured by the environment (the embedded one, which behaves), one is typed into the settings (it says
the key wherever it can). The program runs as `streamlit run app.py` with every logger at debug. What may hold a key:
the frames in which its owner typed it, and the one link to CC Switch.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from lib.embedded import EmbeddedGateway
from lib.secret import Secret
from tests.browser.conftest import ROOT, Parlour
from tests.browser.steps import (
    MESSAGES,
    ask,
    begun,
    chat_of,
    eventually,
    growing,
    last_message,
    open_new_chat,
    open_page,
    rows,
    say,
    settled,
    stop,
)
from tests.canary import echoing
from tests.canary.echoing import Echoing
from tests.canary.everything import cells, core_files, descendants, files, is_readable_environment, process_lists
from tests.canary.recording import Recorder, traffic
from tests.canary.searching import TEXTS, Found, Searcher
from tests.gateway.raw_server import RawServer
from tests.intake import made

pytestmark = pytest.mark.browser

FROM_ENVIRONMENT = "sk-CANARY-e8Wd+3n/Yb=7&z<'u%5Hc9pE1nV"
TYPED = 'sk-CANARY-q7Rz+2V/xK=9&m<"w%4TbJ6tYP'
WRONG = "sk-CANARY-w4Ng+8k/Qs=1&j<;r%6Fd0xWR0g"
UNICODE = "sk-CANARY-ключ-u5Zt-ünïcödé-4gM2"
TWO_LINES = "sk-CANARY-n3Lp7second\nsk-CANARY-line-v9Bk2"
KEYS = (FROM_ENVIRONMENT, TYPED, WRONG, UNICODE, *TWO_LINES.split("\n"))
LOUD = ROOT / "tests/canary/loud"
ALERT = "[data-testid=stAlert]"
CARDS = ".st-key-attachments .card"


class House:
    """The running program, the two gateways, what is recorded, and the search in all of it."""

    def __init__(self, app: Parlour, recorder: Recorder, echoing: Echoing, temporary: Path, folder: Path) -> None:
        self.app, self.recorder, self.echoing = app, recorder, echoing
        self.temporary, self.folder = temporary, folder
        self.searcher = Searcher(*KEYS)
        self.searched = 0
        self._clean: set[int] = set()
        self.typed: list[str] = []
        self._seen_frames = self._seen_looks = self._seen_log = 0

    @property
    def page(self) -> Page:
        return self.recorder.page

    def doing(self, act: str) -> None:
        """Look at what the page holds after the act before, and name the next one."""
        self.recorder.look()
        self.recorder.act = act

    def search(self, *more: tuple[str, bytes | str]) -> list[Found]:
        """What was recorded since the last search, without the frames in which a key was typed, and `more`."""
        self.doing("a search")
        frames, self._seen_frames = self.recorder.frames[self._seen_frames :], len(self.recorder.frames)
        looks, self._seen_looks = self.recorder.looks[self._seen_looks :], len(self.recorder.looks)
        log, self._seen_log = self.app.log[self._seen_log :], len(self.app.log)
        found = []
        for frame in frames:
            way = "to the program" if frame.sent else "to the browser"
            hits = self._search(f"a frame {way} at {frame.act}", frame.data)
            if hits and frame.sent and frame.act.startswith("typing"):
                self.typed.append(frame.act)
            else:
                found += hits
        places = [*looks, ("the log", log), *process_lists(self._pid), *more]
        return found + [hit for place, data in places for hit in self._search(place, data)]

    def on_disk(self) -> list[Found]:
        """Every file of the program, every cell of its databases, what it left in its temporary folder."""
        ours = {self.recorder.har}
        databases = [
            path for path in self.folder.rglob("*") if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3"
        ]
        places = [*files(self.folder, but=ours), *(cell for path in databases for cell in cells(path))]
        assert {"parlour.db", "parlour.db-wal", "copy.db"} <= {path.name for path in self.folder.rglob("*")}
        return [hit for place, data in places for hit in self._search(place, data)]

    def _search(self, place: str, data: bytes | str) -> list[Found]:
        if (mark := hash(data)) in self._clean:
            return []
        self.searched += len(data)
        found = self.searcher.search(place, data)
        self._clean |= set() if found else {mark}
        return found

    @property
    def _pid(self) -> int:
        assert self.app.process is not None
        return self.app.process.pid


@pytest.fixture(scope="module")
def house(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("key")
    temporary = folder / "tmp"
    temporary.mkdir()
    with EmbeddedGateway(key=Secret(FROM_ENVIRONMENT), speed=0) as honest, RawServer() as server:
        env = {
            "OPENAI_BASE_URL": honest.base_url,
            "OPENAI_API_KEY": FROM_ENVIRONMENT,
            "ANTHROPIC_BASE_URL": honest.base_url,
            "ANTHROPIC_AUTH_TOKEN": FROM_ENVIRONMENT,
            "PARLOUR_DEMO": "off",
            "PYTHONPATH": str(LOUD),
            "PYTHONFAULTHANDLER": "1",
            "STREAMLIT_LOGGER_LEVEL": "debug",
            "TMPDIR": str(temporary),
        }
        app = Parlour(folder, env, ROOT / "app.py")
        app.start()
        recorder = Recorder(chromium, folder)
        yield House(app, recorder, Echoing(server, TYPED), temporary, folder)
        recorder.close()
        app.stop()


def press(page: Page, name: str, *, exact: bool = True) -> None:
    page.get_by_role("button", name=name, exact=exact).filter(visible=True).first.click()


def enter(page: Page, label: str, text: str) -> None:
    box = page.get_by_role("textbox", name=label, exact=True).filter(visible=True).last
    box.fill(text)
    box.press("Tab")


def try_key(house: House, url: str, key: str, sentence: str) -> None:
    house.recorder.act = f"typing for {sentence}"
    enter(house.page, "Base URL", url)
    enter(house.page, "Key", key)
    press(house.page, "Test connection")
    expect(house.page.locator(ALERT, has_text=sentence)).to_be_visible()
    settled(house.page)


def test_a_typed_key_is_sent_once_for_each_press_and_never_comes_back(house: House) -> None:
    page, url = house.page, house.echoing.base_url
    open_page(page, house.app, "settings")
    page.get_by_text("Add a gateway", exact=True).click()
    tries = [
        (url, UNICODE, "The key contains characters"),
        (url, WRONG, "The gateway does not accept this key."),
        (url.replace("http:", "https:"), WRONG, "certificate is not valid"),
        ("http://nowhere.invalid", WRONG, "The host name of the base URL is not known."),
        (url, TYPED, "Connected."),
    ]
    for address, key, sentence in tries:
        try_key(house, address, key, sentence)
    house.recorder.act = "typing for good"
    enter(page, "Name", "Loose lips")
    page.get_by_text("Messages (Anthropic)", exact=True).filter(visible=True).last.click()
    press(page, "Add gateway")
    expect(page.get_by_text("Saved Loose lips.")).to_be_visible()
    settled(page)
    page.reload()
    settled(page)
    page.get_by_text("Loose lips", exact=True).first.click()
    expect(page.get_by_placeholder(f"Stored, ends in {TYPED[-4:]}")).to_be_visible()
    house.doing("looking at the stored gateway")
    assert house.search() == []
    assert len(house.typed) == len(tries) + 1


# --- chats ---


def choose(page: Page, gateway: str, dialect: str = "") -> None:
    """The gateway (and how it is asked) in the picker of the composer."""
    page.locator(".st-key-model-button button").first.click()
    body = page.get_by_test_id("stPopoverBody").filter(visible=True)
    box = body.get_by_role("combobox", name="Gateway")
    box.click()
    page.get_by_role("option", name=gateway).click()
    settled(page)
    if dialect:
        body.get_by_role("combobox", name="Model").fill("Sonnet" if dialect == "Messages" else "GPT-5.4")
        page.keyboard.press("Enter")
        settled(page)
        body.get_by_text(dialect, exact=True).click()
        settled(page)
    page.keyboard.press("Escape")
    expect(body).to_have_count(0)


def ended(app: Parlour, chat: str) -> int:
    sql = "SELECT count(*) AS n FROM answer a JOIN conversation c ON c.id = a.conversation_id WHERE c.public_id = ? AND a.state <> 'running'"
    return int(rows(app, sql, chat)[0]["n"])


@pytest.mark.parametrize("dialect", ["Chat Completions", pytest.param("Messages", marks=pytest.mark.full)])
def test_a_gateway_that_says_the_key_everywhere_is_not_quoted(
    house: House, dialect: str, count: Callable[[int, int], int]
) -> None:
    page = house.page
    faults = echoing.FAULTS[:: count({"Chat Completions": 4, "Messages": 9}[dialect], 1)]
    open_new_chat(page, house.app)
    choose(page, "Loose lips", dialect)
    house.recorder.act = f"a first word in {dialect}"
    say(page, "hello")
    chat = chat_of(page)
    eventually(lambda: ended(house.app, chat), 1)
    for number, fault in enumerate(faults, 2):
        settled(page)
        house.doing(f"fault {fault} in {dialect}")
        say(page, f"fault {fault}")
        eventually(lambda: ended(house.app, chat), number, timeout_s=20)
    settled(page)
    say(page, "fault slow")
    expect(last_message(page)).to_contain_text("Slowly.")
    stop(page)
    page.reload()
    settled(page)
    assert house.search() == []
    path = "/messages" if dialect == "Messages" else "/chat/completions"
    asked = [echoing.fault_in(r.json) for r in house.echoing.endpoint.requests if r.path.endswith(path)]
    assert [fault for fault in asked if fault] == [*faults, "slow"]  # nothing was asked twice
    assert house.echoing.elsewhere.requests == []


def payload(name: str, data: bytes, kind: str) -> FilePayload:
    return FilePayload(name=name, mimeType=kind, buffer=data)


def give(page: Page, *given: FilePayload) -> None:
    page.locator(".st-key-attach .pick").set_input_files(list(given))
    expect(page.locator(CARDS)).to_have_count(len(given))
    expect(page.locator(f"{CARDS} .bar")).to_have_count(0, timeout=60_000)
    settled(page)


@pytest.mark.full
def test_the_program_that_looks_at_files_has_no_key(house: House) -> None:
    page = house.page
    open_new_chat(page, house.app)
    choose(page, "127.0.0.1")
    house.doing("uploads")
    give(page, payload("a.png", made.png(200, 150), "image/png"), payload("b.mp4", made.mp4(1), "video/mp4"))
    pid = house.app.process.pid if house.app.process else 0
    children = descendants(pid)
    assert children
    assert all(is_readable_environment(child) for child in children)
    assert FROM_ENVIRONMENT.encode() in Path(f"/proc/{pid}/environ").read_bytes()  # where its operator put it
    page.get_by_role("combobox", name="Send b.mp4 as").select_option(index=1)
    expect(page.get_by_text("takes no video")).to_have_count(0)
    settled(page)
    house.doing("asking about files")
    ask(page, "What is in these?")
    assert house.search() == []


@pytest.mark.full
def test_chats_are_changed_searched_exported_imported_and_shared(house: House, tmp_path: Path) -> None:
    page, app = house.page, house.app
    open_new_chat(page, app)
    choose(page, "127.0.0.1")
    ask(page, "echo a quagga")
    house.doing("an edit")
    question = page.locator(f"{MESSAGES}:has(> [aria-label='Chat message from user'])").first
    question.hover()
    question.get_by_role("button", name="Edit").click()
    page.locator(".st-key-editing textarea").fill("n=400 tps=100 a zebra")
    page.locator(".st-key-editing textarea").press("Control+Enter")
    growing(last_message(page), beyond=60)
    house.doing("a stop")
    stop(page)
    house.doing("the older version")
    question.hover()
    question.get_by_role("button", name="Previous version").click()
    expect(last_message(page)).to_contain_text("a quagga")
    house.doing("sharing")
    taken = share(page, tmp_path)
    address = page.get_by_test_id("stPopoverBody").filter(visible=True).locator("code").inner_text().strip()
    page.goto(address)
    house.doing("a search for words")
    open_page(page, app, "chats")
    box = page.locator(".st-key-chat-search input")
    box.fill("quagga")
    box.press("Enter")
    settled(page)
    house.doing("data")
    open_page(page, app, "data")
    for form in ("JSON", "Markdown", "Web page"):
        page.get_by_test_id("stMainBlockContainer").get_by_text(form, exact=True).click()
        settled(page)
        taken.append(downloaded(page, page.locator(".st-key-export-all button"), tmp_path))
    page.locator('input[type="file"]').set_input_files(ROOT / "tests/transfer/fixtures/chatgpt.json")
    page.locator(".st-key-import-go button").click()
    expect(page.get_by_role("button", name="Undo import")).to_be_visible()
    settled(page)
    assert len(taken) == 6
    assert house.search(*((path.name, path.read_bytes()) for path in taken)) == []


def downloaded(page: Page, button: Locator, folder: Path) -> Path:
    with page.expect_download() as download:
        button.first.click()
    path = folder / f"{len(list(folder.iterdir()))}-{download.value.suggested_filename}"
    download.value.save_as(path)
    return path


def share(page: Page, folder: Path) -> list[Path]:
    """The three files of a chat, and a link to it, which stays on the screen."""
    page.locator(".st-key-share-button button").first.click()
    body = page.get_by_test_id("stPopoverBody").filter(visible=True)
    expect(body.get_by_text("Download this chat")).to_be_visible()
    forms = ("json", "markdown", "html")
    found = [downloaded(page, body.locator(f".st-key-download-{form} button"), folder) for form in forms]
    body.locator(".st-key-create-link button").click()
    expect(body.locator("code")).to_contain_text("/share/")
    return found


# --- money, settings, batches ---

PLACES = (
    *("usage?period=30d&tab=overview", "prices?part=book", "settings", "data"),  # the slice
    *(f"usage?period=30d&tab={tab}" for tab in ("tokens", "models", "chats", "speed", "trust")),
    *(f"prices?part={part}" for part in ("add", "rules", "changes", "budgets", "statements", "bills")),
    "chats",
)


@pytest.mark.full
def test_usage_prices_batches_and_the_video_probe_show_no_key(
    house: House, tmp_path: Path, count: Callable[[int, int], int]
) -> None:
    page, app = house.page, house.app
    for place in PLACES[: count(4, 99)]:
        open_page(page, app, place)
        house.doing(place)
    open_page(page, app, "usage?period=30d&tab=requests")
    press(page, "Download")
    taken = [downloaded(page, page.get_by_role("button", name=kind), tmp_path) for kind in ("CSV", "JSON")]
    assert b"gpt-5.4" in taken[0].read_bytes()  # also what the talkative gateway was asked
    house.doing("a batch")
    open_page(page, app, "upload?side=batch")
    give(page, payload("c.png", made.png(90, 60), "image/png"))
    page.get_by_role("textbox", name="What to ask about each file").fill("Describe it")
    page.keyboard.press("Tab")
    settled(page)
    page.locator(".st-key-add-field button").click()
    line = page.locator('[class*="st-key-field-"][class*="-name"] input').last
    line.fill("width")
    line.press("Tab")
    settled(page)
    page.locator(".st-key-batch-start button").click()
    expect(page.get_by_text("Finished ·")).to_be_visible(timeout=60_000)
    settled(page)
    house.doing("the video probe")
    open_page(page, app, "settings")
    page.get_by_text("127.0.0.1", exact=True).first.click()
    page.get_by_text("Video", exact=True).filter(visible=True).first.click()
    press(page, "Find out")
    expect(page.get_by_text("It cost").or_(page.get_by_text("What it cost"))).to_be_visible(timeout=60_000)
    settled(page)
    assert house.search(*((path.name, path.read_bytes()) for path in taken)) == []


def test_the_link_to_cc_switch_is_the_one_place_where_a_key_stands(house: House) -> None:
    page, app, recorder = house.page, house.app, house.recorder
    open_page(page, app, "settings")
    page.get_by_text("Import to CC Switch", exact=True).click()
    settled(page)
    assert house.search() == []
    before = len(recorder.frames)
    recorder.act = "the link"
    page.get_by_role("button", name="Make the link").press("Enter")
    link = page.get_by_test_id("stLinkButton").locator("a")
    expect(link).to_be_visible()
    settled(page)
    address = link.get_attribute("href") or ""
    assert house.searcher.search("the link", address)
    frames = [frame for frame in recorder.frames[before:] if house.searcher.search("", frame.data)]
    assert [(frame.sent, frame.data.count(address.encode())) for frame in frames] == [(False, 1)]
    recorder.frames[before:] = [frame for frame in recorder.frames[before:] if frame not in frames]
    page.reload()
    settled(page)
    expect(link).to_have_count(0)
    assert house.search() == []


# --- bad days ---


@pytest.mark.full
def test_a_locked_database_an_error_page_and_a_crash_show_no_key(
    house: House, count: Callable[[int, int], int]
) -> None:
    page, app = house.page, house.app
    open_new_chat(page, app)
    chat = ask(page, "echo before the crash")
    with sqlite3.connect(app.data_dir / "parlour.db", isolation_level=None) as other:
        kept = other.execute("SELECT params FROM conversation WHERE public_id = ?", (chat,)).fetchone()
        other.execute("UPDATE conversation SET params = '[1' WHERE public_id = ?", (chat,))
        page.goto(f"{app.url}/?chat={chat}")
        expect(page.locator("[data-testid=stException], [data-testid=stAlert]").first).to_be_visible()
        house.doing("an error page")
        other.execute("UPDATE conversation SET params = ? WHERE public_id = ?", (*kept, chat))
        if count(0, 1):
            other.execute("BEGIN EXCLUSIVE")
            open_page(page, app, f"?chat={chat}")
            say(page, "into a locked database")
            expect(page.get_by_text("The database is busy").first).to_be_visible(timeout=60_000)
            house.doing("a locked database")
            other.execute("ROLLBACK")
    other.close()
    assert "Traceback" in app.log
    open_page(page, app, f"?chat={chat}")
    say(page, "n=2000 tps=100 killed")
    begun(page)
    growing(last_message(page), beyond=40)
    house.doing("a crash")
    assert house.search() == []
    app.kill()
    app.start()
    page.goto(f"{app.url}/?chat={chat}")
    settled(page)
    expect(last_message(page)).to_contain_text("Parlour was closed")
    assert core_files(house.folder) == []
    assert house.search() == []


def run(house: House, *command: str, **env: str) -> str:
    """A command of Parlour's; what it printed, on both ways out."""
    ran = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**house.app.env, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.stdout + ran.stderr


def test_commands_print_no_key(house: House, count: Callable[[int, int], int]) -> None:
    url, folder = house.echoing.base_url, house.folder
    asked = ["lib.ask", "--base-url", url, "--model", "gpt-5.4", "--key-env", "HELD"]
    said = {name: run(house, *asked, f"fault {name}", HELD=TYPED) for name in echoing.FAULTS[: count(1, 5)]}
    if count(0, 1):
        said["models"] = run(house, *asked, "--models", HELD=TYPED)
    for name, key in list({"two lines": TWO_LINES, "wrong": WRONG, "unicode": UNICODE}.items())[: count(1, 3)]:
        said[name] = run(house, *asked, "hello", HELD=key)
    said["start"] = run(house, "streamlit", "run", "app.py", "--server.port", "0", OPENAI_API_KEY=TWO_LINES)
    assert "Not started: OPENAI_API_KEY" in said["start"]
    said["backup"] = run(house, "lib.backup", str(folder / "copy.db"))
    assert "Copied to" in said["backup"]
    assert all("{" in words for name, words in said.items() if name not in ("start", "backup"))
    assert house.search(*said.items()) == []


def test_nothing_was_written_down_or_sent(house: House, measured: Callable[[str], None]) -> None:
    """After everything: the whole traffic over HTTP, every file, every cell, the temporary folder."""
    house.recorder.close()
    sent = [hit for place, data in traffic(house.recorder.har) for hit in house._search(place, data)]
    found = house.search() if house.recorder.context.pages else []
    assert sent + found + house.on_disk() == []
    assert house.echoing.heard == {TYPED, WRONG}
    assert [path for path in house.temporary.rglob("*") if path.is_file()] == []
    measured(
        f"{house.searched / 1e6:.0f} MB searched for {len(KEYS)} keys in {len(TEXTS) + 6} forms: 0 copies; the keys were in "
        f"{len(house.typed)} frames when they were typed, and in 1 frame as the link to CC Switch"
    )
