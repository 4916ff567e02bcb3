"""A state machine over the whole store: whatever is done in whatever order, the store is what paper says it is.

Hypothesis looks for the order that loses something, and makes it short. After every few deeds the ledger's sums are
the rollup's; more rarely, and at the end, everything is compared with the clerk's books and with what lies beside.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lib.store import Store, open_store
from tests.store.audit import check
from tests.store.books import NEW, Books
from tests.store.test_store_everything import World

A, B = st.integers(0, 9), st.integers(0, 99)
EVERY = 8
Opener = Callable[[Path], Store]


class WholeStore(RuleBasedStateMachine):
    """`a` says on which conversation and `b` on which message or thing, as far as there are any."""

    opener: ClassVar[Opener]
    deeds: ClassVar[int] = 0

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.here, self.there = type(self).opener(self.folder / "here"), open_store("", self.folder / "there")
        self.world = World(self.here, self.there)
        self.books = Books(self.world.clerk)
        self.done = 0

    def chat(self, a: int) -> str:
        """A conversation that is there, made when there is none."""
        alive = [name for name, chat in self.world.clerk.chats.items() if not chat.deleted]
        if not alive:
            self.world.act("new", 0, 0)
            return self.chat(0)
        return alive[a % len(alive)]

    # --- conversations, messages, versions --------------------------------------------------------------------------

    @rule(deed=st.sampled_from(["new", "send", "again", "continue", "name by model"]), a=A, b=B)
    def ask(self, deed: str, a: int, b: int) -> None:
        self.world.act(deed, a, b)

    @rule(deed=st.sampled_from(["edit", "edit and send", "fork", "choose"]), a=A, b=B)
    def change(self, deed: str, a: int, b: int) -> None:
        self.world.act(deed, a, b)

    @rule(a=A, b=B)
    def organise(self, a: int, b: int) -> None:
        self.world.act("organise", a, b)

    @rule(deed=st.sampled_from(["delete", "delete", "delete chat"]), a=A, b=B)
    def delete(self, deed: str, a: int, b: int) -> None:
        self.world.act(deed, a, b)

    @rule(a=A)
    def undo(self, a: int) -> None:
        self.world.act("undo", a, 0)

    @rule()
    def purge(self) -> None:
        self.world.act("purge", 0, 0)

    # --- in and out -------------------------------------------------------------------------------------------------

    @rule(deed=st.sampled_from(["travel", "import again", "undo travel"]), a=A, b=B)
    def export(self, deed: str, a: int, b: int) -> None:
        self.world.act(deed, a, b)

    @precondition(lambda self: self.world.files)
    @rule(deed=st.sampled_from(["bring back", "undo import"]), a=A)
    def bring_in(self, deed: str, a: int) -> None:
        self.world.act(deed, a, 0)

    # --- beside them ------------------------------------------------------------------------------------------------

    @rule(a=A, new=st.booleans())
    def draft(self, a: int, new: bool) -> None:
        self.books.draft("" if new else self.chat(a))

    @rule(a=A, b=B)
    def queue(self, a: int, b: int) -> None:
        self.books.queue(self.chat(a), b)

    @rule(a=A, b=B, new=st.booleans())
    def attach(self, a: int, b: int, new: bool) -> None:
        self.books.attach(NEW if new else self.chat(a), self.chat(b), b)

    @rule(a=A, b=B)
    def link(self, a: int, b: int) -> None:
        self.books.link(self.chat(a), b)

    @rule(b=B)
    def preset(self, b: int) -> None:
        self.books.preset(b)

    @rule(b=B)
    def batch(self, b: int) -> None:
        self.books.batch(b)

    @precondition(lambda self: self.books.binned)
    @rule(b=B)
    def batch_back(self, b: int) -> None:
        self.books.batch_back(b)

    # --- money ------------------------------------------------------------------------------------------------------

    @rule(a=B)
    def correct(self, a: int) -> None:
        self.world.act("correct", a, 0)

    @rule(b=B)
    def price(self, b: int) -> None:
        self.books.price(b)

    @rule(b=B)
    def hold(self, b: int) -> None:
        self.books.hold(b)

    @rule(b=B)
    def spend_before(self, b: int) -> None:
        self.books.spend_before(b)

    @rule(b=B)
    def close_month(self, b: int) -> None:
        self.books.close_month(b)

    # --- looking ----------------------------------------------------------------------------------------------------

    @invariant()
    def is_what_paper_says(self) -> None:
        if not hasattr(self, "world"):
            return
        self.done += 1
        type(self).deeds += 1
        self.books.follow()
        if self.done % EVERY == 0:
            self.look()
        elif self.done % 3 == 0:
            assert self.here.ledger.verify(self.here.owner()) == []

    def look(self) -> None:
        check(self.world.clerk)
        self.books.check()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.look()
            self.world.at_the_end()
            self.books.follow()
            self.books.check()
        finally:
            self.here.close()
            self.there.close()
            shutil.rmtree(self.folder)


def run(opener: Opener, runs: int, steps: int, part: int) -> int:
    """Run the machine with a seed; how many deeds were done."""
    machine: Any = seed(part)(type("Machine", (WholeStore,), {"opener": staticmethod(opener), "deeds": 0}))
    how = settings(
        max_examples=runs, stateful_step_count=steps, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=how)
    return int(machine.deeds)


@pytest.mark.parametrize("part", range(6))
def test_any_life_of_a_store_on_sqlite(
    part: int, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    runs = count(1, 16)
    deeds = run(lambda folder: open_store("", folder), runs, count(12, 50), part)
    measured(f"SQLite: {runs} lives of a store, {deeds:,} deeds, 0 differences from the books")


@pytest.mark.postgres
def test_any_life_of_a_store_on_postgres(
    server: str, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    runs = count(1, 10)
    with empty_schemas(server) as opener:
        deeds = run(opener, runs, count(15, 50), 7)
    measured(f"PostgreSQL: {runs} lives of a store, {deeds:,} deeds, 0 differences from the books")


@contextmanager
def empty_schemas(server: str) -> Iterator[Opener]:
    """Opens a store in a schema of its own each time; all are dropped in the end."""
    names: list[str] = []
    with psycopg.connect(server, autocommit=True) as connection:

        def opened(folder: Path) -> Store:
            names.append(f"m_{secrets.token_hex(6)}")
            connection.execute(f"CREATE SCHEMA {names[-1]}")
            mark = "&" if "?" in server else "?"
            return open_store(f"{server}{mark}options=-csearch_path%3D{names[-1]}", folder)

        yield opened
        for name in names:
            connection.execute(f"DROP SCHEMA {name} CASCADE")
