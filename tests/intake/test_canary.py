"""Where somebody was, and what they wrote into a file's notes, is in nothing that we keep."""

from __future__ import annotations

import io

import av
import pytest
from PIL import Image

from lib.attachments import Attachment
from lib.messages import ImagePart, VideoPart
from tests.intake import made
from tests.intake.conftest import Taken

SIGNS = (
    made.CANARY.encode(),
    made.CANARY.encode("utf-16-le"),
    b"48.2082",
    b"016.3738",
    b"48,12.492N",
    b"Exif\0",
    b"eXIf",
    b"xmpmeta",
    b"<script",
)
PLACE_BOXES = (b"\xa9xyz", b"loci", b"udta\0\0\0\0", b"\xa9nam", b"\xa9cmt")


def kept(attachment: Attachment) -> list[bytes]:
    """The bytes of everything that we keep of it."""
    parts = [part for form in attachment.forms for part in form.parts]
    parts += [attachment.thumb] if attachment.thumb else []
    return [part.data for part in parts if isinstance(part, ImagePart | VideoPart)]


MADE = {
    "photo.jpg": made.jpeg_with_gps,
    "large.jpg": lambda: made.jpeg_with_gps(6, 2400, 1800),
    "photo.heic": made.heic,
    "photo.avif": made.avif,
    "photo.png": made.png_with_gps,
    "photo.gif": made.gif,
    "photo.webp": lambda: made.saved(made.scene(), "WEBP", exif=made.exif(), xmp=made.xmp()),
    "photo.tif": lambda: made.saved(made.scene(), "TIFF", exif=made.exif(), description=made.CANARY),
    "clip.mp4": made.mp4_with_gps,
    "clip.mov": made.mov_with_gps,
    "clip.mkv": lambda: made.clip("matroska", "libx264", metadata={"title": made.CANARY, "LOCATION": made.PLACE}),
    "clip.webm": lambda: made.webm(metadata={"title": made.CANARY, "LOCATION": made.PLACE}),
    "clip.avi": lambda: made.clip("avi", "mpeg4", metadata={"title": made.CANARY}),
    "clip.wmv": lambda: made.clip("asf", "wmv2", metadata={"title": made.CANARY}),
    "clip.flv": lambda: made.clip("flv", "flv", metadata={"title": made.CANARY}),
    "sound.mp3": lambda: made.recording("mp3", "libmp3lame"),
    "sound.m4a": lambda: made.recording("ipod", "aac"),
}


@pytest.mark.parametrize("name", MADE)
def test_nothing_of_a_place_or_a_note_is_left(taken: Taken, name: str) -> None:
    data = MADE[name]()
    assert any(sign in data for sign in SIGNS), "the file does not carry what is to be taken out"
    attachment = taken(data, name)
    assert attachment.forms, attachment.problem
    for each in kept(attachment):
        assert not [sign for sign in (*SIGNS, *PLACE_BOXES) if sign in each]


@pytest.mark.parametrize("name", ["photo.jpg", "photo.heic", "photo.png"])
def test_a_picture_has_no_exif_left(taken: Taken, name: str) -> None:
    for each in kept(taken(MADE[name](), name)):
        opened = Image.open(io.BytesIO(each))
        assert dict(opened.getexif()) == {}
        assert not {"exif", "xmp", "comment", "icc_profile", "XML:com.adobe.xmp"} & set(opened.info)


def test_a_clip_tells_nothing_but_its_streams(taken: Taken) -> None:
    whole = taken(made.mov_with_gps()).forms[0].parts[0]
    assert isinstance(whole, VideoPart)
    with av.open(io.BytesIO(whole.data)) as opened:
        assert set(opened.metadata) <= {"major_brand", "minor_version", "compatible_brands"}
        assert [stream.type for stream in opened.streams] == ["video", "audio"]


def test_tracks_of_telemetry_and_titles_do_not_come_along(taken: Taken) -> None:
    """Cameras on helmets and drones write where they are as titles, every second."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as target:
        pictures = target.add_stream("libx264", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 160, 120, "yuv420p"
        titles = target.add_stream("ass")
        for n in range(10):
            target.mux(pictures.encode(av.VideoFrame.from_image(made.moving(n, 160, 120))))
        target.mux(pictures.encode(None))
        packet = av.Packet(f"0,0,Default,,0,0,0,,{made.PLACE}".encode())
        packet.stream, packet.pts, packet.dts, packet.duration = titles, 0, 0, 500
        target.mux(packet)
    assert made.PLACE.encode() in buffer.getvalue()
    attachment = taken(buffer.getvalue())
    assert [form.name for form in attachment.forms] == ["video", "frames"]
    assert made.PLACE.encode() not in b"".join(kept(attachment))


def test_notes_between_the_pictures_are_taken_out(taken: Taken) -> None:
    """Supplemental information of H.264 with text of the user's in it (payload 5: any bytes behind a UUID)."""
    note = b"\x06\x05" + bytes([16 + len(made.CANARY)]) + bytes(range(16, 32)) + made.CANARY.encode() + b"\x80"
    plain = made.clip("h264", "libx264")
    first = plain.index(b"\0\0\0\1\x65") if b"\0\0\0\1\x65" in plain else plain.index(b"\0\0\1\x65")
    raw = plain[:first] + b"\0\0\0\1" + note + plain[first:]
    buffer = io.BytesIO()
    with av.open(io.BytesIO(raw), format="h264") as source, av.open(buffer, "w", format="mpegts") as target:
        stream = target.add_stream_from_template(source.streams.video[0], opaque=True)
        for at, packet in enumerate(packet for packet in source.demux() if packet.size):
            packet.pts = packet.dts = at * 9000
            packet.time_base = stream.time_base
            packet.stream = stream
            target.mux(packet)
    assert made.CANARY.encode() in buffer.getvalue()
    attachment = taken(buffer.getvalue())
    assert [form.name for form in attachment.forms] == ["video", "frames"]
    assert made.CANARY.encode() not in b"".join(kept(attachment))
