"""A Mermaid diagram with its source beside it. Streamlit draws it as an image: nothing in it can run or load anything.

When the source is not valid, the rules of `look.py` hide the error and show the source instead.
"""

from __future__ import annotations

import streamlit as st

from lib.markdown import Diagram


def show_diagram(diagram: Diagram, *, key: str) -> None:
    """The diagram, a button for its source, and the source itself for when there is nothing to draw."""
    with st.container(key=key, gap="small"):
        st.mermaid_chart(diagram.source, width="content")
        with st.popover("Source", icon=":material/code:", type="tertiary", key=f"{key}-source"):
            st.code(diagram.source, language=None)
        st.code(diagram.source, language=None)
