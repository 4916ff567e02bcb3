"""A text in its blocks; a very long one in parts, so that no answer can freeze the tab."""

from __future__ import annotations

from bisect import bisect_right

import streamlit as st

from lib.markdown import Diagram, drawn, with_diagrams
from lib.ui.diagram import show_diagram

LONG = 200_000
"""The weight beyond which a text is shown in parts."""
PART = 100_000

_DEAR = {
    "$": 400,
    "\\(": 800,
    "```": 600,
    "~~~": 600,
    "](": 60,
    "http": 40,
    "|": 40,
    ">": 10,
    "- ": 20,
    "[": 25,
    "<": 25,
}
_DEAR |= {"*": 15, "`": 15, "_": 5}
"""What makes the browser work, in characters of prose that are as much work: formulas, code, links, cells, marks."""
_CODE = 3  # every word of code is an element of its own


def show_text(text: str, *, of: str) -> None:
    """Draw it as Markdown. Of a long text the first part, with a button for more; `of` names it in the session."""
    if weight(text) <= LONG:
        _show_blocks(text, of)
        return
    key = f"parts-{of}"
    shown = first_part(text, PART * int(st.session_state.get(key, 1)))
    _show_blocks(shown, of)
    if len(shown) < len(text):
        _show_rest(text, len(shown), key)


def weight(text: str) -> int:
    """How much work it is to draw: the length of prose, more of formulas, code, links and tables."""
    of_letters = _CODE * len(text) if "```" in text or "~~~" in text else len(text)
    return of_letters + sum(text.count(mark) * cost for mark, cost in _DEAR.items())


def first_part(text: str, most: int) -> str:
    """At most `most` by weight, up to a blank line or at least a line's end if there is one in the last tenth."""
    if len(text) <= most and weight(text) <= most:
        return text
    most = bisect_right(range(1, min(len(text), most) + 1), most, key=lambda length: weight(text[:length]))
    for end in ("\n\n", "\n"):
        at = text.rfind(end, most - most // 10, most)
        if at >= 0:
            return text[:at]
    return text[:most]


def _show_blocks(text: str, of: str) -> None:
    with st.container(gap="small"):
        for at, block in enumerate(drawn(text)):
            for number, piece in enumerate(with_diagrams(block)):
                if isinstance(piece, Diagram):
                    show_diagram(piece, key=f"diagram-{of}-{at}-{number}")
                else:
                    st.markdown(piece)


def _show_rest(text: str, shown: int, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Shown: {shown:,} of {len(text):,} characters.")
        st.button("Show more", key=f"more-{key}", icon=":material/expand_more:", on_click=_show_more, args=(key,))
        st.download_button(
            "Download all",
            text,
            "answer.md",
            "text/markdown",
            key=f"whole-{key}",
            icon=":material/download:",
            on_click="ignore",
        )


def _show_more(key: str) -> None:
    st.session_state[key] = int(st.session_state.get(key, 1)) + 1
