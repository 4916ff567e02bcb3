"""The power fails: what was written and not synced may be there, or not, or in part. What was acknowledged is there.

The writer's calls to the disk are recorded. Then the disk is made again as it may look after a power cut at any moment:
everything up to the last sync of each file, and of what came after it any selection, in sectors.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from lib.store import open_store
from tests.disks.recorder import Deed, Unreachable, recording
from tests.store.acts import answered

SECTOR = 512


class Disk:
    """Files as they are after some deeds, and what was written to each since its last sync."""

    def __init__(self, start: dict[str, bytes]) -> None:
        self.safe = {name: bytearray(data) for name, data in start.items()}
        self.loose: dict[str, list[Deed]] = {}

    def do(self, deed: Deed) -> None:
        if deed.what == "sync":
            for each in self.loose.pop(deed.name, []):
                apply(self.safe.setdefault(deed.name, bytearray()), each)
        elif deed.what != "mark":
            self.loose.setdefault(deed.name, []).append(deed)

    def after_the_cut(self, dice: random.Random) -> dict[str, bytearray]:
        """One of the ways the disk may look now: each sector that was not synced is there or not."""
        found = {name: bytearray(data) for name, data in self.safe.items()}
        everything, nothing = dice.random() < 0.2, dice.random() < 0.2
        for name, deeds in self.loose.items():
            data = found.setdefault(name, bytearray())
            for deed in deeds:
                for piece in _sectors(deed):
                    if everything or (not nothing and dice.random() < 0.5):
                        apply(data, piece)
        return found


def apply(data: bytearray, deed: Deed) -> None:
    if deed.what == "cut":
        del data[deed.offset :]
        return
    if len(data) < deed.offset + len(deed.data):
        data.extend(bytes(deed.offset + len(deed.data) - len(data)))
    data[deed.offset : deed.offset + len(deed.data)] = deed.data


def _sectors(deed: Deed) -> list[Deed]:
    if deed.what == "cut":
        return [deed]
    found, at = [], deed.offset
    while at < deed.offset + len(deed.data):
        end = min((at // SECTOR + 1) * SECTOR, deed.offset + len(deed.data))
        found.append(Deed("write", deed.name, at, deed.data[at - deed.offset : end - deed.offset]))
        at = end
    return found


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[dict[str, bytes], list[Deed], Path]:
    """(the files before, the deeds of a writer with checkpoints in between, the folder)."""
    folder = tmp_path / "data"
    open_store("", folder).close()
    start = {str(folder / "parlour.db"): (folder / "parlour.db").read_bytes()}
    try:
        with recording(folder / "parlour.db") as recorder, closing(open_store("", folder)) as store:
            for number in range(14):
                answered(store, f"question {number}", answer=f"answer {number} " * 400)
                recorder.mark(f"question {number}")
                if number == 8:  # the log goes into the database, and begins anew
                    store._db.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
                    with store._db.engine.connect() as connection:
                        connection.exec_driver_sql("ROLLBACK")
                        connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)")
                        connection.exec_driver_sql("BEGIN")
            deeds = [*recorder.deeds]
    except Unreachable:
        pytest.xfail("this Python has a SQLite of its own, whose calls cannot be recorded")
    return start, deeds, folder


def test_power_cuts_lose_nothing_that_was_acknowledged(
    recorded: tuple[dict[str, bytes], list[Deed], Path],
    count: Callable[[int, int], int],
    measured: Callable[[str], None],
) -> None:
    start, deeds, folder = recorded
    dice = random.Random(12)
    moments = sorted(dice.choices(range(len(deeds)), k=count(6, 250)))
    disk, at, kept = Disk(start), 0, 0
    acknowledged: list[str] = []
    for moment in moments:
        while at < moment:
            disk.do(deeds[at])
            acknowledged += [deeds[at].name] if deeds[at].what == "mark" else []
            at += 1
        _put(folder, disk.after_the_cut(dice))
        with closing(open_store("", folder)) as store:
            store.check()
            chats = store.conversations.list(store.owner(), limit=1_000)
            titles = {one.title for one in chats}
            assert {*acknowledged} <= titles, (moment, {*acknowledged} - titles)
            rows = store.ledger.latest(store.owner(), 1_000)
            assert len(rows) >= len(acknowledged) and store.ledger.verify(store.owner()) == []
            kept += len(acknowledged)
    synced = sum(deed.what == "sync" for deed in deeds)
    assert acknowledged and synced >= 28
    measured(
        f"{len(moments)} power cuts in {len(deeds)} recorded writes and {synced} syncs (unsynced sectors dropped at "
        f"random, database and log): {kept:,} acknowledged answers with their ledger rows looked for, 0 lost"
    )


def _put(folder: Path, files: dict[str, bytearray]) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    for name, data in files.items():
        if not name.endswith("-shm"):
            Path(name).write_bytes(data)


def test_without_syncs_the_same_cuts_do_lose_answers(recorded: tuple[dict[str, bytes], list[Deed], Path]) -> None:
    """The test above would see it."""
    start, deeds, folder = recorded
    disk = Disk(start)
    for deed in deeds:
        if deed.what != "sync":
            disk.do(deed)
    disk.loose.clear()
    _put(folder, disk.after_the_cut(random.Random(1)))
    with closing(open_store("", folder)) as store:
        assert store.conversations.list(store.owner()) == []
