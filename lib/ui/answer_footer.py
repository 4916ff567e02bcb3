"""The row below a message: its line, its versions, and what can be done with it.

One element instead of a widget per deed, so long chats stay light. Copy fetches the stored text by its id and puts
exactly that on the clipboard; nothing of it is in the page twice.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import streamlit as st
from msgspec import Struct

from lib.ui.browser_parts import browser_part, source

_library = browser_part("footer", parts=("js",))
_row = browser_part("footer_row")
_LOOKS = {"html": source("footer", "html"), "css": source("footer", "css")}


class Deed(Struct, frozen=True):
    """Something that can be done: what is told back (`name`, `value`), and how it is shown."""

    name: str
    text: str
    icon: str
    value: str = ""
    note: str = ""


class Group(Struct, frozen=True):
    """Deeds that stand together in the menu."""

    items: tuple[Deed, ...]
    heading: str = ""
    note: str = ""


class Footer(Struct, frozen=True):
    """What the row shows. `detail` is the line's tooltip, `before` and `after` those of its neighbour versions.

    Version `version` (from 1) `of` so many is shown. `copy` is the address of the message's exact text.
    """

    line: str = ""
    detail: str = ""
    copy: str | None = None
    copy_words: str = "Copy answer"
    version: int = 1
    of: int = 1
    before: str = "Previous version"
    after: str = "Next version"
    deeds: tuple[Deed, ...] = ()
    menu: tuple[Group, ...] = ()
    floating: bool = False


def prepare_footers() -> None:
    """Once per page, before the footers: what all of them are made of. Streamlit sends a component's code with every
    single one; 30 messages would carry 300 kB of it."""
    _library(key="rows", data=_LOOKS)


def show_footer(key: str, footer: Footer, on_deed: Callable[[str, str], None]) -> None:
    """Draw it; `on_deed` gets the name and the value of what was chosen: "turn" with "-1" or "1", or a deed's own."""
    _row(
        key=key,
        data=msgspec.to_builtins(footer),
        on_deed_change=lambda: _tell(key, on_deed),
        height="content",
    )


def _tell(key: str, on_deed: Callable[[str, str], None]) -> None:
    """What comes back was written by the browser: two short texts, or nothing is done."""
    told = st.session_state[key].deed
    if isinstance(told, dict):
        on_deed(str(told.get("name", "")), str(told.get("value", "")))
