"""The usage page over a real store: what it shows equals the ledger, and says what is not known."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from lib import bootstrap
from lib.cards import GatewayCard
from lib.ids import id_at, new_id, new_public_id
from lib.ledger import AnswerEnd, Attempt, Cost, ModelRef, Turn
from lib.messages import TextPart
from lib.reports import requests_csv, totals
from lib.store import Store, open_store
from lib.tokens import TokenCount
from lib.ui import usage_ledger
from lib.ui.usage_ledger import Ledger
from lib.ui.usage_period import Period, period_of

PRICED = Cost(nano=1_270_000_000, input_nano=270_000_000, output_nano=1_000_000_000, source="gateway")
HOSTILE = '=HYPERLINK("http://evil/") $5 :smile: **x**'
TODAY = date(2026, 3, 29)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store("", tmp_path)
    yield store
    store.close()


def asked(
    store: Store, cost: Cost = PRICED, *, model: str = "gpt-5.4-hc", at_ms: int | None = None, demo: bool = False
) -> None:
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
        cost=cost,
    )
    store.answers.finish(begun.answer_id, AnswerEnd("done", "an answer", attempts=(attempt,)))


def page(store: Store, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    """The page as it is after its first run."""
    gateways = SimpleNamespace(cards=lambda: [GatewayCard(1, "Mine", "https://gateway.test")])
    fake = SimpleNamespace(store=store, owner=store.owner(), zone="UTC", gateways=gateways)
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


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption).replace("&#36;", "$").replace("&#46;", ".")


def test_before_the_first_answer_the_page_says_what_will_appear(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(store, monkeypatch)
    assert "will appear here" in app.markdown[0].value
    assert not app.metric
    assert not app.toggle


def test_the_figures_equal_the_ledger(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        asked(store)
    app = page(store, monkeypatch)
    assert figures(app) == {"Spend": "&#36;3&#46;81", "Requests": "3", "Tokens in": "360", "Tokens out": "180"}
    assert "All of it reported by the gateway" in captions(app)
    _, by_variant, latest = (table.value for table in app.dataframe)
    assert list(by_variant["Spend"]) == [3_810_000_000]
    assert list(by_variant["Variant"]) == ["Premium pool"]
    assert len(latest) == 3
    assert all(link.startswith("./?chat=") for link in latest["Chat"])


def test_what_has_no_price_is_unknown_and_said_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store, Cost())
    app = page(store, monkeypatch)
    assert figures(app)["Spend"] == "—"
    assert "All of it unpriced &#40;1 request&#41;" in captions(app)
    assert "Without 1 request whose price is not known." in captions(app)


def test_demo_spend_stands_apart(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store)
    assert not page(store, monkeypatch).toggle
    asked(store, demo=True)
    asked(store, demo=True)
    app = page(store, monkeypatch)
    assert figures(app)["Requests"] == "1"
    app.toggle[0].set_value(True).run()
    assert figures(app)["Requests"] == "2"
    assert "made up" in captions(app)


def test_who_only_asked_the_demo_is_told_why_the_total_is_zero(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store, demo=True)
    app = page(store, monkeypatch)
    assert figures(app)["Spend"] == "&#36;0"
    assert "only the demo gateway" in captions(app)


def test_currencies_are_looked_at_one_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store)
    asked(store)
    asked(store, Cost(nano=7_000_000_000, other_nano=7_000_000_000, source="reported", currency="CNY"))
    app = page(store, monkeypatch)
    assert figures(app)["Spend"] == "&#36;2&#46;54"
    next(choice for choice in app.button_group if choice.label == "Currency").set_value("CNY").run()
    assert figures(app)["Spend"] == "¥7&#46;00"


def test_the_period_comes_from_the_url(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    today = datetime.now(UTC)
    asked(store)
    asked(store, at_ms=round((today - timedelta(days=20)).timestamp() * 1000))
    assert figures(page(store, monkeypatch))["Requests"] == "2"
    assert figures(page(store, monkeypatch, period="7 days"))["Requests"] == "1"
    assert figures(page(store, monkeypatch, period="nonsense", zone="Mars/Olympus"))["Requests"] == "2"


def test_a_hostile_model_name_is_only_text(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(store, model=HOSTILE)
    app = page(store, monkeypatch)
    assert HOSTILE not in captions(app) + " ".join(block.value for block in app.markdown)
    assert list(app.dataframe[1].value["Model"]) == [HOSTILE]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_the_csv_holds_exactly_the_requests_of_the_period(
    store: Store, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setattr(usage_ledger, "_BATCH", 7)
    noon = round(datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp() * 1000)
    for hour in range(60):
        asked(store, at_ms=noon + hour * 3_600_000)
    asked(store, at_ms=noon, demo=True)
    ledger = Ledger(store.ledger, store.owner(), zone, demo=False)
    period = Period(TODAY, TODAY + timedelta(days=1))
    lines = list(csv.DictReader(io.StringIO(requests_csv(ledger.requests(period), zone))))
    assert len(lines) == totals(ledger.tallies(period), "USD").requests
    assert len(lines) == (23 if zone == "Europe/Berlin" else 24)  # where the clock went forward that night
    assert all(line["time"].startswith(TODAY.isoformat()) for line in lines)


@pytest.mark.parametrize(
    ("name", "days", "first"),
    [
        ("today", 1, TODAY),
        ("7d", 7, date(2026, 3, 23)),
        ("30d", 30, date(2026, 2, 28)),
        ("90d", 90, date(2025, 12, 30)),
        ("month", 29, date(2026, 3, 1)),
    ],
)
def test_a_period_ends_today_and_the_one_before_is_as_long(name: str, days: int, first: date) -> None:
    period = period_of(name, TODAY)  # type: ignore[arg-type]
    assert (period.start, period.last, period.days) == (first, TODAY, days)
    assert (period.before.days, period.before.end) == (days, period.start)


def test_a_custom_period_may_have_one_end_so_far() -> None:
    start = date(2026, 3, 3)
    assert period_of("custom", TODAY, (start,)) == Period(start, start + timedelta(days=1))
    assert period_of("custom", TODAY, (start, TODAY)).days == 27
    assert period_of("custom", TODAY).days == 7
