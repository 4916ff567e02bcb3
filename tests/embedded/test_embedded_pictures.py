"""Pictures and videos are measured from their headers and described within bounds, whatever the bytes are."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.embedded.image_header import size_of, sniff
from lib.embedded.pictures import describe_image, dominant_colours, name_of
from lib.embedded.video_header import video_seconds
from tests.embedded.requests_table import picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_size_and_type_are_read_from_the_header(kind: str) -> None:
    data = picture((123, 45), kind)
    assert sniff(data) == f"image/{kind.lower()}"
    assert size_of(data) == (123, 45)
    assert size_of(data[:8]) is None


@pytest.mark.parametrize(("colour", "name"), [("#d22828", "red"), ("#ffffff", "white"), ("#2d5fd2", "blue")])
def test_the_main_colour_has_a_name(colour: str, name: str) -> None:
    assert dominant_colours(picture(colour=colour)) == [f"{name} ({colour}, 100 %)"]


def test_the_nearest_name_wins() -> None:
    assert name_of((3, 2, 1)) == "black"


def bomb(side: int) -> bytes:
    """A PNG whose header promises side × side pixels and whose body holds none."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7000, 20_000, 60_000])
def test_a_picture_that_is_too_large_is_not_decoded(side: int) -> None:
    assert "too large" in describe_image(bomb(side))
    assert dominant_colours(bomb(side)) == []


def test_a_truncated_picture_is_said_to_be_undecodable() -> None:
    data = picture((200, 200), "JPEG")
    assert "cannot be decoded" in describe_image(data[: len(data) - 400])


@given(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]), st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_pictures_are_described_without_harm(kind: str, data: st.DataObject) -> None:
    raw = bytearray(picture((31, 17), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert describe_image(bytes(raw[: data.draw(st.integers(1, len(raw)))])).startswith("A **")


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_any_bytes_have_a_length_in_seconds(data: bytes) -> None:
    assert video_seconds(b"mvhd" + data) >= 0
    assert size_of(data) is None or min(size_of(data) or (0, 0)) > 0
