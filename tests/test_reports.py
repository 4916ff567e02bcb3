"""Reports: every grouping adds up to the same totals, unknown is never 0, currencies never meet."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lib.insight.trust import trust
from lib.insight_words import OTHER, ChatSpend, Filter, HeatCell, HourOfVariant, ProjectSpend, Quantiles, VariantRow
from lib.ledger import Cost, LedgerRow, Tally
from lib.local_time import start_of, zone_of
from lib.reports import (
    Totals,
    anatomy,
    caching,
    change,
    chats,
    course,
    csv_text,
    currencies,
    hour_heat,
    labels_of,
    latest,
    models,
    outcomes,
    parts,
    projects,
    qualities,
    requests_csv,
    requests_json,
    requests_parquet,
    span_of,
    sparkline,
    summed,
    totals,
    week_heat,
)
from lib.reports import requests as requests_module
from lib.tokens import TokenCount

START, END = date(2026, 3, 27), date(2026, 4, 3)
DAYS = (END - START).days
WEEK = Filter(START, END, "Europe/Berlin")
"""With the night in which Berlin puts its clocks forward."""
few = settings(max_examples=25, deadline=None)  # each example makes several frames


@st.composite
def _tally(draw: st.DrawFn) -> Tally:
    n = draw(st.integers(1, 50))
    unpriced = draw(st.integers(0, n))
    base = draw(st.sampled_from(["opus", "sonnet", "gpt", "flash", "pro", "haiku", "mini", ""]))
    tokens = st.integers(0, 10**9)
    return Tally(
        day=START + timedelta(days=draw(st.integers(0, DAYS - 1))),
        model=base or "stray",
        base=base,
        family=base[:1],
        variant=draw(st.sampled_from(["standard", "hc", "low"])),
        outcome=draw(st.sampled_from(["ok", "stopped", "cut", "refused"])),
        currency=draw(st.sampled_from(["USD", "USD", "CNY"])),
        n=n,
        n_error=draw(st.integers(0, n)),
        n_unpriced=unpriced,
        n_estimated=draw(st.integers(0, n)),
        cost_nano=0 if unpriced == n else draw(st.integers(0, 10**14)),
        est_cost_nano=draw(st.integers(0, 10**12)),
        in_uncached=draw(tokens),
        in_cache_read=draw(tokens),
        in_cache_write=draw(tokens),
        out_visible=draw(tokens),
        out_reasoning=draw(tokens),
    )


tallies_ = st.lists(_tally(), max_size=25)
USD = Tally(day=START, model="m", base="m", family="f", variant="standard", outcome="ok", n=1, cost_nano=5)


@few
@given(tallies_)
def test_every_view_adds_up_to_the_tallies(tallies: list[Tally]) -> None:
    for currency in currencies(tallies):
        kept = [tally for tally in tallies if tally.currency == currency]
        cost, requests = sum(tally.cost_nano for tally in kept), sum(tally.n for tally in kept)
        tokens = sum(t.in_uncached + t.in_cache_read + t.in_cache_write + t.out_visible + t.out_reasoning for t in kept)
        whole, table = totals(tallies, currency), models(map(VariantRow, tallies), currency)
        assert (whole.cost_nano or 0, whole.requests, whole.tokens_in + whole.tokens_out) == (cost, requests, tokens)
        assert (table["cost_nano"].sum(), table["requests"].sum()) == (cost, requests)
        assert table["tokens_in"].sum() + table["tokens_out"].sum() == tokens
        by_outcome = parts(tallies, currency, "outcome")
        assert (by_outcome["cost_nano"].sum(), by_outcome["requests"].sum()) == (cost, requests)
        assert anatomy(tallies, currency)["tokens"].sum() == tokens
        assert outcomes(tallies, currency)["requests"].sum() == requests


@few
@given(tallies_)
def test_the_course_adds_up_and_ends_in_its_sum(tallies: list[Tally]) -> None:
    for currency in currencies(tallies):
        kept = list({(t.day, t.variant): t for t in tallies if t.currency == currency}.values())
        frame = course(kept, currency, WEEK, "variant")
        assert (frame["cost_nano"].sum(), frame["requests"].sum()) == (
            sum(tally.cost_nano for tally in kept),
            sum(tally.n for tally in kept),
        )
        assert list(dict.fromkeys(frame["bucket"])) == labels_of(WEEK)
        last = summed(frame)[frame["bucket"] == labels_of(WEEK)[-1]]
        assert last["cost_nano"].sum() == frame["cost_nano"].sum()


@few
@given(tallies_)
def test_unknown_costs_are_never_zero(tallies: list[Tally]) -> None:
    for currency in currencies(tallies):
        kept = list({(t.day, t.variant): t for t in tallies}.values())
        for frame in (models(map(VariantRow, tallies), currency), course(kept, currency, WEEK, "variant")):
            unknown = (frame["requests"] > 0) & (frame["requests"] == frame["unpriced"])
            assert (frame["cost_nano"].isna() == unknown).all()


@few
@given(tallies_)
def test_trust_counts_every_billable_request_once(tallies: list[Tally]) -> None:
    known = trust(qualities(tallies, "USD"))
    billable = sum(tally.n for tally in tallies if tally.currency == "USD" and tally.outcome != "refused")
    assert known.requests == billable


def test_nothing_asked_costs_nothing_but_nothing_priced_is_unknown() -> None:
    assert totals([], "USD") == Totals()
    assert totals([structs.replace(USD, n_unpriced=1, cost_nano=0)], "USD").cost_nano is None
    assert totals([structs.replace(USD, cost_nano=0)], "USD").cost_nano == 0


def test_every_day_is_there_also_the_ones_without_requests() -> None:
    frame = course([USD], "USD", WEEK, "base")
    assert list(frame["bucket"]) == [(START + timedelta(days=offset)).isoformat() for offset in range(DAYS)]
    assert list(frame["cost_nano"]) == [5, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo"])
@pytest.mark.parametrize("days", [1, 30, 500])
def test_buckets_follow_one_another_without_a_gap(zone: str, days: int) -> None:
    asked = Filter(START, START + timedelta(days=days), zone)
    spans = [span_of(bucket, zone) for bucket in labels_of(asked)]
    first = START if days < 400 else START.replace(day=1)
    assert spans[0][0] == start_of(first, zone_of(zone))
    assert all(before[1] <= after[0] or before[1] == after[1] for before, after in pairwise(spans))
    if days < 400:
        assert spans[-1][1] == start_of(asked.end, zone_of(zone))


def test_an_hour_that_comes_twice_is_both() -> None:
    low, high = span_of("2026-10-25T02", "Europe/Berlin")
    assert high - low == 2 * 3_600_000


def test_a_small_line_has_few_points_and_leaves_out_unknown_averages() -> None:
    year = Filter(START, START + timedelta(days=365))
    assert len(sparkline([USD], "USD", year, "requests")) <= 60
    assert sum(sparkline([USD], "USD", year, "requests")) == 1
    assert sparkline([USD], "USD", year, "each_nano") == [5e-9]
    assert sparkline([USD], "USD", year, "first_ms") == []


def test_without_requests_every_report_is_empty_and_has_its_columns() -> None:
    assert course([], "USD", WEEK, "base").empty
    assert models([], "USD").empty
    assert anatomy([], "USD").empty
    assert caching([], "USD").empty
    assert parts([], "USD", "purpose").empty
    assert projects([], "USD").empty
    assert chats([], "UTC").empty
    assert hour_heat([]).empty
    assert outcomes([], "USD").empty
    assert latest([], "UTC").empty
    assert requests_csv([], "UTC").count("\r\n") == 1
    assert json.loads(requests_json([], "UTC", {}))["requests"] == []


def test_the_costliest_name_comes_first_and_the_rest_last() -> None:
    tallies = [
        structs.replace(USD, base=name, cost_nano=cost)
        for name, cost in zip(("a", OTHER, "c"), (1, 30, 20), strict=True)
    ]
    frame = course(tallies, "USD", WEEK, "base")[:3]
    assert list(zip(frame["key"], frame["cost_nano"], strict=True)) == [("c", 20), ("a", 1), (OTHER, 30)]


def test_currencies_stand_apart_the_busiest_first() -> None:
    yuan = structs.replace(USD, currency="CNY", cost_nano=7, n=2)
    assert currencies([USD, yuan]) == ["CNY", "USD"]
    assert (totals([USD, yuan], "USD").cost_nano, totals([USD, yuan], "CNY").cost_nano) == (5, 7)


def test_the_effective_price_is_per_token_of_any_kind_and_unknown_beside_unpriced_requests() -> None:
    row = structs.replace(USD, in_uncached=600, out_visible=400, cost_nano=3_000_000)
    assert models([VariantRow(row)], "USD")["per_m"][0] == 3_000_000  # 0.003 for 1000 tokens: 3 per million
    assert models([VariantRow(structs.replace(row, n_unpriced=1))], "USD")["per_m"].isna().all()


def test_shares_are_of_the_known_spend() -> None:
    rows = [USD, structs.replace(USD, variant="hc", cost_nano=15)]
    assert list(models(map(VariantRow, rows), "USD")["share"]) == [0.25, 0.75]
    assert models([VariantRow(structs.replace(USD, cost_nano=0))], "USD")["share"].isna().all()
    unpriced = structs.replace(USD, variant="low", cost_nano=0, n_unpriced=1)
    assert models(map(VariantRow, [USD, unpriced]), "USD")["share"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("now", "before", "part"), [(5, 4, 0.25), (0, 4, -1.0), (5, 0, None), (None, 4, None), (5, None, None)]
)
def test_a_change_is_said_only_where_it_can_be(now: int | None, before: int | None, part: float | None) -> None:
    assert change(now, before) == part


def test_a_slow_percentile_of_few_requests_is_not_said() -> None:
    few_, many = (Quantiles(n, 100.0, 900.0) for n in (19, 20))
    frame = models([VariantRow(USD, few_, few_), VariantRow(USD, many, many)], "USD")
    assert frame["whole_p95"].isna().tolist() == [True, False]
    assert frame["rate"].isna().all()


def test_what_a_cache_saved_is_counted_at_the_price_of_fresh_input() -> None:
    row = structs.replace(USD, in_uncached=100, in_cache_read=50, input_nano=1000, cache_read_nano=50, cost_nano=1050)
    frame = caching([row], "USD")
    assert (frame["saved_nano"][0], frame["premium_nano"][0], frame["net_nano"][0]) == (450, 0, 450)
    written = structs.replace(row, in_cache_write=10, cache_write_nano=125, cost_nano=1175)
    assert caching([written], "USD")["net_nano"][0] == 450 - 25


def test_what_a_cache_saved_is_unknown_without_a_price_of_fresh_input() -> None:
    row = structs.replace(USD, in_cache_read=50, cache_read_nano=5)
    assert caching([row], "USD")["net_nano"].isna().all()
    assert caching([structs.replace(row, in_cache_read=0)], "USD").empty


def test_every_hour_of_the_week_is_there() -> None:
    frame = week_heat([HeatCell(6, 23, 4, 1, 800, 2)])
    assert len(frame) == 168
    assert (frame["requests"].sum(), frame["first_ms"].dropna().tolist()) == (4, [400.0])


def test_an_hour_without_requests_has_nothing_known() -> None:
    frame = hour_heat([HourOfVariant("hc", 3, 2, 1, 0, 0, 0, 300, 1500)])
    row = frame[frame["hour"] == 3].iloc[0]
    assert (row["rate"], row["error_share"]) == (200.0, 0.5)
    assert frame["rate"].notna().sum() == 1
    assert pd.isna(row["first_ms"])


def test_chats_and_folders_without_any_price_have_no_cost() -> None:
    chat = ChatSpend(1, "abc", "Tides", False, 0, "USD", 2, 0, 2, 0, 0, 10, 5, 3)
    frame = chats([chat, structs.replace(chat, n_unpriced=1, cost_nano=7)], "UTC")
    assert frame["cost_nano"].isna().tolist() == [True, False]
    assert (frame["each_nano"][1], frame["cached"][0]) == (7, 0.5)
    folder = ProjectSpend("f", "Work", "USD", 1, 2, 2, 0, 0, 10, 3)
    assert projects([folder], "USD")["cost_nano"].isna().all()


ROW = LedgerRow(
    id=2**60 + 1,
    at_ms=1_774_746_000_000,  # 2026-03-29 01:00 UTC, the hour in which Berlin puts its clocks forward
    conversation="abc",
    message=None,
    gateway_id=1,
    gateway_name="Mine",
    model="gpt-5.4-hc",
    base="gpt-5.4",
    family="gpt",
    variant="hc",
    dialect="openai",
    purpose="chat",
    outcome="ok",
    error_kind=None,
    count=TokenCount(10, 5, None, None, 7, None),
    usage_source="reported",
    cost=Cost(nano=1_270_000_001, source="gateway", reported_nano=0),
    first_visible_ms=None,
    duration_ms=1_500,
)


def test_the_latest_requests_keep_their_order_and_their_unknowns() -> None:
    unpriced = structs.replace(ROW, cost=Cost(), count=TokenCount())
    frame = latest([ROW, unpriced], "Europe/Berlin")
    assert frame["at"][0].isoformat() == "2026-03-29T03:00:00+02:00"
    assert (frame["tokens_in"][0], frame["tokens_out"][0], frame["cost_nano"][0]) == (15, 7, 1_270_000_001)
    assert frame[["tokens_in", "tokens_out", "cost_nano"]].iloc[1].isna().all()


def test_the_csv_is_exact_and_leaves_unknown_cells_empty() -> None:
    line = next(csv.DictReader(io.StringIO(requests_csv([ROW], "Asia/Kathmandu"))))
    assert line["time"] == "2026-03-29T06:45:00.000+05:45"
    assert (line["cost"], line["reported_cost"], line["low_cost"]) == ("1.270000001", "0", "")
    assert (line["in_uncached"], line["in_cache_write_5m"], line["first_visible_ms"]) == ("10", "", "")
    assert (line["request"], line["status"], line["price_source"]) == (str(2**60 + 1), "ok", "gateway")


def test_parquet_and_json_say_the_same_as_the_csv() -> None:
    unpriced = structs.replace(ROW, cost=Cost(), count=TokenCount())
    frame = pd.read_parquet(io.BytesIO(requests_parquet([ROW, unpriced], "UTC")))
    assert frame["cost_nano"].tolist()[0] == 1_270_000_001
    assert frame["cost_nano"].isna().tolist() == [False, True]
    rows = json.loads(requests_json([ROW, unpriced], "UTC", {"days": 1}))
    assert rows["about"] == {"days": 1}
    assert (rows["requests"][0]["cost"], rows["requests"][1]["cost"]) == ("1.270000001", None)
    assert rows["requests"][1]["in_uncached"] is None


def test_a_long_file_has_every_request_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_module, "_BATCH", 3)
    rows = [structs.replace(ROW, id=2**60 + at) for at in range(8)]
    lines = list(csv.DictReader(io.StringIO(requests_csv(iter(rows), "UTC"))))
    assert [line["request"] for line in lines] == [str(row.id) for row in rows]
    assert len(pd.read_parquet(io.BytesIO(requests_parquet(rows, "UTC")))) == 8


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", '=HYPERLINK("http://x")']
)
def test_no_text_cell_can_be_run_as_a_formula(cell: str) -> None:
    text = requests_csv([structs.replace(ROW, model=cell, gateway_name=cell)], "UTC")
    line = next(csv.DictReader(io.StringIO(text, newline="")))
    assert line["model"] == line["gateway"] == f"'{cell}"


@given(st.lists(st.text(alphabet='ab1=-",\r\n \t', max_size=6), min_size=1, max_size=4))
def test_csv_cells_come_back_as_they_went_in_but_for_the_guard(cells: list[str]) -> None:
    text = csv_text(pd.DataFrame({"cell": cells, "n": range(len(cells))}))
    back = [line["cell"] for line in csv.DictReader(io.StringIO(text, newline=""))]
    assert [one.removeprefix("'") for one in back] == cells


def test_numbers_are_not_guarded() -> None:
    assert csv_text(pd.DataFrame({"n": [-1], "text": ["-1.5"]})) == "n,text\r\n-1,-1.5\r\n"
