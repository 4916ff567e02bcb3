"""axe-core finds no serious violation on any page: wide and narrow, light and dark, with the conversation running too.

What lies in Streamlit's own widgets and cannot be reached from here is listed in `KNOWN`, as narrowly as axe names it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.steps import Running, ask, begun, open_new_chat, open_page, say, stop

pytestmark = pytest.mark.browser

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
SIZES: dict[str, ViewportSize] = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}
SERIOUS = frozenset({"serious", "critical"})

KNOWN: tuple[tuple[str, str], ...] = (
    # A code block with a long line scrolls sideways, and Streamlit gives its <pre> no tabindex.
    ("scrollable-region-focusable", '<pre class="st-emotion-cache-'),
)
"""(rule, part of the element's HTML): Streamlit's own."""

CODE = f"""| a | b |
|---|---|
| 1 | 2 |

```python
# words
@cached
def f(x: int) -> bool:
    return "{"long " * 60}" + str(5.2) or True
```

```json
{{"a": [1, null, true]}}
```

```bash
ls -la $HOME | grep x
```
"""

RUN = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"

SETTLED = """scheme =>
  getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === scheme
  && !document.getAnimations().some(one => one instanceof CSSTransition)"""


def violations(page: Page) -> list[str]:
    """Serious and critical ones, each with its rule and the beginning of the element."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)  # as a script tag the page's policy would not let it run
    found: list[dict[str, Any]] = page.evaluate(RUN)
    return [
        f"{rule['id']}: {node['html'][:300]} | {(node.get('failureSummary') or '')[:400]}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
        if not any(rule["id"] == known and part in node["html"] for known, part in KNOWN)
    ]


def in_every_look(page: Page, place: str, schemes: int) -> dict[str, list[str]]:
    """The violations of what is on the screen, wide and narrow, light and dark; with one scheme wide-light, narrow-dark."""
    found = {}
    for (name, size), order in zip(SIZES.items(), (("dark", "light"), ("light", "dark")), strict=True):
        if page.viewport_size != size:
            page.set_viewport_size(size)
            page.reload()  # the sidebar of a wide page would lie over a narrow one
            drawn(page)
        for scheme in order[-schemes:]:
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(SETTLED, arg=scheme)
            found[f"{place}, {name}, {scheme}"] = violations(page)
    return {look: those for look, those in found.items() if those}


def drawn(page: Page) -> None:
    """The page has its words, whether its script is done or follows an answer."""
    expect(page.locator("h1, h2, h3, [data-testid=stChatMessage]").filter(visible=True).first).to_be_visible()
    page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")


def test_a_chat_has_no_serious_violation(app: Running, page: Page, count: Callable[[int, int], int]) -> None:
    open_new_chat(page, app)
    found = in_every_look(page, "new chat", count(1, 2))
    ask(page, "show markdown")
    ask(page, f"echo\n\n{CODE}", answers=2)
    found |= in_every_look(page, "conversation", count(1, 2))
    page.locator(".st-key-model-button button").first.click()
    expect(page.get_by_test_id("stPopoverBody").filter(visible=True)).to_be_visible()
    page.wait_for_function(SETTLED, arg="dark")
    picker = violations(page)
    page.keyboard.press("Escape")
    say(page, "n=4000 tps=60 a long one")
    begun(page)
    found |= in_every_look(page, "streaming", count(1, 2))
    stop(page)
    assert (found, picker) == ({}, [])


def test_no_other_page_has_a_serious_violation(app: Running, page: Page, count: Callable[[int, int], int]) -> None:
    open_new_chat(page, app)
    ask(page, "hello")
    found: dict[str, list[str]] = {}
    for name in ("usage?demo=true", "settings", "chats", "prices", "prices?part=rules", "prices?part=budgets"):
        page.set_viewport_size(SIZES["wide"])
        open_page(page, app, name)
        drawn(page)
        found |= in_every_look(page, name, count(1, 2))
    assert found == {}
