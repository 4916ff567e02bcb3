"""The burn-down and its band: sensible with no day, one day, a few and many."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.insight.forecast import forecast

START, END = date(2026, 11, 1), date(2026, 12, 1)


def days(start: date, amounts: list[int]) -> dict[date, int]:
    return {start + timedelta(days=at): amount for at, amount in enumerate(amounts)}


def test_with_nothing_known_there_is_no_band() -> None:
    found = forecast({}, START, END, START)
    assert (found.basis, found.spent, found.middle, found.known_days) == ("none", 0, None, 0)
    assert len(found.days) == 30
    assert found.days[0].spent == 0
    assert found.days[1].spent is None


def test_with_one_day_there_is_no_band_but_what_was_spent() -> None:
    found = forecast({START: 5}, START, END, START, limit=5)
    assert (found.basis, found.spent, found.high) == ("none", 5, None)
    assert (found.reached, found.reached_on) == (True, START)


def test_even_days_lead_straight_to_the_end() -> None:
    found = forecast(days(START, [10] * 10), START, END, START + timedelta(days=10), limit=200)
    assert (found.basis, found.low, found.middle, found.high) == ("days", 300, 300, 300)
    assert found.reached_on == found.reached_earliest == date(2026, 11, 20)


def test_weekdays_are_told_apart_after_three_weeks() -> None:
    history = {
        day: 0 if day.weekday() >= 5 else 100 for day in (date(2026, 10, 1) + timedelta(days=at) for at in range(31))
    }
    found = forecast({}, START, END, START, history=history)
    assert found.basis == "weekdays"
    assert found.low == found.high == 21 * 100


def test_today_costs_what_it_has_cost_at_least() -> None:
    today = START + timedelta(days=10)
    found = forecast(days(START, [10] * 10 + [1_000]), START, END, today)
    assert found.spent == 1_100
    assert found.middle == 1_100 + 19 * 10


def test_a_period_that_is_over_is_what_it_was() -> None:
    found = forecast(days(START, [1] * 30), START, END, END)
    assert (found.spent, found.low, found.middle, found.high) == (30, 30, 30, 30)


def test_a_period_to_come_starts_at_nothing() -> None:
    found = forecast({}, START, END, date(2026, 10, 20), history=days(date(2026, 10, 1), [10] * 19))
    assert (found.spent, found.middle) == (0, 300)
    assert all(day.spent is None for day in found.days)


def test_an_empty_period_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        forecast({}, START, START, START)


@given(st.lists(st.integers(0, 10**12), max_size=40), st.integers(0, 29), st.one_of(st.none(), st.integers(0, 10**13)))
@settings(max_examples=40, deadline=None)
def test_the_band_is_ordered_grows_and_never_falls_below_what_is_spent(
    history: list[int], at: int, limit: int | None
) -> None:
    today = START + timedelta(days=at)
    spent = days(START, history[: at + 1])
    found = forecast(spent, START, END, today, history=days(START - timedelta(days=len(history)), history), limit=limit)
    assert found == forecast(
        spent, START, END, today, history=days(START - timedelta(days=len(history)), history), limit=limit
    )
    last = 0
    for day in found.days:
        if day.low is not None and day.middle is not None and day.high is not None:
            assert found.spent <= day.low <= day.middle <= day.high
            assert day.middle >= last
            last = day.middle
    if found.reached_on and found.reached_earliest:
        assert found.reached_earliest <= found.reached_on
    assert found.spent == sum(spent.values())
