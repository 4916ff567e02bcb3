"""Your data: take everything out, bring chats in, and see what is shared."""

from __future__ import annotations

import streamlit as st

from lib.ui.transfer_export import show_export
from lib.ui.transfer_import import show_import
from lib.ui.transfer_shares import show_shares

st.header("Your data", anchor=False)
show_export()
show_import()
show_shares()
