"""A recorder between SQLite and the disk: every write, cut and sync of the files of one database, in order.

SQLite reaches its files through a table of functions of the operating system ("The OS Interface (VFS)" in its
documentation). Here Python stands in three of them for each file that is opened, notes the call, and passes it on.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

_LIBRARY = ctypes.util.find_library("sqlite3")


class Deed(Struct):
    """`name` is the file; a write has its offset and bytes, a cut its new length, a mark what was acknowledged."""

    what: str
    name: str = ""
    offset: int = 0
    data: bytes = b""


class Unreachable(Exception):
    """This Python carries a SQLite of its own that cannot be reached from here."""


_Open = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int)
)
_Write = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64)
_Cut = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64)
_Sync = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class _Vfs(ctypes.Structure):
    _fields_ = (
        *(("version", ctypes.c_int), ("file_size", ctypes.c_int), ("most_path", ctypes.c_int)),
        *(("next", ctypes.c_void_p), ("name", ctypes.c_char_p), ("data", ctypes.c_void_p)),
        *(("open", _Open), ("delete", ctypes.c_void_p)),
        ("rest", ctypes.c_void_p * 14),
    )


class _Methods(ctypes.Structure):
    _fields_ = (
        *(("version", ctypes.c_int), ("close", ctypes.c_void_p), ("read", ctypes.c_void_p)),
        *(("write", _Write), ("cut", _Cut), ("sync", _Sync)),
        ("rest", ctypes.c_void_p * 13),
    )


class _File(ctypes.Structure):
    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


class Recorder:
    """`deeds` of the files whose name begins with `path`."""

    def __init__(self, path: Path) -> None:
        self.deeds: list[Deed] = []
        self._path = str(path)
        self._held: list[Any] = []
        self._tables: dict[int, tuple[Any, Any]] = {}
        self._names: dict[int, str] = {}

    def mark(self, what: str) -> None:
        """Note that the program was told that this is committed."""
        self.deeds.append(Deed("mark", what))

    def opened(self, file: int, name: bytes | None) -> None:
        """Put ourselves into the file's table of functions."""
        if name is None or not name.decode().startswith(self._path):
            return
        handle = ctypes.cast(file, ctypes.POINTER(_File)).contents
        if not handle.methods:
            return
        table = ctypes.addressof(handle.methods.contents)
        if table not in self._tables:
            self._tables[table] = self._ours(handle.methods.contents)
        self._names[file] = name.decode()
        handle.methods = ctypes.pointer(self._tables[table][0])

    def _ours(self, real: _Methods) -> tuple[_Methods, Any]:
        ours = _Methods()
        ctypes.pointer(ours)[0] = real
        real_write = _Write(self._address(real, "write"))
        real_cut = _Cut(self._address(real, "cut"))
        real_sync = _Sync(self._address(real, "sync"))

        def on_write(file: int, data: int, size: int, offset: int) -> int:
            self.deeds.append(Deed("write", self._names[file], offset, ctypes.string_at(data, size)))
            return int(real_write(file, data, size, offset))

        def on_cut(file: int, size: int) -> int:
            self.deeds.append(Deed("cut", self._names[file], size))
            return int(real_cut(file, size))

        def on_sync(file: int, flags: int) -> int:
            result = int(real_sync(file, flags))
            self.deeds.append(Deed("sync", self._names[file]))
            return result

        held = (_Write(on_write), _Cut(on_cut), _Sync(on_sync))
        ours.write, ours.cut, ours.sync = held
        return ours, held

    @staticmethod
    def _address(real: _Methods, name: str) -> int:
        return int(ctypes.cast(getattr(real, name), ctypes.c_void_p).value or 0)


@contextmanager
def recording(path: Path) -> Iterator[Recorder]:
    """Every SQLite file that is opened meanwhile and begins with `path` is recorded. Raises Unreachable."""
    if not _LIBRARY:
        raise Unreachable
    library = ctypes.CDLL(_LIBRARY)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    usual = library.sqlite3_vfs_find(None)
    ours, recorder = _Vfs(), Recorder(path)
    ctypes.pointer(ours)[0] = usual.contents
    ours.name = b"recorder"
    real_open = _Open(int(ctypes.cast(usual.contents.open, ctypes.c_void_p).value or 0))

    def on_open(vfs: int, name: bytes | None, file: int, flags: int, told: Any) -> int:
        result = int(real_open(vfs, name, file, flags, told))
        if result == 0:
            recorder.opened(file, name)
        return result

    kept = _Open(on_open)
    ours.open = kept
    library.sqlite3_vfs_register(ctypes.byref(ours), 1)
    try:
        _require_ours(path, recorder)
        yield recorder
    finally:
        library.sqlite3_vfs_unregister(ctypes.byref(ours))
        library.sqlite3_vfs_register(usual, 1)


def _require_ours(path: Path, recorder: Recorder) -> None:
    probe = path.with_name(path.name + ".probe")
    with closing(sqlite3.connect(probe)) as connection:
        connection.execute("CREATE TABLE x (y)")
    probe.unlink()
    if not recorder.deeds:
        raise Unreachable
    recorder.deeds.clear()
