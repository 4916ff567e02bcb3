"""Everything that a running Parlour wrote down or shows of itself, as (place, bytes): files, cells, processes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

Places = Iterator[tuple[str, bytes | str]]


def files(*folders: Path, but: Iterable[Path] = ()) -> Places:
    """Every file below the folders with its name; `but` are files of the test itself."""
    left_out = set(but)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            yield "a file's name", str(path.relative_to(folder))
            if path.is_file() and path not in left_out:
                with contextlib.suppress(FileNotFoundError):
                    yield f"{folder.name}/{path.relative_to(folder)}", path.read_bytes()


def cells(database: Path) -> Places:
    """Every column of every table, all rows in one: SQLite cuts long values over its pages."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as opened:
        opened.text_factory = bytes
        tables = [name.decode() for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            with contextlib.suppress(sqlite3.DatabaseError):  # the inside of the full-text index has tables of its own
                columns = [row[1].decode() for row in opened.execute(f'PRAGMA table_info("{table}")')]
                for column in columns:
                    values = opened.execute(f'SELECT "{column}" FROM "{table}"').fetchall()
                    yield f"{database.name} {table}.{column}", b"\n".join(_bytes(value) for (value,) in values)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def descendants(pid: int) -> list[int]:
    """The processes below this one, as the system counts them."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]


def process_lists(pid: int) -> Places:
    """What every user of the machine can read of the process and its children, and the children's environment.

    The process's own environment is where its operator put a key, for the same user's eyes only.
    """
    for process in (pid, *descendants(pid)):
        for name in ("cmdline", "comm", "status", "environ"):
            if name != "environ" or process != pid:
                with contextlib.suppress(OSError):
                    yield f"/proc {name} of {'the program' if process == pid else 'a child'}", _read(process, name)


def _read(process: int, name: str) -> bytes:
    return (Path("/proc") / str(process) / name).read_bytes()


def core_files(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("core*") if path.name.partition(".")[0] == "core"]


def is_readable_environment(pid: int) -> bool:
    """Whether this test could see a key there at all, so that its absence means something."""
    return os.access(f"/proc/{pid}/environ", os.R_OK)
