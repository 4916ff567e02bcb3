"""A gateway that dropped the pictures is noticed by its reported input, and nothing else is taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.media_check import added_by_media, ignored_media

tokens = st.integers(0, 10_000_000)


@pytest.mark.parametrize(
    ("media", "text", "reported", "ignored"),
    [
        (1000, 20, 20, True),
        (1000, 20, 22, True),
        (1000, 20, 269, True),
        (1000, 20, 270, False),
        (1000, 20, 1020, False),
        (1000, 20, 900, False),
        (1000, 20, None, False),
        (1000, 20, 0, True),
        (0, 20, 20, False),
        (258, 50_000, 48_000, False),
        (1000, 1000, 1000, True),
        (1000, 1000, 1400, False),
    ],
)
def test_under_a_quarter_of_the_media_tokens_they_were_ignored(
    media: int, text: int, reported: int | None, ignored: bool
) -> None:
    assert ignored_media(media, text, reported) is ignored


@given(tokens, tokens)
def test_an_exact_estimate_is_never_taken_for_ignored(media: int, text: int) -> None:
    assert not ignored_media(media, text, media + text)


@given(st.integers(4, 10_000_000), tokens)
def test_the_text_alone_is_noticed_when_the_media_weigh_enough(media: int, text: int) -> None:
    assert ignored_media(media, text, text) is (3 * media > 2 * text)


@given(tokens, tokens, tokens)
def test_more_reported_input_never_makes_it_worse(media: int, text: int, reported: int) -> None:
    if not ignored_media(media, text, reported):
        assert not ignored_media(media, text, reported + 1)


@given(tokens, tokens)
def test_without_media_or_a_report_nothing_is_said(text: int, reported: int) -> None:
    assert not ignored_media(0, text, reported)
    assert not ignored_media(reported, text, None)


@given(tokens, tokens, tokens)
def test_a_difference_counts_from_a_quarter_on(without: int, more: int, expected: int) -> None:
    seen = added_by_media(without + more, without, expected)
    assert seen == (more > 0 and 4 * more >= expected)
