"""Clips and sound: what is sent as it is, what as pictures, and what their containers really say."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image

from lib.attachments import Attachment
from lib.errors import BadInput
from lib.intake import Limits, frames
from lib.messages import VideoPart
from tests.intake import made
from tests.intake.conftest import Taken


def whole(attachment: Attachment) -> VideoPart:
    (part,) = next(form for form in attachment.forms if form.name == "video").parts
    assert isinstance(part, VideoPart)
    assert part.size == len(part.data)
    return part


def decoded(data: bytes) -> tuple[int, float]:
    """How many pictures really come out, and the time of the last one."""
    with av.open(io.BytesIO(data)) as opened:
        times = [frame.time or 0.0 for frame in opened.decode(video=0)]
    return len(times), max(times)


@pytest.mark.parametrize(
    ("format", "codec", "sound", "seen_as", "sent_as"),
    [
        ("mp4", "libx264", "aac", "video/mp4", "video/mp4"),
        ("mov", "libx264", "aac", "video/quicktime", "video/mp4"),
        ("mov", "libx264", "pcm_s16le", "video/quicktime", "video/quicktime"),
        ("matroska", "libx264", "", "video/x-matroska", "video/mp4"),
        ("webm", "libvpx", "libopus", "video/webm", "video/webm"),
        ("3gp", "mpeg4", "", "video/3gpp", "video/mp4"),
        ("avi", "mpeg4", "", "video/x-msvideo", "video/mp4"),
        ("mpeg", "mpeg2video", "", "video/mpeg", "video/mpeg"),
        ("flv", "flv", "", "video/x-flv", "video/x-flv"),
        ("asf", "wmv2", "", "video/x-ms-wmv", "video/x-ms-wmv"),
        ("mpegts", "libx264", "", "video/mp2t", "video/mp4"),
    ],
)
def test_each_container_is_packed_anew_with_all_its_pictures(
    taken: Taken, format: str, codec: str, sound: str, seen_as: str, sent_as: str
) -> None:
    attachment = taken(made.clip(format, codec, seconds=2, rate=25, sound=sound), "holiday.mov")
    part = whole(attachment)
    assert (attachment.kind, attachment.media_type, part.media_type) == ("video", seen_as, sent_as)
    assert attachment.chosen == "video"
    assert (attachment.width, attachment.height) == (320, 240)
    assert attachment.seconds == pytest.approx(2, abs=0.15)
    n, last = decoded(part.data)
    assert n >= 49 and last == pytest.approx(1.96, abs=1)


def test_pictures_with_notes_of_their_own_are_not_copied(taken: Taken) -> None:
    """Motion JPEG: every picture may say where it was taken."""
    attachment = taken(made.clip("avi", "mjpeg", pixels="yuvj420p"))
    assert [form.name for form in attachment.forms] == ["frames"]


def test_the_name_ends_as_what_the_clip_is_now(taken: Taken) -> None:
    assert whole(taken(made.mov_with_gps(), "IMG_1.MOV")).name == "IMG_1.mp4"
    assert whole(taken(made.mp4(1), "IMG_1.m4v")).name == "IMG_1.m4v"


def test_pictures_are_spread_over_the_clip_and_say_when(taken: Taken) -> None:
    attachment = taken(made.mp4(seconds=16, rate=5), "clip.mp4")
    form = next(form for form in attachment.forms if form.name == "frames")
    assert [part.caption for part in form.parts] == [f"clip.mp4 at 0:{n:02d}" for n in range(1, 16, 2)]
    brightest = [brightest_column(part.data) for part in form.parts]
    assert len(set(brightest)) == 8, "eight different moments"


def brightest_column(data: bytes) -> int:
    picture = Image.open(io.BytesIO(data)).convert("L").resize((320, 1))
    return max(range(320), key=lambda x: picture.getpixel((x, 0)))


def test_close_pictures_tell_tenths_and_a_short_clip_has_few(taken: Taken) -> None:
    form = taken(made.mp4(seconds=0.3, rate=10), "c.mp4").forms[1]
    assert [part.caption for part in form.parts] == ["c.mp4 at 0:00.0", "c.mp4 at 0:00.1", "c.mp4 at 0:00.2"]


def test_a_clip_above_the_cap_is_offered_as_pictures_only(taken: Taken) -> None:
    attachment = taken(made.mp4(), limits=Limits(video_bytes=5000))
    assert [form.name for form in attachment.forms] == ["frames"]
    assert attachment.chosen == "frames"
    assert attachment.seconds == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_clip_held_upright_stays_upright(taken: Taken, turned: int) -> None:
    attachment = taken(made.mp4(1, turned=turned))
    wanted = (320, 240) if turned == 180 else (240, 320)
    assert (attachment.width, attachment.height) == wanted
    assert {(part.width, part.height) for part in attachment.forms[1].parts} == {wanted}
    with av.open(io.BytesIO(whole(attachment).data)) as opened:
        assert next(opened.decode(video=0)).rotation % 360 == turned


def test_of_a_broken_off_clip_what_can_be_read_is_taken(taken: Taken) -> None:
    data = made.webm(seconds=4)
    attachment = taken(data[: len(data) * 6 // 10])
    assert attachment.forms[0].note == "cut"
    assert attachment.seconds is not None and 1 < attachment.seconds < 3.5
    assert taken(made.mp4()[:6000]).problem == "damaged"


@pytest.mark.parametrize("n", [1, 3, 12])
def test_the_user_chooses_how_many_pictures(tmp_path: Path, n: int) -> None:
    data = made.mp4(seconds=12, rate=2)
    form = frames(data, n, "clip.mp4", folder=tmp_path)
    assert (form.name, len(form.parts)) == ("frames", n)
    given = tmp_path / "given"
    given.write_bytes(data)
    assert [part.caption for part in frames(given, n, "clip.mp4", folder=tmp_path).parts] == [
        part.caption for part in form.parts
    ]
    assert list(tmp_path.iterdir()) == [given]


def test_more_than_thirty_pictures_are_never_made(tmp_path: Path) -> None:
    assert len(frames(made.mp4(seconds=8, rate=5), 1000, "c.mp4", folder=tmp_path).parts) == 30


def test_pictures_of_what_is_no_clip_are_refused(tmp_path: Path) -> None:
    for data, reason in ((made.png(), "unknown_type"), (made.mp4()[:6000], "damaged"), (b"", "unknown_type")):
        with pytest.raises(BadInput) as caught:
            frames(data, 3, "c.mp4", folder=tmp_path)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("format", "codec", "media_type"),
    [
        ("wav", "pcm_s16le", "audio/wav"),
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("ogg", "libopus", "audio/ogg"),
        ("flac", "flac", "audio/flac"),
        ("ipod", "aac", "audio/mp4"),
        ("adts", "aac", "audio/aac"),
        ("webm", "libopus", "video/webm"),
    ],
)
def test_sound_becomes_a_clip_with_one_dark_picture(taken: Taken, format: str, codec: str, media_type: str) -> None:
    attachment = taken(made.recording(format, codec, seconds=3), "memo.wav")
    part = whole(attachment)
    assert (attachment.kind, attachment.media_type, attachment.forms[0].note) == ("sound", media_type, "sound_as_video")
    assert (part.media_type, part.name) == ("video/mp4", "memo.mp4")
    assert attachment.seconds == pytest.approx(3, abs=0.15)
    with av.open(io.BytesIO(part.data)) as opened:
        assert [stream.type for stream in opened.streams] == ["video", "audio"]
        heard = sum(frame.samples / frame.sample_rate for frame in opened.decode(audio=0))
    assert heard == pytest.approx(3, abs=0.2)
    assert decoded(part.data)[1] >= 2


def test_a_long_recording_is_cut_where_it_would_be_too_large(taken: Taken) -> None:
    attachment = taken(made.recording(seconds=20), limits=Limits(video_bytes=30_000))
    assert attachment.forms[0].note == "sound_cut"
    assert len(whole(attachment).data) <= 30_000
    assert attachment.seconds is not None and attachment.seconds < 10


def test_the_times_of_a_clip_only_ever_go_forward(taken: Taken) -> None:
    for data in (made.clip("mpegts", "libx264", seconds=5), made.clip("mpeg", "mpeg2video", seconds=5, rate=25)):
        times = [part.caption.rpartition(":")[2] for part in taken(data, "c").forms[1].parts]
        assert len(times) == 8
        assert all(float(one) < float(next_one) for one, next_one in pairwise(times))
