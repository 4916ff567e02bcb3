"""What the theme file cannot say, in a few rules that touch only our own keyed containers."""

from __future__ import annotations

import streamlit as st

_RULES = """
<style>
  .st-key-conversations button, .st-key-new-chat button { justify-content: flex-start; text-align: left; }
  .st-key-conversations button { min-height: 2rem; padding-block: 0.15rem; }
  .st-key-conversations button p { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
</style>
"""


def apply_look() -> None:
    """Left-aligned conversation rows: Streamlit centres every button's label and has no setting for it."""
    st.html(_RULES)
