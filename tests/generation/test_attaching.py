"""Files on their way to a message: looked at, kept in the store or in memory, and nothing left lying about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.attachments import Attachment, Form
from lib.errors import BadInput, NotFound
from lib.generation.attaching import MOST_WAITING, Attaching, in_sending_order
from lib.generation.temporary_files import MOST_BYTES, MOST_PLACES, TemporaryFiles
from lib.messages import FilePart, ImagePart, TextPart, VideoPart
from tests.generation.scripted import House
from tests.intake import made


@pytest.fixture
def attaching(open_house: Callable[..., House], tmp_path: Path) -> Iterator[Attaching]:
    house = open_house()
    yield Attaching(house.store, house.desk.temporary, house.owner, tmp_path / "files", most_bytes=1_000_000)


def given(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "given"
    path.write_bytes(data)
    return path


@pytest.fixture(params=["new", "memory"])
def place(request: pytest.FixtureRequest, attaching: Attaching) -> str:
    return "new" if request.param == "new" else attaching.place_in_memory(None)


def test_a_picture_waits_in_its_forms_and_is_served(attaching: Attaching, place: str, tmp_path: Path) -> None:
    waiting = attaching.attach(place, "../photo.png", given(tmp_path, made.png(900, 600)))
    (found,) = attaching.list(place)
    assert (found.public_id, found.name, found.kind, found.width) == (waiting, "photo.png", "image", 900)
    thumb = attaching.served(waiting, "thumb")
    assert thumb.media_type.startswith("image/")
    assert len(thumb.read(0, thumb.size)) == thumb.size > 0
    whole = attaching.served(waiting, 0)
    attaching.choose(waiting, "small")
    small = attaching.served(waiting, 0)
    assert small.digest != whole.digest
    assert small.temporary is thumb.temporary is (place != "new")
    assert small.read(0, 4) == small.read(0, small.size)[:4]
    for unknown in (("nobody", 0), (waiting, 1), ("nobody", "thumb")):
        with pytest.raises(NotFound):
            attaching.served(*unknown)  # type: ignore[arg-type]


def test_a_video_becomes_as_many_frames_as_were_asked_for(attaching: Attaching, place: str, tmp_path: Path) -> None:
    waiting = attaching.attach(place, "clip.mp4", given(tmp_path, made.mp4(2)))
    attaching.as_frames(waiting, 4)
    (found,) = attaching.list(place)
    assert found.chosen == "frames"
    assert len(found.parts) == 4
    attaching.choose(waiting, "video")
    assert isinstance(attaching.list(place)[0].parts[0], VideoPart)


def test_what_waits_is_moved_and_removed(attaching: Attaching, place: str, tmp_path: Path) -> None:
    first, second = (attaching.attach(place, name, given(tmp_path, b"words")) for name in ("a.txt", "b.txt"))
    attaching.move(second, 0)
    assert [item.public_id for item in attaching.list(place)] == [second, first]
    attaching.remove(second)
    assert [item.public_id for item in attaching.list(place)] == [first]
    with pytest.raises(NotFound):
        attaching.remove(second)


def test_a_file_that_cannot_be_used_waits_with_its_problem(attaching: Attaching, place: str, tmp_path: Path) -> None:
    attaching.attach(place, "empty.png", given(tmp_path, b""))
    assert attaching.list(place)[0].problem == "empty"


def test_bytes_that_are_here_already_leave_no_file_behind(attaching: Attaching) -> None:
    attaching.attach_bytes("new", "Picture.jpg", made.jpeg(64, 48))
    assert attaching.list("new")[0].width == 64
    assert list(attaching.incoming.iterdir()) == []


def test_a_place_holds_only_so_many(attaching: Attaching) -> None:
    place = attaching.place_in_memory(None)
    for _ in range(MOST_WAITING):
        attaching.memory.add(place, Attachment("a", "document", "text/plain", 1))
    with pytest.raises(BadInput, match="too_many"):
        attaching.check_room(place)


def test_a_place_nobody_opened_takes_nothing(attaching: Attaching, tmp_path: Path) -> None:
    for place in ("memory-guessed", "no-such-chat"):
        with pytest.raises(NotFound):
            attaching.attach(place, "a.txt", given(tmp_path, b"words"))


def test_what_a_killed_process_left_is_cleared_at_the_start(open_house: Callable[..., House], tmp_path: Path) -> None:
    folder = tmp_path / "files" / "incoming"
    (folder / "intake-x").mkdir(parents=True)
    (folder / "intake-x" / "half").write_bytes(b"x")
    (folder / "left").write_bytes(b"x")
    house = open_house()
    Attaching(house.store, house.desk.temporary, house.owner, tmp_path / "files", most_bytes=1)
    assert list(folder.iterdir()) == []


def test_pictures_go_before_documents() -> None:
    picture, text, clip = ImagePart("image/png", b"x"), FilePart("a", "b"), VideoPart("video/mp4", b"y")
    assert in_sending_order((text, picture, clip, TextPart("c"))) == (picture, clip, TextPart("c"), text)


def test_memory_is_bounded_in_places_and_in_bytes() -> None:
    files = TemporaryFiles()
    first = files.open_place()
    for _ in range(MOST_PLACES):
        newest = files.open_place()
    assert not files.knows(first)
    half = Form("original", (ImagePart("image/png", url="stored:x", size=MOST_BYTES // 2 + 1),))
    files.add(newest, Attachment("a", "image", "image/png", 1, (half,)))
    with pytest.raises(BadInput, match="quota"):
        files.add(newest, Attachment("b", "image", "image/png", 1, (half,)))
    files.close_place(newest)
    with pytest.raises(NotFound):
        files.list(newest)


def test_pictures_of_a_message_get_smaller_and_the_rest_stays(attaching: Attaching) -> None:
    large, tiny, text = (
        ImagePart("image/jpeg", made.jpeg(1500, 1000), name="a.jpg", caption="0:01", detail="high"),
        ImagePart("image/png", made.png(20, 10)),
        TextPart("words"),
    )
    small, *others = attaching.smaller((large, tiny, text))
    assert isinstance(small, ImagePart)
    assert (small.width, small.height, small.name, small.caption, small.detail) == (768, 512, "a.jpg", "0:01", "high")
    assert len(small.data) < len(large.data)
    assert others == [tiny, text]
    assert list(attaching.incoming.iterdir()) == []


def test_what_came_while_a_message_was_being_sent_goes_on_waiting() -> None:
    files = TemporaryFiles()
    place = files.open_place()
    sent = files.add(place, Attachment("a.txt", "document", "text/plain", 1))
    late = files.add(place, Attachment("b.txt", "document", "text/plain", 1))
    files.clear(place, (sent.public_id,))
    assert [item.public_id for item in files.list(place)] == [late.public_id]
    files.clear("memory-unknown", (sent.public_id,))
