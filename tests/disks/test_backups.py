"""Backups made while others write, restored the documented way, compared row by row; and what a thief finds in them."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from lib import backup
from lib.cards import GatewayCard
from lib.errors import SettingsError, StoreDamaged
from lib.keys import KeyBox
from lib.secret import Secret
from lib.store import Store, open_store
from lib.store.rows import StoredKey
from lib.store.schema import metadata
from lib.ui.notices import notice_for
from tests.store.acts import answered

CANARY = "sk-canary-9f8e7d6c5b4a39281706"


def every_row(store: Store) -> dict[str, list[Any]]:
    tables = metadata.tables.values()
    read = store._db.read(lambda connection: {table.name: connection.execute(select(table)).all() for table in tables})
    return {name: sorted(map(tuple, rows), key=repr) for name, rows in read.items()}


class Load:
    """Threads that ask and are answered until the end; `done` has what was acknowledged, in order."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._leave = threading.Event()
        self.done: list[str] = []
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(3)]

    def _work(self, name: int) -> None:
        number = 0
        while not self._leave.is_set():
            said = f"{name}-{number}"
            answered(self._store, said, answer="a long answer " * 200)
            self.done.append(said)
            number += 1

    @contextmanager
    def going_on(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._leave.set()
            for thread in self._threads:
                thread.join()


def restored(copy: Path, folder: Path) -> Store:
    """As the README says: the copy alone in the data folder, under the database's name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(copy, folder / "parlour.db")
    return open_store("", folder)


def test_backups_under_load_are_whole_and_restore_to_the_same_rows(
    tmp_path: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    rounds, with_answers = count(2, 20), 0
    with closing(open_store("", tmp_path / "data")) as store:
        load = Load(store)
        with load.going_on():
            for number in range(rounds):
                before = len(load.done)
                copy = tmp_path / f"copy-{number}.db"
                store.backup(copy)
                acknowledged = {*load.done[:before]}
                with closing(restored(copy, tmp_path / "restored")) as found:
                    found.check()
                    titles = [one.title for one in found.conversations.list(found.owner(), limit=100_000)]
                    assert len(titles) == len(set(titles)) and acknowledged <= set(titles)
                    assert found.ledger.verify(found.owner()) == []
                    rows = every_row(found)
                    with_answers += bool(rows["message"])
                    assert len(rows["answer"]) * 2 == len(rows["message"])
                with closing(restored(copy, tmp_path / "again")) as twice:
                    assert every_row(twice) == rows
        store.backup(tmp_path / "last.db")
        rows = every_row(store)
    with closing(restored(tmp_path / "last.db", tmp_path / "restored")) as found:
        assert every_row(found) == rows
    measured(
        f"{rounds} of {rounds} backups under load whole and row-equal when restored; {len(load.done)} answers kept"
    )


def test_the_command_copies_a_running_parlour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLOUR_DATA_DIR", str(tmp_path / "data"))
    with closing(open_store("", tmp_path / "data")) as store:
        load = Load(store)
        with load.going_on():
            command = [sys.executable, "-m", "lib.backup", str(tmp_path / "copy.db")]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
            assert "parlour.key" in done.stdout
        store.check()
    with closing(restored(tmp_path / "copy.db", tmp_path / "restored")) as found:
        found.check()
        assert found.ledger.verify(found.owner()) == []


def test_a_backup_beside_an_old_log_is_not_mixed_with_it(tmp_path: Path) -> None:
    with closing(open_store("", tmp_path / "data")) as store:
        answered(store, "in the copy")
        store.backup(tmp_path / "copy.db")
        for number in range(5):
            answered(store, f"later {number}")
        log = (tmp_path / "data" / "parlour.db-wal").read_bytes()
    folder = tmp_path / "restored"
    folder.mkdir()
    shutil.copy(tmp_path / "copy.db", folder / "parlour.db")
    (folder / "parlour.db-wal").write_bytes(log)
    with pytest.raises(StoreDamaged) as refused:
        open_store("", folder)
    assert "parlour.db-wal" in notice_for(refused.value).then
    (folder / "parlour.db-wal").unlink()
    with closing(open_store("", folder)) as found:
        assert [one.title for one in found.conversations.list(found.owner())] == ["in the copy"]


def test_a_backup_holds_no_key_that_could_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    with closing(open_store("", data)) as store:
        owner = store.owner()
        card = store.gateways.add(owner, GatewayCard(0, "Mine", "https://gateway.example"))
        place: dict[str, Any] = {"owner": owner, "gateway": card.public_id, "origin": "https://gateway.example:443"}
        sealed, nonce = KeyBox(data).seal(Secret(CANARY), **place)
        store.gateways.set_key(owner, card.id, StoredKey(sealed, nonce, "1706"))
        monkeypatch.setenv("PARLOUR_DATA_DIR", str(data))
        assert backup.main([str(tmp_path / "copies" / "parlour.db")]) == 0
    found = (tmp_path / "copies" / "parlour.db").read_bytes()
    file_key = (data / "parlour.key").read_bytes()
    for secret in (CANARY.encode(), file_key):
        for form in (secret, secret[::-1], secret.hex().encode(), base64.b64encode(secret)[:-4]):
            assert form not in found
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["parlour.db"]
    assert (tmp_path / "copies" / "parlour.db").stat().st_mode & 0o077 == 0
    with pytest.raises(SettingsError):
        KeyBox(tmp_path / "copies").open(sealed, nonce, **place)
    (tmp_path / "copies" / "parlour.key").write_bytes(file_key)
    assert KeyBox(tmp_path / "copies").open(sealed, nonce, **place).reveal() == CANARY
