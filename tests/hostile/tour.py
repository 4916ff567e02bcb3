"""A walk through every place of the app that shows words of others, with a look at the page in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from playwright.sync_api import Error, Page, expect

from tests.browser.steps import COMPOSER, FOOTERS, STOP, open_page, settled
from tests.hostile.filled import Filled
from tests.hostile.watching import Reader

CLOSED = "[data-testid=stMain] details:not([open]) > summary"
POPOVER = "[data-testid=stPopoverBody]"


class House(NamedTuple):
    """A running app whose folder was filled, and how much of each list is to be seen."""

    url: str
    filled: Filled
    chats: Sequence[str]
    pages_of_list: int
    asked: Sequence[str]


Place = Callable[[Reader, House], None]


def tour(reader: Reader, house: House, places: dict[str, Place]) -> Iterator[str]:
    """Goes there, looks, and says where it was."""
    for name, place in places.items():
        try:
            place(reader, house)
        except (Error, AssertionError) as trouble:
            raise AssertionError(f"in {name}: {trouble}") from trouble
        reader.audit()
        yield name


def at(reader: Reader, house: House, path: str) -> Page:
    reader.page.goto(f"{house.url}/{path}")
    settled(reader.page)
    return reader.page


def open_all(page: Page, most: int = 60) -> None:
    """Every closed part of the page, one after the other."""
    for _ in range(most):
        closed = page.locator(CLOSED)
        if not closed.count():
            return
        closed.first.click()
        settled(page)


PARTS = 3
"""What takes longest is walked in so many parts."""


def stored_chats(reader: Reader, house: House, part: int = 0) -> None:
    for chat in house.chats[part::PARTS]:
        page = at(reader, house, f"?chat={chat}")
        expect(page.locator(FOOTERS)).to_have_count(1, timeout=30_000)
        open_all(page)
        menu = page.locator("[class*=st-key-files-] [data-testid=stPopover] button")
        if menu.count():
            menu.first.click()
            settled(page)
        reader.audit()
        page.keyboard.press("Escape")
        page.locator("[class*=st-key-files-] button.thumb").first.click()  # large, with its caption
        reader.audit()


def failed_answers(reader: Reader, house: House) -> None:
    page = at(reader, house, f"?chat={house.filled.failed}")
    expect(page.get_by_text("The gateway says").last).to_be_visible()


def sidebar(reader: Reader, house: House) -> None:
    page = at(reader, house, "")
    for _ in range(house.pages_of_list):
        more = page.locator(".st-key-more-chats button")
        if not more.count():
            break
        more.click()
        settled(page)
    reader.audit()
    page.locator("[data-testid=stSidebar] details:not([open]) > summary").first.click()
    settled(page)


def list_of_chats(reader: Reader, house: House) -> None:
    page = at(reader, house, "chats")
    for _ in range(min(house.pages_of_list, 6)):
        more = page.locator(".st-key-more-hits button")
        if not more.count():
            break
        more.click()
        settled(page)
    boxes = page.locator(".st-key-found [data-testid=stCheckbox]")
    boxes.first.click()
    settled(page)


def hits(reader: Reader, house: House) -> None:
    for words in ("hit", "img src", "javascript", "http"):
        page = at(reader, house, f"chats?q={words}")
        reader.audit()
    page.locator(".st-key-found button").first.click()
    settled(page)


def trash(reader: Reader, house: House) -> None:
    page = at(reader, house, "chats")
    page.get_by_text("Trash", exact=True).click()
    settled(page)


def picker(reader: Reader, house: House) -> None:
    page = at(reader, house, "")
    page.locator(".st-key-model-button button").click()
    expect(page.locator(POPOVER)).to_be_visible()
    for name in ("Model", "Gateway"):
        box = page.locator(POPOVER).get_by_role("combobox", name=name)
        box.click()
        for _ in range(house.pages_of_list + 2):
            page.get_by_role("option").last.hover()
            page.mouse.wheel(0, 900)
            reader.audit()
        page.keyboard.press("Escape")
    if not page.locator(POPOVER).count():
        page.locator(".st-key-model-button button").click()
    page.locator(POPOVER).get_by_role("combobox", name="Model").press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settled(page)


def presets(reader: Reader, house: House) -> None:
    page = at(reader, house, "")
    page.locator(".st-key-parameters-button button").click()
    box = page.locator(POPOVER).get_by_role("combobox", name="Presets")
    box.click()
    page.get_by_role("option").last.hover()
    page.mouse.wheel(0, 3000)
    reader.audit()
    page.get_by_role("option").first.click()
    settled(page)
    reader.audit()
    page.locator(POPOVER).get_by_role("button", name="Delete").click()
    expect(page.locator("[data-testid=stToast]").first).to_be_visible()  # a toast with the name in it


def settings(reader: Reader, house: House) -> None:
    page = at(reader, house, "settings")
    open_all(page, house.pages_of_list + 1)


def usage(reader: Reader, house: House) -> None:
    for tab in ("overview", "models", "tokens", "chats", "speed", "requests"):
        page = at(reader, house, f"usage?tab={tab}")
        bars = page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")
        if bars.count():
            bars.first.hover()
        for table in page.locator("[data-testid=stDataFrame]:visible").all()[:2]:
            table.scroll_into_view_if_needed()
            table.click(position={"x": 60, "y": 55})
            settled(page)
        reader.audit()
    page.goto(f"{house.url}/usage?tab=requests")
    settled(page)
    page.locator("[data-testid=stDataFrame]:visible").first.click(position={"x": 17, "y": 52})
    settled(page)
    open_all(page)


def prices(reader: Reader, house: House) -> None:
    for part in ("book", "add", "rules", "changes", "budgets", "statements", "bills"):
        page = at(reader, house, f"prices?part={part}")
        open_all(page, 3)
        reader.audit()


def upload(reader: Reader, house: House) -> None:
    at(reader, house, "upload")
    reader.audit()
    at(reader, house, "upload?side=batch")


def batch(reader: Reader, house: House) -> None:
    page = at(reader, house, f"upload?batch={house.filled.batch}")
    open_all(page)
    table = page.locator("[data-testid=stDataFrame]").first
    for row in range(min(house.pages_of_list + 2, 8)):
        table.scroll_into_view_if_needed()
        table.click(position={"x": 17, "y": 52 + 35 * row})
        settled(page)
        page.locator(".st-key-batch-one").wait_for()
        reader.audit()


def data(reader: Reader, house: House) -> None:
    open_page(reader.page, house, "data")  # type: ignore[arg-type]


def live(reader: Reader, house: House, part: int = 0) -> None:
    """Each text as an answer that is being written, looked at meanwhile, and when it is there."""
    for words in house.asked[part::PARTS]:
        page = at(reader, house, "")
        composer = page.locator(COMPOSER)
        composer.fill(words)
        composer.press("Enter")
        for _ in range(40):
            reader.audit()
            if page.locator(FOOTERS).count() and not page.locator(STOP).count():
                break
            page.wait_for_timeout(150)
        settled(page)
        open_all(page)
        reader.audit()


ANSWERS = "answers, questions, thoughts, files and captions"
LIVE = "answers while they are written, thoughts, errors, tool calls, unknown events"
PLACES: dict[str, Place] = {
    **{f"{ANSWERS} ({n + 1} of {PARTS})": partial(stored_chats, part=n) for n in range(PARTS)},
    "errors of a gateway": failed_answers,
    "titles beside the page, folders": sidebar,
    "titles in the list, tags": list_of_chats,
    "search hits": hits,
    "the trash": trash,
    "models and gateways to choose": picker,
    "presets and a toast": presets,
    "names of gateways": settings,
    "usage": usage,
    "prices, rules, statements, bills": prices,
    "files that wait, batches": upload,
    "a batch with its table and its files": batch,
    "shared links": data,
    **{f"{LIVE} ({n + 1} of {PARTS})": partial(live, part=n) for n in range(PARTS)},
}
