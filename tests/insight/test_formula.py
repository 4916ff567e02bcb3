"""The formula of one request, with its numbers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lib.cards import Prices
from lib.insight.formula import amount, corrections, formula
from lib.insight_words import CostStep
from lib.ledger import Cost
from lib.pricing import estimate_range, price
from lib.tokens import TokenCount

PRICES = Prices(2_500_000, 15_000_000)
COUNT = TokenCount(1_200, 0, 0, 0, 300, 0)


def texts(count: TokenCount, prices: Prices | None, cost: Cost, **more: object) -> list[str]:
    return [line.text for line in formula(count, prices, cost, **more)]


def test_the_formula_shows_its_numbers() -> None:
    assert texts(COUNT, PRICES, price(COUNT, PRICES, source="gateway")) == [
        "1,200 input × $2.50 / 1M = $0.003000",
        "300 output × $15.00 / 1M = $0.004500",
        "Total $0.007500",
    ]


def test_cached_tokens_have_rows_of_their_own_and_an_assumed_price_says_so() -> None:
    count = TokenCount(100, 1_000, 200, 300, 50, 20)
    reference = Prices(5_000_000, 25_000_000, 500_000, 6_250_000, 10_000_000)
    cost = price(count, PRICES, source="gateway", reference=reference)
    assert texts(count, PRICES, cost, reference=reference) == [
        "100 input × $2.50 / 1M = $0.000250",
        "1,000 cached input × $0.25 / 1M (assumed) = $0.000250",
        "200 written to cache × $3.125 / 1M (assumed) = $0.000625",
        "300 written to cache for an hour × $5.00 / 1M (assumed) = $0.001500",
        "70 output (20 of them reasoning) × $15.00 / 1M = $0.001050",
        "Total $0.003675",
        "The gateway names no price for cached tokens: assumed from its input price.",
    ]


def test_the_gateways_own_figure_stands_beside() -> None:
    cost = price(COUNT, PRICES, source="gateway", reported="0.0080", reported_currency="USD")
    assert texts(COUNT, PRICES, cost)[-1] == "The gateway's own figure is $0.008000, $0.000500 more."
    same = price(COUNT, PRICES, source="gateway", reported="0.0075", reported_currency="USD")
    assert texts(COUNT, PRICES, same)[-1] == "The gateway's own figure is $0.007500, the same."


def test_a_figure_that_only_the_gateway_gives_is_not_taken_apart() -> None:
    cost = price(COUNT, None, source=None, reported="0.01", reported_currency="USD")
    assert texts(COUNT, None, cost) == [
        "Total $0.010000",
        "The gateway's own figure for 1,200 input and 300 output; it does not say how it is made up.",
    ]


def test_an_unknown_price_is_never_zero() -> None:
    assert texts(COUNT, None, price(COUNT, None, source=None)) == [
        "1,200 input × — = —",
        "300 output × — = —",
        "Total —",
        "No cost: no price is known.",
    ]
    assert texts(TokenCount(), PRICES, Cost())[-1] == "No cost: the tokens or a price are unknown."


def test_free_is_zero() -> None:
    assert texts(COUNT, Prices(0, 0), price(COUNT, Prices(0, 0), source="entered"))[-1] == "Total $0.000000"


def test_estimated_tokens_show_their_range() -> None:
    cost = estimate_range(price(COUNT, PRICES, source="gateway"), COUNT, PRICES)
    found = texts(COUNT, PRICES, cost, usage_source="estimated")
    assert found[-2:] == ["Total ≈ $0.007500", "The tokens are estimated: between $0.006000 and $0.009375."]


def test_corrections_tell_the_life_of_a_cost() -> None:
    priced = price(COUNT, PRICES, source="entered")
    steps = [CostStep(1, "reprice", "price entered later", 5, priced), CostStep(0, "initial", "", 0, Cost())]
    assert [line.text for line in corrections(steps)] == [
        "First: —",
        "Corrected: — → $0.007500 (reprice: price entered later)",
    ]


def test_amounts_show_every_digit_that_is_kept() -> None:
    assert [amount(nano) for nano in (0, 125, 3_000_000, 1_234_567_890_123, -5, None)] == [
        "$0.000000",
        "$0.000000125",
        "$0.003000",
        "$1,234.567890123",
        "-$0.000000005",
        "—",
    ]


TOKENS = st.integers(0, 10**7)
PRICE = st.integers(0, 10**8)


@given(st.tuples(TOKENS, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS), st.tuples(PRICE, PRICE, PRICE, PRICE, PRICE))
@settings(max_examples=80)
def test_the_parts_add_up_to_the_total(tokens: tuple[int, ...], picos: tuple[int, ...]) -> None:
    count, prices = TokenCount(*tokens), Prices(*picos)
    cost = price(count, prices, source="gateway")
    lines = formula(count, prices, cost)
    (total,) = (line for line in lines if line.kind == "total")
    assert sum(line.nano or 0 for line in lines if line.kind == "part") == total.nano == cost.nano
    blurred = formula(count, prices, structs.replace(cost, nano=(cost.nano or 0) + 7, other_nano=7))
    assert "$0.000000007 of it is not made up of tokens." in [line.text for line in blurred]
