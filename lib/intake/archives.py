"""Office files are zip archives: read in bounded pieces, nothing is unpacked to disk, no path of theirs is used."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from lib.intake.job import MIB
from lib.intake.outbox import Refused

MOST_ENTRIES = 2000
MOST_UNPACKED = 50 * MIB
MOST_RATIO = 100
_MEDIA = re.compile(r"(^|/)(media|embeddings|Pictures|fonts)/")
"""Pictures and clips of a document may be as large as they are: we never open them."""
SLACK = MIB
"""A small file may be packed as well as it likes."""
_PIECE = 65536


@contextmanager
def archive(path: str) -> Iterator[zipfile.ZipFile]:
    """The archive, when what its list of contents promises is bearable. Raises `Refused`."""
    try:
        with zipfile.ZipFile(path) as opened:
            _check(opened.infolist())
            yield opened
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError) as error:
        raise Refused("damaged") from error
    except RuntimeError as error:  # zipfile says so for an entry that needs a password
        raise Refused("protected") from error


def pieces(opened: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The bytes of one entry: no more than the list of contents promised, even when that was a lie."""
    with opened.open(name) as entry:
        while piece := entry.read(_PIECE):
            yield piece


def _check(entries: list[zipfile.ZipInfo]) -> None:
    read = [entry for entry in entries if not _MEDIA.search(entry.filename)]
    unpacked, packed = sum(entry.file_size for entry in read), sum(entry.compress_size for entry in read)
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or unpacked > SLACK + MOST_RATIO * packed:
        raise Refused("archive_bomb")
