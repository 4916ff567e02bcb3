"""Our own small components: their HTML, CSS and JavaScript lie in `browser/`, one trio per name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).with_name("browser")


def browser_part(name: str, *, isolated: bool = True) -> Any:
    """Register `browser/NAME.html`, `.css` and `.js` (each may be missing) once; the result draws the component.

    `isolated` puts it into a shadow tree of its own, so that no style of the page reaches it.
    """
    sources = {kind: _read(name, kind) for kind in ("html", "css", "js")}
    return st.components.v2.component(f"parlour_{name}", isolate_styles=isolated, **sources)


def _read(name: str, kind: str) -> str | None:
    file = _FOLDER / f"{name}.{kind}"
    return file.read_text(encoding="utf-8") if file.exists() else None
