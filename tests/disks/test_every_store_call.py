"""Every function of the store, with every one of its statements failing in every way: an error of ours, no change."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from lib.errors import BadInput, NotFound, ParlourError
from lib.ids import now_ms
from lib.store import Store, open_store
from lib.store.search_index import has_index
from lib.ui.notices import notice_for
from tests.disks.ill import POSTGRES, SQLITE, IllDatabase
from tests.store.acts import attempt, end
from tests.store.conftest import Place
from tests.store.test_store_owners import GUARDED, MARK, Mine

Call = Callable[[Store, Mine], Any]
NO_DATABASE = {"attachments.put_form"}
"""These get no arguments they could use from `Mine`."""
IN_STEPS = {"repricing.reprice", "trash.purge", "answers.sweep", "statements.close", "transfers.undo"}
"""Several transactions one after the other: what was done before the failure stays done."""


def _guarded(part: str, name: str) -> Call:
    return lambda store, mine: mine.call(store, part, name, mine.owner)


def everything_of(store: Store) -> Mine:
    mine = Mine(store)
    for part in ("answers", "queue"):  # the key of a message there, of a gateway elsewhere
        mine.of_part[part] = {"key": "a key"} | mine.of_part.get(part, {})
    return mine


def _answer(act: Callable[[Store, int], Any]) -> Call:
    return lambda store, mine: act(store, store.answers.running(mine.owner)[0].answer_id)


CALLS: dict[str, Call] = {f"{part}.{name}": _guarded(part, name) for part, name in GUARDED} | {
    "answers.checkpoint": _answer(lambda store, answer: store.answers.checkpoint(answer, f"{MARK} so far")),
    "answers.heartbeat": _answer(lambda store, answer: store.answers.heartbeat(answer)),
    "answers.new_attempt": _answer(
        lambda store, answer: store.answers.new_attempt(answer, 77, 2, ended=attempt(outcome="refused"))
    ),
    "answers.finish": _answer(lambda store, answer: store.answers.finish(answer, end(attempt()))),
    "answers.sweep": lambda store, mine: store.answers.sweep(epoch="new", now_ms=now_ms(), stale_ms=0),
    "budgets.sweep": lambda store, mine: store.budgets.sweep(epoch="new", now_ms=now_ms()),
}
TRIED = [name for name in CALLS if name not in NO_DATABASE | IN_STEPS]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mine]:
    """A closed database with a row in every table."""
    folder = tmp_path_factory.mktemp("kept")
    with closing(open_store("", folder)) as store:
        return folder / "parlour.db", everything_of(store)


@pytest.fixture
def copies(kept: tuple[Path, Mine], tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens copies of it, one at a time."""
    opened: list[Store] = []

    def copy() -> Store:
        while opened:
            opened.pop().close()
        folder = tmp_path / "data"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(kept[0], folder / "parlour.db")
        opened.append(open_store("", folder))
        return opened[-1]

    yield copy
    while opened:
        opened.pop().close()


def calls_of(store: Store, mine: Mine, name: str) -> int:
    """How many statements and commits this call takes when all is well."""
    store._db.write(has_index)  # asked once for every connection, and remembered
    ill = IllDatabase(store)
    ill.count()
    with suppress(ParlourError):
        CALLS[name](store, mine)
    return ill.count()


def fails_as_said(ill: IllDatabase, store: Store, mine: Mine, name: str, at: int, illness: str) -> None:
    ill.strike(at, illness, lasting=True)
    try:
        CALLS[name](store, mine)
    except ParlourError as error:
        kind = (SQLITE | POSTGRES)[illness]
        assert type(error) is kind or not ill.struck, (name, at, illness, error)
        assert notice_for(error).what
    else:
        raise AssertionError(f"{name} hid {illness} at its call {at}, or never came to it")
    ill.heal()


def test_every_statement_of_every_function_fails_in_every_way(
    kept: tuple[Path, Mine],
    copies: Callable[[], Store],
    count: Callable[[int, int], int],
    measured: Callable[[str], None],
) -> None:
    mine = kept[1]
    every = count(0, 1) == 1
    ways = _all_ways(mine, copies) if every else random.Random(11).sample(_first_ways(), 60)
    store = copies()
    ill, before = IllDatabase(store), mine.rows(store)
    for name, of_it in groupby(ways, lambda way: way[0]):
        for _, at, illness in of_it:
            fails_as_said(ill, store, mine, name, at, illness)
        assert not every or mine.rows(store) == before, name
    assert mine.rows(store) == before and store.ledger.verify(mine.owner) == []
    measured(f"{len(ways):,} failures ({len({way[0] for way in ways})} functions, 5 kinds): 0 hidden, 0 rows changed")


def test_what_is_done_in_steps_goes_on_where_it_failed(
    kept: tuple[Path, Mine], copies: Callable[[], Store], count: Callable[[int, int], int]
) -> None:
    mine = kept[1]
    for name in IN_STEPS:
        for at in range(1, calls_of(copies(), mine, name) + 1, count(13, 1)):
            store = copies()
            fails_as_said(IllDatabase(store), store, mine, name, at, "SQLITE_FULL")
            with suppress(BadInput, NotFound):  # the month was closed, and only reading it again failed
                CALLS[name](store, mine)
            assert store.ledger.verify(mine.owner) == []
            assert name != "answers.sweep" or store.answers.running(mine.owner) == []


def _first_ways() -> list[tuple[str, int, str]]:
    """Begin, one statement, commit: no function has fewer calls."""
    return [(name, at, illness) for name in sorted(TRIED) for at in (1, 2, 3) for illness in SQLITE]


def _all_ways(mine: Mine, copies: Callable[[], Store]) -> list[tuple[str, int, str]]:
    calls = {name: calls_of(copies(), mine, name) for name in TRIED}
    return [(name, at, illness) for name in sorted(TRIED) for illness in SQLITE for at in range(1, calls[name] + 1)]


@pytest.mark.postgres
def test_the_same_on_postgresql(
    postgres: str, tmp_path: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    place = Place(postgres, tmp_path)
    store = place.open()
    mine = everything_of(store)
    before = mine.rows(store)
    ill = IllDatabase(store)
    kinds = [illness for illness in POSTGRES if illness != "cut after commit"]
    ways = [(name, at, illness) for name in sorted(TRIED) for at in (1, 2) for illness in kinds]
    tried = random.Random(12).sample(ways, count(40, len(ways)))
    for name, at, illness in tried:
        fails_as_said(ill, store, mine, name, at, illness)
    assert mine.rows(store) == before
    measured(f"{len(tried):,} failures on PostgreSQL ({', '.join(kinds)}): 0 hidden, 0 rows changed")
    place.close()
