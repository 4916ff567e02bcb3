"""The unit guard: 100 times, 1,000 times and a million times off is seen; a discount is not."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.cards import Prices
from lib.price_book.reading import Listed
from lib.price_book.units import suspects, unit_of

LIST = {f"m{at}": Prices(at * 1_000_000, at * 5_000_000) for at in range(1, 8)}


def rows(factor: str, tokens: int | None = None, cents: bool = False, n: int = 7) -> list[Listed]:
    return [
        Listed(at, f"m{at}", Decimal(at) * Decimal(factor), None, tokens=tokens, cents=cents) for at in range(1, n + 1)
    ]


@pytest.mark.parametrize(
    ("factor", "unit"),
    [
        ("1", (10**6, False)),
        ("0.3", (10**6, False)),
        ("3", (10**6, False)),
        ("0.001", (1000, False)),
        ("0.0004", (1000, False)),
        ("0.000001", (1, False)),
        ("0.0000003", (1, False)),
        ("100", (10**6, True)),
        ("60", (10**6, True)),
    ],
)
def test_five_known_models_tell_the_unit(factor: str, unit: tuple[int, bool]) -> None:
    found = unit_of(rows(factor), LIST)
    assert ((found.tokens, found.cents), found.basis, found.known) == (unit, "references", 7)
    assert found.ratio is not None
    assert Fraction(1, 4) < found.ratio < 4


def test_fewer_than_five_known_models_leave_it_to_the_size_and_say_so() -> None:
    assert unit_of(rows("0.000001", n=4), LIST).basis == "size"
    assert unit_of(rows("0.000001", n=4), LIST).tokens == 1
    assert unit_of([], LIST).basis == "unknown"


def test_what_the_list_says_counts_and_is_checked() -> None:
    right = unit_of(rows("0.001", 1000), LIST)
    assert (right.tokens, right.basis, right.contradicts) == (1000, "told", False)
    wrong = unit_of(rows("1", 1), LIST)
    assert (wrong.tokens, wrong.contradicts, wrong.fits) == (1, True, (10**6, False))


def test_a_told_discount_is_no_contradiction() -> None:
    assert not unit_of(rows("0.05", 10**6), LIST).contradicts


def test_other_currencies_are_not_compared() -> None:
    yuan = [Listed(at, f"m{at}", Decimal(at), currency="CNY") for at in range(1, 8)]
    assert unit_of(yuan, LIST).known == 0
    assert suspects({"m1": Prices(10**9, currency="CNY")}, LIST) == ()


@pytest.mark.parametrize("factor", [100, 1_000, 10**6])
@pytest.mark.parametrize("higher", [True, False])
def test_a_mistake_of_unit_is_blocked(factor: int, higher: bool) -> None:
    price = 3_000_000 * factor if higher else 3_000_000 // factor
    (found,) = suspects({"m3": Prices(price)}, LIST)
    assert (found.factor, found.higher, found.against) == (factor, higher, "vendor")


def test_a_mistake_of_unit_is_blocked_with_a_mark_up_on_it_too() -> None:
    for price in (3_000_000 * 3 // 200, 3_000_000 * 100 // 3):
        (found,) = suspects({"m3": Prices(price)}, LIST)
        assert found.factor == 100


@pytest.mark.parametrize("times", ["0.02", "0.05", "0.3", "1", "1.5", "20"])
def test_discounts_and_surcharges_are_not(times: str) -> None:
    assert suspects({"m3": Prices(int(3_000_000 * Fraction(times)))}, LIST) == ()


def test_the_book_knows_better_than_the_vendor() -> None:
    book = {"m3": Prices(30_000)}
    assert suspects({"m3": Prices(30_000)}, LIST, book) == ()
    (found,) = suspects({"m3": Prices(3_000_000)}, LIST, book)
    assert (found.against, found.factor) == ("book", 100)


def test_free_is_confirmed_and_unknown_is_not_compared() -> None:
    (found,) = suspects({"m3": Prices(0)}, LIST)
    assert (found.given, found.factor) == (0, None)
    assert suspects({"m3": Prices()}, LIST) == ()
    assert suspects({"other": Prices(10**11)}, LIST) == ()


def test_the_worst_field_is_named() -> None:
    (found,) = suspects({"m1": Prices(100_000_000, 5_000_000_000_0)}, LIST)
    assert found.field == "output"


@given(st.integers(1, 10**9), st.integers(1, 10**9))
@settings(max_examples=100)
def test_blocked_means_out_of_range(given_price: int, expected: int) -> None:
    found = suspects({"m": Prices(given_price)}, {"m": Prices(expected)})
    assert bool(found) != (Fraction(1, 60) < Fraction(given_price, expected) <= 20)
