"""Buckets add up to their whole, and unknown stays unknown."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.tokens import TokenCount, Usage, buckets, merged

figure = st.none() | st.integers(0, 10**9)
usages = st.builds(
    Usage,
    input=figure,
    output=figure,
    total=figure,
    cached_input=figure,
    cache_write=figure,
    cache_write_1h=figure,
    reasoning=figure,
)


@settings(max_examples=200)
@given(usage=usages)
def test_the_buckets_add_up_to_what_was_reported(usage: Usage) -> None:
    count = buckets(usage)
    if usage.input is not None:
        assert count.input == usage.input
    if usage.output is not None:
        assert count.output == usage.output


@settings(max_examples=200)
@given(usage=usages)
def test_no_bucket_is_negative_and_none_is_invented(usage: Usage) -> None:
    count = buckets(usage)
    assert all(value is None or value >= 0 for value in (getattr(count, name) for name in count.__struct_fields__))
    assert (count.in_uncached is None) == (usage.input is None)
    assert (count.out_visible is None) == (usage.output is None)
    assert (count.in_cache_read is None) == (usage.cached_input is None)
    assert (count.out_reasoning is None) == (usage.reasoning is None)


def test_an_unknown_usage_has_unknown_sums() -> None:
    assert buckets(Usage()) == TokenCount()
    assert (TokenCount().input, TokenCount().output) == (None, None)
    assert not Usage().known


def test_a_reported_zero_is_a_zero() -> None:
    count = buckets(Usage(input=0, output=0))
    assert (count.input, count.output, count.in_cache_read) == (0, 0, None)
    assert Usage(output=0).known


def test_the_buckets_of_a_cached_prompt_with_reasoning() -> None:
    usage = Usage(input=1000, output=50, cached_input=600, cache_write=300, cache_write_1h=100, reasoning=20)
    assert buckets(usage) == TokenCount(100, 600, 200, 100, 30, 20)


def test_parts_larger_than_their_whole_are_cut_to_it() -> None:
    assert buckets(Usage(input=10, cached_input=100, cache_write=5)).input == 10
    assert buckets(Usage(output=10, reasoning=100)) == TokenCount(out_visible=0, out_reasoning=10)


@settings(max_examples=100)
@given(old=usages, new=usages)
def test_a_later_report_replaces_and_never_adds(old: Usage, new: Usage) -> None:
    both = merged(old, new)
    for name in ("input", "output", "cached_input", "cache_write", "reasoning"):
        later, earlier = getattr(new, name), getattr(old, name)
        assert getattr(both, name) == (earlier if later is None else later)
    assert merged(both, new) == both
    assert merged(None, new) == new
