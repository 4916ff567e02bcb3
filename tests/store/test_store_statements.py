"""A closed month stays as it was closed; what is corrected later is an adjustment of the next one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import update

from lib.errors import BadInput, NotFound
from lib.ids import id_at
from lib.ledger import Cost
from lib.statements.document import Statement
from lib.statements.statement import verify
from lib.store import Store, schema, statements
from tests.store.acts import REF, attempt


def nano(amount: int, currency: str = "USD") -> Cost:
    return Cost(nano=amount, output_nano=amount, source="gateway", currency=currency)


def asked(store: Store, month: int, day: int, cost: Cost, *, demo: bool = False) -> int:
    """A request of a day of 2025; its id."""
    event = id_at(int(datetime(2025, month, day, 12, tzinfo=UTC).timestamp() * 1000)) | day << 10
    ref = structs.replace(REF, demo=demo)
    store.ledger.record(store.owner(), ref, (attempt(event, cost=cost),))
    return event


def test_a_closed_month_holds_what_was_known_when_it_was_closed(store: Store, owner: int) -> None:
    first = asked(store, 3, 5, nano(100))
    asked(store, 3, 6, Cost())
    asked(store, 3, 7, nano(50, "EUR"))
    asked(store, 3, 8, nano(1_000), demo=True)
    asked(store, 4, 1, nano(7))
    closed = store.statements.close(owner, "2025-03", "UTC")
    found = store.statements.get(owner, closed.public_id)
    assert [(total.currency, total.nano) for total in found.totals] == [("EUR", 50), ("USD", 100)]
    assert (closed.n_rows, found.n_rows, closed.hash) == (3, 3, found.hash)
    assert verify(found, closed.hash) and store.statements.verify(owner, closed.public_id) == ()
    store.ledger.add_cost(owner, first, "manual", nano(90), "the bill says so")
    assert store.statements.get(owner, closed.public_id) == found
    assert store.statements.verify(owner, closed.public_id) == ()
    (pending,) = store.statements.pending(owner)
    assert (pending.request, pending.nano, pending.month, pending.reason) == (first, -10, "2025-03", "the bill says so")


def test_corrections_and_late_requests_are_adjustments_of_the_next_statement_only(store: Store, owner: int) -> None:
    first = asked(store, 3, 5, nano(100))
    march = store.statements.close(owner, "2025-03", "UTC")
    store.ledger.add_cost(owner, first, "manual", nano(90), "bill")
    late = asked(store, 3, 20, nano(5))
    asked(store, 4, 2, nano(7))
    april = store.statements.close(owner, "2025-04", "UTC")
    made = store.statements.get(owner, april.public_id)
    assert [(one.request, one.before_nano, one.after_nano) for one in made.adjustments] == [
        (first, 100, 90),
        (late, None, 5),
    ]
    assert (made.totals[0].sum.nano, made.totals[0].adjustments_nano, made.totals[0].nano) == (7, -5, 2)
    store.ledger.add_cost(owner, first, "manual", nano(80), "another bill")
    may = store.statements.get(owner, store.statements.close(owner, "2025-05", "UTC").public_id)
    assert [(one.request, one.before_nano, one.after_nano) for one in may.adjustments] == [(first, 90, 80)]
    assert [one.month for one in store.statements.list(owner)] == ["2025-05", "2025-04", "2025-03"]
    for one in store.statements.list(owner):
        assert store.statements.verify(owner, one.public_id) == ()
    totals = [total.nano or 0 for one in (march, april) for total in store.statements.get(owner, one.public_id).totals]
    assert sum(totals) + (may.totals[0].nano or 0) == 80 + 5 + 7


def test_a_month_is_closed_once_and_only_when_it_is_over(store: Store, owner: int) -> None:
    store.statements.close(owner, "2025-03", "Asia/Kathmandu")
    for month, reason in (("2025-03", "month_closed"), ("2199-01", "month_open"), ("2025-13", "month")):
        with pytest.raises(BadInput) as refused:
            store.statements.close(owner, month, "UTC")
        assert refused.value.reason == reason
    with pytest.raises(NotFound):
        store.statements.get(owner, "nobody's")


def test_a_row_that_was_changed_behind_the_ledgers_back_is_noticed(store: Store, owner: int) -> None:
    event = asked(store, 3, 5, nano(100))
    closed = store.statements.close(owner, "2025-03", "UTC")
    tampered = update(schema.cost_event).where(schema.cost_event.c.event_id == event).values(nano=99)
    store._db.write(lambda connection: connection.execute(tampered) and None)
    assert set(store.statements.verify(owner, closed.public_id)) >= {"rows_hash", "hash", "totals"}
    forged = update(schema.statement).values(hash="0" * 64)
    store._db.write(lambda connection: connection.execute(forged) and None)
    assert store.statements.verify(owner, closed.public_id) == ("hash",)


def test_its_papers_are_the_document(store: Store, owner: int) -> None:
    event = asked(store, 3, 5, nano(1_500_000_000))
    closed = store.statements.close(owner, "2025-03", "UTC")
    assert "March 2025" in store.statements.html(owner, closed.public_id)
    assert f"seal,{closed.hash}" in store.statements.csv(owner, closed.public_id)
    store.ledger.add_cost(owner, event, "manual", nano(1), "bill")
    rows = "".join(store.statements.rows_csv(owner, closed.public_id)).splitlines()
    assert len(rows) == 2 and str(event) in rows[1] and "1.5" in rows[1]


def test_months_closed_in_different_zones_share_no_request_and_lose_none(store: Store, owner: int) -> None:
    """The zone of the reports was changed between two closings: the second month begins where the first one ended."""
    for day, amount in ((30, 1), (31, 10)):
        asked(store, 3, day, nano(amount))
    asked(store, 4, 1, nano(100))
    asked(store, 4, 30, nano(1_000))
    asked(store, 5, 1, nano(10_000))
    east, west = "Pacific/Kiritimati", "Pacific/Pago_Pago"
    months = [store.statements.close(owner, *one) for one in (("2025-03", east), ("2025-05", east), ("2025-04", west))]
    found = [store.statements.get(owner, one.public_id) for one in months]
    assert [one.totals[0].nano for one in found] == [1, 11_000, 110]
    assert (found[2].from_ms, found[2].to_ms) == (found[0].to_ms, found[1].from_ms)
    for one in months:
        assert store.statements.verify(owner, one.public_id) == ()
        assert len(list(store.statements.rows_csv(owner, one.public_id))) > 0
    store.ledger.add_cost(owner, asked(store, 3, 31, nano(10)), "manual", nano(11), "bill")
    assert {one.month for one in store.statements.pending(owner)} == {"2025-04"}


def test_history_that_is_imported_into_a_closed_month_is_an_adjustment_of_the_next(store: Store, owner: int) -> None:
    """An imported cost names the time of its first life; it counts from when this ledger got it."""
    first, late = asked(store, 3, 5, nano(100)), asked(store, 3, 6, nano(7))
    copies, _ = store.transfers.loose_spend(owner)
    moved = [structs.replace(one, id=f"other {one.id}") for one in copies if one.costs[0].nano == 7]
    old = structs.replace(moved[0].costs[0], created_ms=1)
    march = store.statements.close(owner, "2025-03", "UTC")
    run = store.transfers.begin_import(owner, "Parlour", "all.zip")
    assert store.transfers.take_spend(owner, run, (structs.replace(moved[0], costs=(old,)),)) == 1
    assert store.statements.verify(owner, march.public_id) == ()
    april = store.statements.get(owner, store.statements.close(owner, "2025-04", "UTC").public_id)
    assert [(one.month, one.before_nano, one.after_nano) for one in april.adjustments] == [("2025-03", None, 7)]
    assert april.adjustments[0].request not in (first, late)
    assert store.statements.pending(owner) == ()


def test_a_first_price_in_another_currency_takes_back_nothing(store: Store, owner: int) -> None:
    event = asked(store, 3, 5, Cost())
    store.statements.close(owner, "2025-03", "UTC")
    store.ledger.add_cost(owner, event, "reprice", nano(5, "CNY"), "entered")
    assert [(one.currency, one.before_nano, one.after_nano) for one in store.statements.pending(owner)] == [
        ("CNY", None, 5)
    ]


def test_two_months_that_are_closed_at_once_do_not_both_hold_an_adjustment(
    store: Store, owner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asked(store, 1, 5, nano(100))
    store.statements.close(owner, "2025-01", "UTC")
    store.ledger.add_cost(owner, first, "manual", nano(90), "bill")
    whole, others = statements._made, ["2025-02", "2025-03"]

    def slow(*asked: Any) -> Statement:
        found = whole(*asked)
        if others:
            store.statements.close(owner, others.pop(), "UTC")
        return found

    monkeypatch.setattr(statements, "_made", slow)
    store.statements.close(owner, "2025-04", "UTC")
    found = [store.statements.get(owner, one.public_id) for one in store.statements.list(owner)]
    assert sorted(len(one.adjustments) for one in found) == [0, 0, 0, 1]
    assert all(store.statements.verify(owner, one.public_id) == () for one in store.statements.list(owner))
