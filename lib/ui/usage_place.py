"""The usage page's address, as Streamlit keeps it: read once per run, changed by clicks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st
from msgspec import Struct, structs

from lib.insight_words import Choices, Filter
from lib.store.insight import Insight
from lib.ui.session import services
from lib.ui.usage_view import View, address_of, compared, filter_of, known_zone, turned, view_of
from lib.ui.usage_words import Names


class Asked(Struct, frozen=True):
    """What the page is about: whose requests, which of them, what they are compared with, and the words for them."""

    insight: Insight
    owner: int
    view: View
    filter: Filter
    before: Filter | None
    currency: str
    choices: Choices
    names: Names


def view_of_url(zone: str) -> View:
    """The view that the address asks for, in `zone` unless it names another."""
    view = view_of({name: st.query_params.get_all(name) for name in st.query_params})
    return structs.replace(view, zone=known_zone(view.zone, zone))


def go(view: View) -> None:
    """Look at something else. Called from callbacks."""
    zone = "" if view.zone == services().zone else view.zone
    st.query_params.from_dict(address_of(structs.replace(view, zone=zone)))


def today_in(zone: str) -> date:
    """The local day it is."""
    return datetime.now(ZoneInfo(zone)).date()


def filters_of(view: View) -> tuple[Filter, Filter | None]:
    """The requests that are looked at, and those they are compared with."""
    filter = filter_of(view, today_in(view.zone))
    return filter, compared(filter, view.versus)


def turn(view: View, **changes: Any) -> None:
    """Look at something else than `view` in a few respects. Called from callbacks."""
    go(turned(view, **changes))


def chosen_in(view: View, field: str, key: str) -> None:
    """A widget was changed: what it says now is what is looked at. Called from its callback."""
    value = st.session_state[key]
    turn(view, **{field: tuple(value) if isinstance(value, list) else value})


def segmented(view: View, field: str, words: dict[Any, str], label: str) -> None:
    """A choice of a few words that stands in the address."""
    key = f"usage-{field}"
    st.session_state[key] = getattr(view, field)
    st.segmented_control(
        label,
        list(words),
        required=True,
        key=key,
        format_func=lambda value: words[value],
        label_visibility="collapsed",
        on_change=chosen_in,
        args=(view, field, key),
        wrap=True,
    )


def show_requests(view: View, **changes: Any) -> None:
    """Go to the requests behind a figure. Called from callbacks."""
    turn(view, **({"tab": "requests", "order": view.order} | changes))


def lead_from_table(view: View, key: str, rows: Sequence[dict[str, Any]]) -> Callable[[], None]:
    """For a table's `on_select`: the chosen row's changes lead to its requests."""

    def lead() -> None:
        chosen = st.session_state[key].selection.rows
        if chosen and chosen[0] < len(rows) and rows[chosen[0]]:
            show_requests(view, **rows[chosen[0]])

    return lead


def lead_from_chart(
    view: View, key: str, changes: Callable[[dict[str, Any]], dict[str, Any] | None]
) -> Callable[[], None]:
    """For a chart's `on_select`: what `changes` makes of the chosen mark's facts leads to its requests."""

    def lead() -> None:
        picked = st.session_state[key].selection.get("pick") or []
        found = changes(dict(picked[0])) if picked else None
        if found:
            show_requests(view, **found)

    return lead


def lead_table(
    asked: Asked, table: Any, rows: Sequence[dict[str, Any]], key: str, alt: str, columns: dict[str, Any] | None = None
) -> None:
    """A table whose rows lead to the requests behind them; `rows` are the changes of the view, row by row."""
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(rows) <= 20 else 620,
        column_config=columns,
        placeholder="—",
        key=key,
        on_select=lead_from_table(asked.view, key, rows),
        selection_mode="single-row",
        alt=alt,
    )


def table_behind(table: Any, alt: str, columns: dict[str, Any] | None = None) -> None:
    """The numbers behind a chart, folded away."""
    with st.expander("Show as a table", type="compact"):
        st.dataframe(table, hide_index=True, placeholder="—", column_config=columns, alt=alt)
