"""Every derived table is what the ledger says: after any life, counting everything anew changes nothing."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import Table, select

from lib.cards import GatewayCard, Prices
from lib.errors import NotFound
from lib.ids import id_at, new_id, now_ms
from lib.ledger import Attempt, Cost, ModelRef, UsageSource
from lib.store import Store, open_store, schema
from lib.store.costs import latest_costs
from lib.tokens import TokenCount
from tests.store.acts import REF, attempt, begin, end
from tests.store.test_store_everything import exported, imported

ZONES = ("UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin")
DERIVED = (schema.usage_rollup, schema.usage_speed, schema.conversation_month)
SOURCES: tuple[UsageSource, ...] = ("reported", "reported_partial", "estimated", "none")
Rows = dict[tuple[Any, ...], tuple[int, ...]]


def rows_of(store: Store, table: Table) -> Rows:
    """The rows of a table of sums that say anything, by their key."""
    keys = [column.name for column in table.primary_key]
    sums = [column.name for column in table.c if column.name not in (*keys, "owner_id")]
    found = store._db.read(lambda connection: connection.execute(select(table)).mappings().all())
    rows = {tuple(row[name] for name in keys): tuple(row[name] for name in sums) for row in found}
    return {key: row for key, row in rows.items() if any(row)}


def check(store: Store) -> None:
    """Sums by time, histograms and months as a rebuild makes them; totals of conversations as the ledger adds up."""
    owner = store.owner()
    kept = [rows_of(store, table) for table in DERIVED]
    store.ledger.rebuild(owner)
    for table, before in zip(DERIVED, kept, strict=True):
        assert before == rows_of(store, table), table.name
    check_totals(store, owner)
    assert store.ledger.verify(owner) == []


def check_totals(store: Store, owner: int) -> None:
    """Of the conversations that are there."""
    u, cost = schema.usage_event.c, latest_costs(owner)
    query = select(u.conversation_id, u.demo, cost.c.currency, cost.c.nano).join(cost, cost.c.event_id == u.id)
    found, there = store._db.read(
        lambda connection: (
            connection.execute(query).all(),
            set(connection.scalars(select(schema.conversation.c.id))),
        )
    )
    n, unpriced, nano = Counter[Any](), Counter[Any](), Counter[Any]()
    for row in found:
        key = (row.conversation_id, row.currency, row.demo)
        n[key], unpriced[key], nano[key] = n[key] + 1, unpriced[key] + (row.nano is None), nano[key] + (row.nano or 0)
    totals = {key: row for key, row in rows_of(store, schema.conversation_total).items() if key[0] in there}
    wanted = {key: (n[key], unpriced[key], nano[key]) for key in n if key[0] in there}
    assert {key: counted(row) for key, row in totals.items()} == wanted


def counted(row: tuple[int, ...]) -> tuple[int, int, int]:
    """Of a row of totals what is compared."""
    keys = ("conversation_id", "currency", "demo", "owner_id")
    names = [column.name for column in schema.conversation_total.c if column.name not in keys]
    at = dict(zip(names, row, strict=True))
    return at["n"], at["n_unpriced"], at["cost_nano"]


class Life:
    """Deeds at random, on one store; what is exported comes back, and goes to another one."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.owner, self.dice = store, store.owner(), random.Random(seed)
        gateway = store.gateways.add(self.owner, GatewayCard(0, "G", "https://g.example"))
        self.ref = structs.replace(REF, gateway_id=gateway.id)
        self.chats: list[str] = []
        self.runs: list[str] = []
        self.files: list[Any] = []

    def ref_of(self) -> ModelRef:
        model = self.dice.choice(("a", "b"))
        demo = self.dice.random() < 0.1
        return structs.replace(self.ref, model=model, variant=self.dice.choice(("low", "hc")), demo=demo)

    def cost(self) -> Cost:
        some = self.dice.choice((None, 0, self.dice.randrange(10**9)))
        parts = Cost(nano=some, input_nano=some and some // 3, currency=self.dice.choice(("USD", "USD", "CNY")))
        bounds = {"low_nano": self.dice.choice((None, 1)), "high_nano": self.dice.choice((None, 10**9))}
        return structs.replace(parts, reported_nano=self.dice.choice((None, None, 9)), source="gateway", **bounds)

    def attempt(self, id_: int, ref: ModelRef) -> Attempt:
        token = lambda: self.dice.choice((None, 0, self.dice.randrange(10**5)))  # noqa: E731
        return attempt(
            id_,
            model_requested=ref.model,
            outcome=self.dice.choice(("ok", "ok", "stopped", "cut", "unknown")),
            usage_source=self.dice.choice(SOURCES),
            count=TokenCount(token(), token(), token(), token(), token(), token()),
            cost=self.cost(),
            first_visible_ms=self.dice.choice((None, 40, 900)),
            duration_ms=self.dice.choice((None, 2_000)),
        )

    def do(self) -> None:
        deeds = (self.ask, self.ask, self.title, self.old, self.correct, self.enter, self.reprice, self.fork)
        self.dice.choice((*deeds, self.delete, self.purge, self.save, self.bring_back, self.undo, self.zones))()

    def ask(self) -> None:
        ref = self.ref_of()
        begun = begin(self.store, conversation=None, ref=ref)
        self.chats.append(begun.conversation)
        made = [self.attempt(begun.attempt_id, ref), self.attempt(new_id(), ref)][: self.dice.choice((1, 2))]
        self.store.answers.finish(begun.answer_id, end(*made))

    def title(self) -> None:
        ref = self.ref_of()
        chat = self.dice.choice(self.chats) if self.chats else None
        self.store.ledger.record(self.owner, ref, (self.attempt(new_id(), ref),), conversation=chat)

    def old(self) -> None:
        """A request of long ago, by a turn of the clock."""
        ref, ms = self.ref_of(), 1_761_440_400_000 + self.dice.randrange(-5_000_000, 5_000_000)
        self.store.ledger.record(self.owner, ref, (self.attempt(id_at(ms) | self.dice.getrandbits(20), ref),))

    def correct(self) -> None:
        if rows := self.store.ledger.latest(self.owner, 50, demo=None):
            event = self.dice.choice(rows).id
            self.store.ledger.add_cost(self.owner, event, "manual", self.cost(), "a bill")

    def enter(self) -> None:
        model, currency = self.dice.choice(("a", "b")), self.dice.choice(("USD", "CNY"))
        prices = Prices(self.dice.randrange(10**7), self.dice.randrange(10**7), currency=currency)
        since = self.dice.choice((None, 1))
        self.store.prices.set_entered(self.owner, self.ref.gateway_id, model, prices, valid_from_ms=since)

    def reprice(self) -> None:
        self.store.repricing.reprice(self.owner)
        assert self.store.repricing.reprice(self.owner) == 0

    def fork(self) -> None:
        for chat in self.chats[-1:]:
            with suppress(NotFound):
                shown = self.store.conversations.transcript(self.owner, chat).messages
                self.chats.append(self.store.messages.fork(self.owner, chat, shown[-1].public_id))

    def delete(self) -> None:
        if self.chats:
            with suppress(NotFound):
                self.store.conversations.delete(self.owner, self.chats.pop(self.dice.randrange(len(self.chats))))

    def purge(self) -> None:
        self.store.trash.purge(self.owner, now_ms() + 1, 0)

    def save(self) -> None:
        self.files.append(exported(self.store))

    def bring_back(self) -> None:
        if self.files:
            self.runs.append(imported(self.store, self.dice.choice(self.files)))

    def undo(self) -> None:
        if self.runs:
            with suppress(NotFound):
                self.store.transfers.undo(self.owner, self.runs.pop())

    def zones(self) -> None:
        self.store.ledger.set_zones(self.owner, tuple(self.dice.sample(ZONES, 2)))


@pytest.mark.parametrize("seed", (1, 3))
def test_after_any_life_a_rebuild_changes_nothing(seed: int, store: Store, tmp_path: Path) -> None:
    life = Life(store, seed)
    for at in range(60):
        life.do()
        if at % 15 == 14:
            check(store)
    with closing(open_store("", tmp_path / "there")) as there:
        travelled = Life(there, seed)
        travelled.files.append(exported(store))
        travelled.bring_back()
        check(there)
        for deed in (travelled.correct, travelled.reprice, travelled.bring_back, travelled.undo, travelled.purge):
            deed()
            check(there)
