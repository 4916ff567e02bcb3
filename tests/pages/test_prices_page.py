"""The prices page over real services: what is typed is guarded, what is shown is what the store says."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib import bootstrap
from lib.bills.reading import read_bill
from lib.bootstrap import Services
from lib.budgets import Budget
from lib.cards import GatewayCard, ListedModel, Prices, VariantRule
from lib.ids import now_ms
from lib.ledger import Cost
from lib.secret import Secret
from lib.settings import ConfiguredGateway, Settings
from lib.ui.price_endings import endings_of
from tests.pages.spending import asked

DAY_MS = 86_400_000
HOSTILE = "**x** $5 :smile: [a](http://evil)"


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """With one gateway that is not there, so its models are those of the catalogue, without a price."""
    gateway = ConfiguredGateway("Mine", "http://127.0.0.1:9", Secret("sk-0123456789abcdef"), ("openai",), "environment")
    services = Services(Settings(data_dir=tmp_path, demo="off", gateways=(gateway,)))
    monkeypatch.setattr(bootstrap, "_services", services)
    yield services
    services.close()


@pytest.fixture
def gateway(services: Services) -> GatewayCard:
    return services.gateways.cards()[0]


def page(part: str, **query: str) -> AppTest:
    def frame() -> None:
        import streamlit as st

        from lib.ui import pages

        st.navigation(
            [st.Page(pages.PRICES, default=True), st.Page(pages.SETTINGS), st.Page(pages.CHAT)], position="hidden"
        ).run()

    app = AppTest.from_function(frame, default_timeout=30)
    app.query_params.update({"part": part, **query})
    return ran(app)


def ran(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    """All words on the page, as a reader sees them."""
    found = [*app.markdown, *app.caption, *app.warning, *app.error, *app.success]
    return html.unescape(" ".join(one.value for one in found))


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if html.unescape(button.label) == label).click()
    return ran(app)


def fill(app: AppTest, **texts: str) -> AppTest:
    for label, text in texts.items():
        next(box for box in app.text_input if box.label == label.replace("_", " ")).set_value(text)
    return ran(app)


def in_force(services: Services, gateway: GatewayCard, model: str) -> Prices | None:
    found = services.store.prices.current(services.owner, gateway.id, model)
    return found.prices if found else None


def test_models_without_a_price_stand_first_and_are_counted(services: Services, gateway: GatewayCard) -> None:
    services.prices.enter(gateway.id, {"claude-haiku-4-5": Prices(1_000_000, 5_000_000)})
    app = page("book")
    table = app.dataframe[0].value
    assert "44 without a price" in said(app)
    assert table["From"].iloc[-1] == "you entered"
    assert set(table["From"].iloc[:-1]) == {"no price"}
    assert table["Input"].iloc[-1] == "$1.00"


def test_a_price_is_kept_exactly_as_typed_with_its_note(services: Services, gateway: GatewayCard) -> None:
    app = fill(page("book", model="gpt-5.4-hc"), Input="1.25", Output="7.5", Note="from their page")
    press(app, "Save price")
    assert in_force(services, gateway, "gpt-5.4-hc") == Prices(1_250_000, 7_500_000)
    assert services.store.prices.history(services.owner, gateway.id, "gpt-5.4-hc")[0].note == "from their page"


def test_a_thousandfold_price_is_held_back_until_confirmed(services: Services, gateway: GatewayCard) -> None:
    app = fill(page("book", model="gpt-5.4"), Input="2500", Output="15000")
    assert "Not saved until you confirm" in said(app)
    assert "1,000 times too much" in said(app)
    app = press(app, "Save price")
    assert in_force(services, gateway, "gpt-5.4") is None
    app.checkbox[0].check()
    press(ran(app), "Save price")
    assert in_force(services, gateway, "gpt-5.4") == Prices(2_500_000_000, 15_000_000_000)


def test_a_confirmation_is_only_for_the_prices_it_was_given_for(services: Services, gateway: GatewayCard) -> None:
    app = fill(page("book", model="gpt-5.4"), Input="2500")
    app.checkbox[0].check()
    app = fill(ran(app), Input="25000")
    press(app, "Save price")
    assert in_force(services, gateway, "gpt-5.4") is None


@pytest.mark.parametrize(
    ("unit", "text"), [("per 1K tokens", "0.0025"), ("per token", "0.0000025"), ("cents per 1M", "250")]
)
def test_a_price_in_another_unit_is_the_same_price(
    services: Services, gateway: GatewayCard, unit: str, text: str
) -> None:
    app = page("book", model="gpt-5.4")
    next(group for group in app.segmented_control if group.label == "The numbers are").set_value(unit)
    press(fill(app, Input=text), "Save price")
    assert in_force(services, gateway, "gpt-5.4") == Prices(2_500_000)


def test_words_are_no_price(services: Services, gateway: GatewayCard) -> None:
    app = press(fill(page("book", model="gpt-5.4"), Input="cheap"), "Save price")
    assert "Input: a price is a number such as 3 or 0.15" in said(app)
    assert in_force(services, gateway, "gpt-5.4") is None


def test_an_entry_taken_back_leaves_its_history(services: Services, gateway: GatewayCard) -> None:
    services.prices.enter(gateway.id, {"gpt-5.4": Prices(2_000_000, 9_000_000)})
    app = press(page("book", model="gpt-5.4"), "Take my price back")
    assert in_force(services, gateway, "gpt-5.4") is None
    history = app.dataframe[1].value
    assert list(history["Source"]) == ["you entered: withdrawn", "you entered"]


def test_a_hostile_model_name_is_only_text(services: Services, gateway: GatewayCard) -> None:
    services.store.models.save_list(
        services.owner, gateway.id, fetched_ms=now_ms(), raw_json="", models=(ListedModel(HOSTILE, Prices(1, 2)),)
    )
    services.store.prices.set_entered(services.owner, gateway.id, HOSTILE, Prices(1_000_000, 2_000_000))
    services.gateways.apply_rules(gateway.id)
    app = page("book", model=HOSTILE)
    assert list(app.dataframe[0].value["Id"]) == [HOSTILE]
    assert all("**x**" not in one.value and "$5" not in one.value for one in [*app.caption, *app.subheader])


def test_a_list_says_what_it_changes_and_keeps_only_what_is_sound(services: Services, gateway: GatewayCard) -> None:
    app = page("add")
    app.text_area[0].set_value(
        "model,input per 1M,output per 1M\ngpt-5.4,2.25,13.5\ngpt-5.4-hc,1500,9000\nclaude-haiku-4-5,x,5\n"
    )
    app = ran(app)
    assert "Line 4: “x” is not a number" in said(app)
    assert list(app.dataframe[0].value["Model"]) == ["gpt-5.4"]
    press(app, "Save 1 price")
    assert in_force(services, gateway, "gpt-5.4") == Prices(2_250_000, 13_500_000)
    assert in_force(services, gateway, "gpt-5.4-hc") is None


def test_a_suspect_of_a_list_is_kept_once_it_is_confirmed(services: Services, gateway: GatewayCard) -> None:
    app = page("add")
    app.text_area[0].set_value("model,input per 1M,output per 1M\ngpt-5.4,2.25,13.5\ngpt-5.4-hc,1500,9000\n")
    app = ran(app)
    assert "1 held back until confirmed." in said(app)
    app.checkbox[0].check()
    press(ran(app), "Save 2 prices")
    assert in_force(services, gateway, "gpt-5.4-hc") == Prices(1_500_000_000, 9_000_000_000)


def test_a_list_without_a_unit_waits_for_one(services: Services, gateway: GatewayCard) -> None:
    app = page("add")
    app.text_area[0].set_value("model,input,output\nstranger,2,8\n")
    app = ran(app)
    assert "does not say its unit" in said(app)
    next(box for box in app.selectbox if box.label == "The numbers are").select_index(1)
    app = press(ran(app), "Save 1 price")
    assert in_force(services, gateway, "stranger") == Prices(2_000_000, 8_000_000)


def test_a_rule_prices_a_variant_until_it_rests(services: Services, gateway: GatewayCard) -> None:
    app = page("rules")
    next(box for box in app.selectbox if box.label == "Variant").set_value("low")
    app = fill(app, costs="0.3")
    assert "It would price 5 models" in said(app)
    app = press(app, "Add rule")
    assert in_force(services, gateway, "gpt-5.4-low") == Prices(750_000, 4_500_000, 75_000)
    next(toggle for toggle in app.toggle if "0.3" in html.unescape(toggle.label)).set_value(False)
    ran(app)
    assert in_force(services, gateway, "gpt-5.4-low") is None


def test_repricing_adds_a_correction_and_the_totals_move_by_exactly_that(
    services: Services, gateway: GatewayCard
) -> None:
    for _ in range(3):
        asked(services.store, "gpt-5.4", Cost(), gateway_id=gateway.id)
    services.prices.enter(gateway.id, {"gpt-5.4": Prices(2_000_000, 10_000_000, 500_000)})
    app = page("changes")
    each = (100 * 2_000_000 + 20 * 500_000 + 60 * 10_000_000) // 1000
    assert "3 requests are unpriced. All of them can be priced with the prices now valid: $0.0024 together." in said(
        app
    )
    app = press(app, "Price 3 requests")
    assert "Every request has a price" in said(app)
    rows = services.store.ledger.latest(services.owner, 10)
    assert [row.cost.nano for row in rows] == [each] * 3


def test_the_feed_tells_what_a_change_means_for_the_month(services: Services, gateway: GatewayCard) -> None:
    asked(services.store, "gpt-5.4", Cost(nano=1, other_nano=1, source="entered"), gateway_id=gateway.id)
    past = now_ms() - 3 * DAY_MS
    services.store.prices.set_entered(services.owner, gateway.id, "gpt-5.4", Prices(2_000_000), valid_from_ms=past)
    services.prices.enter(gateway.id, {"gpt-5.4": Prices(3_000_000)})
    table = page("changes").dataframe[0].value
    assert table["What"].iloc[0] == "input $2.00 to $3.00 (+50.0 %)"
    assert table["On your month"].iloc[0] == "+$0.0001"


def test_a_budget_says_how_far_it_is_used_up(services: Services, gateway: GatewayCard) -> None:
    cost = Cost(nano=850_000_000, other_nano=850_000_000, source="entered")
    asked(services.store, "gpt-5.4", cost, gateway_id=gateway.id)
    app = fill(page("budgets"), Limit="1")
    app = press(app, "Add budget")
    assert services.store.budgets.list(services.owner)[0].budget == Budget(
        "month", 10**9, id=services.store.budgets.list(services.owner)[0].budget.id
    )
    assert "$1.00 per month" in said(app)
    assert "$0.85 of $1.00 spent this month, $0.15 left" in said(app)


def test_a_budget_is_changed_rests_and_is_deleted(services: Services, gateway: GatewayCard) -> None:
    kept = services.store.budgets.add(services.owner, Budget("gateway", 10**9, subject=gateway.public_id))
    app = page("budgets")
    assert "$1.00 per month at Mine" in said(app)
    app.text_input[0].set_value("2.50")
    app = press(ran(app), "Save")
    assert services.store.budgets.get(services.owner, kept.public_id).budget.limit_nano == 2_500_000_000
    next(toggle for toggle in app.toggle if toggle.label == "In force").set_value(False)
    app = ran(app)
    assert not services.store.budgets.get(services.owner, kept.public_id).active
    press(app, "Delete")
    assert services.store.budgets.list(services.owner) == []


@pytest.mark.parametrize("limit", ["", "much", "-1", "1,5"])
def test_a_limit_that_is_no_amount_is_refused_in_words(services: Services, gateway: GatewayCard, limit: str) -> None:
    app = press(fill(page("budgets"), Limit=limit), "Add budget")
    assert "A limit is an amount such as 5 or 0.50" in said(app)
    assert services.store.budgets.list(services.owner) == []


def test_a_month_is_closed_verified_and_a_later_price_is_an_adjustment(
    services: Services, gateway: GatewayCard
) -> None:
    asked(services.store, "gpt-5.4", Cost(), gateway_id=gateway.id, at_ms=now_ms() - 40 * DAY_MS)
    app = press(page("statements"), "Close this month")
    assert "for 1 request, 1 without a known price, not in the amount" in said(app)
    services.prices.enter(gateway.id, {"gpt-5.4": Prices(2_000_000, 10_000_000)})
    services.prices.reprice()
    app = press(page("statements"), "Verify")
    assert "The ledger still says exactly this, request by request." in said(app)
    assert "1 correction of closed months will stand in the next statement." in said(app)


def test_a_bill_shows_what_each_side_lacks(services: Services, gateway: GatewayCard) -> None:
    at = now_ms() - 3_600_000
    cost = Cost(nano=1_000_000, other_nano=1_000_000, source="entered")
    asked(services.store, "gpt-5.4", cost, gateway_id=gateway.id, at_ms=at)
    asked(services.store, "gpt-5.5", cost, gateway_id=gateway.id, at_ms=at + 1000)
    lines = f"time,model,input,output,cost\n{at},gpt-5.4,120,60,0.002\n{at},stranger,1,1,0.004\n"
    bill = services.store.bills.add(services.owner, gateway.id, read_bill(lines, "mapped"), HOSTILE)
    app = page("bills", bill=bill.public_id)
    assert "1 line belongs to a request, 0 of them agree exactly. 1 only on the bill, 1 only in the ledger." in said(
        app
    )
    assert [html.unescape(metric.value) for metric in app.metric] == ["$0.0060", "$0.0020", "$0.0040"]
    press(app, "Delete this import")
    assert services.store.bills.list(services.owner) == []


@pytest.mark.parametrize("part", ["changes", "budgets", "statements", "bills", "rules", "nonsense"])
def test_every_part_explains_itself_while_it_is_empty(services: Services, gateway: GatewayCard, part: str) -> None:
    assert len(said(page(part))) > 80


def test_an_ending_is_a_variant_also_where_the_gateway_is_configured_outside(
    services: Services, gateway: GatewayCard
) -> None:
    rows: list[dict[str, object]] = [
        {"Ending": "-hc", "Shown as": "Quick"},
        {"Ending": " -eu ", "Shown as": ""},
        {"Ending": "-hc", "Shown as": "again"},
        {"Ending": None, "Shown as": "x"},
    ]
    rules = endings_of(rows, gateway.variant_rules)
    assert rules == (VariantRule("-hc", "hc", "Quick"), VariantRule("-eu", "eu", "eu"))
    services.gateways.set_rules(gateway.id, rules)
    assert services.gateways.model(gateway.id, "gpt-5.4-hc").variant_label == "Quick"
    assert services.gateways.model(gateway.id, "gpt-5.4-eu").base == "gpt-5.4"
    held = services.gateways.hold(gateway, Secret("sk-0123456789abcdef"), slot="environment:Mine")
    assert held.variant_rules == rules
    assert "Quick" in set(page("book").dataframe[0].value["Variant"])
