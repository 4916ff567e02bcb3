"""The waterfall: whatever happened, the steps add up to the nano-unit; and each step says what it should."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lib.cards import Prices
from lib.insight.slices import Slice, slice_of
from lib.insight.waterfall import STEPS, Waterfall, by_family, waterfall
from lib.ledger import Tally

PRICES = {"in": 3_000, "read": 300, "write": 3_750, "out": 15_000}


def piece(
    model: str = "a",
    n: int = 10,
    fresh: int = 1000,
    read: int = 0,
    out: int = 100,
    *,
    times: int = 1,
    unpriced: int = 0,
) -> Slice:
    """A slice of `n` requests with tokens per request, priced at PRICES × times (nano-units per token)."""
    costs = (n * fresh * 3_000 * times, n * read * 300 * times, n * out * 15_000 * times)
    return Slice(
        1,
        model,
        model,
        family=model[0],
        n=n,
        n_unpriced=unpriced,
        in_uncached=n * fresh,
        in_cache_read=n * read,
        out_visible=n * out,
        input_nano=costs[0],
        cache_read_nano=costs[1],
        output_nano=costs[2],
        cost_nano=sum(costs),
    )


def steps(found: Waterfall) -> dict[str, int]:
    return {step.name: step.nano for step in found.steps if step.nano}


def test_twice_the_requests_are_all_volume() -> None:
    found = waterfall([piece(n=10)], [piece(n=20)])
    assert steps(found) == {"volume": found.before}
    assert found.after == 2 * found.before


def test_longer_prompts_are_tokens_per_request() -> None:
    found = waterfall([piece(fresh=1000)], [piece(fresh=1500)])
    assert steps(found) == {"tokens": 10 * 500 * 3_000}


def test_a_dearer_price_is_price() -> None:
    found = waterfall([piece()], [piece(times=2)])
    assert steps(found) == {"price": found.before}


def test_reading_from_a_cache_for_the_first_time_is_the_cache() -> None:
    found = waterfall([piece(fresh=1000)], [piece(fresh=400, read=600)])
    assert steps(found) == {"cache": -10 * 600 * (3_000 - 300)}


def test_moving_to_another_model_is_mix() -> None:
    cheap = structs.replace(piece("a-low", n=10), input_nano=1, output_nano=1, cost_nano=2)
    found = waterfall([piece("a", n=10)], [cheap])
    assert steps(found) == {"mix": 2 - found.before}
    assert {model.presence for model in found.models} == {"new", "gone"}


def test_a_first_period_is_all_volume_and_an_empty_one_too() -> None:
    assert steps(waterfall([], [piece()])) == {"volume": piece().cost_nano}
    assert steps(waterfall([piece()], [])) == {"volume": -piece().cost_nano}
    assert waterfall([], []).steps == tuple(type(step)(step.name, 0) for step in waterfall([], []).steps)


def test_unpriced_requests_are_counted_and_what_they_blur_is_not_explained() -> None:
    blank = Slice(1, "b", n=4, n_unpriced=4, in_uncached=999)
    found = waterfall([piece(), blank], [piece(n=20), blank])
    assert steps(found) == {"volume": piece().cost_nano}
    assert found.n_unpriced == 8
    apart = Slice(1, "a", n=4, n_unpriced=4, in_uncached=999)
    assert steps(waterfall([piece(), apart], [piece(n=20)])) == {"volume": piece().cost_nano}
    mixed = waterfall([piece()], [piece(n=20, unpriced=3)])
    assert steps(mixed) == {"unpriced": piece().cost_nano}


def test_what_only_the_gateway_figures_say_is_other() -> None:
    before = Slice(1, "a", n=10, other_nano=100, cost_nano=100)
    after = Slice(1, "a", n=20, other_nano=500, cost_nano=500)
    assert steps(waterfall([before], [after])) == {"volume": 100, "other": 300}


def test_other_currencies_stay_out() -> None:
    yuan = structs.replace(piece(), currency="CNY")
    assert waterfall([yuan], [piece()]).before == 0
    assert waterfall([yuan], [piece()], "CNY").after == 0


def test_a_tally_is_split_by_its_prices_exactly() -> None:
    tally = Tally(model="a", n=3, cost_nano=1_000_001, in_uncached=100, in_cache_read=50, out_visible=7)
    split = slice_of(tally, Prices(3, 15, 1))
    parts = (split.input_nano, split.cache_read_nano, split.cache_write_nano, split.output_nano, split.other_nano)
    assert sum(parts) == 1_000_001
    assert parts[4] == 0
    assert slice_of(tally, Prices(3, 15)).other_nano == 1_000_001
    assert slice_of(tally).other_nano == 1_000_001


COUNT = st.integers(0, 10**9)


@st.composite
def slices(draw: st.DrawFn) -> Slice:
    n = draw(st.integers(0, 1000))
    amounts = [draw(st.integers(0, 10**12)) for _ in range(5)]
    unpriced = draw(st.sampled_from([0, 0, 0, n, n // 2]))
    if unpriced == n:
        amounts = [0] * 5
    return Slice(
        draw(st.integers(1, 2)),
        draw(st.sampled_from(["a", "a-hc", "b"])),
        family=draw(st.sampled_from(["x", "y"])),
        n=n,
        n_unpriced=unpriced,
        in_uncached=draw(COUNT),
        in_cache_read=draw(COUNT),
        in_cache_write_5m=draw(COUNT),
        out_visible=draw(COUNT),
        input_nano=amounts[0],
        cache_read_nano=amounts[1],
        cache_write_nano=amounts[2],
        output_nano=amounts[3],
        other_nano=amounts[4],
        cost_nano=sum(amounts),
    )


@given(st.lists(slices(), max_size=6), st.lists(slices(), max_size=6))
@settings(max_examples=150)
def test_the_steps_always_add_up_exactly(before: list[Slice], after: list[Slice]) -> None:
    found = waterfall(before, after)
    assert found.before == sum(one.cost_nano for one in before if one.n > one.n_unpriced)
    assert found.after == sum(one.cost_nano for one in after if one.n > one.n_unpriced)
    assert found.before + sum(step.nano for step in found.steps) == found.after
    assert tuple(step.name for step in found.steps) == STEPS
    for model in found.models:
        assert model.before + sum(step.nano for step in model.steps) == model.after
    families = by_family(found)
    for at, step in enumerate(found.steps):
        assert step.nano == sum(parts[at].nano for parts in families.values())
