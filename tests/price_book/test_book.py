"""History, rules, previews and the feed of changes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from lib.cards import ModelCard, Prices, PriceSource
from lib.errors import SettingsError
from lib.price_book.book import in_force, spans
from lib.price_book.changes import changes
from lib.price_book.preview import Use, preview
from lib.price_book.rules import multiplied, multiplier, ruled
from lib.tokens import TokenCount


class Row(Struct, frozen=True):
    id: int
    source: PriceSource
    prices: Prices
    valid_from_ms: int
    model: str = "gpt-5.4-hc"
    gateway_id: int = 1
    note: str = ""


ONE, TWO, NONE = Prices(1_000_000, 10_000_000), Prices(2_000_000, 12_000_000), Prices()


def test_an_entered_price_goes_before_the_list_and_a_rule_after_it() -> None:
    book = [Row(1, "rule", ONE, 0), Row(2, "gateway", TWO, 10), Row(3, "entered", ONE, 20), Row(4, "entered", NONE, 30)]
    found = [in_force(book, at) for at in (-1, 5, 15, 25, 35)]
    assert [one and one.id for one in found] == [None, 1, 2, 3, 2]
    assert [(span.from_ms, span.to_ms, span.version_id) for span in spans(book)] == [
        (0, 10, 1),
        (10, 20, 2),
        (20, 30, 3),
        (30, None, 2),
    ]


SOURCES = st.sampled_from(["entered", "gateway", "rule"])


@given(st.lists(st.tuples(SOURCES, st.sampled_from([ONE, TWO, NONE]), st.integers(0, 20)), max_size=12))
@settings(max_examples=80)
def test_the_spans_are_the_book_at_every_moment(found: list[tuple[PriceSource, Prices, int]]) -> None:
    book = [Row(at, source, prices, since) for at, (source, prices, since) in enumerate(found, 1)]
    laid = spans(book)
    for before, after in pairwise(laid):
        assert before.to_ms == after.from_ms
    for at in range(25):
        now = in_force(book, at)
        there = next((span for span in laid if span.from_ms <= at and (span.to_ms is None or at < span.to_ms)), None)
        assert (there.version_id if there else None) == (now.id if now else None)


def card(model: str, variant: str, prices: Prices = NONE, source: PriceSource | None = None) -> ModelCard:
    return ModelCard(model, "gpt-5.4", "gpt", variant, prices=prices, price_source=source, vendor_prices=TWO)


def test_a_rule_is_a_labelled_price_for_models_without_one() -> None:
    rule = multiplier(1, "low", "0.30", label="Budget")
    (found,) = ruled([rule], [card("gpt-5.4", "standard", ONE, "gateway"), card("gpt-5.4-low", "low")])
    assert found.model == "gpt-5.4-low"
    assert found.prices == Prices(600_000, 3_600_000)
    assert found.note == "Budget = 0.3 × vendor list"


def test_a_rule_on_the_standard_price_needs_one() -> None:
    rule = multiplier(1, "low", "0.5", "standard")
    assert ruled([rule], [card("gpt-5.4", "standard"), card("gpt-5.4-low", "low")]) == ()
    (found,) = ruled([rule], [card("gpt-5.4", "standard", ONE, "gateway"), card("gpt-5.4-low", "low")])
    assert found.prices == Prices(500_000, 5_000_000)


def test_a_rule_never_overrules_the_gateway() -> None:
    assert ruled([multiplier(1, "low", "0.3")], [card("gpt-5.4-low", "low", ONE, "gateway")]) == ()
    assert ruled([multiplier(1, "low", "0.3")], [card("gpt-5.4-low", "low", ONE, "rule")]) != ()


def test_the_most_particular_rule_counts() -> None:
    rules = [multiplier(1, "low", "0.1", only_base="gpt-5.4"), multiplier(1, "low", "0.3")]
    assert ruled(rules, [card("gpt-5.4-low", "low")])[0].prices.input == 200_000


@pytest.mark.parametrize("times", ["", "0", "-1", "nan", "inf", "101", "0.0000001", "much"])
def test_a_multiplier_is_a_small_number_above_zero(times: str) -> None:
    with pytest.raises(SettingsError):
        multiplier(1, "low", times)


def test_unknown_times_anything_is_unknown_and_zero_stays_zero() -> None:
    assert multiplied(Prices(0, None, 3), "0.5") == Prices(0, None, 2)


def test_a_preview_counts_what_can_be_priced_and_holds_the_month_against_it() -> None:
    asked = TokenCount(1_000_000, 0, 0, 0, 100_000, 0)
    use = Use("m", 2, TokenCount(2_000_000, 0, 0, 0, 200_000, 0), 4_000_000_000, "USD", (asked, TokenCount()))
    found = preview({"m": TWO, "same": ONE, "idle": ONE}, [use], book={"same": ONE})
    (effect, idle) = found.effects
    assert (effect.reprices, effect.repriced_nano, effect.still_unpriced) == (1, 3_200_000_000, 1)
    assert (effect.month_before, effect.month_after, effect.difference) == (4_000_000_000, 6_400_000_000, 2_400_000_000)
    assert (idle.reprices, idle.difference) == (0, 0)
    assert (found.reprices, found.still_unpriced, found.unchanged) == (1, 1, 1)
    assert (found.repriced_nano, found.differences) == ({"USD": 3_200_000_000}, {"USD": 2_400_000_000})


def test_taking_a_price_away_prices_nothing() -> None:
    use = Use("m", 1, TokenCount(5, 0, 0, 0, 5, 0), 10, unpriced=(TokenCount(1, 0, 0, 0, 1, 0),))
    (effect,) = preview({"m": NONE}, [use], book={"m": ONE}).effects
    assert (effect.reprices, effect.still_unpriced, effect.difference) == (0, 1, None)


def test_a_price_in_another_currency_is_not_held_against_the_month() -> None:
    use = Use("m", 1, TokenCount(5, 0, 0, 0, 5, 0), 10)
    (effect,) = preview({"m": Prices(1, 1, currency="CNY")}, [use]).effects
    assert (effect.currency, effect.month_before, effect.month_after) == ("CNY", 0, 0)


MAY_3 = 1_777_809_600_000  # 2026-05-03 12:00 UTC


def test_the_feed_says_what_a_change_means_for_the_month() -> None:
    book = [Row(1, "gateway", ONE, 0), Row(2, "gateway", Prices(1_000_000, 12_000_000), MAY_3)]
    month = {(1, "gpt-5.4-hc"): TokenCount(0, 0, 0, 0, 500_000, 100_000)}
    found = changes(book, month)
    assert found[0].words("Europe/Berlin") == "gpt-5.4-hc output +20 % on 3 May, +$1.20 on your month"
    assert [(one.field, one.kind) for one in found] == [("output", "up"), ("input", "first"), ("output", "first")]


def test_prices_that_come_go_and_change_currency_have_no_percentage() -> None:
    book = [Row(1, "gateway", ONE, 0), Row(2, "gateway", NONE, 10), Row(3, "gateway", Prices(7, currency="CNY"), 20)]
    assert [(one.at_ms, one.field, one.kind) for one in changes(book)] == [
        (20, "input", "first"),
        (10, "input", "gone"),
        (10, "output", "gone"),
        (0, "input", "first"),
        (0, "output", "first"),
    ]
    (dearer, *_) = changes([Row(1, "gateway", ONE, 0), Row(2, "gateway", Prices(9, 9, currency="CNY"), 1)])
    assert (dearer.kind, dearer.permille, dearer.effect_nano) == ("currency", None, None)
    assert dearer.words() == "gpt-5.4-hc input at ¥0.000009 / 1M on 1 January"


def test_from_free_to_priced_is_told_without_a_percentage() -> None:
    book = [Row(1, "gateway", Prices(0), 0), Row(2, "gateway", Prices(500_000), 86_400_000)]
    assert changes(book)[0].words() == "gpt-5.4-hc input at $0.50 / 1M on 2 January"


def test_sources_do_not_follow_each_other() -> None:
    book = [Row(1, "gateway", ONE, 0), Row(2, "entered", TWO, 10)]
    assert {one.kind for one in changes(book)} == {"first"}
