"""Prices entered, imported and ruled, and what follows: the models' prices, the next cost, the requests without one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from lib.bootstrap import Services
from lib.cards import ListedModel, Prices
from lib.insight_words import Filter
from lib.ledger import Cost
from lib.price_book.rules import multiplier
from lib.settings import Settings
from lib.store.rows import Settings as Chosen
from tests.store.acts import attempt

MODELS = ("claude-opus-4-7", "claude-opus-4-7-low", "gpt-5.4", "gpt-5.4-hc")
TODAY = date.today()
PERIOD = Filter(date(2020, 1, 1), date(2100, 1, 1))


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    running = Services(Settings(data_dir=tmp_path / "data", demo="off", gateways=()))
    yield running
    running.close()


@pytest.fixture
def gateway(services: Services) -> int:
    card = services.gateways.add("Mine", "http://127.0.0.1:9", "sk-0123456789abcdefghij", ("openai",))
    listed = tuple(ListedModel(name, Prices()) for name in MODELS)
    services.store.models.save_list(services.owner, card.id, fetched_ms=1, raw_json="", models=listed)
    services.gateways.apply_rules(card.id)
    return card.id


def shown(services: Services, gateway: int, model: str) -> tuple[int | None, str | None]:
    card = services.gateways.model(gateway, model)
    return card.prices.input, card.price_source


def test_a_rule_prices_a_variant_until_it_rests_and_never_what_has_a_price(services: Services, gateway: int) -> None:
    kept = services.prices.add_rule(multiplier(gateway, "low", "0.3"))
    assert shown(services, gateway, "claude-opus-4-7-low") == (1_500_000, "rule")
    assert shown(services, gateway, "claude-opus-4-7") == (None, None)
    tariff = services.gateways.tariff(services.gateways.ref(_settings(gateway, "claude-opus-4-7-low")))
    assert (tariff.source, tariff.prices and tariff.prices.input) == ("rule", 1_500_000)
    services.prices.enter(gateway, {"claude-opus-4-7-low": Prices(7, 8)}, note="typed")
    assert shown(services, gateway, "claude-opus-4-7-low") == (7, "entered")
    assert services.prices.take_back(gateway, ["claude-opus-4-7-low"]) == 1
    assert shown(services, gateway, "claude-opus-4-7-low") == (1_500_000, "rule")
    services.prices.switch_rule(kept, on=False)
    assert shown(services, gateway, "claude-opus-4-7-low") == (None, None)
    services.prices.switch_rule(kept, on=True)
    assert [one.active for one in services.prices.rules(gateway)] == [True]
    services.prices.remove_rule(kept)
    assert shown(services, gateway, "claude-opus-4-7-low") == (None, None)


def test_a_rule_over_the_standard_price_follows_it(services: Services, gateway: int) -> None:
    services.prices.add_rule(multiplier(gateway, "hc", "2", "standard"))
    assert shown(services, gateway, "gpt-5.4-hc") == (None, None)
    services.gateways.enter_prices(gateway, "gpt-5.4", Prices(100, 200))
    assert shown(services, gateway, "gpt-5.4-hc") == (200, "rule")
    services.prices.enter(gateway, {"gpt-5.4": Prices(300, 400)})
    assert shown(services, gateway, "gpt-5.4-hc") == (600, "rule")


def test_a_pasted_list_is_planned_previewed_entered_and_prices_what_had_no_cost(
    services: Services, gateway: int
) -> None:
    ref = services.gateways.ref(_settings(gateway, "gpt-5.4-hc"))
    row = attempt(cost=Cost(), model_requested="gpt-5.4-hc")
    services.store.ledger.record(services.owner, ref, (row,))
    text = "model,input $/1M,output $/1M\ngpt-5.4-hc,2.5,15\ngpt-5.4,2500,15000\n"
    plan = services.prices.plan(gateway, text)
    assert (set(plan.prices), set(plan.blocked)) == ({"gpt-5.4-hc"}, {"gpt-5.4"})
    preview = services.prices.preview(gateway, plan.prices, PERIOD)
    assert (preview.reprices, preview.still_unpriced) == (1, 0)
    assert services.prices.enter(gateway, plan.prices, note="Imported from prices.csv") == 1
    (waiting,) = services.prices.unpriced()
    assert (waiting.model, waiting.n) == ("gpt-5.4-hc", 1)
    assert services.prices.reprice(gateway, "gpt-5.4-hc") == 1 and services.prices.unpriced() == ()
    assert services.store.ledger.event(services.owner, row.id).cost.nano == preview.repriced_nano["USD"]
    changed = services.prices.changes(PERIOD, TODAY)
    assert {(one.model, one.field, one.kind) for one in changed} == {
        ("gpt-5.4-hc", "input", "first"),
        ("gpt-5.4-hc", "output", "first"),
    }
    services.prices.enter(gateway, {"gpt-5.4-hc": Prices(3_000_000, 15_000_000)})
    newest = services.prices.changes(PERIOD, TODAY)[0]
    assert (newest.kind, newest.permille, newest.effect_nano) == ("up", 200, row.count.in_uncached * 500)


def _settings(gateway: int, model: str) -> Chosen:
    return Chosen(gateway, model)
