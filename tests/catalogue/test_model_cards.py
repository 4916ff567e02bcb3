"""Variants by rule, and one card out of catalogue, list and entered prices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.cards import VARIANT_RULES, Abilities, ListedModel, Prices, VariantRule
from lib.catalogue import card_for, split_variant

LISTED = Prices(1_000_000, 4_000_000)
TYPED = Prices(input=2_000_000)


def test_a_suffix_on_a_known_id_is_a_variant() -> None:
    base, rule = split_variant("gpt-5.4-low", VARIANT_RULES)
    assert (base, rule and rule.variant) == ("gpt-5.4", "low")


def test_a_suffix_on_an_id_nobody_knows_is_part_of_the_name() -> None:
    assert split_variant("foo-low", VARIANT_RULES) == ("foo-low", None)


def test_the_gateways_own_list_makes_a_stem_known() -> None:
    base, rule = split_variant("foo-low", VARIANT_RULES, {"foo", "foo-low"})
    assert (base, rule and rule.label) == ("foo", "Budget")


@pytest.mark.parametrize("model_id", ["gpt-5.4-mini", "gpt-5.4-high", "gpt-5.4-LOW", "gpt-5.4low", "-low", ""])
def test_likeness_never_merges_models(model_id: str) -> None:
    assert split_variant(model_id, VARIANT_RULES) == (model_id, None)


def test_without_rules_nothing_is_a_variant() -> None:
    assert split_variant("gpt-5.4-low", ()) == ("gpt-5.4-low", None)


def test_the_longest_suffix_wins() -> None:
    rules = (VariantRule("-low", "low", "Low"), VariantRule("-very-low", "very_low", "Very low"))
    base, rule = split_variant("m-very-low", rules, {"m", "m-very"})
    assert (base, rule and rule.variant) == ("m", "very_low")


@given(st.text(max_size=30), st.frozensets(st.text(max_size=20), max_size=4))
def test_a_split_id_is_its_base_and_its_suffix(model_id: str, known: frozenset[str]) -> None:
    base, rule = split_variant(model_id, VARIANT_RULES, known)
    assert base + (rule.suffix if rule else "") == model_id


def test_a_known_variant_takes_its_limits_from_the_catalogue() -> None:
    card = card_for("claude-opus-4-7-hc")
    assert (card.base, card.variant, card.variant_label) == ("claude-opus-4-7", "hc", "Premium pool")
    assert (card.context, card.sampling, card.label) == (1_000_000, "none", "Claude Opus 4.7")
    assert not card.guessed


def test_a_variant_the_catalogue_lacks_takes_its_limits_from_the_base() -> None:
    rules = (VariantRule("-fast", "fast", "Fast"),)
    card = card_for("claude-opus-4-7-fast", rules=rules)
    assert (card.id, card.base, card.variant, card.max_output) == (
        "claude-opus-4-7-fast",
        "claude-opus-4-7",
        "fast",
        128_000,
    )


def test_where_a_suffix_is_no_variant_the_id_is_a_model_of_its_own() -> None:
    card = card_for("gpt-5.4-low", rules=())
    assert (card.base, card.variant, card.label) == ("gpt-5.4-low", "standard", "gpt-5.4-low")


@pytest.mark.parametrize(
    ("listed", "entered", "prices", "source"),
    [
        (None, None, Prices(), None),
        (ListedModel("gpt-5.4-hc", LISTED), None, LISTED, "gateway"),
        (ListedModel("gpt-5.4-hc", LISTED), TYPED, TYPED, "entered"),
        (ListedModel("gpt-5.4-hc", LISTED), Prices(), LISTED, "gateway"),
        (ListedModel("gpt-5.4-hc"), None, Prices(), None),
        (ListedModel("gpt-5.4-hc", Prices(0, 0)), None, Prices(0, 0), "gateway"),
    ],
)
def test_entered_prices_come_before_listed_ones_and_nothing_comes_after(
    listed: ListedModel | None, entered: Prices | None, prices: Prices, source: str | None
) -> None:
    card = card_for("gpt-5.4-hc", listed=listed, entered=entered)
    assert (card.prices, card.price_source) == (prices, source)
    assert card.vendor_prices.input == 2_500_000


def test_a_rule_fills_a_gap_and_overrules_nothing() -> None:
    ruled = Prices(1, 2)
    assert card_for("gpt-5.4-low", ruled=ruled).price_source == "rule"
    assert card_for("gpt-5.4-low", ruled=ruled, listed=ListedModel("gpt-5.4-low", LISTED)).prices == LISTED
    assert card_for("gpt-5.4-low", ruled=ruled, entered=TYPED).prices == TYPED


def test_a_demo_gateways_prices_say_so() -> None:
    assert card_for("gpt-5.4", listed=ListedModel("gpt-5.4", LISTED), demo=True).price_source == "demo"


def test_an_unknown_id_gets_a_neutral_card_with_a_guessed_family() -> None:
    card = card_for("anthropic/claude-next-9")
    assert (card.family, card.vendor, card.guessed) == ("claude", "Anthropic", True)
    assert card.openai == card.anthropic == Abilities()
    assert (card.context, card.sampling, card.vendor_prices) == (None, "full", Prices())


@pytest.mark.parametrize(
    ("model_id", "family"), [("o3-mini", "gpt"), ("deepseek-chat", "deepseek"), ("ollama", ""), ("", "")]
)
def test_a_family_is_guessed_from_the_start_of_the_name(model_id: str, family: str) -> None:
    assert card_for(model_id).family == family


def test_the_live_list_overrides_limits() -> None:
    card = card_for("gpt-5.4", listed=ListedModel("gpt-5.4", context=64_000))
    assert (card.context, card.max_output) == (64_000, 128_000)


def test_the_live_list_speaks_for_the_model_but_cannot_promise_images_on_the_other_endpoint() -> None:
    card = card_for("gpt-5.4", listed=ListedModel("gpt-5.4", image=True))
    assert (card.openai.image, card.anthropic.image) == (True, False)
    blind = card_for("claude-opus-4-7", listed=ListedModel("claude-opus-4-7", image=False))
    assert (blind.openai.image, blind.anthropic.image) == (False, False)
    new = card_for("new", listed=ListedModel("new", image=True))
    assert (new.openai.listed, new.anthropic.listed, new.anthropic.image) == (True, None, True)
