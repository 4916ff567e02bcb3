"""Files that are damaged, cut off, locked or gone: refused with a sentence, and never a new database in silence."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from lib.errors import SettingsError, StoreBusy, StoreDamaged, StoreError, StoreGone, StoreUnwritable
from lib.keys import KeyBox
from lib.secret import Secret
from lib.store import Store, database, files, open_store
from lib.ui.notices import notice_for
from tests.store.acts import answered

PLACE = {"owner": 1, "gateway": "g1", "origin": "https://gw.example:443"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def crashed(folder: Path, questions: int) -> tuple[bytes, bytes]:
    """(database, log) as a process leaves them that is killed after so many answered questions."""
    store = open_store("", folder)
    for number in range(questions):
        answered(store, f"question {number}", answer=f"answer {number} " * 40)
    found = tuple((folder / name).read_bytes() for name in ("parlour.db", "parlour.db-wal"))
    store.close()
    return found[0], found[1]


def put(folder: Path, data: bytes, log: bytes) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "parlour.db").write_bytes(data)
    (folder / "parlour.db-wal").write_bytes(log)


def titles(store: Store) -> list[str]:
    return sorted(one.title for one in store.conversations.list(store.owner(), limit=1_000))


def test_a_log_that_is_damaged_in_its_middle_is_refused_and_left_alone(
    folder: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    data, log = crashed(folder, 8)
    put(folder, data, log)
    open_store("", folder).close()
    frame = 24 + 4096
    dice, seen = random.Random(3), {"refused": 0, "whole": 0, "last question torn": 0}
    last_two = len(log) - 12 * frame
    for _ in range(count(8, 300)):
        at = dice.randrange(len(log))
        broken = bytearray(log)
        broken[at] ^= 1 << dice.randrange(8)
        put(folder, data, bytes(broken))
        try:
            with closing(open_store("", folder)) as store:
                kept = len(titles(store))
                assert kept == 8 or (at > last_two and kept == 7), (at, kept)
                seen["whole" if kept == 8 else "last question torn"] += 1
        except StoreDamaged as error:
            assert notice_for(error).then
            assert (folder / "parlour.db").read_bytes() == data
            assert (folder / "parlour.db-wal").read_bytes() == broken
            seen["refused"] += 1
    assert seen["refused"]
    measured(f"one flipped bit anywhere in the log: {seen}; 0 times an older question was silently gone")


def test_a_log_that_a_crash_cut_off_is_used_as_far_as_it_goes(folder: Path, count: Callable[[int, int], int]) -> None:
    data, log = crashed(folder, 3)
    dice = random.Random(4)
    for length in [0, 1, 31, 32, 33, 56, *(dice.randrange(len(log)) for _ in range(count(3, 100)))]:
        put(folder, data, log[:length])
        with closing(open_store("", folder)) as store:
            store.check()
            assert titles(store) == [f"question {number}" for number in range(len(titles(store)))]


def test_an_older_round_of_the_log_is_no_damage(folder: Path) -> None:
    with closing(open_store("", folder)) as store:
        for number in range(12):
            answered(store, f"question {number}", answer="x" * 30_000)
            if number == 8:
                store._db.write(lambda connection: None)
                with closing(sqlite3.connect(folder / "parlour.db")) as other:
                    other.execute("PRAGMA wal_checkpoint(RESTART)")
        put(folder.with_name("copy"), *((folder / name).read_bytes() for name in ("parlour.db", "parlour.db-wal")))
    with closing(open_store("", folder.with_name("copy"))) as store:
        assert len(titles(store)) == 12


def test_a_database_deleted_while_it_is_open_takes_nothing_more(folder: Path) -> None:
    with closing(open_store("", folder)) as store:
        answered(store, "kept")
        aside = (folder / "parlour.db").rename(folder / "moved.db")
        with pytest.raises(StoreGone) as refused:
            store.conversations.create(store.owner())
        assert "export" in notice_for(refused.value).then
        assert titles(store) == ["kept"], "what is there can still be read, and taken along"
        with pytest.raises(StoreUnwritable):
            store.backup(folder / "copy.db")
        assert not (folder / "parlour.db").exists(), "and no empty one was made"
        aside.rename(folder / "parlour.db")
        answered(store, "goes on")
    with closing(open_store("", folder)) as store:
        assert titles(store) == ["goes on", "kept"]


def test_a_database_that_was_replaced_while_it_is_open_takes_nothing_more(folder: Path) -> None:
    open_store("", folder).close()
    shutil.copy(folder / "parlour.db", folder / "other.db")
    with closing(open_store("", folder)) as store:
        (folder / "other.db").replace(folder / "parlour.db")
        with pytest.raises(StoreGone):
            answered(store)


def test_a_new_connection_never_makes_an_empty_database(folder: Path) -> None:
    with closing(open_store("", folder)) as store:
        store._db.engine.dispose()
        for path in folder.glob("parlour.db*"):
            path.unlink()
        with pytest.raises(StoreError):
            titles(store)
        assert not (folder / "parlour.db").exists()


def test_a_database_that_somebody_keeps_locked_is_refused_for_now(
    folder: Path, monkeypatch: pytest.MonkeyPatch, count: Callable[[int, int], int]
) -> None:
    if not count(0, 1):
        monkeypatch.setattr(database, "PRAGMAS", ("PRAGMA busy_timeout=50", *database.PRAGMAS[1:]))
        monkeypatch.setattr(files, "_WAIT_S", 0.05)
    with closing(open_store("", folder)) as store:
        answered(store, "kept")
    with closing(sqlite3.connect(folder / "parlour.db")) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE owner SET name = name")
        with pytest.raises(StoreBusy) as refused:
            open_store("", folder)
        assert notice_for(refused.value).what == "The database is busy."
        other.rollback()
    with closing(open_store("", folder)) as store:
        assert titles(store) == ["kept"]


# --- a disk that takes no more -----------------------------------------------------------------------------------------

_WRITER = """
import resource, sys
from pathlib import Path
from lib.errors import StoreError
from lib.store import open_store
from tests.store.acts import answered
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
for room in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    store, done = None, 0
    try:
        store = open_store("", Path(sys.argv[1]) / str(room))
        for done in range(300):
            answered(store, f"{done}", answer="x" * 5_000)
        print("no end")
    except StoreError as error:
        print(room, type(error).__name__, done, flush=True)
    if store:
        store.close()
"""
ROOMS = (0, 4_096, 100_000, 700_000, 1_000_000)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit for files there")
def test_a_file_system_without_room_is_said_and_loses_nothing(folder: Path) -> None:
    told = dict(line.split(" ", 1) for line in child(_WRITER, folder, *ROOMS))
    assert list(told) == [str(room) for room in ROOMS]
    for room, said in told.items():
        kind, done = said.split()
        assert kind == "StoreUnwritable"
        with closing(open_store("", folder / room)) as store:
            store.check()
            assert len(titles(store)) - 1 <= int(done) <= len(titles(store))


_READER = """
import os, pwd, sys
from pathlib import Path
from lib.errors import StoreError
from lib.store import open_store
open_store("", Path(sys.argv[1])).close()
if os.getuid() == 0:
    os.setuid(pwd.getpwnam("nobody").pw_uid)
for folder in sys.argv[2:]:
    try:
        open_store("", Path(folder))
        print("opened")
    except StoreError as error:
        print(type(error).__name__)
"""
SEALED = {"file": "parlour.db", "log": "parlour.db-wal", "lock": "parlour.db.lock", "folder": "."}


@pytest.mark.skipif(sys.platform == "win32", reason="other permissions")
def test_what_may_only_be_read_is_refused_and_left_alone(folder: Path) -> None:
    data, log = crashed(folder, 2)
    for what, name in SEALED.items():
        put(folder / what, data, log)
        (folder / what / "parlour.db.lock").touch()
        _as_nobody(folder / what)
        (folder / what / name).chmod(0o500 if what == "folder" else 0o400)
    told = child(_READER, folder.with_name("other"), *(folder / what for what in SEALED))
    assert dict(zip(SEALED, told, strict=True)) == dict.fromkeys(SEALED, "StoreUnwritable")
    for what, name in SEALED.items():
        (folder / what / name).chmod(0o700)
        assert (folder / what / "parlour.db").read_bytes() == data
        with closing(open_store("", folder / what)) as store:
            assert len(titles(store)) == 2


def _as_nobody(folder: Path) -> None:
    """Root may write everywhere: let another user own it."""
    if os.getuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
        for above in folder.parents:
            if above.stat().st_mode & 0o001 == 0:
                above.chmod(above.stat().st_mode | 0o011)


def child(program: str, *arguments: object) -> list[str]:
    words = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr, done.stderr[-2_000:]
    return done.stdout.splitlines()


# --- the key file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 31, b"x" * 33])
def test_a_damaged_key_file_is_refused_and_left_alone(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "parlour.key").write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        KeyBox(folder)
    assert "Restore parlour.key" in notice_for(refused.value).then
    assert (folder / "parlour.key").read_bytes() == content


def test_a_key_file_that_is_a_folder_is_refused(folder: Path) -> None:
    (folder / "parlour.key").mkdir(parents=True)
    with pytest.raises(SettingsError):
        KeyBox(folder)


def test_a_key_stored_after_the_key_file_was_deleted_is_readable_after_a_restart(folder: Path) -> None:
    box = KeyBox(folder)
    before = box.seal(Secret("sk-before-before"), **PLACE)  # type: ignore[arg-type]
    (folder / "parlour.key").unlink()
    after = box.seal(Secret("sk-after-after"), **PLACE)  # type: ignore[arg-type]
    again = KeyBox(folder)
    assert [again.open(*sealed, **PLACE).reveal() for sealed in (before, after)] == [  # type: ignore[arg-type]
        "sk-before-before",
        "sk-after-after",
    ]


def test_nothing_is_sealed_under_a_key_file_that_is_another_one_now(folder: Path) -> None:
    box = KeyBox(folder)
    (folder / "parlour.key").write_bytes(b"o" * 32)
    with pytest.raises(SettingsError):
        box.seal(Secret("sk-after-after"), **PLACE)  # type: ignore[arg-type]
    assert (folder / "parlour.key").read_bytes() == b"o" * 32
