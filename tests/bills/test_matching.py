"""A bill against the ledger."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.bills.line import BillLine
from lib.bills.matching import Entry, Match, match

MINUTE = 60_000


def line(
    number: int, at: int | None = 0, nano: int = 100, *, ids: tuple[str, ...] = (), into: int | None = 10
) -> BillLine:
    return BillLine(number, at, "gpt-5.4", into, 5, nano, "USD", ids)


def entry(
    number: int, at: int = 0, nano: int | None = 100, *, ids: tuple[str, ...] = (), into: int | None = 10
) -> Entry:
    return Entry(number, at, "gpt-5.4", into, 5, nano, "USD", ids)


def found(result: Match) -> list[tuple[int, int, str]]:
    return [(pair.line.line, pair.entry.id, pair.how) for pair in result.pairs]


def test_ids_decide_whatever_else_differs() -> None:
    result = match([line(1, 90 * MINUTE, 130, ids=("gen-1",), into=99)], [entry(7, ids=("x", "gen-1"))], whole=True)
    assert found(result) == [(1, 7, "id")]
    assert (result.pairs[0].difference_nano, result.pairs[0].tokens_differ) == (30, True)


def test_ids_that_are_used_twice_decide_nothing() -> None:
    lines = [line(1, 0, ids=("same",)), line(2, MINUTE, ids=("same",))]
    entries = [entry(7, MINUTE, ids=("same",)), entry(8, 0, ids=("same",))]
    assert found(match(lines, entries)) == [(1, 8, "exact"), (2, 7, "exact")]


def test_a_credit_takes_no_request_away_from_its_charge() -> None:
    lines = [line(1, 0, -100, ids=("gen-1",)), line(2, 0, 100, ids=("gen-1",)), line(3, 0, -100)]
    result = match(lines, [entry(7, ids=("gen-1",)), entry(8, MINUTE)])
    assert found(result) == [(2, 7, "id")]
    assert [one.line for one in result.only_bill] == [1, 3] and [one.id for one in result.only_ledger] == [8]
    assert (result.sums[0].bill_nano, result.sums[0].bill_only_nano, result.sums[0].difference_nano) == (-100, -200, 0)


def test_one_line_is_not_given_to_either_of_two_rows_with_its_id() -> None:
    entries = [entry(7, ids=("same",), into=900), entry(8, ids=("same",), into=800)]
    assert found(match([line(1, ids=("same",))], entries)) == []


def test_time_and_exact_tokens_come_before_time_and_about_the_tokens() -> None:
    lines = [line(1, 0, into=1000), line(2, 0, into=1004)]
    entries = [entry(7, 3 * MINUTE, into=1004), entry(8, MINUTE, into=990)]
    assert found(match(lines, entries)) == [(1, 8, "near"), (2, 7, "exact")]


def test_a_line_lies_within_the_window_of_the_start_or_the_end() -> None:
    long = Entry(7, 0, "gpt-5.4", 10, 5, 1, ended_ms=60 * MINUTE)
    assert found(match([line(1, 65 * MINUTE)], [long]))
    assert not found(match([line(1, 71 * MINUTE)], [long], whole=True))


def test_another_model_or_far_tokens_are_no_match() -> None:
    mini = Entry(7, 0, "gpt-5.4-mini", 10, 5, 1)
    result = match([line(1)], [mini, entry(8, 0, into=50)])
    assert (found(result), len(result.only_bill), len(result.only_ledger)) == ([], 1, 2)


def test_dated_names_and_base_models_are_the_same_model() -> None:
    dated = BillLine(1, 0, "openai/gpt-5.4-2026-03-05", 10, 5, 100)
    premium = Entry(7, 0, "gpt-5.4-hc", 10, 5, 100, base="gpt-5.4")
    assert found(match([dated], [premium])) == [(1, 7, "exact")]
    assert not found(match([BillLine(1, 0, "gpt-5.4-2", 10, 5, 100)], [premium]))


def test_rows_outside_the_bills_period_are_not_held_against_it() -> None:
    rows = [entry(6, -90 * MINUTE), entry(7, 0), entry(8, 90 * MINUTE)]
    result = match([line(1)], rows)
    assert (found(result), result.only_ledger, result.outside) == ([(1, 7, "exact")], (), 2)
    assert len(match([line(1)], rows, whole=True).only_ledger) == 2


def test_without_a_time_or_tokens_there_is_only_the_id() -> None:
    assert not found(match([line(1, None)], [entry(7)]))
    assert not found(match([line(1, into=None)], [entry(7)]))
    assert found(match([line(1, None, ids=("a",))], [entry(7, ids=("a",))])) == [(1, 7, "id")]


def test_unpriced_rows_and_other_currencies_have_no_difference() -> None:
    lines = [line(1, 0, 70), BillLine(2, MINUTE, "gpt-5.4", 11, 5, 900, "CNY")]
    rows = [entry(7, 0, None), entry(8, MINUTE, 40, into=11)]
    result = match(lines, rows)
    assert [pair.difference_nano for pair in result.pairs] == [None, None]
    yuan, dollars = result.sums
    assert (yuan.bill_nano, yuan.only_unpriced_nano) == (900, 900)
    assert (dollars.only_unpriced_nano, dollars.other_currency_nano, dollars.ledger_nano) == (70, 40, 40)


def test_nothing_matches_nothing() -> None:
    assert match([], []) == Match((), (), (), ())
    assert match([], [entry(1)]).only_ledger == (entry(1),)


IDS = st.sampled_from([(), (), ("a",), ("b",), ("a", "c")])
TIME = st.integers(0, 40 * MINUTE)
TOKENS = st.one_of(st.none(), st.integers(0, 60))
CURRENCY = st.sampled_from(["USD", "CNY"])
MODEL = st.sampled_from(["m", "n"])
NANO = st.integers(0, 10**9)
LINES = st.lists(st.tuples(st.one_of(st.none(), TIME), MODEL, TOKENS, TOKENS, NANO, CURRENCY, IDS), max_size=10)
ENTRIES = st.lists(st.tuples(TIME, MODEL, TOKENS, TOKENS, st.one_of(st.none(), NANO), CURRENCY, IDS), max_size=10)


@given(LINES, ENTRIES, st.booleans(), st.integers(0, 99))
@settings(max_examples=150)
def test_every_line_and_row_is_somewhere_once_and_the_sums_add_up(
    given_lines: list[tuple[object, ...]], given_entries: list[tuple[object, ...]], whole: bool, seed: int
) -> None:
    lines = [BillLine(at, *values) for at, values in enumerate(given_lines)]
    entries = [Entry(at, *values) for at, values in enumerate(given_entries)]
    result = match(lines, entries, whole=whole)
    assert sorted([pair.line.line for pair in result.pairs] + [one.line for one in result.only_bill]) == [
        one.line for one in lines
    ]
    placed = [pair.entry.id for pair in result.pairs] + [one.id for one in result.only_ledger]
    assert len(placed) == len(set(placed)) == len(entries) - result.outside
    for one in result.sums:
        assert one.bill_nano == sum(bill.nano or 0 for bill in lines if bill.currency == one.currency)
        assert one.bill_nano == one.bill_paired_nano + one.bill_only_nano
        assert one.ledger_nano == one.ledger_paired_nano + one.ledger_only_nano
        apart = one.difference_nano + one.only_unpriced_nano + one.bill_only_nano
        assert one.bill_nano - one.ledger_nano == apart - one.ledger_only_nano - one.other_currency_nano
    shuffled, others = lines[:], entries[:]
    random.Random(seed).shuffle(shuffled)
    random.Random(seed).shuffle(others)
    assert match(shuffled, others, whole=whole) == result
