"""Vendors' list prices: a reference for base models of the catalogue, nothing else."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from lib import vendor_prices
from lib.cards import ModelCard, Prices
from lib.catalogue import load_catalogue
from lib.vendor_prices import ListPrice, history, reference

CARDS = load_catalogue()


@pytest.mark.parametrize("model", sorted(card.id for card in CARDS if card.id == card.base))
def test_every_base_model_has_a_reference_that_is_the_catalogues(model: str) -> None:
    card = next(card for card in CARDS if card.id == model)
    assert reference(model) == card.vendor_prices
    assert history(model), "the package knows it too"


@pytest.mark.parametrize("model", sorted(card.id for card in CARDS if card.id != card.base))
def test_a_variant_never_gets_the_list_price(model: str) -> None:
    assert reference(model) is None
    assert history(model) == ()


@pytest.mark.parametrize("model", ["claude-opus-4-7-hc", "gemini-3.1-pro-preview-fd"])
def test_even_where_the_package_would_give_one(model: str) -> None:
    from genai_prices import Usage, calc_price

    assert calc_price(Usage(input_tokens=1), model).total_price > 0
    assert reference(model) is None


def test_a_likeness_of_the_package_is_not_taken_even_for_a_base(monkeypatch: pytest.MonkeyPatch) -> None:
    likeness = ModelCard("claude-opus-4-7-air", "claude-opus-4-7-air", "claude")
    monkeypatch.setattr(vendor_prices, "_bases", lambda: {likeness.id: likeness})
    assert reference(likeness.id) is None


def test_a_price_that_is_announced_does_not_count_today(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (ListPrice(Prices(2, 2)), ListPrice(Prices(1, 1), date(2999, 1, 1)))
    monkeypatch.setattr(vendor_prices, "history", lambda model: listed)
    now, then = reference("any"), reference("any", date(2999, 1, 1))
    assert now and then and (now.input, then.input) == (2, 1)


def test_models_outside_the_catalogue_have_none() -> None:
    assert reference("gpt-4o") is None
    assert reference("") is None


def test_history_is_by_date_and_long_prompts_are_marked() -> None:
    listed = history("claude-sonnet-4-6")
    assert [price.valid_from for price in listed] == [None, date(2026, 3, 13)]
    assert [price.long_from for price in listed] == [200_000, None]
    assert reference("claude-sonnet-4-6", date(2026, 3, 12)) == listed[0].prices


def test_the_package_is_imported_when_it_is_asked_for() -> None:
    code = "import sys, lib.vendor_prices as v; assert 'genai_prices' not in sys.modules; v.reference('gpt-4o')"
    done = subprocess.run([sys.executable, "-c", code + "; assert 'genai_prices' not in sys.modules"], timeout=60)
    assert done.returncode == 0
