"""The line below an answer: unknown is never zero, estimated is never plain."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec import structs

from lib.cards import PriceSource
from lib.ledger import AnswerState, UsageSource
from lib.store.rows import CostLine
from lib.tokens import TokenCount
from lib.ui.answer_line import (
    STATE_WORDS,
    cost_source_text,
    cost_text,
    speed_text,
    thought_text,
    tokens_text,
)

COUNT = TokenCount(1200, 4, 0, 0, 388, 0)
PRICED = CostLine(COUNT, 2_100_000, "USD", "gateway", "reported", low_nano=1_000_000, high_nano=4_000_000)


def test_tokens_in_and_out() -> None:
    assert tokens_text(COUNT) == "1,204 → 388 tokens"


def test_an_unknown_count_is_a_question_mark_and_two_are_nothing() -> None:
    assert tokens_text(TokenCount(None, None, None, None, 388, 0)) == "? → 388 tokens"
    assert tokens_text(TokenCount()) == ""


def test_a_known_cost_says_whose_price_it_is() -> None:
    assert cost_text(PRICED) == "$0.0021 (gateway price)"
    assert cost_source_text(PRICED) == "Gateway price × reported tokens"


@pytest.mark.parametrize("source", ["estimated", "reported_partial"])
def test_a_cost_of_guessed_tokens_says_so_and_how_wrong_it_may_be(source: UsageSource) -> None:
    guessed = structs.replace(PRICED, usage_source=source)
    assert cost_text(guessed) == "≈ $0.0021 (gateway price)"
    assert cost_source_text(guessed) == "Gateway price × estimated tokens ($0.0010 to $0.0040)"


def test_an_unknown_price_is_unpriced_not_zero() -> None:
    unpriced = structs.replace(PRICED, nano=None, source=None)
    assert cost_text(unpriced) == "unpriced"
    assert cost_source_text(unpriced) == "No price is known for this model"


def test_a_refused_request_is_a_true_zero() -> None:
    refused = structs.replace(PRICED, nano=0, source=None)
    assert cost_text(refused) == "$0"
    assert cost_source_text(refused).startswith("Not billed")


@pytest.mark.parametrize("source", get_args(PriceSource))
def test_every_source_of_a_price_has_words(source: PriceSource) -> None:
    assert "_" not in cost_source_text(structs.replace(PRICED, source=source))


def test_a_reported_cost_needs_no_tokens() -> None:
    assert cost_source_text(structs.replace(PRICED, source="reported")) == "Reported by the gateway"


@pytest.mark.parametrize(
    ("first", "duration", "tokens", "words"),
    [
        (600, 5600, 355, "0.6 s to first word · 71 tokens/s"),
        (600, 650, 355, "0.6 s to first word"),
        (600, None, 355, "0.6 s to first word"),
        (600, 5600, None, "0.6 s to first word"),
        (None, 5600, 355, ""),
    ],
)
def test_speed_leaves_out_what_cannot_be_known(
    first: int | None, duration: int | None, tokens: int | None, words: str
) -> None:
    assert speed_text(first, duration, tokens) == words


@pytest.mark.parametrize(
    ("ms", "words"),
    [(None, "Thought"), (12_400, "Thought for 12 s"), (1000, "Thought for 1 s"), (300, "Thought for a moment")],
)
def test_how_long_it_thought(ms: int | None, words: str) -> None:
    assert thought_text(ms) == words


def test_every_state_has_words_or_needs_none() -> None:
    assert set(STATE_WORDS) == set(get_args(AnswerState))
    assert not STATE_WORDS["done"]
    assert all(STATE_WORDS[state].endswith("kept.") for state in ("stopped", "cut", "interrupted"))
