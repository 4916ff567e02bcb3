"""What the usage page is about: days, their time zone, and how they are split. Every choice lives in the URL."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st
from msgspec import Struct

from lib.reports import Split
from lib.ui.usage_words import PERIOD_WORDS, PeriodName


class Period(Struct, frozen=True):
    """Local days from `start` to before `end`."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last(self) -> date:
        """The last day that belongs to it."""
        return self.end - timedelta(days=1)

    @property
    def words_before(self) -> str:
        """When `before` was."""
        return "the day before" if self.days == 1 else f"in the {self.days} days before"

    @property
    def before(self) -> Period:
        """The equally long period that ends where this one starts."""
        return Period(self.start - timedelta(days=self.days), self.start)


def period_of(name: PeriodName, today: date, custom: tuple[date, ...] = ()) -> Period:
    """The days `name` means on `today`. A custom range with one end so far is that single day."""
    tomorrow = today + timedelta(days=1)
    match name:
        case "today":
            return Period(today, tomorrow)
        case "month":
            return Period(today.replace(day=1), tomorrow)
        case "custom" if custom:
            return Period(min(custom), max(custom) + timedelta(days=1))
        case "30d":
            return Period(tomorrow - timedelta(days=30), tomorrow)
        case "90d":
            return Period(tomorrow - timedelta(days=90), tomorrow)
    return Period(tomorrow - timedelta(days=7), tomorrow)


def choose_period(default_zone: str) -> tuple[Period, str]:
    """Draw the choices in one row; returns the period and the IANA name of its zone. Both stand in the URL."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Period",
            get_args(PeriodName),
            default="30d",
            required=True,
            format_func=lambda slug: PERIOD_WORDS[slug],
            key="period",
            wrap=True,
            bind="query-params",
            label_visibility="collapsed",
        )
        zones = _zones(default_zone)
        zone = st.selectbox(
            "Time zone",
            zones,
            index=zones.index(default_zone),
            key="zone",
            bind="query-params",
            label_visibility="collapsed",
            icon=":material/schedule:",
            width=200,
        )
    today = datetime.now(ZoneInfo(zone)).date()
    custom = _choose_days(today) if name == "custom" else ()
    return period_of(name or "30d", today, custom), zone


def choose_demo(*, only_demo: bool) -> bool:
    """Real spend or the demo's, never both. `only_demo`: there is no real spend yet."""
    demo = st.toggle("Show demo spend", key="demo", bind="query-params")
    if demo:
        st.caption(":material/science: The demo gateway's prices are made up. They count in no real total.")
    elif only_demo:
        st.caption("So far only the demo gateway was asked. Its made-up prices count in no total.")
    return demo


def choose_currency(found: list[str]) -> str:
    """Amounts in different currencies are never added; with several, one is looked at."""
    if len(found) < 2:
        return found[0] if found else "USD"
    return st.segmented_control("Currency", found, default=found[0], required=True, key="currency") or found[0]


def choose_split() -> Split:
    """Whether days are stacked by base model or by variant."""
    words: dict[Split, str] = {"base": "Model", "variant": "Variant"}
    chosen: Split | None = st.segmented_control(
        "Stacked by",
        list(words),
        default="base",
        required=True,
        format_func=lambda split: words[split],
        key="by",
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen or "base"


def _choose_days(today: date) -> tuple[date, ...]:
    week = (today - timedelta(days=6), today)
    chosen = st.date_input("Days", week, max_value=today, key="days", bind="query-params", width=280)
    return tuple(chosen) if isinstance(chosen, tuple) else (chosen,)


@st.cache_data(show_spinner=False)
def _zones(default: str) -> list[str]:
    """Every zone with a place in its name, and UTC; the default one is always among them."""
    places = {zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")}
    return sorted(places | {"UTC", default})
