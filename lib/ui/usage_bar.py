"""The row above the usage page: which part, which days, which filters. Every choice stands in the address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import available_timezones

import streamlit as st

from lib.insight_words import Choices
from lib.markdown import label
from lib.ui.session import services
from lib.ui.usage_demo import show_demo_choice
from lib.ui.usage_place import chosen_in, go, segmented, today_in, turn
from lib.ui.usage_view import NARROWING, View, days_of, plain, without
from lib.ui.usage_words import (
    ONLY_WORDS,
    PERIOD_WORDS,
    PURPOSE_WORDS,
    STATUS_WORDS,
    TAB_WORDS,
    VERSUS_WORDS,
    Names,
    filter_words,
)


def show_tabs(view: View) -> None:
    segmented(view, "tab", TAB_WORDS, "Part")


def show_days(view: View, choices: Choices, names: Names) -> None:
    """The period, what it is compared with, and the other filters."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="usage-bar"):
        _choose(view, "period", PERIOD_WORDS, "Period", icon=":material/calendar_today:", width=170)
        if view.period == "custom":
            _choose_days(view)
        if view.tab in ("overview",):
            _choose(view, "versus", VERSUS_WORDS, "Comparison", icon=":material/compare_arrows:", width=235)
        filters = st.popover("Filter", icon=":material/filter_list:", key="usage-filter", on_change="rerun")
        if filters.open:
            with filters:
                _show_filters(view, choices, names)
        _show_pills(view, names)


def _show_pills(view: View, names: Names) -> None:
    """What is set, each with a way to take it away."""
    for field in NARROWING:
        if getattr(view, field) not in (None, (), "all"):
            st.button(
                label(filter_words(view, field, names)),
                key=f"usage-off-{field}",
                icon=":material/close:",
                help="Take this filter away",
                on_click=go,
                args=(without(view, field),),
            )


def _show_filters(view: View, choices: Choices, names: Names) -> None:
    with st.grid(2, min_column_width=150, key="usage-filters"):
        _pick(view, "bases", "Model", choices.bases, names.model)
        _pick(view, "variants", "Variant", choices.variants, names.variant)
        _pick(view, "families", "Family", choices.families, lambda family: family or names.model(""))
        _pick(view, "gateways", "Gateway", choices.gateways, names.gateway)
        _pick(view, "purposes", "Purpose", choices.purposes, lambda value: PURPOSE_WORDS.get(value, value))
        _pick(view, "outcomes", "Status", choices.outcomes, lambda value: STATUS_WORDS.get(value, value))
        _choose_place(view, names)
        _choose(view, "only", ONLY_WORDS, "How costs are known", labelled=True)
        _choose_zone(view)
    if view.narrowed:
        st.button("Take all filters away", icon=":material/filter_list_off:", on_click=go, args=(plain(view),))
    show_demo_choice(view)


def _pick(view: View, field: str, words: str, options: tuple[Any, ...], name: Callable[[Any], str]) -> None:
    """Some of several values; what the address names is among them, even when nothing has it."""
    chosen = list(getattr(view, field))
    there = list(dict.fromkeys([*options, *chosen]))
    if len(there) < 2 and not chosen:
        return
    key = f"usage-{field}"
    st.session_state[key] = chosen
    st.multiselect(
        words,
        there,
        key=key,
        format_func=name,
        placeholder="All",
        on_change=chosen_in,
        args=(view, field, key),
    )


def _choose(view: View, field: str, words: dict[Any, str], title: str, *, labelled: bool = False, **more: Any) -> None:
    key = f"usage-{field}"
    st.session_state[key] = getattr(view, field)
    st.selectbox(
        title,
        list(words),
        key=key,
        format_func=lambda value: words[value],
        label_visibility="visible" if labelled else "collapsed",
        on_change=chosen_in,
        args=(view, field, key),
        filter_mode=None,
        **more,
    )


def _choose_place(view: View, names: Names) -> None:
    """One folder, what lies in none, or one tag."""
    if names.folders:
        folders: dict[Any, str] = {"": "In no folder", **names.folders}
        if view.folder is not None:
            folders.setdefault(view.folder, "A folder that was removed")
        _choose(view, "folder", folders, "Folder", labelled=True, index=None, placeholder="All")
    tags = [tag.name for tag in services().store.organising.tags(services().owner)]
    if tags or view.tag:
        named = [*tags, *([view.tag] if view.tag else [])]
        shown = {tag: tag for tag in named}
        _choose(view, "tag", shown, "Tag", labelled=True, index=None, placeholder="All")


def _choose_zone(view: View) -> None:
    zones = _zones(view.zone)
    st.session_state["usage-zone"] = view.zone
    st.selectbox(
        "Time zone",
        zones,
        key="usage-zone",
        help="Whose midnight a day begins at",
        on_change=chosen_in,
        args=(view, "zone", "usage-zone"),
    )


def _choose_days(view: View) -> None:
    today = today_in(view.zone)
    start, end = days_of(view, today)
    st.session_state["usage-days"] = (start, _last(end))
    st.date_input(
        "Days",
        max_value=max(today, _last(end)),
        key="usage-days",
        on_change=_days_chosen,
        args=(view,),
        label_visibility="collapsed",
        width=240,
    )


def _last(end: date) -> date:
    return date.fromordinal(end.toordinal() - 1)


def _days_chosen(view: View) -> None:
    """With one end so far the other one is still to come: nothing is read until both are there."""
    chosen = st.session_state["usage-days"]
    if len(chosen) == 2:
        turn(view, start=chosen[0], last=chosen[1])


@st.cache_data(show_spinner=False)
def _zones(usual: str) -> list[str]:
    """Every zone with a place in its name, and UTC; the one in use is always among them."""
    places = {zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")}
    return sorted(places | {"UTC", usual})
