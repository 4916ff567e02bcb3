"""Databases of every earlier release, brought to this one while the power fails at every statement."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, inspect, text

from lib.errors import StoreNewer
from lib.store import open_store
from lib.store.migrating import found_step
from lib.store.migrations import STEPS, Step
from lib.ui.notices import notice_for
from tests.store.step_0001_database import CHAT, OWNER, PUBLIC, TOLD, fill_first

NEWEST = STEPS[-1].number
FILLED_ANEW = {
    *("usage_rollup", "usage_item", "usage_speed", "conversation_month", "message_search", "schema_step", "zone")
}
"""What is computed from the rest, the list of the steps themselves, and the zones, which must be real ones."""
WORDS = {
    name: word
    for word, names in {
        "{}": ("params", "facts"),
        '{"gateway_id":7,"model":"m"}': ("ref",),
        "USD": ("currency",),
        "done": ("state",),
        "gateway": ("source", "kind"),
        "ok": ("outcome",),
        "reported": ("usage_source",),
        "chat": ("purpose",),
        "openai": ("dialect",),
    }.items()
    for name in names
}
LISTS = {"parts", "repaired", "forms", "cells", "problems", "fields", "tags", "rows"}


class PowerCut(RuntimeError):
    pass


def old_database(url: str, folder: Path, step: int) -> None:
    """As release `step` left it, with one row in every table it had."""

    def first_with_data(connection: Connection) -> None:
        STEPS[0].run(connection)
        fill_first(connection)

    steps = (Step(1, STEPS[0].name, first_with_data), *STEPS[1:step])
    with closing(open_store(url, folder, steps=steps)) as store:
        store._db.write(_one_row_each)


def _one_row_each(connection: Connection) -> None:
    seen = inspect(connection)
    for table in sorted(seen.get_table_names()):
        if table in FILLED_ANEW or table.startswith("message_search"):
            continue
        if not connection.scalar(text(f"SELECT count(*) FROM {table}")):
            values = {column["name"]: _value(table, column) for column in seen.get_columns(table)}
            names = ", ".join(f'"{name}"' for name in values)
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def _value(table: str, column: Any) -> Any:
    name, kind = column["name"], str(column["type"]).upper()
    known = {"owner_id": OWNER, "conversation_id": CHAT, "message_id": TOLD, "demo": 0, "number": 1, "seq": 0}
    if name in known:
        return known[name]
    if "INT" in kind:
        return sum(map(ord, "usage_eventid" if name == "event_id" else table + name))
    if "BLOB" in kind or "BYTEA" in kind:
        return b"bytes"
    return WORDS.get(name, "[]" if name in LISTS else f"{table} {name}")


def rows(url: str, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What every table holds, read without this release's idea of it."""
    with closing(_engine(url, folder)) as store, store.engine.connect() as connection:
        names = [name for name in inspect(connection).get_table_names() if not name.startswith("message_search")]
        found = {name: connection.execute(text(f"SELECT * FROM {name}")).mappings().all() for name in names}
        return {name: sorted(map(dict, each), key=repr) for name, each in found.items()}


def _engine(url: str, folder: Path) -> Any:
    from lib.store.database import postgres_database, sqlite_database

    return postgres_database(url) if url else sqlite_database(folder / "parlour.db")


def kept(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> None:
    """Every old row is there with its old values; bytes may have gone elsewhere."""
    for table, old in before.items():
        if table in FILLED_ANEW or not old:
            continue
        columns = old[0].keys() & after[table][0].keys() - ({"data"} if table == "blob" else set())
        now = _only(after[table], columns)
        assert all(row in now for row in _only(old, columns)), table


def _only(rows: list[dict[str, Any]], columns: Any) -> list[dict[str, Any]]:
    return sorted(({name: row[name] for name in sorted(columns)} for row in rows), key=repr)


@contextmanager
def power_cut(at: int) -> Iterator[list[int]]:
    """Every engine dies at the `at`-th statement or commit; the list has how many there were."""
    calls = [0]

    def strike(*_: object) -> None:
        calls[0] += 1
        if calls[0] == at:
            raise PowerCut

    points = ("before_cursor_execute", "commit")
    for point in points:
        event.listen(Engine, point, strike)
    try:
        yield calls
    finally:
        for point in points:
            event.remove(Engine, point, strike)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("postgres")) if request.param == "postgres" else ""


@pytest.mark.parametrize("step", range(1, NEWEST))
def test_a_cut_at_any_statement_loses_nothing_and_the_next_start_goes_on(
    url: str, tmp_path: Path, step: int, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    folder, old = tmp_path / "data", tmp_path / "old"
    old_database(url, folder, step)
    before = rows(url, folder)
    assert all(before.values()) or {name for name, each in before.items() if not each} <= FILLED_ANEW
    shutil.copytree(folder, old)
    total = _statements(url, folder, old) if not url else count(20, 40 * (NEWEST - step))
    points = range(1, total + 1) if count(0, 1) else sorted(random.Random(step).sample(range(1, total + 1), 1))
    cuts = 0
    for at in points:
        _put_back(url, folder, old)
        with power_cut(at) as calls, closing(_opened(url, folder)):
            pass
        cuts += calls[0] >= at
        if not url:
            open_store("", folder).close()
            kept(before, rows(url, folder))
    with closing(open_store(url, folder)) as store:
        assert store._db.read(found_step) == NEWEST
        assert store.ledger.verify(store.owner()) == []
        assert store.conversations.get(store.owner(), PUBLIC[CHAT]).title == "Old title"
    kept(before, rows(url, folder))
    assert cuts
    measured(f"schema {step} to {NEWEST} on {'PostgreSQL' if url else 'SQLite'}: cut at {cuts} statements, 0 rows lost")


class _Nothing:
    def close(self) -> None:
        pass


def _opened(url: str, folder: Path) -> Any:
    try:
        return open_store(url, folder)
    except PowerCut:
        return _Nothing()


def _put_back(url: str, folder: Path, old: Path) -> None:
    """A file is copied; what a server rolled back needs no copy."""
    if not url:
        shutil.rmtree(folder)
        shutil.copytree(old, folder)


def _statements(url: str, folder: Path, old: Path) -> int:
    _put_back(url, folder, old)
    with power_cut(0) as calls:
        open_store(url, folder).close()
    return calls[0]


_DIES = """
import os, signal, sys
from pathlib import Path
from lib.store import open_store
from tests.disks import test_migrations_cut_short as cut
at = int(sys.argv[3])
with cut.power_cut(at):
    try:
        open_store(sys.argv[1], Path(sys.argv[2]))
    except cut.PowerCut as error:
        os.kill(os.getpid(), signal.SIGKILL)
    finally:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("step", [4])
def test_a_process_killed_while_it_migrates(
    url: str, tmp_path: Path, step: int, count: Callable[[int, int], int]
) -> None:
    old_database(url, tmp_path, step)
    before = rows(url, tmp_path)
    for at in random.Random(step).sample(range(5, 60), count(1, 4)):
        done = subprocess.run([sys.executable, "-c", _DIES, url, str(tmp_path), str(at)], timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL
    with closing(open_store(url, tmp_path)) as store:
        assert store._db.read(found_step) == NEWEST
        store.check()
    kept(before, rows(url, tmp_path))


def test_a_newer_schema_is_refused_with_a_sentence_and_left_alone(url: str, tmp_path: Path) -> None:
    with closing(open_store(url, tmp_path)) as store:
        row = text(f"INSERT INTO schema_step VALUES ({NEWEST + 1}, 'later', 0)")
        store._db.write(lambda connection: connection.execute(row))
    before = rows(url, tmp_path)
    with pytest.raises(StoreNewer) as refused:
        open_store(url, tmp_path)
    assert notice_for(refused.value).then == "Update the program; nothing was changed."
    assert rows(url, tmp_path) == before
