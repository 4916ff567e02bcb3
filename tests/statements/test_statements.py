"""A closed month: the same rows give the same document, a changed row does not, and corrections come later."""

from __future__ import annotations

import csv as csv_module
import io
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, structs

from lib.cards import Prices, PriceSource
from lib.errors import BadInput
from lib.insight_words import CostStep
from lib.ledger import Cost, LedgerRow
from lib.statements.document import Adjustment
from lib.statements.papers import csv, html, rows_csv
from lib.statements.statement import adjustments_of, decoded, differences, encoded, is_closable, statement, verify
from lib.tokens import TokenCount


class Version(Struct, frozen=True):
    id: int
    gateway_id: int
    model: str
    source: PriceSource
    prices: Prices
    valid_from_ms: int


def at(day: int, hour: int = 12, month: int = 10) -> int:
    return round(datetime(2026, month, day, hour, tzinfo=UTC).timestamp() * 1000)


def row(id: int, at_ms: int, nano: int | None = 1_000, model: str = "gpt-5.4", **more: object) -> LedgerRow:
    cost = Cost(nano, currency="USD", source="gateway", price_version_id=7) if nano is not None else Cost()
    plain = LedgerRow(
        id,
        at_ms,
        "chat",
        "message",
        1,
        "My gateway",
        model,
        model,
        "gpt",
        "standard",
        "openai",
        "chat",
        "ok",
        None,
        TokenCount(10, 0, 0, 0, 5, 0),
        "reported",
        cost,
        100,
        200,
    )
    return structs.replace(plain, **more)


ROWS = [row(1, at(1)), row(2, at(1, 13), None), row(3, at(31), 5, "claude", cost=Cost(5, currency="CNY"))]
VERSIONS = [
    Version(7, 1, "gpt-5.4", "gateway", Prices(2_500_000, 15_000_000), at(1)),
    Version(8, 1, "unused", "gateway", Prices(1), at(1)),
]


def test_a_statement_sums_its_rows_by_model_day_and_currency() -> None:
    found = statement("2026-10", "UTC", ROWS, versions=VERSIONS)
    assert [(total.currency, total.nano, total.sum.requests, total.sum.unpriced) for total in found.totals] == [
        ("CNY", 5, 1, 0),
        ("USD", 1_000, 2, 1),
    ]
    assert [(line.day, line.sum.requests) for line in found.days] == [("2026-10-01", 2), ("2026-10-31", 1)]
    assert [line.id for line in found.prices] == [7]
    assert found.n_rows == 3


def test_the_same_input_gives_the_same_hash_and_any_change_another() -> None:
    found = statement("2026-10", "UTC", ROWS, versions=VERSIONS)
    assert found == statement("2026-10", "UTC", iter(ROWS), versions=reversed(VERSIONS))
    dearer = [structs.replace(ROWS[0], cost=Cost(1_001)), *ROWS[1:]]
    moved = [structs.replace(VERSIONS[0], prices=Prices(1, 2))]
    made = Adjustment(1, "2026-09", 5, "m", "USD", None, 7, 9)
    hashes = {
        one.hash
        for one in (
            found,
            statement("2026-10", "UTC", dearer, versions=VERSIONS),
            statement("2026-10", "UTC", ROWS[:2], versions=VERSIONS),
            statement("2026-10", "UTC", ROWS, versions=moved),
            statement("2026-10", "UTC", ROWS, [made], VERSIONS),
            statement("2026-10", "Europe/London", ROWS, versions=VERSIONS),
        )
    }
    assert len(hashes) == 6


def test_the_hash_is_pinned_so_that_old_statements_stay_checkable() -> None:
    assert statement("2026-10", "UTC", ROWS, versions=VERSIONS).hash == PINNED


PINNED = "6d055d41035cab77d3a8a7519558192e8653a1dea09222d48b4da1d815e72fa5"


def test_a_statement_proves_itself_and_its_ledger() -> None:
    found = statement("2026-10", "UTC", ROWS, versions=VERSIONS)
    assert verify(found)
    assert verify(decoded(encoded(found)), found.hash)
    assert not verify(structs.replace(found, n_rows=4))
    assert not verify(found, "another")
    assert differences(found, ROWS, versions=VERSIONS) == ()
    assert "rows_hash" in differences(found, ROWS[:2], versions=VERSIONS)
    with pytest.raises(BadInput):
        decoded(b'{"month": 5}')


def test_deleting_a_chat_or_renaming_a_gateway_leaves_the_ledger_as_it_was() -> None:
    found = statement("2026-10", "UTC", ROWS, versions=VERSIONS)
    later = [structs.replace(one, conversation=None, message=None, gateway_name="Renamed") for one in ROWS]
    assert differences(found, later, versions=VERSIONS) == ()


def test_demo_rows_are_left_out_and_rows_of_another_month_refused() -> None:
    assert statement("2026-10", "UTC", [structs.replace(one, demo=True) for one in ROWS]).totals == ()
    with pytest.raises(BadInput) as outside:
        statement("2026-10", "America/Los_Angeles", [row(1, at(1, 5))])
    assert outside.value.reason == "row_outside"
    with pytest.raises(BadInput) as order:
        statement("2026-10", "UTC", [row(2, at(2)), row(1, at(3))])
    assert order.value.reason == "row_order"


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "1026-01", "October", "2026-10-01"])
def test_a_month_is_a_year_and_a_month(month: str) -> None:
    with pytest.raises(BadInput):
        statement(month, "UTC", [])


def test_a_month_closes_when_its_last_local_day_is_over() -> None:
    assert not is_closable("2026-10", "UTC", at(31, 23))
    assert is_closable("2026-10", "UTC", at(1, 0, 11))
    assert is_closable("2026-10", "Asia/Kathmandu", at(31, 23))


def step(seq: int, created: int, nano: int | None, currency: str = "USD") -> CostStep:
    return CostStep(seq, "reprice" if seq else "initial", "", created, Cost(nano, currency=currency))


def test_a_later_correction_is_an_adjustment_of_the_next_statement() -> None:
    closed, until = at(1, 0, 11), at(1, 0, 12)
    costs = [step(0, at(1), None), step(1, at(5, 0, 11), 300), step(2, at(6, 0, 12), 900)]
    (found,) = adjustments_of(ROWS[1], costs, closed, until, "2026-10")
    assert (found.request, found.before_nano, found.after_nano, found.nano, found.month) == (
        2,
        None,
        300,
        300,
        "2026-10",
    )
    (next_one,) = adjustments_of(ROWS[1], costs, until, at(31, 0, 12), "2026-10")
    assert next_one.nano == 600
    november = statement("2026-11", "UTC", [], [found])
    assert [(total.nano, total.adjustments) for total in november.totals] == [(300, 1)]


def test_a_correction_before_the_closing_or_of_nothing_is_none() -> None:
    closed = at(1, 0, 11)
    assert adjustments_of(ROWS[0], [step(0, at(1), 5), step(1, at(2), 6)], closed, at(1, 0, 12), "2026-10") == ()
    assert adjustments_of(ROWS[0], [step(0, at(1), 5), step(1, at(2, 0, 11), 5)], closed, at(1, 0, 12), "2026-10") == ()
    assert adjustments_of(ROWS[0], [], closed, at(1, 0, 12), "2026-10") == ()


def test_a_correction_into_another_currency_is_taken_back_in_one_and_added_in_the_other() -> None:
    costs = [step(0, at(1), 5), step(1, at(2, 0, 11), 40, "CNY")]
    found = adjustments_of(ROWS[0], costs, at(1, 0, 11), at(1, 0, 12), "2026-10")
    assert [(one.currency, one.nano) for one in found] == [("USD", -5), ("CNY", 40)]


HOSTILE = '<img src=x onerror=alert(1)>"\u202e\x07'


def test_the_page_needs_nothing_else_and_escapes_everything() -> None:
    rows = [row(1, at(1), model=HOSTILE), structs.replace(row(2, at(2)), gateway_name=HOSTILE)]
    page = html(statement("2026-10", "UTC", rows, [Adjustment(1, "2026-09", 5, HOSTILE, "USD", 1, 2, 3, HOSTILE)]))
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;&quot;" in page
    assert "\u202e" not in page
    assert not re.search(r"<script|src=\"|href=|url\(|@import", page)
    assert "default-src 'none'" in page
    assert "October 2026" in page


def test_the_page_tells_estimates_unpriced_and_exact_amounts() -> None:
    rows = [structs.replace(row(1, at(1), 1_234_567), usage_source="estimated"), row(2, at(2), None)]
    page = html(statement("2026-10", "UTC", rows, versions=VERSIONS))
    assert "1 with estimated tokens, 1 without a known price, not in the amount" in page
    assert "exactly 0.001234567 USD" in page
    assert "≈ $0.0012" in page
    assert "$2.50" in page


def test_an_empty_month_says_so() -> None:
    assert "Nothing was asked in this month." in html(statement("2026-10", "UTC", []))


def test_the_tables_add_up_and_run_nothing() -> None:
    found = statement("2026-10", "UTC", [row(1, at(1), model="=cmd|' /C calc'!A0"), row(2, at(2), None)])
    lines = list(csv_module.reader(io.StringIO(csv(found))))
    assert lines[1][1] == "'=cmd|' /C calc'!A0"
    (total,) = (line for line in lines if line[0] == "total")
    assert (total[4], total[5], total[9]) == ("2", "1", "0.000001")
    rows = list(csv_module.reader(io.StringIO("".join(rows_csv(ROWS, "Asia/Kathmandu")))))
    assert len(rows) == 4
    assert len({len(line) for line in rows}) == 1
    assert rows[1][1] == "2026-10-01T17:45:00.000+05:45"
    assert rows[2][rows[0].index("cost")] == ""


AMOUNTS = st.lists(
    st.tuples(
        st.integers(1, 31),
        st.one_of(st.none(), st.integers(0, 10**12)),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["USD", "CNY"]),
    ),
    max_size=20,
)


@given(AMOUNTS)
@settings(max_examples=50)
def test_models_and_days_are_the_same_whole(found: list[tuple[int, int | None, str, str]]) -> None:
    rows = [
        structs.replace(row(n, at(day), nano, model), cost=Cost(nano, currency=currency))
        for n, (day, nano, model, currency) in enumerate(found)
    ]
    made = statement("2026-10", "Asia/Kolkata", rows)
    for total in made.totals:
        for lines in (made.models, made.days):
            mine = [line.sum for line in lines if line.currency == total.currency]
            assert sum(one.requests for one in mine) == total.sum.requests
            assert sum(one.nano or 0 for one in mine) == (total.sum.nano or 0)
        assert (total.sum.nano is None) == (total.sum.requests == total.sum.unpriced)
    assert differences(made, rows) == ()
