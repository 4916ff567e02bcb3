"""The SQLite file and its neighbours: the lock, the health of the header, backups."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from lib.errors import StoreDamaged, StoreLocked, StoreUnwritable
from lib.store.faults import translated
from lib.store.log_health import check_log

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FILE_NAME = "parlour.db"
_MAGIC = b"SQLite format 3\x00"
_ROLLBACK = 1
"""In the header's byte 18: a copy that no Parlour has opened yet. An opened one has 2, before its log is made."""
_CHECK_UP_TO_BYTES = 64 << 20
_KEPT_BACKUPS = 5
_WAIT_S = 5.0


class FileLock:
    """Held while this process writes the database: SQLite has one writing process here.

    The operating system drops the lock when the process dies, so a stale file never locks anyone out.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnwritable(f"cannot open the lock file: {error.strerror}") from error
        try:
            _lock(self._handle)
        except OSError as error:
            pid = _pid_in(self._handle)
            os.close(self._handle)
            raise StoreLocked("another process writes this data folder", pid=pid) from error
        with suppress(OSError):  # it only tells others whom to look for; a full disk is found out soon enough
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        os.lseek(handle, 1 << 20, os.SEEK_SET)  # beyond the pid, which stays readable
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _pid_in(handle: int) -> int | None:
    os.lseek(handle, 0, os.SEEK_SET)
    text = os.read(handle, 20).decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() else None


def make_folder(folder: Path) -> None:
    """The folder, readable by its owner only. Raises StoreUnwritable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnwritable(f"cannot make the data folder: {error.strerror}") from error


def check_file(path: Path, application_id: int) -> bool:
    """Whether a database exists at `path`.

    Raises StoreDamaged when there is something that is not a healthy database of ours: it is never replaced.
    """
    wal = path.with_name(path.name + "-wal")
    if not path.exists():
        if wal.exists() and wal.stat().st_size:
            raise StoreDamaged("the database file is missing, its write-ahead log is there", path=str(path))
        return False
    try:
        with path.open("rb") as opened:
            header = opened.read(100)
    except OSError as error:
        raise StoreUnwritable(f"cannot read the database: {error.strerror}", path=str(path)) from error
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise StoreDamaged("the file is not a database", path=str(path))
    if int.from_bytes(header[68:72], "big") != application_id:
        raise StoreDamaged("the file is a database of another program", path=str(path))
    if wal.exists() and wal.stat().st_size:
        if header[18] == _ROLLBACK:
            raise StoreDamaged("a log of another database lies beside this copy", path=str(path), what="foreign_log")
        check_log(wal)
    for file in (path, wal):
        if file.exists() and not os.access(file, os.W_OK):
            raise StoreUnwritable("the database may only be read", path=str(file))
    _check_pages(path)
    return True


def _check_pages(path: Path) -> None:
    """SQLite's own quick check, for files small enough that nobody waits for it."""
    if path.stat().st_size > _CHECK_UP_TO_BYTES:
        return
    try:
        with closing(sqlite3.connect(existing(path), _WAIT_S, uri=True)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise translated(error) from error
    if found != "ok":
        raise StoreDamaged(found, path=str(path))


def existing(path: Path) -> str:
    """The URI of a database that is there: with a mere path SQLite makes an empty one where there is none."""
    return f"{path.absolute().as_uri()}?mode=rw"


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy of a live database, by SQLite's backup API; `target` appears whole or not at all."""
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(existing(source), uri=True)) as origin, closing(sqlite3.connect(part)) as copy:
            origin.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        part.chmod(0o600)
        part.replace(target)
    except sqlite3.Error as error:
        raise translated(error) from error
    except OSError as error:
        raise StoreUnwritable(f"cannot write the backup: {error.strerror}") from error


def back_up_before_migration(source: Path, folder: Path, step: int) -> Path:
    """Copy `source` into `folder`, keep the last few such copies, and return the new one."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    target = folder / f"before-migration-{stamp}-schema{step:04d}.db"
    copy_database(source, target)
    for old in sorted(folder.glob("before-migration-*.db"))[:-_KEPT_BACKUPS]:
        old.unlink(missing_ok=True)
    return target
