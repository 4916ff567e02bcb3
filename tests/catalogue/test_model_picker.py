"""The order of the model picker, and finding a model by a few letters."""

from __future__ import annotations

from random import Random

import pytest

from lib.catalogue import card_for, load_catalogue, picker_groups, search


def test_every_card_is_in_exactly_one_place() -> None:
    shown = [
        card.id for family in picker_groups(load_catalogue()) for model in family.models for card in model.variants
    ]
    assert sorted(shown) == sorted(card.id for card in load_catalogue())


def test_the_order_does_not_depend_on_the_lists_order() -> None:
    cards = list(load_catalogue())
    Random(7).shuffle(cards)
    assert picker_groups(cards) == picker_groups(load_catalogue())


def test_the_newest_version_stands_first_and_the_standard_variant_leads() -> None:
    claude, _, gpt = picker_groups(load_catalogue())
    assert [model.base for model in claude.models if "opus" in model.base] == [
        "claude-opus-4-7",
        "claude-opus-4-6",
        "claude-opus-4-5",
    ]
    assert [card.variant for card in gpt.models[0].variants] == ["standard", "official", "hc", "fd", "low"]
    assert gpt.models[0].label == "GPT-5.5"


def test_families_nobody_knows_come_last() -> None:
    cards = [card_for(name) for name in ("zzz", "qwen-3", "deepseek-chat", "gpt-5.5", "claude-opus-4-7")]
    groups = picker_groups(cards)
    assert [group.label for group in groups] == ["Claude", "GPT", "Deepseek", "Qwen", "Other"]
    assert groups[-1].vendor == ""


def test_a_list_that_names_a_model_twice_shows_it_once() -> None:
    card = card_for("gpt-5.5")
    assert len(picker_groups([card, card])[0].models[0].variants) == 1


def test_a_hostile_id_neither_breaks_nor_hides_others() -> None:
    cards = [card_for("x" + "9" * 9_000), card_for("²³"), card_for("x9")]
    assert sum(len(model.variants) for model in picker_groups(cards)[0].models) == 3


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("son 4.6 hc", "claude-sonnet-4-6-hc"),
        ("HC sonnet 46", "claude-sonnet-4-6-hc"),
        ("gpt54 low", "gpt-5.4-low"),
        ("low gpt-5.4", "gpt-5.4-low"),
        ("budget pro 2.5", "gemini-2.5-pro-low"),
        ("gpt-5.5", "gpt-5.5"),
        ("OpenAI premium 5.5", "gpt-5.5-hc"),
    ],
)
def test_a_model_is_found_by_its_words_in_any_order(words: str, first: str) -> None:
    assert search(load_catalogue(), words)[0].id == first


def test_no_words_find_everything_and_wrong_words_nothing() -> None:
    assert search(load_catalogue(), " - ") == load_catalogue()
    assert search(load_catalogue(), "son zebra") == ()


def test_an_exact_id_comes_first() -> None:
    cards = [card_for("big-m1"), card_for("m1-big"), card_for("m1")]
    assert [card.id for card in search(cards, "m1")] == ["m1", "big-m1", "m1-big"]
