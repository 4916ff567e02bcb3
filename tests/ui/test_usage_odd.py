"""The days that are compared with each other: whole, of the kind that is asked for, and known."""

from __future__ import annotations

from datetime import date

from lib.insight.anomalies import Spike
from lib.insight_words import Filter
from lib.ledger import Tally
from lib.ui.usage_odd import daily, spike_words

MONDAY, TUESDAY, END = date(2026, 5, 11), date(2026, 5, 12), date(2026, 5, 14)
WEEK = Filter(MONDAY, END)


def test_a_day_without_requests_cost_nothing_and_one_without_prices_is_unknown() -> None:
    free, unpriced = Tally(day=MONDAY, n=2, cost_nano=7), Tally(day=TUESDAY, n=2, n_unpriced=2)
    assert daily([free, unpriced], WEEK, MONDAY, END) == {MONDAY: 7, date(2026, 5, 13): 0}


def test_only_the_weekdays_that_are_asked_for_are_compared_and_no_stretch_of_time() -> None:
    assert list(daily([], Filter(MONDAY, END, weekday=1), MONDAY, END)) == [TUESDAY]
    assert daily([], Filter(MONDAY, END, from_ms=1, to_ms=2), MONDAY, END) == {}


def test_a_spike_says_how_well_it_is_known() -> None:
    spike = Spike(TUESDAY, 4_100_000_000, 600_000_000)
    assert spike_words(spike, Tally(n=3), "USD") == "12 May 2026: $4.10, usually about $0.60"
    assert spike_words(spike, Tally(n=3, n_estimated=1), "USD") == "12 May 2026: ≈ $4.10, usually about $0.60"
    assert spike_words(spike, Tally(n=3, n_unpriced=1), "USD") == "12 May 2026: at least $4.10, usually about $0.60"
    assert spike_words(Spike(TUESDAY, 10**9, 0), Tally(n=1), "USD") == "12 May 2026: $1.00, usually nothing"
