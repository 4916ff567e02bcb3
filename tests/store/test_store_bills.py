"""A gateway's bill is kept as it was read and held against the ledger whenever somebody looks."""

from __future__ import annotations

import pytest
from msgspec import structs

from lib.bills.line import Bill, BillLine, Trouble
from lib.cards import GatewayCard
from lib.errors import BadInput, NotFound
from lib.ids import id_at
from lib.ledger import Cost
from lib.store import Store
from lib.tokens import TokenCount
from tests.store.acts import REF, attempt

AT = 1_750_000_000_000


def line(at: int, tokens_in: int, nano: int, *ids: str, minutes: int = 0) -> BillLine:
    return BillLine(at, AT + minutes * 60_000, REF.model, tokens_in, 20, nano, ids=ids)


@pytest.fixture
def gateway(store: Store, owner: int) -> int:
    return store.gateways.add(owner, GatewayCard(0, "G", "https://g.example")).id


def asked(store: Store, gateway: int, tokens_in: int, nano: int | None, *, minutes: int = 0, **fields: object) -> int:
    event = id_at(AT + minutes * 60_000) | tokens_in << 10
    count, cost = TokenCount(tokens_in, 0, 0, 0, 20, 0), Cost(nano=nano, output_nano=nano, source="gateway")
    ref = structs.replace(REF, gateway_id=gateway)
    store.ledger.record(store.owner(), ref, (attempt(event, count=count, cost=cost, **fields),))
    return event


def test_lines_find_their_requests_and_both_sides_show_what_is_left(store: Store, owner: int, gateway: int) -> None:
    by_id = asked(store, gateway, 500, 10, response_id="r1")
    by_tokens = asked(store, gateway, 300, None, minutes=2)
    lonely = asked(store, gateway, 900, 40, minutes=3)
    asked(store, gateway, 77, 1, minutes=600)
    asked(store, gateway + 1, 500, 10)
    bill = Bill(
        "mapped", (line(2, 1, 12, "r1"), line(3, 300, 30, minutes=2), line(4, 5_000, 8)), (Trouble(5, "no_time"),)
    )
    kept = store.bills.add(owner, gateway, bill, "march.csv")
    assert (kept.n_lines, kept.n_paired, kept.n_troubles, kept.name) == (3, 2, 1, "march.csv")
    found = store.bills.matched(owner, kept.public_id)
    assert [(pair.entry.id, pair.how, pair.difference_nano) for pair in found.pairs] == [
        (by_id, "id", 2),
        (by_tokens, "exact", None),
    ]
    assert ([one.line for one in found.only_bill], [one.id for one in found.only_ledger]) == ([4], [lonely])
    assert store.bills.billed(owner, by_id) == bill.lines[:1]
    store.ledger.add_cost(owner, by_tokens, "reconcile", Cost(nano=30, other_nano=30), "the bill says so")
    assert store.bills.matched(owner, kept.public_id).pairs[1].difference_nano == 0


def test_requests_that_come_later_are_paired_when_asked_to(store: Store, owner: int, gateway: int) -> None:
    kept = store.bills.add(owner, gateway, Bill("new-api", (line(2, 500, 12),)))
    assert kept.n_paired == 0
    event = asked(store, gateway, 500, 12)
    assert store.bills.rematch(owner, kept.public_id).n_paired == 1
    assert store.bills.list(owner)[0].n_paired == 1
    store.bills.remove(owner, kept.public_id)
    assert store.bills.list(owner) == [] and store.bills.billed(owner, event) == ()
    with pytest.raises(NotFound):
        store.bills.matched(owner, kept.public_id)


def test_a_bill_without_lines_or_for_no_gateway_is_not_kept(store: Store, owner: int, gateway: int) -> None:
    with pytest.raises(BadInput):
        store.bills.add(owner, gateway, Bill("mapped"))
    with pytest.raises(NotFound):
        store.bills.add(owner, gateway + 9, Bill("mapped", (line(2, 1, 1),)))
