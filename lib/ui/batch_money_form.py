"""A budget in the currency of the chosen model's price."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from lib.money import currency_symbol
from lib.ui.choice import Choice


def ask_budget(choice: Choice, key: str) -> int | None:
    """The most that may be spent, in nano-units; None without a limit."""
    currency = choice.card.prices.currency if choice.card else "USD"
    value = st.number_input(
        "Budget",
        0.0,
        None,
        None,
        0.10,
        key=key,
        format="%.2f",
        placeholder=f"{currency_symbol(currency).strip()} no limit",
        persist_state="session",
        width=150,
        help="Nothing more is asked when the next answer could cost more than what is left of it.",
    )
    return _nano(value)


def budget_in_force(key: str) -> int | None:
    """The same in a callback, where a click can have brought a change along."""
    return _nano(st.session_state.get(key))


def _nano(value: float | None) -> int | None:
    return None if value is None else int(Decimal(str(value)).scaleb(9))
