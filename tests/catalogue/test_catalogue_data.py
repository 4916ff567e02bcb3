"""The data file and the cards made of it."""

from __future__ import annotations

from collections import Counter
from datetime import date

from lib.cards import VARIANT_RULES, Prices
from lib.catalogue import families, load_catalogue

CARDS = {card.id: card for card in load_catalogue()}


def test_the_catalogue_holds_the_45_documented_ids_once_each() -> None:
    assert len(load_catalogue()) == len(CARDS) == 45
    assert Counter(card.family for card in CARDS.values()) == {"claude": 24, "gemini": 11, "gpt": 10}


def test_the_catalogue_is_read_once() -> None:
    assert load_catalogue() is load_catalogue()


def test_every_variant_id_is_its_base_and_a_documented_suffix() -> None:
    suffixes = {rule.variant: rule.suffix for rule in VARIANT_RULES} | {"standard": ""}
    assert all(card.id == card.base + suffixes[card.variant] for card in CARDS.values())


def test_no_card_of_the_catalogue_has_a_gateway_price() -> None:
    assert all(card.prices == Prices() and card.price_source is None for card in CARDS.values())


def test_every_vendor_price_reads_in_the_right_unit() -> None:
    for card in CARDS.values():
        listed = card.vendor_prices
        assert listed.input is not None
        assert listed.output is not None
        assert 50_000 <= listed.input < listed.output <= 50_000_000  # 0.05 to 50 dollars per million
        assert listed.cache_read is not None
        assert listed.cache_read < listed.input


def test_claude_cache_writes_cost_a_quarter_more_or_double() -> None:
    for card in CARDS.values():
        if card.family == "claude":
            fresh = card.vendor_prices.input or 0
            assert (card.vendor_prices.cache_write_5m, card.vendor_prices.cache_write_1h) == (fresh * 5 // 4, fresh * 2)


def test_abilities_differ_by_endpoint() -> None:
    gpt, gemini, claude = CARDS["gpt-5.4-hc"], CARDS["gemini-2.5-pro-low"], CARDS["claude-opus-4-7-fd"]
    assert (gpt.openai.image, gpt.anthropic.image) == (True, False)
    assert (gemini.openai.video, gemini.anthropic.listed) == (True, False)
    assert (claude.anthropic.image, claude.openai.video) == (True, False)
    assert sum(card.openai.video is True for card in CARDS.values()) == 11


def test_the_vendors_sampling_rules_are_kept() -> None:
    assert CARDS["claude-opus-4-7"].sampling == "none"
    assert CARDS["gpt-5.5-low"].sampling == "only_when_reasoning_none"
    assert CARDS["gpt-5.5"].reasons_by_default
    assert not CARDS["gpt-5.4"].reasons_by_default


def test_end_dates_are_dates() -> None:
    ends = [card.ends_on for card in CARDS.values() if card.ends_on]
    assert len(ends) == 4 + 1 + 3 + 1
    assert all(date.fromisoformat(end) for end in ends)


def test_families_carry_their_vendor() -> None:
    assert [(family.id, family.vendor) for family in families()] == [
        ("claude", "Anthropic"),
        ("gemini", "Google"),
        ("gpt", "OpenAI"),
    ]


def test_claude_from_4_6_on_takes_no_prefill() -> None:
    refusing = {card.base for card in CARDS.values() if card.prefill is False}
    assert refusing == {"claude-opus-4-6", "claude-opus-4-7", "claude-sonnet-4-6"}
    assert CARDS["claude-haiku-4-5-fd"].prefill is True
    assert CARDS["gpt-5.4"].prefill is None
