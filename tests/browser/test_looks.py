"""Wide and narrow, light and dark: nothing sticks out, the composer is there; screenshots are kept with the test."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watch
from tests.browser.steps import COMPOSER, Running, ask, open_new_chat, open_page

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        pytest.param(WIDE, "light", id="wide-light"),
        pytest.param(NARROW, "dark", id="narrow-dark"),
        pytest.param(WIDE, "dark", id="wide-dark", marks=pytest.mark.full),
        pytest.param(NARROW, "light", id="narrow-light", marks=pytest.mark.full),
    ],
)
def test_every_page_fits_its_window(
    app: Running, watch: Watch, tmp_path: Path, size: dict[str, int], scheme: str
) -> None:
    page = watch.new_page(viewport=size, color_scheme=scheme)
    open_new_chat(page, app)
    page.screenshot(path=tmp_path / "welcome.png")
    ask(page, "show markdown")
    expect(page.locator(COMPOSER)).to_be_in_viewport()
    page.screenshot(path=tmp_path / "chat.png")
    fits = "() => document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(fits)
    for name in ("usage?demo=true", "settings"):
        open_page(page, app, name)
        expect(page.get_by_role("heading").first).to_be_visible()
        page.screenshot(path=tmp_path / f"{name.partition('?')[0]}.png")
        assert page.evaluate(fits), name
