"""No file can crash us, fill our memory, make us wait, or spoil the next file."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import get_args

import pytest

from lib.attachments import Attachment, Problem
from lib.attachments.names import LONGEST
from lib.intake import Limits, take_in
from lib.messages import FilePart, ImagePart, VideoPart
from tests.intake import made
from tests.intake.conftest import Taken
from tests.intake.hostile import FILES

MIB = 1024 * 1024
SLOWEST = 15.0


class Memory:
    """The most that this process had at once, watched from a thread: bytes above what it began with."""

    def __enter__(self) -> Memory:
        self._end = threading.Event()
        self._before = self.most = resident()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        return self.most - self._before

    def _watch(self) -> None:
        while not self._end.wait(0.005):
            self.most = max(self.most, resident())


def resident() -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def check(attachment: Attachment) -> None:
    """Either something can be sent and is sound, or there is a reason."""
    assert (attachment.problem is None) == bool(attachment.forms)
    assert attachment.problem is None or attachment.problem in get_args(Problem)
    assert 0 < len(attachment.name) <= LONGEST and attachment.name.isprintable() and "/" not in attachment.name
    for part in (part for form in attachment.forms for part in form.parts):
        assert isinstance(part, FilePart | ImagePart | VideoPart)
        if isinstance(part, FilePart):
            assert part.text.encode() and "root:" not in part.text
        else:
            assert part.data and part.url is None and part.width and part.height
            assert max(part.width, part.height) <= 8000


@pytest.mark.parametrize("what", FILES)
def test_a_hostile_file_ends_in_forms_or_in_a_reason(taken: Taken, what: str) -> None:
    name, make = FILES[what]
    data = make()
    with Memory() as memory:
        start = time.monotonic()
        attachment = taken(data, name)
        took = time.monotonic() - start
    check(attachment)
    assert attachment.size == len(data)
    assert took < SLOWEST
    assert memory.grown < 50 * MIB
    assert taken(made.png(40, 30)).problem is None, "the next good file works"


REASONS = {
    "no bytes": "empty",
    "noise as a picture": "unknown_type",
    "144 megapixels": "too_many_pixels",
    "81 megapixels": "too_many_pixels",
    "a JPEG header of 65,500 by 65,500": "too_many_pixels",
    "a Word file of 56 MB of blanks": "archive_bomb",
    "3,000 entries": "archive_bomb",
    "a locked archive": "protected",
    "a locked PDF": "protected",
    "a table with one cell far away": "too_much_memory",
    "a Word file of laughs": "damaged",
    "a plain archive": "unknown_type",
    "mp4 cut at 0.5": "damaged",
}


@pytest.mark.parametrize("what", REASONS)
def test_the_reason_is_the_right_one(taken: Taken, what: str) -> None:
    name, make = FILES[what]
    assert taken(make(), name).problem == REASONS[what]


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 60


def test_a_whole_clip_of_many_megabytes_does_not_pass_through_us(tmp_path: Path) -> None:
    """A file of 100 MB, most of it empty, above what is sent as it is."""
    data = made.mp4(options={"movflags": "frag_keyframe+empty_moov"})
    given = tmp_path / "large.mp4"
    with given.open("wb") as file:
        file.write(data + (100 * MIB).to_bytes(4, "big") + b"free")
        file.truncate(len(data) + 100 * MIB)
    with Memory() as memory:
        attachment = take_in(given, "large.mp4", folder=tmp_path / "work")
    assert [form.name for form in attachment.forms] == ["frames"]
    assert memory.grown < 20 * MIB


def test_a_clip_that_is_sent_is_held_once(tmp_path: Path) -> None:
    data = made.clip("avi", "rawvideo", seconds=8, size=(384, 288), rate=10)
    given = tmp_path / "raw.avi"
    given.write_bytes(data)
    assert len(data) > 12 * MIB
    with Memory() as memory:
        attachment = take_in(given, "raw.avi", folder=tmp_path / "work", limits=Limits(video_bytes=20 * MIB))
    assert attachment.chosen == "video"
    assert memory.grown < 1.5 * len(data) + 4 * MIB
