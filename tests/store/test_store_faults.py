"""When the database fails in the middle: all or nothing, one clear error, and harmless repetition."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from lib.errors import AnswerRunning, StoreBusy, StoreDamaged, StoreError, StoreUnwritable
from lib.ids import new_public_id
from lib.ledger import Cost
from lib.store import Store
from lib.store.budget_rows import Charge
from lib.store.files import FileLock
from tests.store.acts import answered, attempt, begin, end, turn
from tests.store.conftest import Place
from tests.store.test_store_owners import MARK, Mine


class Breaker:
    """Makes the statement number `at` of this engine fail with SQLite's error `name`; COMMIT counts too."""

    def __init__(self, store: Store, name: str) -> None:
        self._dialect: Any = store._db.engine.dialect
        self._name = name
        self.left = 0
        for method in ("do_execute", "do_executemany", "do_commit"):
            setattr(self._dialect, method, self._counted(getattr(self._dialect, method)))

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kw: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                error = sqlite3.OperationalError("made up")
                error.sqlite_errorname = self._name
                raise error
            return real(*args, **kw)

        return call


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    place = Place("", tmp_path / "data")
    yield place.open()
    place.close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_FULL", StoreUnwritable),
        ("SQLITE_READONLY", StoreUnwritable),
        ("SQLITE_IOERR_WRITE", StoreUnwritable),
        ("SQLITE_CORRUPT", StoreDamaged),
        ("SQLITE_ERROR", StoreError),
    ],
)
def test_a_failure_at_any_statement_of_begin_or_finish_changes_nothing(
    sqlite: Store, name: str, kind: type[StoreError]
) -> None:
    breaker = Breaker(sqlite, name)
    mine = Mine(sqlite)
    asked = turn()
    charge = Charge(5, 5, MARK)
    begun = _until_it_works(
        *(sqlite, breaker, mine, kind),
        lambda: sqlite.answers.begin(mine.owner, asked, epoch="e", charge=charge),
    )
    held = sqlite.budgets.standings(mine.owner)[0].held_nano
    last = end(attempt(begun.attempt_id), attempt(cost=Cost()))
    assert _until_it_works(sqlite, breaker, mine, kind, lambda: sqlite.answers.finish(begun.answer_id, last)) is True
    assert held - sqlite.budgets.standings(mine.owner)[0].held_nano == 5
    assert sqlite.ledger.verify(mine.owner) == []


def _until_it_works(store: Store, breaker: Breaker, mine: Mine, kind: type[StoreError], act: Callable[[], Any]) -> Any:
    before = mine.rows(store)
    for at in range(1, 100):
        breaker.left = at
        try:
            result = act()
        except StoreError as error:
            breaker.left = 0
            assert type(error) is kind
            assert mine.rows(store) == before
        else:
            breaker.left = 0
            assert at > 5
            return result
    raise AssertionError("never worked")


def test_a_database_that_is_busy_once_is_asked_again(sqlite: Store) -> None:
    breaker = Breaker(sqlite, "SQLITE_BUSY")
    for at in range(1, 12):
        breaker.left = at
        answered(sqlite)
    assert sqlite.ledger.verify(sqlite.owner()) == []


@pytest.mark.postgres
def test_a_lost_commit_answer_on_postgres_is_found_out(postgres: str, tmp_path: Path) -> None:
    place = Place(postgres, tmp_path)
    store = place.open()
    with _losing_one_commit(store):
        begun = begin(store)
    assert begun.replayed is False and len(store.conversations.list(store.owner())) == 1
    with _losing_one_commit(store):
        assert store.answers.finish(begun.answer_id, end(attempt(begun.attempt_id))) is True
    assert len(store.ledger.latest(store.owner())) == 1 and store.ledger.verify(store.owner()) == []
    place.close()


@contextmanager
def _losing_one_commit(store: Store) -> Iterator[None]:
    dialect: Any = store._db.engine.dialect
    real, lost = dialect.do_commit, [True]

    def do_commit(connection: Any) -> None:
        real(connection)
        if lost:
            lost.clear()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    dialect.do_commit = do_commit
    yield
    dialect.do_commit = real
    assert not lost


@pytest.mark.postgres
def test_cut_connections_are_replaced(postgres: str, server: str, tmp_path: Path) -> None:
    place = Place(postgres, tmp_path)
    store = place.open()
    begun = begin(store)
    for _ in range(3):
        with psycopg.connect(server, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND query NOT LIKE 'CREATE SCHEMA%'"
            )
        assert store.answers.checkpoint(begun.answer_id, "still here") is False
    assert store.answers.get(store.owner(), begun.message).text == "still here"
    place.close()


@pytest.mark.postgres
def test_a_connection_cut_inside_a_transaction_is_busy_and_changes_nothing(postgres: str, tmp_path: Path) -> None:
    place = Place(postgres, tmp_path)
    store = place.open()
    with pytest.raises(StoreBusy):
        store._db.write(lambda connection: connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())")))
    assert store.conversations.list(store.owner()) == []
    place.close()


def in_threads(count: int, act: Callable[[int], Any]) -> list[Any]:
    """`act` in `count` threads that start together; what each returned or raised."""
    gate = threading.Barrier(count)

    def one(number: int) -> Any:
        gate.wait()
        try:
            return act(number)
        except AnswerRunning as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_a_double_click_begins_one_answer(store: Store, owner: int) -> None:
    for _ in range(5):
        asked = turn()
        begun = in_threads(6, lambda _, asked=asked: store.answers.begin(owner, asked, epoch="e"))  # type: ignore[misc]
        assert sorted(one.replayed for one in begun) == [False] + [True] * 5
        assert len({one.message for one in begun}) == 1


def test_two_tabs_of_one_new_conversation_start_one_answer(store: Store, owner: int) -> None:
    for _ in range(5):
        chat = new_public_id()
        found = in_threads(4, lambda _, chat=chat: begin(store, conversation=chat))  # type: ignore[misc]
        assert sorted(isinstance(one, AnswerRunning) for one in found) == [False, True, True, True]
        assert store.conversations.get(owner, chat).n_messages == 2


def test_many_ends_at_once_lose_no_row(store: Store, owner: int) -> None:
    in_threads(8, lambda number: [answered(store, f"{number}") for _ in range(8)])
    assert len(store.ledger.latest(owner, 1000)) == 64
    assert store.ledger.verify(owner) == []


def test_corrections_at_once_are_all_kept(store: Store, owner: int) -> None:
    answered(store)
    event = store.ledger.latest(owner)[0].id
    in_threads(6, lambda number: store.ledger.add_cost(owner, event, "manual", Cost(nano=number), "race"))
    assert len(store.ledger.costs(owner, event)) == 7
    assert store.ledger.verify(owner) == []


def test_a_queued_message_is_popped_once(store: Store, owner: int) -> None:
    from lib.messages import TextPart
    from tests.store.acts import REF

    chat = begin(store).conversation
    for number in range(4):
        store.queue.add(owner, chat, (TextPart(str(number)),), REF)
    popped = in_threads(6, lambda _: store.queue.pop_next(owner, chat))
    assert sorted(item.parts[0].text for item in popped if item) == ["0", "1", "2", "3"]


def test_a_lock_is_free_again_when_it_is_released(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    lock.release()
    FileLock(tmp_path / "lock").release()
