"""The fixture that fails a browser test when a page asks something of another host does notice it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Parlour, Watch
from tests.browser.steps import open_new_chat

pytestmark = pytest.mark.browser

WITHOUT = {
    "test_hostile_output.py": "counts itself, and more than hosts",
    "test_active_files.py": "counts itself",
    "test_markdown_in_browser.py": "counts itself",
    "test_key_canary.py": "records all that leaves the browser",
}
"""Files whose tests open pages without `watch`, and why."""


@pytest.mark.parametrize(
    "ask",
    [
        "() => { new Image().src = 'http://elsewhere.example/p.png' }",
        pytest.param("() => fetch('https://elsewhere.example/x').catch(() => 0)", marks=pytest.mark.full),
        "() => { new WebSocket('ws://elsewhere.example/x') }",
        "() => { const f = document.createElement('iframe'); f.src = 'http://elsewhere.example'; document.body.append(f) }",
    ],
    ids=["picture", "fetch", "websocket", "frame"],
)
def test_a_request_to_another_host_is_noticed(app: Parlour, watch: Watch, ask: str) -> None:
    page = watch.new_page(bypass_csp=True)
    open_new_chat(page, app)
    assert watch.complaints() == []
    page.evaluate(ask)
    page.wait_for_timeout(300)
    assert any("elsewhere.example" in said for said in watch.complaints())
    watch.outside.clear()
    watch.forgive("elsewhere|ERR_NAME_NOT_RESOLVED|Failed to fetch|WebSocket")


def test_every_browser_test_is_watched(measured: Callable[[str], None]) -> None:
    """A page is opened by `watch`; who takes the browser itself is named above."""
    files = sorted(Path(__file__).parent.glob("test_*.py"))
    bare = {path.name for path in files if re.search(r"\bchromium: Browser\b", path.read_text(encoding="utf-8"))}
    assert bare <= set(WITHOUT)
    measured(
        f"every page of {len(files) - len(WITHOUT)} files of browser tests fails its test when it asks another host"
    )
