"""The usage page over a real store: what it shows equals the ledger, and says what is not known."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lib import bootstrap
from lib.cards import GatewayCard, ModelCard, Prices
from lib.ids import id_at, new_id, new_public_id
from lib.ledger import AnswerEnd, Attempt, Cost, ModelRef, Turn
from lib.messages import TextPart
from lib.store import Store, open_store
from lib.tokens import TokenCount
from lib.ui.usage_place import Asked
from lib.ui.usage_requests import csv_of
from lib.ui.usage_view import View, filter_of
from lib.ui.usage_words import Names

PRICED = Cost(nano=1_270_000_000, input_nano=270_000_000, output_nano=1_000_000_000, source="gateway")
HOSTILE = '=HYPERLINK("http://evil/") $5 :smile: **x**'
TODAY = date(2026, 3, 29)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store("", tmp_path)
    yield store
    store.close()


def asked(
    store: Store, cost: Cost = PRICED, *, model: str = "gpt-5.4-hc", at_ms: int | None = None, demo: bool = False,
    anomaly: str | None = None, reported: str | None = None,
) -> None:  # fmt: skip
    """One answer of 120 tokens in and 60 out, with its cost, in the ledger."""
    ref = ModelRef(1, model, "gpt-5.4" if model == "gpt-5.4-hc" else model, "gpt", "hc", demo=demo)
    turn = Turn(new_public_id(), new_public_id(), (TextPart("hello"),), ref)
    begun = store.answers.begin(store.owner(), turn, epoch="this process")
    attempt = Attempt(
        id=new_id() if at_ms is None else id_at(at_ms),
        number=1,
        started_ms=at_ms or 0,
        ended_ms=at_ms or 0,
        outcome="ok",
        model_requested=model,
        count=TokenCount(100, 20, 0, 0, 50, 10),
        usage_source="reported",
        usage_raw='{"prompt_tokens": 120}',
        first_visible_ms=400,
        duration_ms=2_000,
        cost=cost,
        anomaly=anomaly,
        model_reported=reported,
    )
    store.answers.finish(begun.answer_id, AnswerEnd("done", "an answer", attempts=(attempt,)))


def page(store: Store, monkeypatch: pytest.MonkeyPatch, **query: str | list[str]) -> AppTest:
    """The page as it is after its first run."""
    cards = [GatewayCard(1, "Mine", "https://gateway.test")]
    prices = Prices(10_000_000, 50_000_000, 1_000_000)
    dear = ModelCard("gpt-5.4-official", "gpt-5.4", "gpt", "official", prices=prices, price_source="gateway")
    gateways = SimpleNamespace(cards=lambda: cards, models=lambda gateway: (dear,))
    house = SimpleNamespace(login=SimpleNamespace(on=False))
    fake = SimpleNamespace(store=store, owner=store.owner(), zone="UTC", gateways=gateways, house=house)
    monkeypatch.setattr(bootstrap, "_services", fake)

    def frame() -> None:
        import streamlit as st

        from lib.ui import pages

        st.navigation([st.Page(pages.USAGE, default=True), st.Page(pages.CHAT)], position="hidden").run()

    app = AppTest.from_function(frame, default_timeout=30)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def words(app: AppTest) -> str:
    """Everything that is said on the page, as it is read."""
    said = [*app.markdown, *app.caption, *app.subheader, *app.code, *app.expander, *app.button]
    texts = [str(getattr(one, "value", None) or getattr(one, "label", "")) for one in said]
    return html.unescape(" ".join(texts))


def tables(app: AppTest) -> list[dict[Any, list[Any]]]:
    return [table.value.to_dict("list") for table in app.dataframe]


def test_before_the_first_answer_the_page_says_what_will_appear(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(store, monkeypatch)
    assert "will appear here" in words(app)
    assert not app.metric
    assert [button.label for button in app.button] == ["Fill with demo data"]


def test_demo_data_is_filled_in_and_removed_with_a_click(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(store, monkeypatch)
    app.button[0].click().run()
    assert "Made-up prices of the demo" in words(app)
    assert "≈" in figures(app)["Spend"]
    next(button for button in app.button if button.label == "Remove demo data").click().run()
    assert not app.metric
    assert not store.insight.choices(store.owner(), demo=True).models


def test_the_figures_equal_the_ledger(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        asked(store)
    app = page(store, monkeypatch)
    assert figures(app) == {
        "Spend": "&#36;3&#46;81",
        "Requests": "3",
        "Tokens in": "360",
        "Tokens out": "180",
        "Per request": "&#36;1&#46;27",
        "First words": figures(app)["First words"],
    }
    assert "100 % reported" in words(app)
    assert tables(app)[0]["Spend"] == [3_810_000_000]


PARTS = ("overview", "models", "chats", "tokens", "speed", "requests")


def test_every_part_can_be_drawn_with_one_answer_with_many_and_without_any(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(store)
    store.insight.generate_demo(store.owner(), days=9)
    for tab in PARTS:
        page(store, monkeypatch, tab=tab, period="today")
        page(store, monkeypatch, tab=tab, model="unheard-of")
        page(store, monkeypatch, tab=tab, demo="1", by="variant", summed="1", period="year")


def test_models_stand_beside_what_they_would_have_cost_elsewhere(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store)
    app = page(store, monkeypatch, tab="models")
    models, options = tables(app)
    assert (models["Variant"], models["Spend"]) == (["Premium pool"], [1_270_000_000])
    assert (options["Variant"], options["Would cost"]) == (["Official"], [4_020_000])


def test_the_list_leads_to_a_request_with_its_formula(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store)
    [row] = store.ledger.latest(store.owner(), 1)
    app = page(store, monkeypatch, tab="requests", request=str(row.id))
    assert "Total $1.27" in words(app)
    assert json.loads(app.code[-1].value) == {"prompt_tokens": 120}
    [link] = app.get("page_link")
    assert f"chat={row.conversation}" in link.proto.query_string
    gone = page(store, monkeypatch, tab="requests", request="1")
    assert "not there any more" in words(gone)


def test_what_has_no_price_is_unknown_and_said_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store, Cost())
    app = page(store, monkeypatch)
    assert figures(app)["Spend"] == "—"
    assert figures(app)["Per request"] == "—"
    assert "100 % unpriced (1 request)" in words(app)
    assert "Without 1 request whose price is not known." in words(app)


def test_the_opened_trust_line_tells_what_looks_wrong(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    for days in range(12):
        at_ms = round((now - timedelta(days=days)).timestamp() * 1000)
        asked(store, Cost(nano=600_000_000 if days != 3 else 4_100_000_000), at_ms=at_ms)
    asked(store, Cost(nano=0), anomaly="media_ignored", reported="gpt-4o-mini")
    asked(store, Cost(nano=0), anomaly="media_ignored", reported="gpt-5.4-2026-03-05")
    app = page(store, monkeypatch)
    assert "usually" not in words(app) and "gpt-4o" not in words(app)
    app.session_state["usage-trust"] = True
    app.run()
    assert not app.exception
    assert "2 requests: the input is too small for the pictures or video that were sent." in words(app)
    assert "1 request for gpt-5.4-hc: the gateway says gpt-4o-mini answered." in words(app)
    assert "2026-03-05" not in words(app)
    day = now.date() - timedelta(days=3)
    [spike] = [button for button in app.button if "usually" in button.label]
    assert html.unescape(spike.label) == f"{day.day} {day:%b %Y}: $4.10, usually about $0.60"
    spike.click().run()
    assert app.query_params["tab"] == "requests"
    assert app.query_params["since"] == str(
        round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    )


def test_demo_spend_stands_apart(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store)
    asked(store, demo=True)
    asked(store, demo=True)
    assert figures(page(store, monkeypatch))["Requests"] == "1"
    app = page(store, monkeypatch, demo="1")
    assert figures(app)["Requests"] == "2"
    assert "Made-up prices" in words(app)
    next(button for button in app.button if button.label == "Show real spend").click().run()
    assert figures(app)["Requests"] == "1"


def test_who_only_asked_the_demo_is_told_why_there_is_no_total(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store, demo=True)
    app = page(store, monkeypatch)
    assert "only the demo gateway" in words(app)
    next(button for button in app.button if button.label == "Show demo spend").click().run()
    assert figures(app)["Requests"] == "1"


def test_currencies_are_looked_at_one_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store)
    asked(store)
    asked(store, Cost(nano=7_000_000_000, other_nano=7_000_000_000, source="reported", currency="CNY"))
    app = page(store, monkeypatch)
    assert (figures(app)["Spend"], figures(app)["Requests"]) == ("&#36;2&#46;54", "2")
    next(choice for choice in app.button_group if choice.label == "Currency").set_value("CNY").run()
    assert (figures(app)["Spend"], figures(app)["Requests"]) == ("¥7&#46;00", "1")


def test_days_and_filters_come_from_the_url(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    today = datetime.now(UTC)
    asked(store)
    asked(store, at_ms=round((today - timedelta(days=20)).timestamp() * 1000), model="gpt-5.4-low")
    assert figures(page(store, monkeypatch))["Requests"] == "2"
    assert figures(page(store, monkeypatch, period="7d"))["Requests"] == "1"
    assert figures(page(store, monkeypatch, model="gpt-5.4-low"))["Requests"] == "1"
    assert figures(page(store, monkeypatch, period="nonsense", zone="Mars/Olympus"))["Requests"] == "2"
    app = page(store, monkeypatch, model="gpt-5.4-low", variant="hc")
    assert "Model: gpt-5.4-low" in words(app)
    app.button(key="usage-off-variants").click().run()
    assert "variant" not in app.query_params
    assert app.query_params["model"] == "gpt-5.4-low"


def test_a_choice_changes_the_url(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store)
    app = page(store, monkeypatch, variant="hc")
    app.selectbox(key="usage-period").set_value("7d").run()
    assert app.query_params == {"period": "7d", "variant": "hc"}
    next(choice for choice in app.button_group if choice.label == "Part").set_value("speed").run()
    assert app.query_params == {"tab": "speed", "period": "7d", "variant": "hc"}


def test_a_hostile_model_name_is_only_text(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store, model=HOSTILE)
    app = page(store, monkeypatch, tab="models", model=HOSTILE)
    shown = [str(getattr(one, "value", None) or one.label) for one in (*app.markdown, *app.caption, *app.button)]
    assert not any(HOSTILE in text for text in shown)
    assert tables(app)[0]["Model"] == [HOSTILE]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_the_csv_holds_exactly_the_requests_of_the_filter(store: Store, zone: str) -> None:
    noon = round(datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp() * 1000)
    for hour in range(60):
        asked(store, at_ms=noon + hour * 3_600_000)
    asked(store, at_ms=noon, demo=True)
    view = View(period="custom", start=TODAY, last=TODAY, zone=zone)
    filter, choices = filter_of(view, TODAY), store.insight.choices(store.owner())
    shown = Asked(store.insight, store.owner(), view, filter, None, "USD", choices, Names())
    lines = list(csv.DictReader(io.StringIO(csv_of(shown).decode("utf-8-sig"))))
    assert len(lines) == sum(tally.n for tally in store.insight.tallies(store.owner(), filter))
    assert len(lines) == (23 if zone == "Europe/Berlin" else 24)  # where the clock went forward that night
    assert all(line["time"].startswith(TODAY.isoformat()) for line in lines)
