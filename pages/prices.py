"""Prices: what each model costs here, what may be spent, and the papers about it."""

from __future__ import annotations

import streamlit as st

from lib.ui.first_run import connect_before_all
from lib.ui.price_place import choose_part

connect_before_all()
st.title("Prices", anchor=False)
part = choose_part()
