"""Names and prices in the picker, and which parameters a model is offered."""

from __future__ import annotations

import pytest

from lib.cards import ModelCard, Prices
from lib.catalogue import load_catalogue
from lib.ui.model_picker import model_name, price_text
from lib.ui.parameters import takes_sampling, takes_stop

CARDS = {card.id: card for card in load_catalogue()}


def test_a_variant_is_part_of_the_name_unless_it_is_the_standard_one() -> None:
    assert model_name(CARDS["claude-sonnet-4-6"]) == "Claude Sonnet 4.6"
    assert model_name(CARDS["gpt-5.4-low"]) == "GPT-5.4 · Budget"


def test_a_model_that_nobody_knows_is_called_by_its_id() -> None:
    assert model_name(ModelCard("someones-own-7b", "", "")) == "someones-own-7b"


def test_a_price_is_input_and_output_per_million() -> None:
    assert price_text(Prices(3_000_000, 15_000_000)) == "$3.00 / $15.00"


@pytest.mark.parametrize("prices", [Prices(), Prices(cache_read=1)])
def test_an_unknown_price_is_not_zero(prices: Prices) -> None:
    assert price_text(prices) == "unpriced"


def test_half_a_price_says_which_half_is_missing() -> None:
    assert price_text(Prices(3_000_000, None)) == "$3.00 / —"


@pytest.mark.parametrize(("model", "taken"), [("claude-sonnet-4-6", True), ("claude-opus-4-7", False)])
def test_sampling_is_offered_only_where_it_is_taken(model: str, taken: bool) -> None:
    assert takes_sampling(CARDS[model]) is taken


def test_a_reasoning_gpt_takes_neither_sampling_nor_stop_words() -> None:
    gpts = [card for card in CARDS.values() if card.sampling == "only_when_reasoning_none"]
    reasoning = [card for card in gpts if card.reasons_by_default]
    assert reasoning
    assert not any(takes_sampling(card) or takes_stop(card) for card in reasoning)
