"""Closed months: closing one, looking at it, and proving that the ledger still says the same."""

from __future__ import annotations

from datetime import UTC, date, datetime

import streamlit as st

from lib.errors import NotFound, ParlourError
from lib.insight_words import Filter
from lib.local_time import zone_of
from lib.markdown import label
from lib.statements.document import Statement
from lib.store.statements import Closed
from lib.ui.notices import notice_for
from lib.ui.price_words import day_words
from lib.ui.session import say_once, services
from lib.ui.statement_view import part_words, show_statement

_FIRST_YEAR = 2020


def show_statements() -> None:
    """Draw them: what can be closed, the closed ones, and the one that is looked at."""
    st.caption(
        "A closed month stays as it is, sealed with a hash over every request in it. What changes later, such as a "
        "price that was found, stands as an adjustment in the next statement."
    )
    closed = services().store.statements.list(services().owner)
    _show_closing(closed)
    if not closed:
        st.markdown("No month has been closed yet. Its statement will stand here, to be kept as HTML and CSV.")
        return
    _show_pending()
    opened = _choose(closed)
    _show_opened(opened)


def _show_closing(closed: list[Closed]) -> None:
    months = [month for month in _asked_months() if month not in {one.month for one in closed}]
    if not months:
        st.caption("There is no complete month to close now.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        month = st.selectbox("Month", months, key="statement-month", width=220, format_func=month_words)
        st.button("Close this month", icon=":material/lock:", key="statement-close", on_click=_close, args=(month,))
    st.caption(label(f"Days are counted in {services().zone}."))


def _asked_months() -> list[str]:
    """The complete months in which anything real was asked, the newest first."""
    zone = services().zone
    today = datetime.now(UTC).astimezone(zone_of(zone)).date()
    period = Filter(date(_FIRST_YEAR, 1, 1), today.replace(day=1), zone)
    found = services().store.insight.series(services().owner, period, grain="month")
    return sorted({f"{one.day:%Y-%m}" for one in found if one.day and one.n}, reverse=True)


def month_words(month: str) -> str:
    """ "2026-10" as "October 2026"."""
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


def _close(month: str) -> None:
    try:
        made = services().store.statements.close(services().owner, month, services().zone)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    st.query_params["statement"] = made.public_id
    say_once(f"Closed {month_words(month)}.", ":material/lock:")


def _show_pending() -> None:
    waiting = services().store.statements.pending(services().owner)
    if waiting:
        n = len(waiting)
        st.caption(f"{n:,} correction{'s' * (n != 1)} of closed months will stand in the next statement.")


def _choose(closed: list[Closed]) -> Closed:
    by_id = {one.public_id: one for one in closed}
    named = st.query_params.get("statement", "")
    st.session_state["statement-chosen"] = named if named in by_id else closed[0].public_id
    st.selectbox(
        "Statement", list(by_id), key="statement-chosen", width=320, on_change=_take,
        format_func=lambda one: f"{month_words(by_id[one].month)} · {by_id[one].n_rows:,} requests",
    )  # fmt: skip
    return by_id[st.session_state["statement-chosen"]]


def _take() -> None:
    st.query_params["statement"] = st.session_state["statement-chosen"]


def _show_opened(closed: Closed) -> None:
    store, owner = services().store, services().owner
    try:
        found = store.statements.get(owner, closed.public_id)
    except NotFound as error:
        st.error(notice_for(error).text, icon=":material/error:")
        return
    with st.container(border=True, key="statement"):
        st.subheader(month_words(found.month), anchor=False)
        st.caption(label(f"Closed on {day_words(closed.closed_ms, found.zone)}, days in {found.zone}."))
        show_statement(found)
        st.code(f"sha256 {found.hash}", language=None, wrap_lines=True)
        _show_buttons(closed, found)
        if checked := st.session_state.get(f"verified-{closed.public_id}"):
            (st.success if checked[0] else st.error)(checked[1], icon=checked[2])


def _show_buttons(closed: Closed, found: Statement) -> None:
    statements, owner, name = services().store.statements, services().owner, f"parlour-{found.month}"
    with st.container(horizontal=True):
        st.button(
            "Verify", icon=":material/verified:", key="statement-verify", on_click=_verify, args=(closed,),
            help="Counts everything again from the ledger and compares.",
        )  # fmt: skip
        st.download_button(
            "HTML", lambda: statements.html(owner, closed.public_id).encode(), file_name=f"{name}.html",
            mime="text/html", icon=":material/download:", on_click="ignore", key="statement-html",
        )  # fmt: skip
        st.download_button(
            "CSV", lambda: statements.csv(owner, closed.public_id).encode("utf-8-sig"), file_name=f"{name}.csv",
            mime="text/csv", icon=":material/download:", on_click="ignore", key="statement-csv",
        )  # fmt: skip
        st.download_button(
            "Every request", lambda: "".join(statements.rows_csv(owner, closed.public_id)).encode("utf-8-sig"),
            file_name=f"{name}-requests.csv", mime="text/csv", icon=":material/download:", on_click="ignore",
            key="statement-rows",
        )  # fmt: skip


def _verify(closed: Closed) -> None:
    try:
        wrong = services().store.statements.verify(services().owner, closed.public_id)
    except ParlourError as error:
        say_once(notice_for(error).text, ":material/error:")
        return
    if not wrong:
        said = True, "The ledger still says exactly this, request by request.", ":material/verified:"
    else:
        parts = ", ".join(dict.fromkeys(part_words(name) for name in wrong))
        said = False, f"The ledger no longer says this. It differs in: {parts}.", ":material/error:"
    st.session_state[f"verified-{closed.public_id}"] = said
