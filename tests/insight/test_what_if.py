"""The same tokens on every other variant."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.cards import ModelCard, Prices, PriceSource
from lib.insight.slices import Slice
from lib.insight.what_if import what_if, whole
from lib.pricing import price
from lib.tokens import TokenCount

UNKNOWN = Prices()


def card(variant: str, prices: Prices = UNKNOWN, source: PriceSource | None = "gateway") -> ModelCard:
    name = "gpt" if variant == "standard" else f"gpt-{variant}"
    return ModelCard(name, "gpt", "gpt", variant, prices=prices, price_source=source, variant_label=variant)


def used(model: str = "gpt", n: int = 2, nano: int = 9_000_000, unpriced: int = 0, **more: int) -> Slice:
    return Slice(
        1, model, "gpt", "gpt", n=n, n_unpriced=unpriced, in_uncached=1000, out_visible=100, cost_nano=nano, **more
    )


CARDS = {
    1: [
        card("standard", Prices(2_500_000, 15_000_000)),
        card("low", Prices(500_000, 3_000_000)),
        card("hc"),
        card("yuan", Prices(1, 1, currency="CNY")),
        card("list", Prices(1, 1), "vendor"),
    ]
}


def test_each_variant_has_its_cost_and_saving_or_says_why_not() -> None:
    (found,) = what_if([used()], CARDS)
    assert (found.now_nano, found.compared) == (9_000_000, 2)
    assert [(option.variant, option.nano, option.saving, option.missing) for option in found.options] == [
        ("standard", 4_000_000, 5_000_000, None),
        ("hc", None, None, "unpriced"),
        ("list", None, None, "unpriced"),
        ("low", 800_000, 8_200_000, None),
        ("yuan", None, None, "currency"),
    ]


def test_unpriced_requests_are_left_out_and_counted() -> None:
    (found,) = what_if([used(), used("gpt-hc", 3, 0, 3), used("gpt-low", 4, 5, 1)], CARDS)
    assert (found.compared, found.left_out, found.now_nano) == (2, 7, 9_000_000)
    (nothing,) = what_if([used(n=3, nano=0, unpriced=3)], CARDS)
    assert {option.missing for option in nothing.options} == {"nothing"}
    assert {option.nano for option in nothing.options} == {None}


def test_a_charge_for_tokens_that_nobody_counted_is_no_saving_elsewhere() -> None:
    charged = Slice(1, "gpt", "gpt", "gpt", n=1, n_uncounted=1, cost_nano=9, other_nano=9)
    (found,) = what_if([charged], CARDS)
    assert (found.compared, found.now_nano, found.left_out) == (0, 0, 1)
    assert {option.missing for option in found.options} == {"nothing"} and whole([found]) == ()
    refused = used(n_uncounted=1)
    assert what_if([refused], CARDS)[0].compared == 2


def test_what_ran_where_and_what_is_estimated_is_told() -> None:
    (found,) = what_if([used(n=1, n_estimated=1, est_cost_nano=9), used("gpt-low", 3, 6)], CARDS)
    assert {option.variant: option.current_share for option in found.options if option.current_share} == {
        "standard": 250,
        "low": 750,
    }
    assert (found.estimated, found.estimated_nano) == (1, 9)


def test_an_assumed_cache_price_is_flagged() -> None:
    (found,) = what_if([used(in_cache_read=50)], CARDS)
    assert [option.cache_assumed for option in found.options if option.nano is not None] == [True, True]


def test_the_whole_keeps_what_cannot_move() -> None:
    other = Slice(1, "solo", "solo", "s", n=1, in_uncached=1, cost_nano=1_000)
    found = what_if([used(), other], CARDS)
    (low, standard) = whole(found)
    assert (low.variant, low.saving, low.nano, low.moved, low.bases) == ("low", 8_200_000, 801_000, 1, 2)
    assert standard.saving == 5_000_000


def test_a_gateway_is_compared_with_its_own_variants_only() -> None:
    (found,) = what_if([Slice(2, "gpt", "gpt", n=1, in_uncached=5, cost_nano=5)], CARDS)
    assert found.options == ()


REQUESTS = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**5)), min_size=1, max_size=20
)


@given(REQUESTS)
@settings(max_examples=60)
def test_a_sum_priced_at_once_is_the_sum_of_the_priced_within_half_a_nano_each(
    found: list[tuple[int, int, int]],
) -> None:
    prices = Prices(2_501_001, 15_000_007, 250_003)
    counts = [TokenCount(fresh, read, 0, 0, out, 0) for fresh, read, out in found]
    single = [price(count, prices, source="gateway").nano or 0 for count in counts]
    sums = [sum(column) for column in zip(*found, strict=True)]
    total = Slice(
        1,
        "gpt",
        "gpt",
        n=len(found),
        in_uncached=sums[0],
        in_cache_read=sums[1],
        out_visible=sums[2],
        cost_nano=sum(single),
    )
    (base,) = what_if([total], {1: [card("standard", prices)]})
    assert abs(base.options[0].saving or 0) <= (len(found) + 1) / 2
