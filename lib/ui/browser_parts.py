"""Our own small components: their HTML, CSS and JavaScript lie in `browser/`, one trio per name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).with_name("browser")


def browser_part(name: str, *, parts: tuple[str, ...] = ("html", "css", "js"), isolated: bool = True) -> Any:
    """Register `browser/NAME.html`, `.css` and `.js` (each may be missing); the result draws the component.

    `isolated` puts it into a shadow tree of its own, so that no style of the page reaches it.
    """
    sources = {kind: source(name, kind) or None for kind in parts}
    return st.components.v2.component(f"parlour_{name}", isolate_styles=isolated, **sources)


def source(name: str, kind: str) -> str:
    """The text of one of the files; empty when there is none."""
    file = _FOLDER / f"{name}.{kind}"
    return file.read_text(encoding="utf-8") if file.exists() else ""
