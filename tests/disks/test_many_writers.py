"""Many write at once: nobody is told of a lock, every acknowledged write is there once, nobody reads into the past.

A second Parlour is refused on a SQLite folder, so several processes never write one there. That SQLite itself and our
way of asking it would bear even that is shown with the lock file left out.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from lib.errors import StoreLocked
from lib.store import Store, open_store
from tests.store.acts import REF, answered, attempt

_WRITER = """
import sys
from pathlib import Path
from lib.store.database import sqlite_database
from lib.store.opening import Store
from tests.disks.test_many_writers import written
store = Store(sqlite_database(Path(sys.argv[1])), None)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    written(store, f"{sys.argv[2]}-{number}", number)
    print(number, flush=True)
store.close()
"""


def written(store: Store, name: str, number: int) -> None:
    """One write: a chat, a draft, a spent amount, or what the chat is called."""
    owner = store.owner()
    match number % 4:
        case 0 | 1:
            store.conversations.create(owner, title=name)
        case 2:
            store.ledger.record(owner, REF, (attempt(duration_ms=_as_number(name)),))
        case _:
            store.preferences.set(owner, name, name)


def _as_number(name: str) -> int:
    process, number = map(int, name.split("-"))
    return process * 1_000_000 + number


def test_eight_processes_write_one_file(
    tmp_path: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    processes, writes = count(3, 8), count(60, 1_000)
    open_store("", tmp_path).close()
    path = tmp_path / "parlour.db"
    began = time.monotonic()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(name), str(writes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in range(processes)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("\n")
        writer.stdin.flush()
    with ThreadPoolExecutor(processes) as pool:
        ends = list(pool.map(lambda writer: writer.communicate(timeout=280), writers))
    assert [error for _, error in ends if error] == []
    assert [len(told.split()) for told, _ in ends] == [writes] * processes
    with closing(open_store("", tmp_path)) as store:
        store.check()
        owner = store.owner()
        titles = Counter(one.title for one in store.conversations.list(owner, limit=100_000))
        names = [(f"{process}-{number}", number % 4) for process in range(processes) for number in range(writes)]
        assert titles == Counter(name for name, kind in names if kind < 2)
        rows = Counter(row.duration_ms for row in store.ledger.latest(owner, 100_000))
        assert rows == Counter(_as_number(name) for name, kind in names if kind == 2)
        assert all(store.preferences.get(owner, name, None) == name for name, kind in names if kind == 3)
        assert store.ledger.verify(owner) == []
    measured(
        f"{processes} processes x {writes:,} writes on one SQLite file in {time.monotonic() - began:.0f} s "
        f"(SQLite {sqlite3.sqlite_version}): 0 told of a lock, 0 lost, 0 doubled, file healthy"
    )


def test_a_second_process_is_refused_so_one_process_writes(tmp_path: Path, measured: Callable[[str], None]) -> None:
    with closing(open_store("", tmp_path)) as store:
        for _ in range(3):
            with pytest.raises(StoreLocked) as refused:
                open_store("", tmp_path)
            assert refused.value.facts["pid"] == os.getpid()
        most = most_at_once(store)
        pragmas = {
            name: store._db.read(lambda connection, name=name: connection.exec_driver_sql(f"PRAGMA {name}").scalar())
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    assert most == 1
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000, "foreign_keys": 1}
    measured(
        f"SQLite {sqlite3.sqlite_version}: one process per folder, in it at most {most} writer at a time "
        "(16 threads asked); WAL, synchronous=FULL, busy timeout 5 s, foreign keys on, on every connection"
    )


def most_at_once(store: Store) -> int:
    """How many write transactions of 16 busy threads were ever open together."""
    dialect: Any = store._db.engine.dialect
    real_execute, real_commit = dialect.do_execute, dialect.do_commit
    lock, writing, most = threading.Lock(), set(), [0]

    def do_execute(cursor: Any, statement: str, *rest: Any) -> None:
        if statement == "BEGIN IMMEDIATE":
            with lock:
                writing.add(threading.get_ident())
                most[0] = max(most[0], len(writing))
        real_execute(cursor, statement, *rest)

    def do_commit(connection: Any) -> None:
        real_commit(connection)
        with lock:
            writing.discard(threading.get_ident())

    dialect.do_execute, dialect.do_commit = do_execute, do_commit
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: answered(store, f"{number}"), range(48)))
    return most[0]


# --- a history, and what may not be in it --------------------------------------------------------------------------------


class Look(Struct):
    """One thread looked from `began` to `ended` (monotonic seconds) and saw these names, in this number each."""

    began: float
    ended: float
    seen: frozenset[str]
    most: int


class History:
    """Who wrote what until when, and who saw what when."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, float] = {}
        self.looks: list[Look] = []

    def anomalies(self) -> list[str]:
        """Writes that are not seen although they were acknowledged before, seen twice, or unseen again."""
        found = [f"seen twice at {look.began}" for look in self.looks if look.most > 1]
        looks = sorted(self.looks, key=lambda look: look.began)
        for look in looks:
            missed = {name for name, at in self.acknowledged.items() if at < look.began} - look.seen
            found += [f"{name} was acknowledged, and not seen" for name in missed]
        by_end = sorted(self.looks, key=lambda look: look.ended)
        known: set[str] = set()
        at = 0
        for look in looks:
            while by_end[at].ended < look.began:
                known |= by_end[at].seen
                at += 1
            found += [f"{name} was seen, and then not" for name in known - look.seen]
        return found


def take_part(store: Store, history: History, name: str, rounds: int) -> None:
    owner = store.owner()
    for number in range(rounds):
        said = f"{name}-{number}"
        store.conversations.create(owner, title=said)
        history.acknowledged[said] = time.monotonic()
        began = time.monotonic()
        titles = Counter(one.title for one in store.conversations.list(owner, limit=100_000))
        history.looks.append(Look(began, time.monotonic(), frozenset(titles), max(titles.values())))


def test_the_history_checker_finds_what_may_not_be() -> None:
    history = History()
    history.acknowledged = {"a": 1.0}
    history.looks = [Look(2, 3, frozenset(), 1), Look(4, 5, frozenset({"a", "b"}), 2), Look(6, 7, frozenset({"a"}), 1)]
    assert history.anomalies() == ["seen twice at 4", "a was acknowledged, and not seen", "b was seen, and then not"]


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_thirty_two_who_write_and_read_see_one_history(
    engine: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    count: Callable[[int, int], int],
    measured: Callable[[str], None],
) -> None:
    url = request.getfixturevalue("postgres") if engine == "postgres" else ""
    stores = [open_store(url, tmp_path) for _ in range(2 if url else 1)]
    history, rounds = History(), count(3, 30)
    with ThreadPoolExecutor(32) as pool:
        one_of = [stores[number % len(stores)] for number in range(32)]
        parts = [pool.submit(take_part, store, history, str(at), rounds) for at, store in enumerate(one_of)]
    assert [str(part.exception()) for part in parts if part.exception()] == []
    titles = Counter(one.title for one in stores[0].conversations.list(stores[0].owner(), limit=100_000))
    assert titles == Counter(list(history.acknowledged))
    assert history.anomalies() == []
    for store in stores:
        store.close()
    measured(
        f"32 clients on {stores[0].engine}: {len(history.acknowledged):,} writes and {len(history.looks):,} reads, "
        "0 refused, 0 anomalies"
    )
