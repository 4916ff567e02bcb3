"""Charts and tables of the usage page: readable for one day, for many, and for unknown amounts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from lib.ledger import Tally
from lib.reports import by_variant, daily, latest
from lib.ui.cost_words import cost_words
from lib.ui.usage_charts import daily_table, latest_table, spend_chart, variant_table
from lib.ui.usage_words import variant_words

START = date(2026, 3, 27)
WORDS = variant_words([])


def tally(**fields: Any) -> Tally:
    facts: dict[str, Any] = {
        "day": START,
        "model": "m",
        "base": "m",
        "family": "f",
        "variant": "hc",
        "outcome": "ok",
        "n": 1,
    }
    return Tally(**facts | fields)


def spec(tallies: list[Tally], days: int, currency: str = "USD") -> dict[str, Any]:
    chart = spend_chart(daily(tallies, currency, START, START + timedelta(days=days)), currency)
    return chart.to_dict()


def shown(styler: Any, column: str) -> list[str]:
    """What a table shows in a column, as text."""
    drawn = styler._translate(False, False)
    position = list(styler.data.columns).index(column)
    return [row[position + 1]["display_value"] for row in drawn["body"]]


def drawn_rows(chart: dict[str, Any]) -> list[dict[str, Any]]:
    return next(iter(chart["datasets"].values()))


def test_every_day_has_its_place_on_the_axis() -> None:
    rows = drawn_rows(spec([tally(cost_nano=2_000_000_000)], 30))
    assert len({row["day"] for row in rows}) == 30
    assert [row["amount"] for row in rows if row["requests"]] == [2.0]


def test_a_single_day_is_a_bar_and_not_a_wall() -> None:
    assert spec([tally(cost_nano=5)], 1)["mark"]["size"] < 100
    assert "size" not in spec([tally(cost_nano=5)], 30)["mark"]


def test_without_requests_there_is_still_a_chart() -> None:
    assert drawn_rows(spec([], 7)) == []


def test_unpriced_requests_are_not_drawn_as_nothing_spent() -> None:
    rows = drawn_rows(spec([tally(n_unpriced=1), tally(base="n", cost_nano=7)], 1))
    assert [row["name"] for row in rows] == ["n"]


def test_a_single_name_needs_no_legend() -> None:
    assert spec([tally(cost_nano=5)], 1)["encoding"]["color"]["legend"] is None
    assert spec([tally(cost_nano=5), tally(base="n")], 1)["encoding"]["color"]["legend"] is not None


@pytest.mark.parametrize(("nano", "digits"), [(5, 6), (2_000_000, 4), (3_000_000_000, 2)])
def test_the_axis_is_fine_enough_for_small_amounts(nano: int, digits: int) -> None:
    axis = spec([tally(cost_nano=nano, currency="CNY")], 1, "CNY")["encoding"]["y"]["axis"]
    assert axis["labelExpr"] == f"'¥' + format(datum.value, ',.{digits}f')"


def test_a_currency_that_is_no_code_cannot_reach_into_the_chart() -> None:
    hostile = "'+alert(1)+'"
    axis = spec([tally(currency=hostile, cost_nano=5)], 1, hostile)["encoding"]["y"]["axis"]
    assert "alert" not in axis["labelExpr"]


def test_tables_show_amounts_in_words_and_keep_numbers_for_sorting() -> None:
    rows = [
        tally(cost_nano=1_204_100_000_000, in_uncached=3_000_000, out_visible=1),
        tally(base="n", cost_nano=21_000, in_uncached=10),
        tally(base="o", n_unpriced=1),
    ]
    table = variant_table(by_variant(rows, "USD"), "USD", WORDS)
    assert shown(table, "Spend") == ["$1,204.10", "<$0.0001", "—"]
    assert shown(table, "Per 1M tokens") == ["$401.37", "$2.10", "—"]
    assert shown(table, "Share") == ["100 %", "<1 %", "—"]
    assert shown(table, "Tokens in") == ["3,000,000", "10", "0"]
    assert table.data["Spend"].dtype == "Int64"
    assert set(table.data["Variant"]) == {"Premium pool"}


def test_the_table_behind_the_chart_lists_days_with_requests_newest_first() -> None:
    rows = [tally(cost_nano=5), tally(day=START + timedelta(days=2), cost_nano=6)]
    table = daily_table(daily(rows, "USD", START, START + timedelta(days=7)), "USD")
    assert list(table.data["Day"]) == [START + timedelta(days=2), START]


def test_no_requests_make_empty_tables() -> None:
    assert latest_table(latest([], "UTC"), WORDS).data.empty
    assert variant_table(by_variant([], "USD"), "USD", WORDS).data.empty


@pytest.mark.parametrize(
    ("source", "usage_source", "known", "words"),
    [
        ("gateway", "reported", True, "Gateway price"),
        ("gateway", "estimated", True, "Gateway price, estimated tokens"),
        ("reported", "estimated", True, "Reported by the gateway"),
        ("", "none", True, "Not billed"),
        ("gateway", "reported", False, "No price known"),
    ],
)
def test_a_cost_says_how_it_is_known(source: str, usage_source: str, known: bool, words: str) -> None:
    assert cost_words(source, usage_source, known) == words


def test_a_variant_without_a_rule_goes_by_its_name() -> None:
    frame = pd.DataFrame(by_variant([tally(variant="turbo", cost_nano=5)], "USD"))
    assert list(variant_table(frame, "USD", WORDS).data["Variant"]) == ["turbo"]
