"""Usage: where the money went."""

from __future__ import annotations

import streamlit as st

from lib import reports
from lib.ledger import Tally
from lib.markdown import label
from lib.money import UNKNOWN, money
from lib.ui import usage_charts as charts
from lib.ui.pages import CHAT
from lib.ui.session import services
from lib.ui.usage_ledger import Ledger
from lib.ui.usage_period import Period, choose_currency, choose_demo, choose_period, choose_split
from lib.ui.usage_words import model_words, variant_words

LATEST = 50


def show_usage() -> None:
    """Draw the page."""
    services_ = services()
    title = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    title.title("Usage", anchor=False, width="content")
    stored, owner = services_.store.ledger, services_.owner
    if not stored.latest(owner, 1, demo=None):
        show_nothing_yet()
        return
    period, zone = choose_period(services_.zone)
    has_demo = bool(stored.latest(owner, 1, demo=True))
    demo = has_demo and choose_demo(only_demo=not stored.latest(owner, 1))
    ledger = Ledger(stored, owner, zone, demo=demo)
    now, before = ledger.tallies(period), ledger.tallies(period.before)
    currency = choose_currency(reports.currencies([*now, *before]))
    words = variant_words(services_.gateways.cards())
    show_totals(now, before, currency, period)
    if now:
        show_days(now, currency, period, words)
        show_variants(now, currency, words)
        with title:
            show_download(ledger, period)
    show_latest(ledger, words)


def show_totals(now: list[Tally], before: list[Tally], currency: str, period: Period) -> None:
    """Four figures, how they differ from the period before, and how well they are known."""
    new, old = reports.totals(now, currency), reports.totals(before, currency)
    figures = [
        ("Spend", label(money(new.cost_nano, currency)), reports.change(new.cost_nano, old.cost_nano)),
        ("Requests", f"{new.requests:,}", reports.change(new.requests, old.requests)),
        ("Tokens in", f"{new.tokens_in:,}", reports.change(new.tokens_in, old.tokens_in)),
        ("Tokens out", f"{new.tokens_out:,}", reports.change(new.tokens_out, old.tokens_out)),
    ]
    with st.container(horizontal=True, gap="medium"):
        for name, value, part in figures:
            st.metric(name, value, None if part is None else charts.percent(part, "+"), delta_color="off", width=150)
    known = reports.coverage_line(reports.coverage(now, currency), currency) or "Nothing was asked in this period"
    past = f" · {money(old.cost_nano, currency)} {period.words_before}" if old.requests else ""
    st.caption(label(known + past))


def show_days(now: list[Tally], currency: str, period: Period, words: dict[str, str]) -> None:
    """Spend per day, stacked, with the numbers behind it."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Spend per day", anchor=False, width="content")
        by = choose_split()
    daily = reports.daily(now, currency, period.start, period.end, by=by)
    daily["name"] = charts.named(daily["name"], words if by == "variant" else model_words())
    st.altair_chart(charts.spend_chart(daily, currency), alt="Spend per day")
    if unpriced := int(daily["unpriced"].sum()):
        st.caption(f"Without {unpriced:,} request{'s' * (unpriced > 1)} whose price is not known.")
    with st.expander("Show as a table", type="compact"):
        st.dataframe(charts.daily_table(daily, currency), hide_index=True, placeholder=UNKNOWN)


def show_variants(now: list[Tally], currency: str, words: dict[str, str]) -> None:
    st.subheader("By model and variant", anchor=False)
    table = charts.variant_table(reports.by_variant(now, currency), currency, words, model_words())
    st.dataframe(table, hide_index=True, height="content", placeholder=UNKNOWN)


def show_latest(ledger: Ledger, words: dict[str, str]) -> None:
    rows = ledger.latest(LATEST)
    if not rows:
        return
    st.subheader("Latest requests", anchor=False)
    columns = {
        "Time": st.column_config.DatetimeColumn(format="D MMM HH:mm", timezone=ledger.zone),
        "Chat": st.column_config.LinkColumn(display_text="Open"),
    }
    table = charts.latest_table(reports.latest(rows, ledger.zone), words, model_words())
    st.dataframe(table, hide_index=True, column_config=columns, placeholder=UNKNOWN)


def show_download(ledger: Ledger, period: Period) -> None:
    """Every request of the shown period; the file is made when it is asked for."""
    st.download_button(
        "CSV",
        lambda: reports.requests_csv(ledger.requests(period), ledger.zone).encode("utf-8-sig"),
        file_name=f"parlour-usage-{'demo-' * ledger.demo}{period.start}-{period.last}.csv",
        mime="text/csv",
        icon=":material/download:",
        help="Every request of this period",
        on_click="ignore",
    )


def show_nothing_yet() -> None:
    st.markdown(
        "Your spend will appear here. Every answer adds its tokens and its cost: totals beside those of the period "
        "before, spend per day, a table of models and their variants, and the latest requests, each with its chat."
    )
    st.page_link(CHAT, label="Start a chat", icon=":material/edit_square:")


show_usage()
