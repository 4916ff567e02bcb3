"""Money: whole numbers, one rounding, honest texts."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import SettingsError
from lib.money import (
    MAX_NANO,
    apportion,
    cost_nano,
    money,
    money_exact,
    nano_from_pico,
    nano_from_text,
    nano_parts,
    percentages,
    price_from_text,
    price_per_m,
)

picos = st.integers(0, 10**18)


@given(picos)
def test_rounding_to_nano_is_off_by_half_a_nano_at_most(pico: int) -> None:
    assert abs(Fraction(pico, 1000) - nano_from_pico(pico)) <= Fraction(1, 2)


@given(st.integers(-(10**12), 10**12), st.sampled_from([0, 1, 499, 500, 501, 999]))
def test_rounding_is_half_to_even(nano: int, rest: int) -> None:
    pico = nano * 1000 + rest
    assert nano_from_pico(pico) == round(Fraction(pico, 1000))


def test_a_million_tokens_at_three_dollars_per_million_are_three_dollars() -> None:
    assert cost_nano(1_000_000, 3_000_000) == 3_000_000_000


@given(st.lists(picos, max_size=8))
def test_rounded_parts_add_up_to_the_rounded_sum(parts: list[int]) -> None:
    nanos = nano_parts(parts)
    assert sum(nanos) == nano_from_pico(sum(parts))
    assert all(abs(Fraction(pico, 1000) - nano) < 1 for pico, nano in zip(parts, nanos, strict=True))


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**12), min_size=1, max_size=8).filter(sum))
def test_shares_add_up_to_the_whole(total: int, weights: list[int]) -> None:
    shares = apportion(total, weights)
    assert sum(shares) == total
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)


def test_nothing_is_shared_out_without_weights() -> None:
    assert apportion(7, [0, 0]) == (0, 0)
    assert apportion(0, []) == ()


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (None, "—"),
        (0, "$0"),
        (1, "<$0.0001"),
        (99_999, "<$0.0001"),
        (100_000, "$0.0001"),
        (2_100_000, "$0.0021"),
        (99_940_000, "$0.0999"),
        (99_960_000, "$0.10"),
        (251_300_000, "$0.25"),
        (999_960_000, "$1.00"),
        (1_270_000_000, "$1.27"),
        (1_204_100_000_000, "$1,204.10"),
        (-2_100_000, "-$0.0021"),
        (-5, "-<$0.0001"),
    ],
)
def test_an_amount_reads_well(nano: int | None, text: str) -> None:
    assert money(nano) == text


@given(st.integers(-MAX_NANO, MAX_NANO).filter(bool))
def test_no_amount_but_zero_reads_as_zero(nano: int) -> None:
    assert any(digit in money(nano) for digit in "123456789")


@pytest.mark.parametrize(
    ("currency", "text"), [("CNY", "¥1.27"), ("EUR", "€1.27"), ("CHF", "CHF 1.27"), ("", "¤1.27"), ("**x**", "¤1.27")]
)
def test_a_currency_shows_its_sign_or_its_code_and_never_foreign_text(currency: str, text: str) -> None:
    assert money(1_270_000_000, currency) == text


def test_an_exported_amount_is_exact_and_unknown_is_empty() -> None:
    assert money_exact(1_270_000_001) == "1.270000001"
    assert money_exact(0) == "0"
    assert money_exact(None) == ""


@pytest.mark.parametrize(
    ("pico", "text"),
    [(None, "—"), (0, "$0"), (3_000_000, "$3.00"), (37_500, "$0.0375"), (1, "$0.000001"), (1_200_500_000, "$1,200.50")],
)
def test_a_price_reads_per_million_tokens(pico: int | None, text: str) -> None:
    assert price_per_m(pico) == text


@pytest.mark.parametrize(
    ("text", "unit", "pico"),
    [
        ("3", "per 1M", 3_000_000),
        (" $0.15 ", "per 1M", 150_000),
        ("¥2", "per 1M", 2_000_000),
        ("0.003", "per 1K", 3_000_000),
        ("0.000003", "per token", 3_000_000),
        ("3e-6", "per token", 3_000_000),
        ("0", "per 1M", 0),
        ("", "per 1M", None),
        ("$", "per 1M", None),
    ],
)
def test_a_typed_price_becomes_pico_per_token(text: str, unit: str, pico: int | None) -> None:
    assert price_from_text(text, unit) == pico  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["3,5", "1,200", "-1", "nan", "Infinity", "1e999999999", "three", "1_0", "0.0000001"])
def test_what_is_no_exact_price_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        price_from_text(text, field="input price")
    assert refused.value.field == "input price"


def test_a_price_per_million_typed_as_per_token_is_refused() -> None:
    with pytest.raises(SettingsError, match="check the unit"):
        price_from_text("3", "per token")


@given(st.integers(0, 10**12))
def test_a_shown_price_can_be_typed_back(pico: int) -> None:
    assert price_from_text(price_per_m(pico).replace(",", "")) == pico


@pytest.mark.parametrize(
    ("text", "nano"),
    [("0.00012", 120_000), ("1.2e-4", 120_000), ("0", 0), ("-0.0", 0), ("0.0000000005", 0), ("0.0000000015", 2)],
)
def test_a_reported_charge_becomes_nano(text: str, nano: int) -> None:
    assert nano_from_text(text) == nano


@pytest.mark.parametrize("text", [None, "", "free", "-0.5", "NaN", "inf", "1e400000000", "1" * 50, "1e12"])
def test_what_is_no_charge_is_unknown(text: str | None) -> None:
    assert nano_from_text(text) is None


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6).filter(sum))
def test_percentages_never_hide_a_part(parts: list[int]) -> None:
    texts = percentages(parts)
    assert all((text == "0 %") == (part == 0) for text, part in zip(texts, parts, strict=True))
    assert ("100 %" in texts) == (max(parts) == sum(parts))


def test_percentages_add_up_to_a_hundred() -> None:
    assert percentages([1, 1, 1]) == ("33.4 %", "33.3 %", "33.3 %")
    assert percentages([984, 12, 4]) == ("98.4 %", "1.2 %", "0.4 %")
    assert percentages([99_999, 1]) == (">99.9 %", "<0.1 %")
