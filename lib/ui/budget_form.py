"""The form of a new budget."""

from __future__ import annotations

import streamlit as st
from msgspec import structs

from lib.budgets import WARN_PERCENT, Budget, Period, Scope, Unpriced
from lib.errors import ParlourError
from lib.markdown import label, plain
from lib.money import money_exact, nano_from_text
from lib.store.budget_rows import Kept
from lib.ui.budget_words import PERIODS, SCOPES, budget_words
from lib.ui.notices import notice_for
from lib.ui.price_entry import CURRENCIES
from lib.ui.session import remember, say_once, services

_UNPRICED: dict[Unpriced, str] = {"allow": "Send it", "block": "Do not send it"}
_CHATS = 200
_NO_LIMIT = "A limit is an amount such as 5 or 0.50, with a point for decimals."


def show_budget_form() -> None:
    """Draw it; what is wrong with it is said when it is added."""
    key = f"budget-new-{remember('budgets-saved', 0)}"
    scope: Scope = st.segmented_control(
        "What it limits",
        list(SCOPES),
        default="month",
        required=True,
        wrap=True,
        key=f"{key}-scope",
        format_func=lambda one: SCOPES[one],
    )

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Limit", key=f"{key}-limit", placeholder="5.00", width=130, max_chars=20)
        st.selectbox("Currency", CURRENCIES, key=f"{key}-currency", width=110)
        if scope in ("person", "gateway"):
            st.selectbox(
                "Counted", list(PERIODS), index=1, key=f"{key}-period", width=200,
                format_func=lambda one: PERIODS[one],
            )  # fmt: skip
        if scope in ("conversation", "gateway"):
            _choose_subject(scope, key)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input("Warn at", 1, 100, WARN_PERCENT, key=f"{key}-warn", width=130, help="Percent of the limit")
        st.segmented_control(
            "A request whose price is not known", list(_UNPRICED), default="allow", required=True,
            key=f"{key}-unpriced", format_func=lambda one: _UNPRICED[one],
            help="It cannot be checked. Once the limit is used up it is not sent either way.",
        )  # fmt: skip
    if problem := st.session_state.pop("budget-problem", ""):
        st.error(label(problem), icon=":material/error:")
    st.button("Add budget", type="primary", key=f"{key}-save", on_click=_add, args=(key,))
    st.caption(label(f"Days and months are counted in {services().zone}."))


def _choose_subject(scope: Scope, key: str) -> None:
    names = _gateways() if scope == "gateway" else _chats()
    st.selectbox(
        "Gateway" if scope == "gateway" else "Conversation", list(names), index=None if scope != "gateway" else 0,
        key=f"{key}-subject-{scope}", width=320, placeholder="Choose one", format_func=lambda one: plain(names[one]),
    )  # fmt: skip


def _gateways() -> dict[str, str]:
    return {card.public_id: card.name for card in services().gateways.cards() if not card.demo}


def _chats() -> dict[str, str]:
    found = services().store.conversations.list(services().owner, limit=_CHATS)
    return {one.public_id: one.title or "Without a title" for one in found}


def _add(key: str) -> None:
    state = st.session_state
    limit = _limit_of(state[f"{key}-limit"])
    if limit is None:
        state["budget-problem"] = _NO_LIMIT
        return
    scope: Scope = state[f"{key}-scope"] or "month"
    period: Period = state.get(f"{key}-period") or "month"
    budget = Budget(
        scope,
        limit,
        state[f"{key}-currency"],
        services().zone,
        period,
        str(state.get(f"{key}-subject-{scope}") or ""),
        int(state[f"{key}-warn"]),
        state[f"{key}-unpriced"] or "allow",
    )
    try:
        services().store.budgets.add(services().owner, budget)
    except ParlourError as error:
        state["budget-problem"] = _problem(error)
        return
    state["budgets-saved"] += 1
    say_once(f"Added: {label(budget_words(budget))}.", ":material/check:")


def show_change_form(kept: Kept) -> None:
    """Another limit, and when to warn."""
    key = f"budget-change-{kept.public_id}-{kept.changed_ms}"
    st.text_input("Limit", money_exact(kept.budget.limit_nano), key=f"{key}-limit", max_chars=20, width=160)
    st.number_input("Warn at", 1, 100, kept.budget.warn_percent, key=f"{key}-warn", help="Percent of the limit")
    if problem := st.session_state.pop(f"{key}-problem", ""):
        st.error(label(problem), icon=":material/error:")
    st.button("Save", type="primary", key=f"{key}-save", on_click=_change, args=(kept, key))


def _change(kept: Kept, key: str) -> None:
    state, limit = st.session_state, _limit_of(st.session_state[f"{key}-limit"])
    if limit is None:
        state[f"{key}-problem"] = _NO_LIMIT
        return
    changed = structs.replace(kept.budget, limit_nano=limit, warn_percent=int(state[f"{key}-warn"]))
    try:
        services().store.budgets.change(services().owner, kept.public_id, changed)
    except ParlourError as error:
        state[f"{key}-problem"] = _problem(error)
        return
    say_once(f"Changed: {label(budget_words(changed))}.", ":material/check:")


def _limit_of(text: str) -> int | None:
    return nano_from_text(str(text).strip().lstrip("$¥€£").strip())


def _problem(error: ParlourError) -> str:
    message = error.message
    return f"{message[:1].upper()}{message[1:]}." if error.facts.get("field") else notice_for(error).text
