"""Prices entered in one go, taken back, made by rules; and requests without a cost that get one afterwards."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from msgspec import structs

from lib.cards import GatewayCard, ListedModel, Prices
from lib.errors import NotFound
from lib.ids import id_at, ms_of, now_ms
from lib.insight_words import Filter
from lib.ledger import Cost, ModelRef
from lib.price_book.preview import preview
from lib.price_book.rules import Ruled, multiplier
from lib.store import Store
from lib.store import repricing as repricing_module
from lib.store.repricing import Unpriced
from lib.store.rollup import counting
from lib.tokens import TokenCount
from tests.store.acts import REF, answered, attempt, begin, end

PRICES = Prices(2_000_000, 10_000_000)
COUNT = TokenCount(100, 0, 0, 0, 20, 0)
COST = 400_000
PERIOD = Filter(date(2020, 1, 1), date(2100, 1, 1))


@pytest.fixture
def ref(store: Store, owner: int) -> ModelRef:
    card = store.gateways.add(owner, GatewayCard(0, "G", "https://g.example"))
    return structs.replace(REF, gateway_id=card.id)


def unpriced(store: Store, ref: ModelRef, n: int = 1, **fields: object) -> list[int]:
    """So many answers without a cost; the ids of their ledger rows."""
    found = []
    for _ in range(n):
        begun = begin(store, ref=ref)
        one = attempt(begun.attempt_id, **{"cost": Cost(), "count": COUNT, "model_requested": ref.model, **fields})
        store.answers.finish(begun.answer_id, end(one))
        found.append(begun.attempt_id)
    return found


def test_a_list_is_entered_whole_and_taken_back_from_now_on(store: Store, owner: int, ref: ModelRef) -> None:
    listed = (ListedModel("a", Prices(7, 7)),)
    store.prices.note_list(owner, ref.gateway_id, listed, at_ms=1)
    assert store.prices.enter_many(owner, ref.gateway_id, {"a": Prices(1, 2), "b": Prices(3, 4)}, note="x.csv") == 2
    assert {name: one.prices.input for name, one in store.prices.all_current(owner, ref.gateway_id).items()} == {
        "a": 1,
        "b": 3,
    }
    assert {version.note for version in store.prices.history(owner, ref.gateway_id, "b")} == {"x.csv"}
    assert store.prices.take_back(owner, ref.gateway_id, ("a", "b", "never")) == 2
    assert store.prices.take_back(owner, ref.gateway_id, ("a",)) == 0
    now = store.prices.all_current(owner, ref.gateway_id)
    assert (now["a"].source, now["a"].prices.input, "b" in now) == ("gateway", 7, False)
    assert len(store.prices.history(owner, ref.gateway_id, "b")) == 2


def test_what_a_rule_makes_fills_gaps_only(store: Store, owner: int, ref: ModelRef) -> None:
    rule = multiplier(ref.gateway_id, "low", "0.3", label="Budget")
    kept = store.price_rules.add(owner, rule)
    assert store.price_rules.list(owner, ref.gateway_id) == [kept] and kept.rule == rule
    made = (Ruled("a", Prices(3, 3), rule), Ruled("b", Prices(6, 6), rule))
    assert store.prices.note_ruled(owner, ref.gateway_id, made) == 2
    assert store.prices.note_ruled(owner, ref.gateway_id, made) == 0
    store.prices.note_list(owner, ref.gateway_id, (ListedModel("a", Prices(9, 9)),))
    now = store.prices.all_current(owner, ref.gateway_id)
    assert (now["a"].source, now["b"].source, now["b"].prices.input) == ("gateway", "rule", 6)
    found = store.prices.current(owner, ref.gateway_id, "b")
    assert found and (found.source, found.prices.output) == ("rule", 6)
    assert store.prices.history(owner, ref.gateway_id, "b")[0].note == "Budget = 0.3 × vendor list"
    assert store.prices.note_ruled(owner, ref.gateway_id, made[:1]) == 1
    assert store.prices.current(owner, ref.gateway_id, "b") is None
    store.price_rules.switch(owner, kept.public_id, on=False)
    assert not store.price_rules.list(owner, ref.gateway_id)[0].active
    store.price_rules.remove(owner, kept.public_id)
    with pytest.raises(NotFound):
        store.price_rules.remove(owner, kept.public_id)


def test_requests_without_a_cost_get_the_price_of_their_time_else_the_present_one(
    store: Store, owner: int, ref: ModelRef
) -> None:
    early = id_at(1_700_000_000_000)
    store.ledger.record(owner, ref, (attempt(early, cost=Cost(), count=COUNT, model_requested=ref.model),))
    store.prices.set_entered(owner, ref.gateway_id, ref.model, PRICES, valid_from_ms=now_ms() - 5_000)
    (event,) = unpriced(store, ref)
    doubled = Prices(4_000_000, 20_000_000)
    store.prices.set_entered(owner, ref.gateway_id, ref.model, doubled, valid_from_ms=ms_of(event) + 1)
    assert store.repricing.unpriced(owner) == (Unpriced(ref.gateway_id, ref.model, 2, 2),)
    chat = store.ledger.event(owner, event).conversation or ""
    while now_ms() <= ms_of(event) + 1:
        pass
    assert store.repricing.reprice(owner) == 2
    assert store.repricing.reprice(owner) == 0
    then, later = (store.ledger.event(owner, one).cost for one in (event, early))
    assert (then.nano, later.nano, then.source) == (COST, 2 * COST, "entered")
    reasons = [store.insight.request(owner, one).costs[-1] for one in (event, early)]
    assert [one.kind for one in reasons] == ["reprice", "reprice"]
    assert reasons[0].reason == "the price that was valid then"
    assert reasons[1].reason.startswith("no price was known then; the price of 20")
    (total,) = store.ledger.total_of_conversation(owner, chat)
    assert (total.nano, total.n_unpriced, total.n) == (COST, 0, 1)
    assert store.ledger.verify(owner) == [] and store.repricing.unpriced(owner) == ()


def test_it_goes_on_where_it_stopped_and_leaves_the_rest_alone(
    store: Store, owner: int, ref: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repricing_module, "AT_ONCE", 2)
    unpriced(store, ref, 5)
    untold = unpriced(store, ref, 1, count=TokenCount(), outcome="unknown", usage_source="none")
    other = unpriced(store, structs.replace(ref, model="other"))
    demo = unpriced(store, structs.replace(ref, demo=True))
    answered(store, ref=ref)
    store.prices.set_entered(owner, ref.gateway_id, ref.model, PRICES, valid_from_ms=1)
    assert store.repricing.unpriced(owner) == (
        Unpriced(ref.gateway_id, ref.model, 6, 5),
        Unpriced(ref.gateway_id, "other", 1, 1),
    )
    assert store.repricing.reprice(owner, ref.gateway_id, "nobody") == 0
    assert store.repricing.reprice(owner, ref.gateway_id, ref.model) == 5
    assert store.repricing.reprice(owner) == 0
    assert [store.ledger.event(owner, one).cost.nano for one in (*untold, *other, *demo)] == [None] * 3
    assert store.ledger.verify(owner) == []


def test_an_estimate_that_gets_a_price_keeps_its_range(store: Store, owner: int, ref: ModelRef) -> None:
    (event,) = unpriced(store, ref, usage_source="estimated", outcome="stopped", max_out_cap=1_000)
    store.prices.set_entered(owner, ref.gateway_id, ref.model, PRICES, valid_from_ms=1)
    assert store.repricing.reprice(owner) == 1
    cost = store.ledger.event(owner, event).cost
    assert cost.low_nano and cost.nano and cost.high_nano
    assert cost.low_nano < cost.nano < cost.high_nano == 125 * 2_000 + 1_000 * 10_000


def test_the_preview_says_what_repricing_then_does(store: Store, owner: int, ref: ModelRef) -> None:
    unpriced(store, ref, 3)
    unpriced(store, ref, 1, count=TokenCount(5), outcome="unknown")
    priced = Cost(nano=COST, input_nano=200_000, output_nano=200_000, source="gateway")
    unpriced(store, ref, 1, cost=priced)
    uses = store.repricing.uses(owner, ref.gateway_id, PERIOD)
    assert uses == store.repricing.uses(owner, ref.gateway_id, PERIOD, ref.model)
    effect = preview({ref.model: structs.replace(PRICES, input=4_000_000)}, uses).effects[0]
    assert (effect.reprices, effect.still_unpriced, effect.repriced_nano) == (3, 1, 3 * 600_000)
    assert (effect.month_before, effect.month_after) == (COST, 600_000)
    store.prices.enter_many(owner, ref.gateway_id, {ref.model: structs.replace(PRICES, input=4_000_000)})
    assert store.repricing.reprice(owner) == effect.reprices


def test_a_reported_charge_stays_beside_a_price_that_comes_later(store: Store, owner: int, ref: ModelRef) -> None:
    (event,) = unpriced(store, ref, cost=Cost(reported_nano=77))
    store.prices.set_entered(owner, ref.gateway_id, ref.model, PRICES)
    assert store.repricing.reprice(owner) == 1
    found = store.ledger.event(owner, event).cost
    assert (found.nano, found.reported_nano) == (COST, 77)
    assert store.ledger.verify(owner) == []


def test_two_corrections_at_the_same_moment_count_once(
    store: Store, owner: int, ref: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a person corrects a request, its repricing runs: whichever comes second corrects the first one's."""
    (event,) = unpriced(store, ref)
    store.prices.set_entered(owner, ref.gateway_id, ref.model, PRICES)
    other = threading.Thread(target=store.repricing.reprice, args=(owner,))

    def slow(*asked: Any) -> Any:
        if not other.ident:
            other.start()
            other.join(0.5)
        return counting(*asked)

    monkeypatch.setattr("lib.store.ledger.counting", slow)
    store.ledger.add_cost(owner, event, "manual", Cost(nano=5, source="entered"), "bill")
    other.join()
    assert store.ledger.verify(owner) == []
    (total,) = store.ledger.total_of_conversation(owner, store.ledger.event(owner, event).conversation or "")
    assert total.nano == store.ledger.event(owner, event).cost.nano == 5
