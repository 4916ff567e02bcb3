"""A database and a disk that fall ill at the n-th call, once or until they are well again."""

from __future__ import annotations

import io
import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
import pytest

from lib.errors import StoreBusy, StoreDamaged, StoreError, StoreUnwritable
from lib.store import Store

SQLITE: dict[str, type[StoreError]] = {
    "SQLITE_BUSY": StoreBusy,
    "SQLITE_FULL": StoreUnwritable,
    "SQLITE_IOERR_WRITE": StoreUnwritable,
    "SQLITE_READONLY": StoreUnwritable,
    "SQLITE_CORRUPT": StoreDamaged,
}
"""SQLite's names for what can go wrong, and what Parlour calls it."""
POSTGRES: dict[str, type[StoreError]] = {
    "57P01": StoreBusy,
    "40001": StoreBusy,
    "53100": StoreUnwritable,
    "cut": StoreBusy,
    "cut after commit": StoreBusy,
}
"""The server shuts down, two transactions collide, its disk is full, the line breaks before or after the deed."""


class IllDatabase:
    """Counts the statements and commits of a store, and lets the `at`-th fail as `illness` says."""

    def __init__(self, store: Store) -> None:
        self._dialect: Any = store._db.engine.dialect
        self._lock = threading.Lock()
        self._real = {name: getattr(self._dialect, name) for name in ("do_execute", "do_executemany", "do_commit")}
        self.calls = 0
        self.struck = 0
        self._at, self._illness, self._lasting = 0, "", False
        for name, real in self._real.items():
            setattr(self._dialect, name, self._counted(name, real))

    def strike(self, at: int, illness: str, *, lasting: bool = False) -> None:
        """The `at`-th call from now on fails, and with `lasting` every one after it."""
        with self._lock:
            self.calls = self.struck = 0
            self._at, self._illness, self._lasting = at, illness, lasting

    def heal(self) -> None:
        with self._lock:
            self._at = 0

    def count(self) -> int:
        """The calls since it was asked last, all of them well."""
        with self._lock:
            calls, self.calls, self._at = self.calls, 0, 0
        return calls

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kw: Any) -> Any:
            with self._lock:
                self.calls += 1
                strikes = self._at and (self.calls == self._at or (self._lasting and self.calls > self._at))
                self.struck += bool(strikes)
                illness = self._illness
            if not strikes:
                return real(*args, **kw)
            if illness == "cut after commit" and name == "do_commit":
                real(*args, **kw)
            raise _error(illness, args[0])

        return call


def _error(illness: str, handle: Any) -> Exception:
    if illness.startswith("SQLITE_"):
        error = sqlite3.OperationalError("made up")
        error.sqlite_errorname = illness
        return error
    if illness.startswith("cut"):
        (getattr(handle, "driver_connection", None) or handle.connection).close()
        return psycopg.OperationalError("server closed the connection unexpectedly")
    return psycopg.errors.lookup(illness)("made up")


OURS, TESTS = (str(Path(__file__).parents[2] / name) + os.sep for name in ("lib", "tests"))
PATHS = ("open", "link", "replace", "rename", "unlink", "remove", "mkdir", "chmod", "scandir", "listdir", "stat")
HANDLES = ("write", "pwrite", "fsync", "ftruncate")


class IllDisk:
    """Counts what this process does with files in `folder`, and lets the `at`-th deed fail with `number` (errno)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._folder = str(folder)
        self._handles: set[int] = set()
        self.calls = 0
        self.struck = False
        self._at, self._number = 0, 0
        for name in PATHS:
            monkeypatch.setattr(os, name, self._of_path(getattr(os, name), name))
        for name in HANDLES:
            monkeypatch.setattr(os, name, self._of_handle(getattr(os, name)))
        monkeypatch.setattr(io, "open", self._opening(io.open))

    def strike(self, at: int, number: int) -> None:
        self.calls, self.struck, self._at, self._number = 0, False, at, number

    def _tick(self) -> None:
        if not _asked_by_us():
            return
        self.calls += 1
        if self.calls == self._at:
            self.struck = True
            raise OSError(self._number, os.strerror(self._number))

    def _mine(self, path: object) -> bool:
        return isinstance(path, str | Path) and str(path).startswith(self._folder)

    def _of_path(self, real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(path: Any = ".", *args: Any, **kw: Any) -> Any:
            mine = self._mine(path)
            if mine:
                self._tick()
            result = real(path, *args, **kw)
            if mine and name == "open":
                self._handles.add(result)
            return result

        return call

    def _of_handle(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(handle: int, *args: Any) -> Any:
            if handle in self._handles:
                self._tick()
            return real(handle, *args)

        return call

    def _opening(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, *args: Any, **kw: Any) -> Any:
            if not self._mine(file) and file not in self._handles:
                return real(file, *args, **kw)
            if not isinstance(file, int):
                self._tick()
            return _File(real(file, *args, **kw), self._tick)

        return call


def _asked_by_us() -> bool:
    """Whether the program does this, through whatever library, and not the test that looks at what it did."""
    frame: FrameType | None = sys._getframe(2)
    while frame and (frame.f_code.co_filename == __file__ or not frame.f_code.co_filename.startswith((OURS, TESTS))):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(OURS)


class _File:
    """An open file whose reading and writing can fail."""

    def __init__(self, file: Any, tick: Callable[[], None]) -> None:
        self._file = file
        self._tick = tick

    def __getattr__(self, name: str) -> Any:
        if name in ("write", "flush", "read"):
            self._tick()
        return getattr(self._file, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
