"""Budgets: windows that fit the clock, verdicts with their facts, and holds that parallel requests cannot overrun."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lib.budgets import Budget, Priced, checked, hold, offers, settled, strictest, verdict, window
from lib.errors import BadInput, SettingsError
from lib.local_time import day_of, month_window, start_of, zone_of

HOUR = 3_600_000
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Los_Angeles",
    "America/Havana",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/St_Johns",
    "Asia/Beirut",
)


def at(*moment: int) -> int:
    return round(datetime(*moment, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "moment", "hours"),
    [
        ("Europe/Berlin", at(2026, 3, 29, 12), 23),
        ("Europe/Berlin", at(2026, 10, 25, 12), 25),
        ("Australia/Lord_Howe", at(2026, 4, 4, 20), 24.5),
        ("America/Havana", at(2026, 3, 8, 12), 23),
        ("UTC", at(2026, 3, 29, 12), 24),
    ],
)
def test_a_day_has_as_many_hours_as_its_clock(zone: str, moment: int, hours: float) -> None:
    start, end = window(Budget("day", 1, zone=zone), moment)
    assert end is not None
    assert (end - start) / HOUR == hours
    assert start <= moment < end


def test_a_month_is_a_local_one_and_a_conversation_has_no_end() -> None:
    berlin = Budget("month", 1, zone="Europe/Berlin")
    assert window(berlin, at(2026, 10, 31, 23, 30)) == (at(2026, 10, 31, 23), at(2026, 11, 30, 23))
    assert window(berlin, at(2026, 10, 31, 22, 30))[1] == at(2026, 10, 31, 23)
    assert window(Budget("conversation", 1, subject="c"), 5) == (0, None)
    assert window(Budget("person", 1, period="day"), at(2026, 1, 1, 5))[1] == at(2026, 1, 2)
    with pytest.raises(BadInput):
        window(Budget("day", 1, zone="Mars/Base"), 0)


@given(st.sampled_from(ZONES), st.integers(at(2024, 1, 1), at(2028, 1, 1)))
@settings(max_examples=150)
def test_windows_follow_each_other_without_gap_or_overlap(zone: str, moment: int) -> None:
    for scope in ("day", "month"):
        budget = Budget(scope, 1, zone=zone)
        start, end = window(budget, moment)
        assert end is not None
        assert start <= moment < end
        assert window(budget, end)[0] == end
        assert window(budget, start - 1)[1] == start


@pytest.mark.parametrize("zone", ZONES)
def test_the_days_of_a_month_are_the_month(zone: str) -> None:
    info = zone_of(zone)
    start, end = month_window("2026-10", info)
    first = date(2026, 10, 1)
    days = [first + timedelta(days=n) for n in range(31)]
    assert sum(start_of(day + timedelta(days=1), info) - start_of(day, info) for day in days) == end - start
    assert day_of(end - 1, info) == days[-1]


def test_a_day_does_not_come_back_when_the_clock_does() -> None:
    """In Newfoundland, until 2011, the clock went from 00:01 back to 23:01 of the day before."""
    zone = zone_of("America/St_Johns")
    turned = at(2010, 11, 7, 2, 31)
    assert day_of(turned - 60_000, zone) == day_of(turned + 60_000, zone) == date(2010, 11, 7)
    assert window(Budget("day", 1, zone=zone.key), turned + 60_000)[0] == turned - 60_000


TEN = Budget("month", 10_000)


@pytest.mark.parametrize(
    ("spent", "reserved", "estimate", "outcome", "allowed"),
    [
        (0, 0, 7_999, "ok", True),
        (0, 0, 8_000, "warn", True),
        (5_000, 2_000, 3_000, "warn", True),
        (5_000, 2_000, 3_001, "stop", False),
        (10_000, 0, 0, "warn", True),
        (10_000, 0, 1, "stop", False),
        (0, 0, None, "unpriced", True),
        (10_000, 0, None, "stop", False),
    ],
)
def test_warned_at_eighty_percent_and_stopped_before_the_limit(
    spent: int, reserved: int, estimate: int | None, outcome: str, allowed: bool
) -> None:
    found = verdict(TEN, spent, reserved, estimate)
    assert (found.outcome, found.allowed) == (outcome, allowed)
    assert found.left_nano == max(0, 10_000 - spent - reserved)


def test_a_stop_says_by_how_much_and_can_be_overridden_once() -> None:
    found = verdict(TEN, 9_000, 500, 700)
    assert (found.over_nano, found.share_percent) == (200, 102)
    once = verdict(TEN, 9_000, 500, 700, override=True)
    assert (once.outcome, once.allowed, once.overridden) == ("stop", True, True)
    assert not verdict(TEN, 0, 0, 1, override=True).overridden


def test_an_unknown_price_is_not_zero() -> None:
    strict = structs.replace(TEN, unpriced="block")
    assert not verdict(strict, 0, 0, None).allowed
    assert verdict(strict, 0, 0, None).share_percent is None
    assert verdict(TEN, 0, 0, 5, currency="CNY").outcome == "unpriced"


def test_the_strictest_of_several_budgets_decides() -> None:
    ok, warn, stop = verdict(TEN, 0, 0, 1), verdict(TEN, 8_000, 0, 1), verdict(TEN, 10_000, 0, 1)
    free, blocked = verdict(TEN, 0, 0, None), verdict(structs.replace(TEN, unpriced="block"), 0, 0, None)
    assert strictest([ok, warn, free]) is free
    assert strictest([ok, stop, warn]) is stop
    assert strictest([blocked, warn]) is blocked
    assert strictest([]) is None
    overridden = verdict(TEN, 10_000, 0, 1, override=True)
    assert strictest([overridden, blocked]) is blocked


@given(st.integers(0, 10_000), st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 100)), max_size=30))
@settings(max_examples=100)
def test_requests_sent_at_once_never_overshoot(spent: int, asked: list[tuple[int, int]]) -> None:
    reserved: list[int] = []
    for estimate, _ in asked:
        held = hold(TEN, spent, reserved, estimate)
        if held is not None:
            reserved.append(held)
    assert spent + sum(reserved) <= max(spent, TEN.limit_nano)
    ends = [settled(held, held * part // 100) for held, (_, part) in zip(reserved, asked, strict=False)]
    assert spent + sum(ends) <= max(spent, TEN.limit_nano)


def test_a_hold_becomes_its_cost_nothing_or_stays() -> None:
    assert (settled(50, 20), settled(50, None), settled(50, None, billed=False), settled(50, 70)) == (20, 50, 0, 70)


def test_cheaper_variants_are_offered_with_their_saving() -> None:
    wanted = Priced("gpt", "standard", "Standard", 5_000)
    others = [
        wanted,
        Priced("gpt-low", "low", "Budget", 900),
        Priced("gpt-fd", "fd", "Shared pool", 1_000),
        Priced("gpt-hc", "hc", "Premium pool", 6_000),
        Priced("gpt-x", "x", "X", None),
        Priced("gpt-y", "y", "Y", 1, "CNY"),
        Priced("gpt-z", "z", "Z", 4_000),
    ]
    found = offers(TEN, 8_900, 0, wanted, others)
    assert [(one.model, one.estimate_nano, one.saving_nano) for one in found] == [
        ("gpt-low", 900, 4_100),
        ("gpt-fd", 1_000, 4_000),
    ]
    assert offers(TEN, 0, 0, structs.replace(wanted, estimate_nano=None), others) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        Budget("month", -1),
        Budget("month", 2**60),
        Budget("month", 1, warn_percent=0),
        Budget("month", 1, zone="Nowhere/At_All"),
        Budget("conversation", 1),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(wrong: Budget) -> None:
    with pytest.raises(SettingsError):
        checked(wrong)
    assert checked(TEN) is TEN
