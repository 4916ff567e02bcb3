"""Reports: every grouping adds up to the same totals, unknown is never 0, currencies never meet."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lib.ledger import Cost, LedgerRow, Tally
from lib.reports import (
    OTHER,
    Coverage,
    Totals,
    by_variant,
    change,
    coverage,
    coverage_line,
    csv_text,
    currencies,
    daily,
    latest,
    requests_csv,
    totals,
)
from lib.tokens import TokenCount

START, END = date(2026, 3, 27), date(2026, 4, 3)
DAYS = (END - START).days
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
        whole, table = totals(tallies, currency), by_variant(tallies, currency)
        assert (whole.cost_nano or 0, whole.requests, whole.tokens_in + whole.tokens_out) == (cost, requests, tokens)
        assert (table["cost_nano"].sum(), table["requests"].sum()) == (cost, requests)
        assert table["tokens_in"].sum() + table["tokens_out"].sum() == tokens
        assert table["stops"].sum() == sum(tally.n for tally in kept if tally.outcome == "stopped")
        for frame in (daily(tallies, currency, START, END), daily(tallies, currency, START, END, by="variant", most=2)):
            assert (frame["cost_nano"].sum(), frame["requests"].sum()) == (cost, requests)
            assert frame["tokens"].sum() == tokens


@few
@given(tallies_)
def test_days_shown_one_by_one_are_the_days_of_the_range(tallies: list[Tally]) -> None:
    whole = daily(tallies, "USD", START, END, most=100).groupby("day")["cost_nano"].sum()
    for offset in range(DAYS):
        day = START + timedelta(days=offset)
        single = daily([t for t in tallies if t.day == day], "USD", day, day + timedelta(days=1), most=100)
        assert single["cost_nano"].sum() == (whole.get(pd.Timestamp(day), 0) if len(whole) else 0)


@few
@given(tallies_)
def test_unknown_costs_are_never_zero(tallies: list[Tally]) -> None:
    for currency in currencies(tallies):
        for frame in (by_variant(tallies, currency), daily(tallies, currency, START, END)):
            unknown = (frame["requests"] > 0) & (frame["requests"] == frame["unpriced"])
            assert (frame["cost_nano"].isna() == unknown).all()


@few
@given(tallies_)
def test_coverage_counts_every_billable_request_once(tallies: list[Tally]) -> None:
    known = coverage(tallies, "USD")
    billable = sum(tally.n for tally in tallies if tally.currency == "USD" and tally.outcome != "refused")
    assert known.reported + known.estimated + known.unpriced == billable
    assert min(known.reported, known.estimated, known.unpriced) >= 0


def test_nothing_asked_costs_nothing_but_nothing_priced_is_unknown() -> None:
    assert totals([], "USD") == Totals(0, 0, 0, 0, 0)
    assert totals([structs.replace(USD, n_unpriced=1, cost_nano=0)], "USD").cost_nano is None
    assert totals([structs.replace(USD, cost_nano=0)], "USD").cost_nano == 0


def test_every_day_is_there_also_the_ones_without_requests() -> None:
    frame = daily([USD], "USD", START, END)
    assert list(frame["day"].dt.date) == [START + timedelta(days=offset) for offset in range(DAYS)]
    assert list(frame["cost_nano"]) == [5, 0, 0, 0, 0, 0, 0]


def test_without_requests_every_report_is_empty_and_has_its_columns() -> None:
    assert daily([], "USD", START, END).empty
    assert by_variant([], "USD").empty
    assert latest([], "UTC").empty
    assert requests_csv([], "UTC").count("\r\n") == 1
    assert coverage_line(coverage([], "USD"), "USD") == ""


def test_small_names_are_summed_as_other_and_the_costliest_comes_first() -> None:
    tallies = [
        structs.replace(USD, base=name, cost_nano=cost) for name, cost in zip("abcd", (1, 30, 20, 2), strict=True)
    ]
    frame = daily(tallies, "USD", START, START + timedelta(days=1), most=2)
    assert list(zip(frame["name"], frame["cost_nano"], strict=True)) == [("b", 30), ("c", 20), (OTHER, 3)]


def test_currencies_stand_apart_the_busiest_first() -> None:
    yuan = structs.replace(USD, currency="CNY", cost_nano=7, n=2)
    assert currencies([USD, yuan]) == ["CNY", "USD"]
    assert (totals([USD, yuan], "USD").cost_nano, totals([USD, yuan], "CNY").cost_nano) == (5, 7)


def test_the_effective_price_is_per_token_of_any_kind_and_unknown_beside_unpriced_requests() -> None:
    row = structs.replace(USD, in_uncached=600, out_visible=400, cost_nano=3_000_000)
    assert by_variant([row], "USD")["per_m"][0] == 3_000_000  # 0.003 for 1000 tokens: 3 per million
    assert by_variant([row, structs.replace(row, n_unpriced=1, cost_nano=0)], "USD")["per_m"].isna().all()


def test_shares_are_of_the_known_spend() -> None:
    rows = [USD, structs.replace(USD, variant="hc", cost_nano=15)]
    assert list(by_variant(rows, "USD")["share"]) == [0.75, 0.25]
    assert by_variant([structs.replace(USD, cost_nano=0)], "USD")["share"].isna().all()
    unpriced = structs.replace(USD, variant="low", cost_nano=0, n_unpriced=1)
    assert by_variant([USD, unpriced], "USD")["share"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("now", "before", "part"), [(5, 4, 0.25), (0, 4, -1.0), (5, 0, None), (None, 4, None), (5, None, None)]
)
def test_a_change_is_said_only_where_it_can_be(now: int | None, before: int | None, part: float | None) -> None:
    assert change(now, before) == part


def test_the_trust_line_names_what_is_not_reported() -> None:
    line = coverage_line(Coverage(3_444, 42, 14, 310_000_000), "USD")
    assert line == "98.4 % reported by the gateway · 1.2 % estimated (≈ $0.31) · 0.4 % unpriced (14 requests)"
    assert coverage_line(Coverage(reported=3), "USD") == "All of it reported by the gateway"
    assert coverage_line(Coverage(reported=1, unpriced=1), "USD").endswith("(1 request)")


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
