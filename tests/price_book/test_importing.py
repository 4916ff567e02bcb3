"""From a pasted list to prices that may be entered."""

from __future__ import annotations

from lib.cards import Prices
from lib.price_book.importing import plan
from lib.price_book.reading import read_prices

VENDOR = {f"m{at}": Prices(at * 1_000_000, at * 5_000_000) for at in range(1, 8)}


def text(scale: float = 1, n: int = 7, head: str = "model,input,output") -> str:
    return head + "".join(f"\nm{at},{at * scale:.10f},{5 * at * scale:.10f}" for at in range(1, n + 1))


def test_a_list_that_fits_is_taken_as_it_is() -> None:
    for scale in (1, 0.001, 0.000001):
        found = plan(read_prices(text(scale)), VENDOR)
        assert dict(found.prices) == VENDOR
        assert (found.blocked, found.unit_to_confirm) == ({}, False)


def test_a_guessed_unit_waits_for_a_person() -> None:
    found = plan(read_prices(text(n=2)), VENDOR)
    assert found.unit_to_confirm
    assert (found.prices, set(found.blocked)) == ({}, {"m1", "m2"})
    settled = plan(read_prices(text(n=2)), VENDOR, unit=(10**6, False))
    assert set(settled.prices) == {"m1", "m2"}


def test_a_list_that_says_the_wrong_unit_waits_for_a_person() -> None:
    wrong = read_prices(text(head="model,input per 1K tokens,output"))
    found = plan(wrong, VENDOR)
    assert (found.unit_to_confirm, found.unit.fits) == (True, (10**6, False))
    assert dict(plan(wrong, VENDOR, unit=(10**6, False)).prices) == VENDOR


def test_one_price_a_hundred_times_off_waits_alone() -> None:
    listed = read_prices(text().replace("m3,3.0", "m3,300.0"))
    found = plan(listed, VENDOR)
    assert set(found.blocked) == {"m3"}
    assert (found.suspects[0].field, found.suspects[0].factor) == ("input", 100)
    assert set(plan(listed, VENDOR, confirmed={"m3"}).prices) == set(VENDOR)


def test_an_impossible_price_is_a_trouble() -> None:
    found = plan(read_prices("model,input\nm1,3"), {}, unit=(1, False))
    assert [one.code for one in found.troubles] == ["too_large"]
    assert (found.prices, found.unit_to_confirm) == ({}, False)


def test_cents_are_told_or_told_apart() -> None:
    assert dict(plan(read_prices(text(100)), VENDOR).prices) == VENDOR
    told = read_prices("model,input (cents per 1M),output\nm1,100,500")
    assert plan(told, VENDOR).prices == {"m1": VENDOR["m1"]}


def test_the_currency_is_the_gateways_where_the_list_names_none() -> None:
    found = plan(read_prices(text()), VENDOR, unit=(10**6, False), currency="CNY")
    assert {prices.currency for prices in found.prices.values()} == {"CNY"}


def test_an_empty_list_enters_nothing() -> None:
    found = plan(read_prices(""), VENDOR)
    assert (found.prices, found.blocked, found.unit_to_confirm) == ({}, {}, False)
