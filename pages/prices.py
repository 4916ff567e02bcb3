"""Prices: what each model costs here, what may be spent, and the papers about it."""

from __future__ import annotations

import streamlit as st

from lib.ui.budget_list import show_budgets
from lib.ui.first_run import connect_before_all
from lib.ui.price_again import show_again
from lib.ui.price_book import show_book
from lib.ui.price_feed import show_feed
from lib.ui.price_many import show_many
from lib.ui.price_place import choose_gateway, choose_part
from lib.ui.price_rules import show_rules
from lib.ui.statement_bills import show_bills
from lib.ui.statement_months import show_statements

OF_A_GATEWAY = {"book": show_book, "add": show_many, "rules": show_rules}
OF_ALL = {"budgets": show_budgets, "statements": show_statements, "bills": show_bills}

connect_before_all()
st.title("Prices", anchor=False)
part = choose_part()
if part in OF_A_GATEWAY:
    gateway = choose_gateway()
    if gateway:
        OF_A_GATEWAY[part](gateway)
elif part == "changes":
    show_again()
    show_feed()
else:
    OF_ALL[part]()
