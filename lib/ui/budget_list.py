"""Budgets: how far each is used up, resting and removing them, and the messages that were sent over one."""

from __future__ import annotations

import streamlit as st

from lib.errors import NotFound, ParlourError
from lib.markdown import label, plain
from lib.money import money
from lib.store.budget_rows import Override, Standing
from lib.transfer.words import time_words
from lib.ui.budget_form import show_budget_form, show_change_form
from lib.ui.budget_words import SCOPES, budget_words, limit_words, percent_used, standing_words
from lib.ui.notices import notice_for
from lib.ui.session import remember, say_once, services


def show_budgets() -> None:
    """Draw them."""
    st.caption(
        "A budget is checked before a message is sent. It warns first, then says no; each running answer holds back "
        "the most it may cost, so that several at once stay within it. The demo falls under none."
    )
    standings = services().store.budgets.standings(services().owner)
    for standing in standings:
        _show_budget(standing)
    if not standings:
        st.markdown("There is no budget yet: nothing limits what may be spent.")
    with st.expander("Add a budget", icon=":material/add:", expanded=not standings, key=_form_key()):
        show_budget_form()
    _show_overrides()


def _form_key() -> str:
    """Another one after each budget that was added, so that the form closes."""
    return f"budget-form-{remember('budgets-saved', 0)}"


def _show_budget(standing: Standing) -> None:
    kept, key = standing.kept, f"budget-{standing.kept.public_id}"
    used = percent_used(standing)
    with st.container(border=True, key=f"{key}-box"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{label(budget_words(kept.budget))}**", width="content")
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                st.toggle("In force", kept.active, key=key, on_change=_switch, args=(standing,))
                with st.popover("Change", icon=":material/edit:", type="tertiary", key=f"{key}-change"):
                    show_change_form(kept)
                st.button(
                    "Delete", icon=":material/delete:", type="tertiary", key=f"{key}-delete",
                    on_click=_remove, args=(standing,),
                )  # fmt: skip
        st.progress(min(100, used) / 100, text=_progress_words(standing, used))
        st.caption(label(standing_words(standing), limit=300))
        if standing.n_unpriced:
            n = standing.n_unpriced
            then = "sends" if kept.budget.unpriced == "allow" else "does not send"
            st.caption(
                f"{n:,} request{'s' * (n != 1)} without a known price not counted. It {then} what it cannot check."
            )
        if standing.uncertain_nano:
            amount = money(standing.uncertain_nano, kept.budget.currency)
            st.caption(label(f"Of it {amount} is the most that requests without a known cost may have cost."))
            st.button("Count nothing for them", type="tertiary", key=f"{key}-certain", on_click=_forget_uncertain)


def _forget_uncertain() -> None:
    try:
        services().store.budgets.forget_uncertain(services().owner)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")


def _progress_words(standing: Standing, used: int) -> str:
    if not standing.kept.active:
        return f"{used} % used, resting"
    if used >= 100:
        return f":material/block: {used} % used: nothing more is sent"
    if used >= standing.kept.budget.warn_percent:
        return f":material/warning: {used} % used"
    return f"{used} % used, warns at {standing.kept.budget.warn_percent} %"


def _switch(standing: Standing) -> None:
    public_id = standing.kept.public_id
    try:
        services().store.budgets.switch(services().owner, public_id, on=bool(st.session_state[f"budget-{public_id}"]))
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")


def _remove(standing: Standing) -> None:
    try:
        services().store.budgets.remove(services().owner, standing.kept.public_id)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    say_once(f"Deleted the budget of {label(budget_words(standing.kept.budget))}.", ":material/delete:")


def _show_overrides() -> None:
    found = services().store.budgets.overrides(services().owner)
    if not found:
        return
    st.subheader("Sent over a budget", anchor=False)
    st.dataframe(
        [_row(one) for one in found],
        hide_index=True,
        alt="Messages sent over a budget",
        column_config={"Chat": st.column_config.LinkColumn(display_text="Open")},
    )


def _row(one: Override) -> dict[str, str | None]:
    at = f"&at={one.message}" if one.message else ""
    return {
        "When": time_words(one.at_ms, services().zone),
        "Budget": f"{SCOPES.get(one.scope, one.scope)}, {limit_words(one.limit_nano, one.currency)}",  # type: ignore[call-overload]
        "Was spent": money(one.spent_nano, one.currency),
        "Might cost": money(one.estimate_nano, one.currency) if one.estimate_nano is not None else "not known",
        "Over by": money(one.over_nano, one.currency),
        "Model": plain(one.model),
        "Gateway": _gateway_name(one.gateway_id),
        "Chat": f"/?chat={one.conversation}{at}" if one.conversation else None,
    }


def _gateway_name(gateway_id: int) -> str:
    try:
        return plain(services().gateways.card(gateway_id).name)
    except NotFound:
        return "removed gateway"
