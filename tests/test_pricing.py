"""Pricing: exact sums, unknown stays unknown, zero stays zero, one logical request costs the same on every wire."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.cards import ModelCard, Prices
from lib.ledger import Cost
from lib.pricing import (
    charged_prices,
    estimate_count,
    estimate_range,
    guessed_ratio,
    measured_ratio,
    price,
    price_difference,
)
from lib.tokens import TokenCount, Usage, buckets

SONNET = Prices(3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000)
IN_AND_OUT = Prices(input=1_000_000, output=4_000_000)
VENDOR = Prices(5_000_000, 25_000_000, 500_000, 6_250_000, 10_000_000)

tokens = st.integers(0, 10**7)
counts = st.builds(TokenCount, tokens, tokens, tokens, tokens, tokens, tokens)
rates = st.integers(0, 10**9)
full_prices = st.builds(Prices, rates, rates, rates, rates, rates)
maybe = st.none() | rates
any_prices = st.builds(Prices, maybe, maybe, maybe, maybe, maybe)


def components(cost: Cost) -> list[int | None]:
    return [cost.input_nano, cost.cache_read_nano, cost.cache_write_nano, cost.output_nano, cost.other_nano]


@given(counts, full_prices)
def test_the_components_add_up_to_the_cost_which_is_off_by_half_a_nano_at_most(
    count: TokenCount, prices: Prices
) -> None:
    cost = price(count, prices, source="gateway")
    pairs = [
        (count.in_uncached, prices.input),
        (count.in_cache_read, prices.cache_read),
        (count.in_cache_write_5m, prices.cache_write_5m),
        (count.in_cache_write_1h, prices.cache_write_1h),
        (count.out_visible, prices.output),
        (count.out_reasoning, prices.output),
    ]
    exact = Fraction(sum((number or 0) * (rate or 0) for number, rate in pairs), 1000)
    if cost.nano is None:
        assert exact > 2**53 - 2
        return
    assert abs(exact - cost.nano) <= Fraction(1, 2)
    assert sum(part or 0 for part in components(cost)) == cost.nano
    assert not cost.cache_price_assumed


@given(counts, any_prices)
def test_a_cost_is_whole_or_unknown_never_half_known(count: TokenCount, prices: Prices) -> None:
    cost = price(count, prices, source="gateway")
    assert {part is None for part in components(cost)} == {cost.nano is None}
    assert (cost.source is None) == (cost.nano is None)


@given(counts, any_prices)
def test_tokens_without_a_price_are_unpriced_not_free(count: TokenCount, prices: Prices) -> None:
    if (count.in_uncached and prices.input is None) or (count.output and prices.output is None):
        assert price(count, prices, source="gateway").nano is None


@pytest.mark.parametrize("prices", [None, Prices()])
def test_no_price_is_unpriced(prices: Prices | None) -> None:
    assert price(TokenCount(10, 0, 0, 0, 5, 0), prices, source=None) == Cost()


@pytest.mark.parametrize("count", [TokenCount(), TokenCount(in_uncached=10), TokenCount(out_visible=10)])
def test_unknown_tokens_are_unpriced(count: TokenCount) -> None:
    assert price(count, SONNET, source="gateway").nano is None


def test_a_free_model_costs_zero_and_says_whose_price_that_is() -> None:
    cost = price(TokenCount(10, 0, 0, 0, 5, 0), Prices(0, 0), source="gateway")
    assert (cost.nano, cost.source) == (0, "gateway")


def test_a_bucket_without_tokens_needs_no_price() -> None:
    cost = price(TokenCount(10, 0, 0, 0, 0, 0), Prices(input=2_000_000), source="entered")
    assert (cost.nano, cost.cache_price_assumed) == (20_000, False)


def test_a_vendor_list_price_never_prices_anything() -> None:
    assert price(TokenCount(10, 0, 0, 0, 5, 0), VENDOR, source="vendor").nano is None


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=1_000, output=200, cached_input=600, cache_write=100, semantic="openai_incl"),
        Usage(input=1_000, output=200, cached_input=600, cache_write=100, semantic="anthropic_excl"),
        Usage(input=1_000, output=200, cached_input=600, cache_write=100, semantic="ambiguous", anomaly="relay"),
        Usage(input=1_000, output=200, cached_input=600, cache_write=100, reasoning=150),
    ],
)
def test_one_request_costs_the_same_in_openai_anthropic_and_relay_shape(usage: Usage) -> None:
    cost = price(buckets(usage), SONNET, source="gateway")
    assert cost.nano == 300 * 3_000 + 600 * 300 + 100 * 3_750 + 200 * 15_000
    assert (cost.input_nano, cost.cache_read_nano, cost.cache_write_nano) == (900_000, 180_000, 375_000)


def test_more_cached_than_input_never_makes_a_negative_cost() -> None:
    cost = price(buckets(Usage(input=500, output=1, cached_input=700)), SONNET, source="gateway")
    assert cost.nano is not None
    assert min(part or 0 for part in components(cost)) >= 0


def test_an_unlisted_cache_price_is_the_input_price_times_the_vendors_ratio() -> None:
    count = TokenCount(0, 1_000, 1_000, 1_000, 0, 0)
    cost = price(count, IN_AND_OUT, source="gateway", reference=VENDOR)
    assert cost.cache_price_assumed
    assert cost.cache_read_nano == 1_000 * 100
    assert cost.cache_write_nano == 1_000 * 1_250 + 1_000 * 2_000


def test_without_a_reference_cached_tokens_cost_as_much_as_fresh_ones() -> None:
    cost = price(TokenCount(0, 1_000, 0, 0, 0, 0), IN_AND_OUT, source="gateway")
    assert (cost.nano, cost.cache_price_assumed) == (1_000_000, True)


def test_one_listed_write_price_serves_both_lifetimes_when_nothing_says_more() -> None:
    listed = Prices(input=1_000_000, output=0, cache_write_5m=1_250_000)
    count = TokenCount(0, 0, 0, 1_000, 0, 0)
    assert price(count, listed, source="gateway").cache_write_nano == 1_250_000
    assert price(count, listed, source="gateway", reference=VENDOR).cache_write_nano == 2_000_000


def test_a_reported_charge_stands_beside_a_computed_cost() -> None:
    cost = price(TokenCount(1_000, 0, 0, 0, 0, 0), SONNET, source="gateway", reported="0.0029", version_id=7)
    assert (cost.nano, cost.reported_nano, cost.source, cost.price_version_id) == (3_000_000, 2_900_000, "gateway", 7)


def test_a_charge_in_another_currency_is_not_put_beside() -> None:
    cost = price(TokenCount(1, 0, 0, 0, 0, 0), SONNET, source="gateway", reported="1", reported_currency="CNY")
    assert (cost.currency, cost.reported_nano) == ("USD", None)


@pytest.mark.parametrize(("said", "nano"), [("0.0029", 2_900_000), ("0", 0)])
def test_without_a_price_the_reported_charge_is_the_cost(said: str, nano: int) -> None:
    cost = price(TokenCount(10, 0, 0, 0, 5, 0), None, source=None, reported=said, reported_currency="CNY")
    assert (cost.nano, cost.other_nano, cost.source, cost.currency) == (nano, nano, "reported", "CNY")


def test_a_charge_that_is_no_amount_is_ignored() -> None:
    assert price(TokenCount(10, 0, 0, 0, 5, 0), None, source=None, reported="-1").nano is None


def test_an_impossible_token_count_is_unpriced() -> None:
    assert price(TokenCount(10**18, 0, 0, 0, 0, 0), SONNET, source="gateway").nano is None
    assert price(TokenCount(-5, 0, 0, 0, 0, 0), SONNET, source="gateway").nano is None


chars = st.integers(0, 10**6)
ratios = st.none() | st.fractions(Fraction(1, 20), Fraction(3)) | st.floats(0.05, 3)


@given(chars, chars, chars, ratios, st.none() | st.integers(1, 10**6), st.booleans())
def test_an_estimate_lies_within_its_bounds(
    sent: int, got: int, thought: int, ratio: Fraction | float | None, cap: int | None, input_known: bool
) -> None:
    count = estimate_count(sent, got, thought, ratio)
    cost = price(count, SONNET, source="gateway")
    ranged = estimate_range(cost, count, SONNET, max_out_cap=cap, input_known=input_known)
    assert ranged.nano == cost.nano
    assert (ranged.low_nano or 0) <= (ranged.nano or 0) <= (ranged.high_nano or 0)


def test_an_estimate_takes_a_quarter_token_per_character_unless_told() -> None:
    assert estimate_count(400, 41) == TokenCount(100, 0, 0, 0, 11, 0)
    assert estimate_count(400, 40, 8, 0.75) == TokenCount(300, 0, 0, 0, 30, 6)


def test_a_reported_input_widens_no_range() -> None:
    count = TokenCount(1_000, 0, None, None, 0, 0)
    cost = estimate_range(price(count, SONNET, source="gateway"), count, SONNET, input_known=True)
    assert cost.low_nano == cost.nano == cost.high_nano


def test_what_a_gateway_may_go_on_producing_is_the_upper_bound() -> None:
    count = estimate_count(0, 400, 40)
    cost = estimate_range(price(count, SONNET, source="gateway"), count, SONNET, max_out_cap=1_000)
    assert cost.high_nano == 1_000 * 15_000


def test_what_has_no_price_has_no_range() -> None:
    count = estimate_count(4, 4)
    assert estimate_range(Cost(), count, None).high_nano is None
    assert estimate_range(Cost(), count, SONNET).high_nano is None
    charged = price(count, None, source=None, reported="0.01")
    assert estimate_range(charged, count, Prices()) == charged


def test_the_measured_ratio_is_the_median_of_answers_with_text() -> None:
    assert measured_ratio([(10, 40), (10, 20), (10, 30), (0, 5), (5, 0)]) == Fraction(1, 3)
    assert measured_ratio([]) is None


def test_chinese_takes_more_tokens_per_character_than_english() -> None:
    assert guessed_ratio("hello world") == guessed_ratio("") == Fraction(1, 4)
    assert guessed_ratio("привет") == Fraction(2, 5)
    assert guessed_ratio("你好，世界") == Fraction(4, 5)


def card(input: int | None, output: int | None, currency: str = "USD") -> ModelCard:
    prices = Prices(input=input, output=output, currency=currency)
    return ModelCard("m", "m", "m", prices=prices, price_source="gateway" if prices.known else None)


def test_the_difference_to_another_model_assumes_the_same_tokens() -> None:
    count = TokenCount(in_uncached=1_000, in_cache_read=0, out_visible=100)
    assert price_difference(count, 4_000_000, "USD", card(1_000_000, 5_000_000)) == 1_500_000 - 4_000_000
    assert price_difference(count, 1_000_000, "USD", card(1_000_000, 5_000_000)) == 500_000


@pytest.mark.parametrize(
    ("nano", "currency", "other"),
    [
        (None, "USD", card(1, 1)),
        (5, "USD", card(None, None)),
        (5, "USD", card(1, None)),
        (5, "EUR", card(1, 1)),
    ],
)
def test_there_is_no_difference_to_what_is_unpriced(nano: int | None, currency: str, other: ModelCard) -> None:
    count = TokenCount(in_uncached=1_000, out_visible=100)
    assert price_difference(count, nano, currency, other) is None
    assert price_difference(TokenCount(), 5, "USD", card(1, 1)) is None


PRICE = st.integers(0, 10**8)
MAYBE = st.one_of(st.none(), PRICE)


@given(st.builds(Prices, PRICE, PRICE, MAYBE, MAYBE, MAYBE), st.builds(Prices, PRICE, PRICE, MAYBE, MAYBE, MAYBE))
def test_the_charged_prices_are_what_a_cost_is_made_with(prices: Prices, reference: Prices) -> None:
    count = TokenCount(101, 202, 303, 404, 505, 606)
    assumed = price(count, prices, source="gateway", reference=reference)
    named = price(count, charged_prices(prices, reference), source="gateway")
    assert assumed.nano == named.nano
    assert not named.cache_price_assumed
