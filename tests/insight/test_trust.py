"""What can be believed, what stands out, and how long things take."""

from __future__ import annotations

import math
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.insight.anomalies import Sampled, inflation, other_models, served, spikes
from lib.insight.latency import Bin, quantile, quantiles
from lib.insight.trust import CostQuality, anomaly_words, trust, trust_line


def test_the_line_names_shares_the_error_bar_and_the_unpriced() -> None:
    sums = [
        CostQuality(n=984, nano=100_000_000_000),
        CostQuality(n=12, n_estimated=12, nano=10**9, est_nano=10**9, low_nano=690_000_000, high_nano=1_250_000_000),
        CostQuality(n=4, n_unpriced=4),
    ]
    found = trust(sums, anomalies=[("total_mismatch", 2), ("total_mismatch", 1)], differences=())
    assert trust_line(found) == "98.4 % reported · 1.2 % estimated (± $0.31) · 0.4 % unpriced (4 requests)"
    assert (found.low_nano, found.nano, found.high_nano) == (100_690_000_000, 101_000_000_000, 101_250_000_000)
    assert (found.rollup, found.anomalies[0].n) == ("equal", 3)


def test_every_anomaly_has_words() -> None:
    for code in ("cached_outside_input", "reasoning_outside_output", "total_differs", "media_ignored"):
        assert "_" not in anomaly_words(code)
    assert anomaly_words("new_kind") == "New kind"


def test_nothing_is_trusted_without_requests() -> None:
    assert trust_line(trust([])) == ""
    assert trust([], differences=None).rollup == "unchecked"
    assert trust([], differences=["x"]).rollup == "differs"


def test_an_estimated_request_without_a_price_is_unpriced() -> None:
    found = trust([CostQuality(n=3, n_unpriced=3, n_estimated=3)])
    assert (found.reported, found.estimated, found.unpriced) == (0, 0, 3)


AMOUNT = st.integers(0, 10**12)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), AMOUNT, AMOUNT, AMOUNT, AMOUNT), max_size=6))
@settings(max_examples=60)
def test_the_parts_are_all_requests_and_the_bar_holds_the_guess(rows: list[tuple[int, ...]]) -> None:
    sums = [
        CostQuality(n, min(unpriced, n), min(unpriced, n), nano + est, est, low, high)
        for n, unpriced, nano, est, low, high in rows
    ]
    found = trust(sums)
    assert found.requests == sum(one.n for one in sums)
    assert found.low_nano <= found.nano <= found.high_nano


def test_a_day_far_above_the_usual_is_a_spike() -> None:
    first = date(2026, 11, 1)
    amounts = [100, 110, 90, 105, 95, 100, 98, 900, 0]
    found = spikes({first + timedelta(days=at): amount * 10**6 for at, amount in enumerate(amounts)})
    assert [(one.day, one.times) for one in found] == [(date(2026, 11, 8), 9)]


def test_even_days_and_few_days_have_no_spikes() -> None:
    first = date(2026, 11, 1)
    assert spikes({first + timedelta(days=at): 10**8 for at in range(30)}) == ()
    assert spikes({first: 10**12, first + timedelta(days=1): 0}) == ()
    mostly_nothing = {first + timedelta(days=at): 0 for at in range(20)} | {first: 5 * 10**6}
    assert spikes(mostly_nothing) == ()
    assert spikes({**mostly_nothing, first: 5 * 10**9})[0].times is None


def test_a_variant_that_counts_more_tokens_for_the_same_text_is_named() -> None:
    plain = Sampled("gpt", "gpt", ((250, 1000),) * 30)
    padded = Sampled("gpt-low", "gpt", ((300, 1000),) * 30)
    rare = Sampled("gpt-hc", "gpt", ((900, 1000),) * 5)
    (found,) = inflation([plain, padded, rare])
    assert (found.model, found.per_1000, found.siblings_per_1000, found.excess_percent) == ("gpt-low", 300, 250, 20)
    assert inflation([plain]) == ()


@pytest.mark.parametrize(
    ("requested", "reported", "base", "verdict"),
    [
        ("gpt-5.4", "gpt-5.4", "gpt-5.4", "same"),
        ("gpt-5.4", "openai/GPT-5.4", "", "same"),
        ("claude-opus-4.7", "claude-opus-4-7", "", "same"),
        ("gpt-5.4", "gpt-5.4-2026-03-05", "", "version"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001", "", "version"),
        ("gpt-5.4-hc", "gpt-5.4", "gpt-5.4", "base"),
        ("gpt-5.4-hc", "gpt-5.4-2026-03-05", "gpt-5.4", "base"),
        ("gpt-5.4-hc", "gpt-4o-mini", "gpt-5.4", "other"),
        ("gpt-5.4", "gpt-5.4-mini", "gpt-5.4", "other"),
        ("gpt-5.4", None, "", "untold"),
        ("gpt-5.4", " ", "", "untold"),
    ],
)
def test_another_model_is_told_from_another_name(requested: str, reported: str | None, base: str, verdict: str) -> None:
    assert served(requested, reported, base) == verdict


def test_requests_that_another_model_answered_are_listed() -> None:
    seen = [("a", "b", "a", 2), ("a", "a", "a", 9), ("c", "d", "c", 5), ("a", None, "a", 1)]
    assert [(one.requested, one.reported, one.n) for one in other_models(seen)] == [("c", "d", 5), ("a", "b", 2)]


BASE = 1.15


def bucket_of(ms: int) -> int:
    return 1 + int(math.log(ms) / math.log(BASE))


def bin_of(bucket: int, n: int) -> Bin:
    return Bin(BASE ** (bucket - 1), BASE**bucket, n)


def test_few_values_have_a_median_but_no_high_quantiles() -> None:
    assert quantiles([]).p50 is None
    few = quantiles([bin_of(bucket_of(100), 49)])
    assert (few.n, few.p95) == (49, None)
    assert few.p50 is not None
    assert quantiles([bin_of(bucket_of(100), 50)]).p95 is not None
    assert quantiles([bin_of(bucket_of(100), 199)]).p99 is None


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=200), st.sampled_from([1, 25, 50, 90, 95, 99, 100]))
@settings(max_examples=80)
def test_a_quantile_is_within_a_bucket_of_the_exact_one(times: list[int], percent: int) -> None:
    counts: dict[int, int] = {}
    for ms in times:
        counts[bucket_of(ms)] = counts.get(bucket_of(ms), 0) + 1
    bins = [bin_of(bucket, n) for bucket, n in sorted(counts.items())]
    found = quantile(bins, Fraction(percent, 100))
    exact = sorted(times)[max(0, math.ceil(len(times) * percent / 100) - 1)]
    assert found is not None
    assert exact / BASE - 1 <= found <= exact * BASE + 1


def test_the_first_bin_begins_at_nothing() -> None:
    assert quantile([Bin(0, 10, 4)], Fraction(1, 2)) == 5


def test_empty_bins_do_not_matter() -> None:
    assert quantile([Bin(1, 2, 0)], Fraction(1, 2)) is None
    assert quantiles([Bin(1, 2, 0), bin_of(30, 4), bin_of(30, 4)]).n == 8
