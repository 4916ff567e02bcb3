"""Gateways, model lists, the price book, the queue and preferences, on both databases."""

from __future__ import annotations

import pytest

from lib.cards import GatewayCard, ListedModel, Prices, VariantRule, WireForm
from lib.errors import NotFound
from lib.ledger import ModelRef
from lib.messages import Params, TextPart
from lib.store import Store
from lib.store.rows import StoredKey
from tests.store.acts import REF, answered, begin

CARD = GatewayCard(0, "Mine", "https://gw.example/v1", ("openai", "anthropic"), (VariantRule("-x", "x", "X"),))
THREE = Prices(3_000_000, 15_000_000)


def priced(model: str, prices: Prices = THREE) -> ListedModel:
    return ListedModel(model, prices, context=200_000)


@pytest.fixture
def gateway(store: Store, owner: int) -> int:
    return store.gateways.add(owner, CARD).id


def test_a_gateway_is_kept_with_all_its_rules(store: Store, owner: int) -> None:
    made = store.gateways.add(owner, CARD)
    assert store.gateways.list(owner) == [made]
    assert (made.name, made.variant_rules, made.dialects, made.origin_of_key) == (
        "Mine",
        CARD.variant_rules,
        CARD.dialects,
        "none",
    )
    assert store.gateways.by_public_id(owner, made.public_id) == store.gateways.get(owner, made.id) == made


def test_a_key_is_bytes_to_the_store(store: Store, owner: int, gateway: int) -> None:
    key = StoredKey(b"\x00\xffcipher", b"nonce", "4f2a")
    store.gateways.set_key(owner, gateway, key)
    assert store.gateways.key(owner, gateway) == key
    card = store.gateways.get(owner, gateway)
    assert (card.origin_of_key, card.key_hint) == ("stored", "4f2a")
    assert "cipher" not in repr(key)
    store.gateways.set_key(owner, gateway, None)
    assert store.gateways.key(owner, gateway) is None


def test_a_removed_gateway_loses_its_key_but_the_ledger_its_name_never(store: Store, owner: int, gateway: int) -> None:
    store.gateways.set_key(owner, gateway, StoredKey(b"c", b"n", ""))
    answered(store, ref=ModelRef(gateway, "gpt-5.4"))
    store.gateways.remove(owner, gateway)
    assert store.gateways.list(owner) == []
    assert store.ledger.latest(owner)[0].gateway_name == "Mine"
    with pytest.raises(NotFound):
        store.gateways.key(owner, gateway)


def test_a_gateway_of_a_fixed_place_keeps_its_id(store: Store, owner: int) -> None:
    first = store.gateways.ensure(owner, GatewayCard(0, "Demo", "http://127.0.0.1:1111", demo=True), "demo")
    again = store.gateways.ensure(owner, GatewayCard(0, "Demo", "http://127.0.0.1:2222", demo=True), "demo")
    assert (again.id, again.base_url, again.demo) == (first.id, "http://127.0.0.1:2222", True)
    assert len(store.gateways.list(owner)) == 1


def test_learnt_forms_belong_to_one_model(store: Store, owner: int, gateway: int) -> None:
    learnt = WireForm(max_tokens_name="max_tokens", dropped=("temperature",))
    store.gateways.learn(owner, gateway, "old-model", WireForm())
    store.gateways.learn(owner, gateway, "old-model", learnt)
    assert store.gateways.form(owner, gateway, "old-model") == learnt
    assert store.gateways.form(owner, gateway, "new-model") == WireForm()


def test_gateway_settings_and_preferences_are_json(store: Store, owner: int, gateway: int) -> None:
    store.gateways.save_settings(owner, gateway, {"drain_s": 5, "names": ["a", "\x00"]})
    assert store.gateways.settings(owner, gateway) == {"drain_s": 5, "names": ["a", "\x00"]}
    assert store.preferences.get(owner, "last_model", "none") == "none"
    store.preferences.set(owner, "last_model", {"id": "gpt-5.4"})
    store.preferences.set(owner, "last_model", {"id": "gpt-5.4-hc"})
    assert store.preferences.get(owner, "last_model") == {"id": "gpt-5.4-hc"}


def test_a_model_list_outlives_a_failed_refresh(store: Store, owner: int, gateway: int) -> None:
    assert store.models.load_list(owner, gateway).models == ()
    models = (priced("a"), ListedModel("b"))
    store.models.save_list(owner, gateway, fetched_ms=5, raw_json='{"data":[]}', models=models)
    store.models.note_error(owner, gateway, "x" * 10_000)
    kept = store.models.load_list(owner, gateway)
    assert (kept.models, kept.fetched_ms, kept.raw_json, len(kept.error_note or "")) == (models, 5, '{"data":[]}', 500)
    store.models.save_list(owner, gateway, fetched_ms=6, raw_json="", models=())
    assert store.models.load_list(owner, gateway).error_note is None


def test_an_unchanged_price_makes_no_version(store: Store, owner: int, gateway: int) -> None:
    assert store.prices.note_list(owner, gateway, [priced("a"), ListedModel("free-of-facts")], 100) == 1
    assert store.prices.note_list(owner, gateway, [priced("a")], 200) == 0
    (version,) = store.prices.history(owner, gateway)
    assert (version.first_seen_ms, version.last_seen_ms, version.prices) == (100, 200, THREE)


def test_a_price_that_changes_and_changes_back_has_three_versions(store: Store, owner: int, gateway: int) -> None:
    cheap = Prices(1, 2)
    for at_ms, prices in ((100, THREE), (200, cheap), (300, THREE)):
        store.prices.note_list(owner, gateway, [priced("a", prices)], at_ms)
    found = [store.prices.current(owner, gateway, "a", at_ms) for at_ms in (99, 100, 250, 300)]
    assert [price.prices if price else None for price in found] == [None, THREE, cheap, THREE]
    assert len({version.id for version in store.prices.history(owner, gateway, "a")}) == 3


def test_an_entered_price_goes_first_until_it_is_taken_back(store: Store, owner: int, gateway: int) -> None:
    store.prices.note_list(owner, gateway, [priced("a")], 100)
    mine = Prices(0, 0, currency="EUR")
    version = store.prices.set_entered(owner, gateway, "a", mine, valid_from_ms=200, note="contract")
    current = store.prices.current(owner, gateway, "a", 250)
    assert current is not None and (current.version_id, current.prices, current.source) == (version, mine, "entered")
    assert store.prices.all_current(owner, gateway)["a"].source == "entered"
    store.prices.set_entered(owner, gateway, "a", Prices(), valid_from_ms=300)
    back = store.prices.current(owner, gateway, "a", 300)
    assert back is not None and (back.prices, back.source) == (THREE, "gateway")


def test_a_model_that_stops_naming_its_price_is_unpriced(store: Store, owner: int, gateway: int) -> None:
    store.prices.note_list(owner, gateway, [priced("a")], 100)
    store.prices.note_list(owner, gateway, [ListedModel("a")], 200)
    assert store.prices.current(owner, gateway, "a", 300) is None
    assert store.prices.current(owner, gateway, "a", 150) is not None


def test_only_the_exact_model_id_has_the_price(store: Store, owner: int, gateway: int) -> None:
    store.prices.note_list(owner, gateway, [priced("gpt-5.4")], 100)
    assert store.prices.current(owner, gateway, "gpt-5.4-low") is None
    assert store.prices.current(owner, gateway, "GPT-5.4") is None


def test_a_queue_keeps_its_order(store: Store, owner: int) -> None:
    begun = begin(store)
    queue, chat = store.queue, begun.conversation
    one, two, three = (
        queue.add(owner, chat, (TextPart(text),), REF, Params(top_p=0.5), "sys") for text in ("1", "2", "3")
    )
    queue.move(owner, three.public_id, 0)
    queue.update(owner, one.public_id, (TextPart("one"),))
    queue.remove(owner, two.public_id)
    assert [item.parts for item in queue.list(owner, chat)] == [(TextPart("3"),), (TextPart("one"),)]
    assert queue.peek(owner, chat) == three and queue.pop_next(owner, chat) == three
    queue.pause(owner, chat, True)
    assert queue.pop_next(owner, chat) is None and queue.peek(owner, chat) is None
    assert store.conversations.get(owner, chat).queue_paused
    queue.pause(owner, chat, False)
    assert queue.pop_next(owner, chat) is not None and queue.pop_next(owner, chat) is None
    with pytest.raises(NotFound):
        queue.remove(owner, two.public_id)
