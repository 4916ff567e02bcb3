"""The health of SQLite's write-ahead log, looked at before SQLite reads it.

SQLite takes the first frame that does not fit for the end of the log. After a crash that is right: the last
transaction may be torn. But where the middle of the log was damaged, SQLite would silently forget what was committed
behind it. The format is the one of "WAL-mode File Format" in SQLite's documentation.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from lib.errors import StoreDamaged

_HEAD_BYTES, _FRAME_HEAD_BYTES = 32, 24
_BIG_ENDIAN_SUMS = {0x377F0682: False, 0x377F0683: True}
_MASK = 0xFFFFFFFF

Sums = tuple[int, int]


def check_log(wal: Path) -> None:
    """Raises StoreDamaged when something that was committed lies behind a frame that cannot be read.

    A log that was merely cut off at its end, or whose last transaction is torn, is as a crash leaves it. With
    synchronous=FULL nothing is written behind a commit before that commit is on the disk: so a frame that goes on
    from a commit proves that it was.
    """
    with wal.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if wal.stat().st_size <= _HEAD_BYTES:
            return
        magic, _, page_bytes = struct.unpack(">3I", head[:12])
        big = _BIG_ENDIAN_SUMS.get(magic)
        sums = struct.unpack(">2I", head[24:32])
        if big is None or page_bytes not in _PAGES or _sums(head[:24], (0, 0), big) != sums:
            raise StoreDamaged("the head of the write-ahead log is damaged", path=str(wal))
        if not _whole(file, _FRAME_HEAD_BYTES + page_bytes, head[16:24], sums, big):
            raise StoreDamaged("the write-ahead log is damaged before a later commit", path=str(wal))


_PAGES = frozenset(1 << power for power in range(9, 17))


def _whole(file: BinaryIO, frame_bytes: int, salts: bytes, sums: Sums, big: bool) -> bool:
    """Whether no frame that does not fit is followed by a commit and a frame that goes on from it."""
    lost = committed = False
    while len(frame := file.read(frame_bytes)) == frame_bytes:
        if frame[8:16] != salts:  # of an earlier round of the log, or damaged
            lost, committed = True, False
            continue
        said: Sums = struct.unpack(">2I", frame[16:24])
        fits = _sums(frame[:8] + frame[_FRAME_HEAD_BYTES:], sums, big) == said
        if lost and committed and fits:
            return False
        lost = lost or not fits
        committed = frame[4:8] != b"\0\0\0\0"
        sums = said
    return True


def _sums(data: bytes, sums: Sums, big: bool) -> Sums:
    """SQLite's running checksum over an even number of 32-bit words."""
    first, second = sums
    for one, other in struct.iter_unpack(">2I" if big else "<2I", data):
        first = (first + one + second) & _MASK
        second = (second + other + first) & _MASK
    return first, second
