"""Requests: each one, a page at a time, and the files a person takes away."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lib import reports
from lib.insight_words import Filter, RequestPage
from lib.ui import usage_charts_tables as tables
from lib.ui.usage_place import Asked, turn
from lib.ui.usage_request import show_request
from lib.ui.usage_view import View, address_of, cursor_of, page_of
from lib.ui.usage_words import ORDER_WORDS, several

PAGE = 25


def show_requests_part(asked: Asked) -> None:
    """Draw the part: the list, or the one that was chosen."""
    if asked.view.request is not None:
        show_request(asked, asked.view.request)
        return
    n = sum(tally.n for tally in asked.insight.tallies(asked.owner, asked.filter))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(several(n, "request"), anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            _choose_order(asked.view)
            _show_downloads(asked)
    cursor, backwards = cursor_of(asked.view.page)
    page = asked.insight.requests(
        asked.owner, asked.filter, order=asked.view.order, cursor=cursor, backwards=backwards, limit=PAGE
    )
    if not page.rows:
        st.caption("No request is like this.")
        return
    _show_rows(asked, page)
    _show_pager(asked.view, page)


def _show_rows(asked: Asked, page: RequestPage) -> None:
    key = "usage-requests"
    ids = [row.id for row in page.rows]

    def chosen() -> None:
        rows = st.session_state[key].selection.rows
        if rows and rows[0] < len(ids):
            turn(asked.view, request=ids[rows[0]])

    st.dataframe(
        tables.requests_table(reports.latest(page.rows, asked.filter.zone), asked.names),
        hide_index=True,
        height="content",
        column_config={"Time": st.column_config.DatetimeColumn(format="D MMM HH:mm:ss", timezone=asked.filter.zone)},
        placeholder="—",
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        alt="Requests",
    )


def _show_pager(view: View, page: RequestPage) -> None:
    newer, older = ("Newer", "Older") if view.order == "newest" else ("Back", "On")
    with st.container(horizontal=True, horizontal_alignment="center"):
        before = page_of(page.previous, backwards=True) if page.previous else None
        after = page_of(page.next, backwards=False) if page.next else None
        _pager_button(view, newer, ":material/chevron_left:", before)
        _pager_button(view, older, ":material/chevron_right:", after)


def _pager_button(view: View, words: str, icon: str, page: str | None) -> None:
    st.button(words, icon=icon, disabled=page is None, on_click=turn, args=(view,), kwargs={"page": page or ""})


def _choose_order(view: View) -> None:
    st.session_state["usage-order"] = view.order
    st.selectbox(
        "Order",
        list(ORDER_WORDS),
        key="usage-order",
        format_func=lambda order: ORDER_WORDS[order],
        label_visibility="collapsed",
        width=170,
        filter_mode=None,
        on_change=_order_chosen,
        args=(view,),
    )


def _order_chosen(view: View) -> None:
    turn(view, order=st.session_state["usage-order"])


def _show_downloads(asked: Asked) -> None:
    """Exactly the requests of the filter; a file is made when it is asked for."""
    with st.popover("Download", icon=":material/download:"):
        st.caption("Exactly these requests, with the filters as they are.")
        for kind, (words, mime, make) in _FILES.items():
            st.download_button(
                words,
                _maker(asked, make),
                file_name=file_name(asked.view, asked.filter, kind),
                mime=mime,
                key=f"usage-download-{kind}",
                on_click="ignore",
                width="stretch",
            )


def _maker(asked: Asked, make: Callable[[Asked], bytes]) -> Callable[[], bytes]:
    return lambda: make(asked)


def csv_of(asked: Asked) -> bytes:
    """Every request of the filter, with the mark by which spreadsheets know UTF-8."""
    rows = asked.insight.export(asked.owner, asked.filter)
    return reports.requests_csv(rows, asked.filter.zone).encode("utf-8-sig")


def _parquet(asked: Asked) -> bytes:
    return reports.requests_parquet(asked.insight.export(asked.owner, asked.filter), asked.filter.zone)


def _json(asked: Asked) -> bytes:
    days = [asked.filter.start.isoformat(), asked.filter.end.isoformat()]
    about = {"days": days, "zone": asked.filter.zone, "filter": address_of(asked.view)}
    rows = asked.insight.export(asked.owner, asked.filter)
    return reports.requests_json(rows, asked.filter.zone, about).encode()


_FILES: dict[str, tuple[str, str, Callable[[Asked], bytes]]] = {
    "csv": ("CSV, for spreadsheets", "text/csv", csv_of),
    "parquet": ("Parquet, for analysis", "application/vnd.apache.parquet", _parquet),
    "json": ("JSON, for programs", "application/json", _json),
}


def file_name(view: View, filter: Filter, kind: str) -> str:
    """ "parlour-usage-2026-10-01-2026-10-31.csv": the days, and whether the demo's or only some."""
    last = filter.end.fromordinal(filter.end.toordinal() - 1)
    marks = "demo-" * view.demo + "some-" * view.narrowed
    return f"parlour-usage-{marks}{filter.start}-{last}.{kind}"
