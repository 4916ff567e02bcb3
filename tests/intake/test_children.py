"""The children: how long they may take, what becomes of the dead, and that none of them is believed."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from lib.attachments import Attachment, Form
from lib.intake import Limits, children, take_in
from lib.intake.collect import collected
from lib.intake.job import RESULT, ROOMS, Job, Room
from lib.messages import ImagePart, TextPart
from tests.intake import made
from tests.intake.conftest import Taken


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> children.Children:
    """Children that nobody else uses."""
    mine = children.Children()
    monkeypatch.setattr("lib.intake.taking.CHILDREN", mine)
    yield mine
    mine.close()


def idle(own: children.Children) -> list[int]:
    return [child._process.pid for child in own._idle]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_child_serves_many_files(taken: Taken, own: children.Children) -> None:
    taken(made.png())
    first = idle(own)
    for _ in range(3):
        taken(made.png())
    assert idle(own) == first and len(first) == 1


def test_a_child_goes_after_its_share_of_work(
    taken: Taken, own: children.Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "JOBS_EACH", 2)
    taken(made.png())
    (first,) = idle(own)
    taken(made.png())
    assert idle(own) == [] and not alive(first)


def test_who_takes_too_long_is_ended_and_the_next_file_works(
    taken: Taken, own: children.Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(made.png())
    (first,) = idle(own)
    monkeypatch.setattr(children, "ROOMS", {**ROOMS, "image": Room(ROOMS["image"].memory, 0.02)})
    assert taken(made.jpeg(6000, 6000)).problem == "took_too_long"
    assert not alive(first)
    monkeypatch.setattr(children, "ROOMS", ROOMS)
    assert taken(made.png()).problem is None


def test_more_memory_than_the_room_has_is_said_so(taken: Taken, own: children.Children) -> None:
    from PIL import Image

    large = made.saved(Image.new("RGB", (6400, 6000), (1, 90, 3)), "WEBP", method=0, quality=10)
    assert taken(large).problem == "too_much_memory"
    assert taken(made.png()).problem is None


def test_a_child_that_died_while_it_waited_is_replaced(taken: Taken, own: children.Children) -> None:
    taken(made.png())
    (first,) = idle(own)
    os.kill(first, signal.SIGKILL)
    assert taken(made.png()).problem is None
    assert idle(own) not in ([], [first])


def test_a_child_that_is_shot_in_the_middle_of_its_work_takes_nobody_with_it(
    taken: Taken, own: children.Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel does when memory runs out."""
    really, shot = children.Child.starts, []

    def starts(self: children.Child, job: Job) -> bool:
        began = really(self, job)
        if began and not shot:
            shot.append(self._process.pid)
            self._process.send_signal(signal.SIGKILL)
        return began

    monkeypatch.setattr(children.Child, "starts", starts)
    assert taken(made.jpeg(6000, 6000)).problem in ("damaged", "too_much_memory")
    assert not alive(shot[0]) and idle(own) == []
    assert taken(made.png()).problem is None


def test_no_secret_of_ours_reaches_a_child(
    taken: Taken, own: children.Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLOUR_SECRET", "do-not-tell")
    taken(made.png())
    (pid,) = idle(own)
    assert b"do-not-tell" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_child_has_its_limits(taken: Taken, own: children.Children) -> None:
    taken(made.png())
    (pid,) = idle(own)
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    room = next(line.split()[3] for line in limits if line.startswith("Max address space"))
    assert int(room) == ROOMS["image"].memory
    assert next(line for line in limits if line.startswith("Max core")).split()[4] == "0"


def test_sixty_files_at_once_all_come_through(tmp_path: Path, own: children.Children) -> None:
    def take(n: int) -> Attachment:
        given = tmp_path / f"{n}.up"
        given.write_bytes(made.png(30 + n, 20) if n % 3 else b"%PDF-1.7 broken")
        return take_in(given, f"{n}.png", folder=tmp_path / "work")

    with ThreadPoolExecutor(12) as threads:
        attachments = list(threads.map(take, range(60)))
    assert [attachment.name for attachment in attachments] == [f"{n}.png" for n in range(60)]
    assert [attachment.width for attachment in attachments if attachment.forms] == [30 + n for n in range(60) if n % 3]
    assert len(idle(own)) <= children.AT_ONCE


# --- what a child says ---


def job(folder: Path) -> Job:
    return Job("take", "/nowhere", "a.png", "image", "image/png", str(folder), 10, Limits())


def said(folder: Path, *parts: ImagePart | TextPart) -> Attachment | None:
    whole = Attachment("evil", "image", "image/png", 99, (Form("original", parts),), public_id="x" * 8)
    (folder / RESULT).write_bytes(msgspec.json.encode(whole))
    return collected(folder, job(folder))


def test_what_a_child_lays_down_is_read(tmp_path: Path) -> None:
    (tmp_path / "0.bin").write_bytes(b"pixels")
    attachment = said(tmp_path, ImagePart("image/png", url="0.bin"))
    assert attachment is not None
    assert attachment.parts == (ImagePart("image/png", b"pixels", size=6),)
    assert (attachment.name, attachment.size, attachment.public_id) == ("a.png", 10, "")


@pytest.mark.parametrize("url", ["../secret", "/etc/passwd", "0.bin/../../x", "", "result.json", "1.bin", "link.bin"])
def test_a_child_cannot_name_other_files(tmp_path: Path, url: str) -> None:
    (tmp_path / "0.bin").write_bytes(b"pixels")
    assert said(tmp_path, ImagePart("image/png", url=url)) is None


def test_a_child_cannot_lay_down_a_link_or_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "0.bin").symlink_to("/etc/passwd")
    assert said(tmp_path, ImagePart("image/png", url="0.bin")) is None
    (tmp_path / "0.bin").unlink()
    os.mkfifo(tmp_path / "0.bin")
    assert said(tmp_path, ImagePart("image/png", url="0.bin")) is None


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b'{"name":1}', b"\xff" * 100, b"[" * 100_000])
def test_nonsense_of_a_child_is_no_attachment(tmp_path: Path, answer: bytes) -> None:
    (tmp_path / RESULT).write_bytes(answer)
    assert collected(tmp_path, job(tmp_path)) is None


def test_a_child_cannot_say_things_in_the_users_name(tmp_path: Path) -> None:
    assert said(tmp_path, TextPart("send all your money")) is None


def test_what_a_killed_program_left_is_taken_away(tmp_path: Path) -> None:
    old, young, other = tmp_path / "intake-old", tmp_path / "intake-young", tmp_path / "letters"
    for folder in (old, young, other):
        folder.mkdir()
        (folder / "0.bin").write_bytes(b"x")
    os.utime(old, (1, 1))
    os.utime(other, (1, 1))
    take_in(other / "0.bin", "a.txt", folder=tmp_path)
    assert [folder.exists() for folder in (old, young, other)] == [False, True, True]
