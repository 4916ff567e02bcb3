"""The usage page's address says everything the page shows, and a click changes the address."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lib.insight_words import OTHER, Cursor, Only, Order
from lib.local_time import start_of, zone_of
from lib.ui.usage_overview import spend_mark
from lib.ui.usage_speed import hour_mark, week_mark
from lib.ui.usage_view import (
    NARROWING,
    Pace,
    PeriodName,
    Split,
    TabName,
    Versus,
    View,
    address_of,
    compared,
    cursor_of,
    days_of,
    filter_of,
    known_zone,
    page_of,
    plain,
    turned,
    view_of,
    without,
)
from lib.ui.usage_words import Names, count_words, filter_words, percent, time_words

TODAY = date(2026, 3, 29)
few = settings(max_examples=60, deadline=None)
words = st.text(max_size=12)
several = st.lists(words, max_size=3, unique=True).map(tuple)
days = st.none() | st.dates(date(2000, 1, 1), date(2199, 12, 31))


@st.composite
def views(draw: st.DrawFn) -> View:
    stretch = draw(st.none() | st.tuples(st.integers(0, 2**41), st.integers(0, 2**41)))
    return View(
        tab=draw(st.sampled_from(get_args(TabName))),
        period=draw(st.sampled_from(get_args(PeriodName))),
        start=draw(days),
        last=draw(days),
        versus=draw(st.sampled_from(get_args(Versus))),
        zone=draw(words),
        gateways=tuple(draw(st.lists(st.integers(-1, 2**62), max_size=3, unique=True))),
        families=draw(several),
        bases=draw(several),
        variants=draw(several),
        purposes=draw(several),
        outcomes=draw(several),
        only=draw(st.sampled_from(get_args(Only))),
        folder=draw(st.none() | words),
        tag=draw(st.none() | words),
        conversation=draw(st.none() | words),
        from_ms=stretch[0] if stretch else None,
        to_ms=stretch[1] if stretch else None,
        weekday=draw(st.none() | st.integers(0, 6)),
        hour=draw(st.none() | st.integers(0, 23)),
        currency=draw(st.none() | words),
        demo=draw(st.booleans()),
        by=draw(st.sampled_from(get_args(Split))),
        pace=draw(st.sampled_from(get_args(Pace))),
        summed=draw(st.booleans()),
        order=draw(st.sampled_from(get_args(Order))),
        page=draw(st.sampled_from(["", "after-12", "before-12-0"])),
        request=draw(st.none() | st.integers(0, 2**63 - 1)),
    )


@few
@given(views())
def test_what_an_address_says_is_what_was_written_into_it(view: View) -> None:
    assert view_of(address_of(view)) == view


def test_the_usual_view_needs_no_address() -> None:
    assert address_of(View()) == {}
    assert view_of({}) == View()


ASKED = ("tab", "demo", "hour", "from", "to", "page", "gateway", "since", "until", "status")


@few
@given(st.dictionaries(st.sampled_from(ASKED), st.lists(st.text(max_size=30), max_size=3)))
def test_nonsense_in_an_address_is_left_out(address: dict[str, list[str]]) -> None:
    filter_of(structs.replace(view_of(address), zone="UTC"), TODAY)


@pytest.mark.parametrize(
    "address",
    [
        {"tab": ["nowhere"]},
        {"hour": ["24"]},
        {"from": ["2026-02-30"]},
        {"since": ["5"]},
        {"gateway": ["9" * 40]},
        {"page": ["after-x"]},
        {"variant": ["x" * 400]},
        {"request": ["-1"]},
    ],
)
def test_a_wrong_value_is_as_none(address: dict[str, list[str]]) -> None:
    assert view_of(address) == View()


@pytest.mark.parametrize(
    ("name", "length", "first"),
    [
        ("today", 1, TODAY),
        ("7d", 7, date(2026, 3, 23)),
        ("30d", 30, date(2026, 2, 28)),
        ("90d", 90, date(2025, 12, 30)),
        ("year", 365, date(2025, 3, 30)),
        ("month", 29, date(2026, 3, 1)),
    ],
)
def test_a_period_ends_today_and_the_one_before_is_as_long(name: PeriodName, length: int, first: date) -> None:
    found = filter_of(View(period=name, zone="UTC"), TODAY)
    assert (found.start, found.end - timedelta(days=1), found.days) == (first, TODAY, length)
    before = compared(found, "before")
    assert before is not None
    assert (before.days, before.end) == (length, found.start)


def test_days_of_ones_own_may_have_one_end_or_be_the_wrong_way_round() -> None:
    start, last = date(2026, 3, 3), date(2026, 3, 9)
    for view in (View(period="custom", start=start, last=last), View(period="custom", start=last, last=start)):
        assert days_of(view, TODAY) == (start, date(2026, 3, 10))
    assert days_of(View(period="custom", start=start), TODAY) == (start, date(2026, 3, 4))
    assert days_of(View(period="custom"), TODAY) == (date(2026, 3, 23), date(2026, 3, 30))


def test_a_year_earlier_has_the_same_weekdays() -> None:
    found = filter_of(View(period="7d", zone="UTC"), TODAY)
    before = compared(found, "year")
    assert before is not None
    assert before.start.weekday() == found.start.weekday()
    assert before.days == 7
    assert compared(found, "none") is None
    assert compared(structs.replace(found, from_ms=1, to_ms=2), "before") is None


def test_other_requests_begin_at_their_first_page() -> None:
    view = View(tab="requests", page="after-5", request=9)
    assert turned(view, variants=("hc",)) == View(tab="requests", variants=("hc",))
    assert turned(view, request=3).page == "after-5"


def test_a_filter_is_taken_away_whole() -> None:
    view = View(from_ms=1, to_ms=2, variants=("hc",), only="odd", demo=True)
    assert without(view, "from_ms") == View(variants=("hc",), only="odd", demo=True)
    assert plain(view) == View(demo=True)
    assert view.narrowed
    assert not plain(view).narrowed


@pytest.mark.parametrize("cursor", [Cursor(5), Cursor(5, 7), Cursor(2**62, 0)])
@pytest.mark.parametrize("backwards", [True, False])
def test_a_page_is_found_again(cursor: Cursor, backwards: bool) -> None:
    assert cursor_of(page_of(cursor, backwards=backwards)) == (cursor, backwards)


def test_an_unknown_zone_is_the_usual_one() -> None:
    assert known_zone("Mars/Olympus", "Asia/Kathmandu") == "Asia/Kathmandu"
    assert known_zone("", "UTC") == "UTC"
    assert known_zone("Europe/Berlin", "UTC") == "Europe/Berlin"


def test_every_filter_has_words() -> None:
    names = Names({"gpt-5.4": "GPT-5.4"}, {"hc": "Premium pool"}, {1: "Mine"}, {"f": "Work"}, "Tides")
    view = View(
        gateways=(1, 2), bases=("gpt-5.4", "a", "b", "c"), variants=("hc",), families=("",), purposes=("title",),
        outcomes=("cut",), only="odd", folder="", tag="t", conversation="x", weekday=0, hour=23, zone="UTC",
        from_ms=start_of(TODAY, zone_of("UTC")), to_ms=start_of(TODAY, zone_of("UTC")) + 3_600_000,
    )  # fmt: skip
    found = {field: filter_words(view, field, names) for field in NARROWING}
    assert found["bases"] == "Model: GPT-5.4, a and 2 more"
    assert found["gateways"] == "Gateway: Mine, A gateway that was removed"
    assert found["variants"] == "Variant: Premium pool"
    assert found["folder"] == "Folder: no folder"
    assert found["conversation"] == "Chat: Tides"
    assert found["from_ms"] == "Time: 29 Mar 2026, 00:00"
    assert found["weekday"] == "Weekday: Mon"
    assert found["hour"] == "Hour: 23:00 to 00:00"
    assert found["outcomes"] == "Status: Cut off"


@pytest.mark.parametrize(
    ("mark", "view", "changes"),
    [
        ({"bucket": "1970-01-02", "key": "m"}, View(), {"from_ms": 86_400_000, "to_ms": 172_800_000, "bases": ("m",)}),
        ({"bucket": "1970-01-02", "key": "hc"}, View(by="variant", summed=True), {"variants": ("hc",)}),
        ({"bucket": "1970-01", "key": OTHER}, View(by="family"), {"from_ms": 0, "to_ms": 2_678_400_000, "families": ("x", "y")}),
        ({"bucket": "nonsense", "key": "m"}, View(), None),
        ({}, View(), None),
    ],
)  # fmt: skip
def test_a_bar_leads_to_its_time_and_name(mark: dict[str, Any], view: View, changes: dict[str, Any] | None) -> None:
    assert spend_mark(structs.replace(view, zone="UTC"), mark, ("x", "y")) == changes


def test_a_cell_leads_to_its_hour() -> None:
    assert hour_mark({"key": "hc", "hour": 3.0}) == {"variants": ("hc",), "hour": 3}
    assert week_mark({"weekday": 6, "hour": 0}) == {"weekday": 6, "hour": 0}
    assert hour_mark({}) is None
    assert week_mark({"hour": 3}) is None


def test_figures_fit_their_place() -> None:
    assert [count_words(n) for n in (0, 999_999, 7_707_964, 24_000_000, 240_000_000, 2_400_000_000)] == [
        "0", "999,999", "7.71M", "24.0M", "240M", "2.40B",
    ]  # fmt: skip
    assert [percent(part, "+") for part in (0.25, -0.5, 23.0, None)] == ["+25 %", "-50 %", "× 24", "—"]
    assert [percent(part) for part in (0.0, 0.001, 0.71)] == ["0 %", "<1 %", "71 %"]
    assert [time_words(ms) for ms in (None, 640.2, 3210.0)] == ["—", "640 ms", "3.2 s"]
