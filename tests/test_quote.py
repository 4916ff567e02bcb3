"""The quote before sending: what is reported counts first, estimates say what they rest on, nothing is cut by itself."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.quote import ASSUMED_ANSWER, Known, Quote, estimate, expected_answer, newest_that_fit, short

QUARTER = Fraction(1, 4)


def test_without_any_report_the_characters_are_counted() -> None:
    found = estimate([400, 801], 40, QUARTER)
    assert (found.history, found.system, found.input) == (301, 10, 311)
    assert found.count.in_uncached == 311


def test_the_last_report_is_the_history_up_to_there() -> None:
    known = Known(input=1_000, output=200, chars_after=80)
    found = estimate([3_600, 80], 40, QUARTER, known=known)
    assert found.input == 1_000 + 200 + 20  # the reported input has the system prompt in it
    assert (found.system, found.history) == (10, 1_210)


def test_pictures_count_until_an_answer_has_reported_them() -> None:
    assert estimate([400, 0], 0, QUARTER, media=[1_500, 0]).history == 1_600
    known = Known(input=1_400, output=50, chars_after=40, media_after=1_000)
    assert estimate([400, 0, 40], 0, QUARTER, known=known, media=[1_500, 0, 1_000]).history == 1_400 + 50 + 10 + 1_000


def test_a_report_far_below_the_text_is_not_believed() -> None:
    """Such a request had left something out."""
    found = estimate([40_000, 400], 0, QUARTER, known=Known(input=300, output=100, cached=250))
    assert (found.history, found.cached) == (10_100, 0)


@pytest.mark.parametrize(
    ("in_chat", "of_model", "cap", "expected"),
    [
        ([100, 300, 2_000], [1] * 9, None, (300, "chat")),
        ([], [50, 70, 900], None, (70, "model")),
        ([], [50, 70], None, (ASSUMED_ANSWER, "assumed")),
        ([900], [], 256, (256, "chat")),
    ],
)
def test_the_answer_is_as_long_as_answers_were(
    in_chat: list[int], of_model: list[int], cap: int | None, expected: tuple[int, str]
) -> None:
    assert expected_answer(in_chat, of_model, cap) == expected


def test_it_is_too_long_when_input_and_answer_are_more_than_the_context() -> None:
    quote = Quote(history=7_000, system=500, answer=500, context=8_000)
    assert quote.excess() == 0
    assert quote.excess(typed=1) == 1
    assert Quote(history=10**9).excess() == 0, "an unknown context is no limit"


def test_the_cached_part_moves_and_nothing_is_lost() -> None:
    quote = Quote(history=100, system=20, answer=5, cached=70)
    assert (quote.count_with_cache.in_uncached, quote.count_with_cache.in_cache_read) == (50, 70)
    assert quote.count_with_cache.input == quote.count.input == 120


SIZES = st.lists(st.tuples(st.booleans(), st.integers(0, 500)), max_size=20)


@given(SIZES, st.integers(0, 2_000))
def test_what_is_kept_fits_begins_with_a_person_and_is_the_most_that_does(
    sizes: list[tuple[bool, int]], room: int
) -> None:
    def fits(count: int) -> bool:
        newest = sizes[len(sizes) - count :]
        return newest[0][0] and sum(tokens for _, tokens in newest) <= room

    kept = newest_that_fit(sizes, room)
    assert kept == max((count for count in range(1, len(sizes) + 1) if fits(count)), default=0)


@given(st.lists(st.integers(0, 10_000), max_size=30), st.integers(0, 5_000), st.fractions(Fraction(1, 10), 2))
def test_more_text_is_never_fewer_tokens(sizes: list[int], system: int, ratio: Fraction) -> None:
    less, more = estimate(sizes, system, ratio), estimate([*sizes, 100], system, ratio)
    assert 0 <= less.input < more.input


@pytest.mark.parametrize(
    ("tokens", "said"),
    [(0, "0"), (820, "820"), (999, "999"), (1_000, "1k"), (8_240, "8.2k"), (99_960, "100k"), (200_000, "200k"),
     (999_400, "999k"), (999_600, "1M"), (1_000_000, "1M"), (1_048_576, "1.05M"), (12_345_678, "12.3M")],
)  # fmt: skip
def test_three_figures_are_enough(tokens: int, said: str) -> None:
    assert short(tokens) == said
