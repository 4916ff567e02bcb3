"""Charts and tables of the usage page: readable for one day, for many, and for unknown amounts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from lib.insight.forecast import forecast
from lib.insight.slices import slice_of
from lib.insight.waterfall import waterfall
from lib.insight_words import OTHER, Filter, HourOfVariant, VariantRow
from lib.ledger import Tally
from lib.reports import anatomy, course, forecast_days, hour_heat, latest, models, steps
from lib.ui.cost_words import cost_words
from lib.ui.usage_charts import bar_chart_of_kinds, distinct, spend_chart
from lib.ui.usage_charts_heat import hours_chart
from lib.ui.usage_charts_reasons import forecast_chart, signed, waterfall_chart
from lib.ui.usage_charts_tables import course_table, models_table, requests_table, steps_table
from lib.ui.usage_month import change_words, month_words
from lib.ui.usage_words import KIND_WORDS, STEP_WORDS, Names, variant_words

START = date(2026, 3, 27)
NAMES = Names(variants=variant_words([]))


def tally(**fields: Any) -> Tally:
    facts: dict[str, Any] = {"day": START, "model": "m", "base": "m", "family": "f", "variant": "hc", "n": 1}
    return Tally(**facts | fields)


def spec(tallies: list[Tally], days: int, currency: str = "USD", **more: Any) -> dict[str, Any]:
    frame = course(tallies, currency, Filter(START, START + timedelta(days=days)), "base")
    found: dict[str, Any] = spend_chart(frame, currency, NAMES.model, **more).to_dict()
    return found


def shown(styler: Any, column: str) -> list[str]:
    """What a table shows in a column, as text."""
    drawn = styler._translate(False, False)
    position = list(styler.data.columns).index(column)
    return [row[position + 1]["display_value"] for row in drawn["body"]]


def drawn_rows(chart: dict[str, Any], layer: int = 0) -> list[dict[str, Any]]:
    found = chart["layer"][layer] if "layer" in chart else chart
    rows: list[dict[str, Any]] = chart["datasets"][(found.get("data") or chart["data"])["name"]]
    return rows


def bars(chart: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = chart["layer"][0]
    return first


def test_every_day_has_its_place_on_the_axis() -> None:
    chart = spec([tally(cost_nano=2_000_000_000)], 30)
    assert len(bars(chart)["encoding"]["x"]["scale"]["domain"]) == 30
    assert [row["amount"] for row in drawn_rows(chart)] == [2.0]


def test_a_single_bar_is_a_bar_and_not_a_wall() -> None:
    three = [tally(day=START + timedelta(days=at), cost_nano=5) for at in range(3)]
    assert bars(spec(three, 3))["mark"]["size"] < 100
    assert "size" not in bars(spec(three, 30))["mark"]


def test_amounts_that_add_up_end_in_their_sum() -> None:
    two = [tally(cost_nano=1_000_000_000), tally(day=START + timedelta(days=2), cost_nano=2_000_000_000)]
    assert drawn_rows(spec(two, 3, add_up=True))[-1]["amount"] == 3.0


def test_unpriced_requests_are_not_drawn_as_nothing_spent() -> None:
    rows = drawn_rows(spec([tally(n_unpriced=1), tally(base="n", cost_nano=7)], 30))
    assert [row["key"] for row in rows] == ["n"]


def test_a_click_on_a_bar_tells_its_time_and_name() -> None:
    chart = spec([tally(cost_nano=5)], 30)
    assert [param["select"]["fields"] for param in chart["params"]] == [["bucket", "key"]]
    assert {"bucket", "key"} <= set(drawn_rows(chart)[0])


def test_a_changed_price_is_marked_once_a_day_with_its_models() -> None:
    marks = [("2026-03-28", "a"), ("2026-03-28", "b"), ("2026-03-28", "c"), ("2026-03-28", "d"), ("2020-01-01", "e")]
    rows = drawn_rows(spec([tally(cost_nano=5)], 30, marks=marks), layer=1)
    assert rows == [{"bucket": "2026-03-28", "words": "a; b; c; and 1 more"}]


def test_a_single_name_needs_no_legend_and_the_rest_is_called_other() -> None:
    assert bars(spec([tally(cost_nano=5)], 30))["encoding"]["color"]["legend"] is None
    two = bars(spec([tally(cost_nano=5), tally(base=OTHER)], 30))["encoding"]["color"]
    assert two["legend"] is not None
    assert two["sort"] == ["m", "Other"]


def test_two_series_of_one_name_stay_two() -> None:
    assert distinct(["GPT", "GPT", "Opus", "GPT"]) == ["GPT", "GPT (2)", "Opus", "GPT (3)"]


@pytest.mark.parametrize(("nano", "digits"), [(5, 6), (2_000_000, 4), (3_000_000_000, 2), (300_000_000_000, 0)])
def test_the_axis_is_fine_enough_for_small_amounts(nano: int, digits: int) -> None:
    axis = bars(spec([tally(cost_nano=nano, currency="CNY")], 30, "CNY"))["encoding"]["y"]["axis"]
    assert axis["labelExpr"] == f"'¥' + format(datum.value, ',.{digits}f')"


def test_a_currency_that_is_no_code_cannot_reach_into_the_chart() -> None:
    hostile = "'+alert(1)+'"
    axis = bars(spec([tally(currency=hostile, cost_nano=5)], 30, hostile))["encoding"]["y"]["axis"]
    assert "alert" not in axis["labelExpr"]


def test_a_foreign_name_is_data_and_never_an_expression() -> None:
    hostile = "datum.alert('x')"
    rows = drawn_rows(spec([tally(base=hostile, cost_nano=5)], 30))
    assert rows[0]["name"] == hostile


def test_the_steps_of_the_waterfall_join_and_sum_to_the_change() -> None:
    before = slice_of(tally(n=2, in_uncached=100, input_nano=1_000, cost_nano=1_000))
    after = slice_of(tally(n=5, in_uncached=300, input_nano=4_500, cost_nano=4_500))
    found = waterfall([before], [after])
    frame = steps(found)
    inner = frame[frame["kind"] != "whole"]
    assert inner["nano"].sum() == 3_500
    assert frame["from_nano"].tolist()[1:-1] == frame["to_nano"].tolist()[:-2]
    assert shown(steps_table(frame, "USD"), "Reason")[0] == STEP_WORDS["before"]
    assert "layer" in waterfall_chart(frame, "USD").to_dict()
    assert "most of it from more or fewer requests" in change_words(found)


def test_a_month_without_known_days_promises_nothing() -> None:
    nothing = forecast({}, START.replace(day=1), date(2026, 4, 1), START)
    assert "Too few days" in month_words(nothing, "USD")
    assert "layer" in forecast_chart(forecast_days(nothing), "USD").to_dict()


def test_a_month_says_when_its_budget_is_used_up() -> None:
    spent = {date(2026, 3, day): 1_000_000_000 for day in range(1, 21)}
    found = forecast(spent, date(2026, 3, 1), date(2026, 4, 1), date(2026, 3, 21), limit=25_000_000_000)
    words = month_words(found, "USD")
    assert words.startswith("$20.00 spent of $25.00, probably $31.00 at the end")
    assert "expected to be used up on 25 Mar 2026" in words
    rows = drawn_rows(forecast_chart(forecast_days(found), "USD", 25_000_000_000).to_dict(), layer=1)
    assert {row["what"] for row in rows} == {"Spent", "Expected", "Budget"}


def test_the_anatomy_of_tokens_is_parts_of_a_whole() -> None:
    chart = bar_chart_of_kinds(anatomy([tally(in_uncached=3, out_visible=1)], "USD"), NAMES.model, KIND_WORDS)
    rows = drawn_rows(chart.to_dict())
    assert sum(row["part"] for row in rows) == 1.0


@pytest.mark.parametrize(("pace", "words"), [("first", "400 ms"), ("rate", "200 tokens/s"), ("errors", "50 %")])
def test_a_cell_says_its_value_in_words(pace: Any, words: str) -> None:
    frame = hour_heat([HourOfVariant("hc", 3, 2, 1, 0, 800, 2, 300, 1500)])
    rows = drawn_rows(hours_chart(frame, pace, NAMES.variant).to_dict())
    assert [(row["name"], row["clock"], row["words"]) for row in rows] == [("Premium pool", "03:00", words)]


def test_tables_show_amounts_in_words_and_keep_numbers_for_sorting() -> None:
    rows = [
        tally(cost_nano=1_204_100_000_000, in_uncached=3_000_000, out_visible=1),
        tally(base="n", cost_nano=21_000, in_uncached=10),
        tally(base="o", n_unpriced=1),
    ]
    table = models_table(models(map(VariantRow, rows), "USD"), "USD", NAMES)
    assert shown(table, "Spend") == ["$1,204.10", "<$0.0001", "—"]
    assert shown(table, "Per 1M tokens") == ["$401.37", "$2.10", "—"]
    assert shown(table, "Share") == ["100 %", "<1 %", "—"]
    assert shown(table, "Tokens in") == ["3,000,000", "10", "0"]
    assert shown(table, "First words") == ["—", "—", "—"]
    assert table.data["Spend"].dtype == "Int64"
    assert set(table.data["Variant"]) == {"Premium pool"}


def test_the_table_behind_the_chart_lists_days_with_requests_newest_first() -> None:
    rows = [tally(cost_nano=5), tally(day=START + timedelta(days=2), cost_nano=6)]
    table = course_table(course(rows, "USD", Filter(START, START + timedelta(days=7)), "base"), "USD", NAMES.model)
    assert list(table.data["Time"]) == ["2026-03-29", "2026-03-27"]


def test_no_requests_make_empty_tables() -> None:
    assert requests_table(latest([], "UTC"), NAMES).data.empty
    assert models_table(models([], "USD"), "USD", NAMES).data.empty


def test_a_sign_is_said_where_a_change_is() -> None:
    assert [signed(nano, "USD") for nano in (310_000_000, -310_000_000, 0)] == ["+$0.31", "−$0.31", "$0"]


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
    table = models_table(models([VariantRow(tally(variant="turbo", cost_nano=5))], "USD"), "USD", NAMES)
    assert list(table.data["Variant"]) == ["turbo"]
