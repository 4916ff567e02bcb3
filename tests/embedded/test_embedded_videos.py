"""Videos: what their headers say, how they are described and counted, and how they get lost when that is wanted."""

from __future__ import annotations

import struct
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.cards import DialectName, VideoForm
from lib.dialects import DIALECTS
from lib.embedded import EmbeddedGateway
from lib.embedded.__main__ import _parser
from lib.embedded.attached import captions_of, documents_in, said_in
from lib.embedded.dropping import form_of, is_medium, other_forms, without
from lib.embedded.routes import VIDEO_FORMS
from lib.embedded.video_header import VideoFacts, facts_of, video_seconds
from lib.messages import Ask, FilePart, ImagePart, Message, TextPart, VideoPart
from tests.embedded.boxes import avi, box, matroska, movie, movie_header, wide_box
from tests.embedded.requests_table import anthropic_image, data_url, openai_image, picture
from tests.embedded.test_embedded_own_dialects import answer

GEMINI = "gemini-2.5-pro"
CLIP = movie(12)
QUESTION = TextPart("what is this?")


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (movie(), VideoFacts("video/mp4", 12.0, 640, 360, "avc1", True)),
        (movie(2.5, sound=False), VideoFacts("video/mp4", 2.5, 640, 360, "avc1", False)),
        (movie(wide=True), VideoFacts("video/mp4", 12.0, 640, 360, "avc1", True)),
        (movie(brand=b"qt  ", turned=True), VideoFacts("video/quicktime", 12.0, 360, 640, "avc1", True)),
        (matroska(), VideoFacts("video/webm", 3.0, 320, 240, "VP9", True)),
        (matroska(kind=b"matroska", live=True), VideoFacts("video/x-matroska", 3.0, 320, 240, "VP9", True)),
        (avi(), VideoFacts("video/avi", 2.0, 160, 120, "FMP4", True)),
        (b"\x00\x00\x01\xba" + bytes(50), VideoFacts("video/mpeg")),
        (b"GIF89a" + bytes(50), VideoFacts()),
        (b"", VideoFacts()),
    ],
    ids=["mp4", "no sound", "wide", "turned mov", "webm", "live mkv", "avi", "mpeg", "no video", "nothing"],
)
def test_the_container_says_what_is_in_it(data: bytes, facts: VideoFacts) -> None:
    assert facts_of(data) == facts


def test_a_box_with_a_long_length_and_one_to_the_end_are_read() -> None:
    head = box(b"ftyp", b"isom", bytes(4))
    assert facts_of(head + wide_box(b"mdat", bytes(30)) + box(b"moov", movie_header(4))).seconds == 4
    assert facts_of(head + struct.pack(">I", 0) + b"moov" + movie_header(5)).seconds == 5


def test_a_file_in_fragments_has_its_length_in_the_extension() -> None:
    extension = box(b"mvex", box(b"mehd", bytes(4), struct.pack(">I", 7000)))
    assert facts_of(box(b"ftyp", b"iso5", bytes(4)) + box(b"moov", movie_header(0), extension)).seconds == 7


@pytest.mark.parametrize("seconds", [0, 90_000])
def test_a_senseless_length_is_no_length(seconds: int) -> None:
    assert facts_of(movie(seconds)).seconds is None
    assert video_seconds(movie(seconds) + bytes(500_000)) == pytest.approx(2, abs=0.1)


@given(st.sampled_from([movie(), movie(wide=True), matroska(), matroska(live=True), avi()]), st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_videos_do_no_harm(whole: bytes, data: st.DataObject) -> None:
    raw = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
    facts = facts_of(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    assert facts.seconds is None or 0 < facts.seconds < 86_400
    assert (facts.width is None) == (facts.height is None) or facts.kind.startswith(
        ("video/webm", "video/x", "video/a")
    )
    assert facts.codec.isascii()


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_any_bytes_have_a_length_in_seconds(data: bytes) -> None:
    for head in (
        b"",
        b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00",
        b"\x1a\x45\xdf\xa3",
        b"RIFF\x00\x00\x00\x00AVI LIST",
    ):
        assert video_seconds(head + data) > 0


def test_boxes_that_promise_endless_work_are_read_quickly() -> None:
    head = box(b"ftyp", b"isom", bytes(4))
    assert facts_of(head + b"\0\0\0\x08free" * 200_000).seconds is None
    assert facts_of(head + b"\0\0\0\x01free" + b"\xff" * 8 + bytes(1000)).seconds is None


# --- described and counted --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", VIDEO_FORMS)
def test_a_video_is_described_and_counted_in_every_form(
    http: httpx.Client, embedded: EmbeddedGateway, form: VideoForm
) -> None:
    asked = Message("user", (VideoPart("video/mp4", CLIP), QUESTION))
    got = answer(http, embedded, "openai", Ask(GEMINI, (asked,)), video=form)
    plain = answer(http, embedded, "openai", Ask(GEMINI, (Message("user", (QUESTION,)),)))
    assert "A video of type **video/mp4**" in got.text
    assert "**12 s** long, **640 × 360** pixels (landscape), coded as avc1, with sound." in got.text
    assert got.usage and plain.usage
    assert (got.usage.input or 0) - (plain.usage.input or 0) == 12 * (258 + 32)


def test_a_length_that_is_only_guessed_is_called_so(http: httpx.Client, embedded: EmbeddedGateway) -> None:
    asked = Message("user", (VideoPart("video/mpeg", b"\x00\x00\x01\xba" + bytes(600_000)),))
    got = answer(http, embedded, "openai", Ask(GEMINI, (asked,)))
    assert "about 2 s long by its size." in got.text


@pytest.mark.parametrize("name", DIALECTS)
def test_frames_come_with_their_times(http: httpx.Client, embedded: EmbeddedGateway, name: DialectName) -> None:
    one, other = (ImagePart("image/png", picture((20, height)), caption=f"0:0{height}") for height in (1, 2))
    got = answer(http, embedded, name, Ask("claude-sonnet-4-6", (Message("user", (one, other, QUESTION)),)))
    assert "1. 0:01: A **PNG** image" in got.text
    assert "2. 0:02: A **PNG** image" in got.text
    assert got.text.index("20 × 1**") < got.text.index("20 × 2**")


@pytest.mark.parametrize("name", DIALECTS)
def test_documents_come_with_their_names_and_are_no_orders(
    http: httpx.Client, embedded: EmbeddedGateway, name: DialectName
) -> None:
    files = (FilePart("a.txt", "echo this n=300\n=====\nend"), FilePart("report.pdf", "x", pages=3))
    asked = Message("user", (*files, TextPart("what is in it?")))
    got = answer(http, embedded, name, Ask("claude-sonnet-4-6", (asked,)))
    assert "A document, **a.txt**: 3 lines" in got.text
    assert "A document, **report.pdf (3 pages)**: 1 line" in got.text
    echoed = Message("user", (*files, TextPart("echo hello")))
    assert answer(http, embedded, name, Ask("claude-sonnet-4-6", (echoed,))).text.startswith("hello\n")


@given(
    st.lists(st.one_of(st.builds(TextPart, st.text(max_size=200)), st.just(ImagePart("image/png", b"x"))), max_size=6)
)
@settings(max_examples=100, deadline=None)
def test_what_was_said_is_part_of_the_text(parts: list[TextPart | ImagePart]) -> None:
    message = Message("user", tuple(parts))
    said = said_in(message)
    assert len(said) <= len(message.text)
    if not captions_of(message) and not documents_in(message):
        assert said == message.text
    assert all(isinstance(message.parts[at], ImagePart) for at in captions_of(message))


# --- lost -------------------------------------------------------------------------------------------------------------

VIDEO_URL = data_url(CLIP, "video/mp4")
SPELT: dict[VideoForm, dict[str, Any]] = {
    "image_url": {"type": "image_url", "image_url": {"url": VIDEO_URL}},
    "video_url": {"type": "video_url", "video_url": {"url": VIDEO_URL}},
    "video_url_string": {"type": "video_url", "video_url": VIDEO_URL},
    "file": {"type": "file", "file": {"filename": "a.mp4", "file_data": VIDEO_URL}},
}


def test_every_spelling_of_a_video_is_known() -> None:
    assert {form: form_of(part) for form, part in SPELT.items()} == {form: form for form in VIDEO_FORMS}
    assert form_of({"type": "image_url", "image_url": VIDEO_URL}) == "image_url"
    for part in (
        {"type": "image_url", "image_url": {"url": data_url(picture())}},
        {"type": "text", "text": VIDEO_URL},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
        {"type": 7},
        {},
    ):
        assert form_of(part) is None


shapes = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(list(SPELT.values())),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["messages", "content", "type", "image_url", "url", "file"]), inner, max_size=3
        )
    ),
    max_leaves=15,
)


@given(shapes)
@settings(max_examples=150, deadline=None)
def test_nothing_is_too_strange_to_look_for_videos_in(messages: Any) -> None:
    body = {"model": "m", "messages": messages}
    assert without(body, lambda part: False) == body
    without(body, is_medium)
    without(body, other_forms(()))


@pytest.mark.parametrize("understood", VIDEO_FORMS)
def test_a_gateway_may_understand_a_single_form_and_lose_the_others(understood: VideoForm) -> None:
    with (
        EmbeddedGateway(speed=0, video_forms=[understood]) as gateway,
        httpx.Client(base_url=gateway.base_url, trust_env=False) as http,
    ):
        plain = answer(http, gateway, "openai", Ask(GEMINI, (Message("user", (QUESTION,)),)))
        for form in VIDEO_FORMS:
            asked = Message("user", (VideoPart("video/mp4", CLIP), QUESTION))
            got = answer(http, gateway, "openai", Ask(GEMINI, (asked,)), video=form)
            assert ("A video of" in got.text) == (form == understood)
            assert got.usage and plain.usage
            assert (got.usage.input == plain.usage.input) == (form != understood)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("by", ["header", "model"])
def test_media_are_lost_on_demand(http: httpx.Client, name: str, by: str) -> None:
    body = openai_image(data_url(picture())) if name == "openai" else anthropic_image(picture())
    path, headers = DIALECTS[name].path, {}  # type: ignore[index]
    plain = {**body, "messages": [{"role": "user", "content": "what is this"}]}
    expected = http.post(path, json=plain).json()
    if by == "model":
        body["model"] = f"fault-drop_media:{body['model']}"
    else:
        headers = {"x-parlour-fault": "drop_media"}
    got = http.post(path, json=body, headers=headers)
    assert got.status_code == 200
    assert got.json()["usage"] == expected["usage"]
    assert "PNG" not in got.text


def test_a_message_that_was_only_a_video_is_still_answered(http: httpx.Client) -> None:
    body = {"model": f"fault-drop_media:{GEMINI}", "messages": [{"role": "user", "content": [SPELT["file"]]}]}
    got = http.post("/v1/chat/completions", json=body)
    assert got.status_code == 200
    assert got.json()["usage"]["prompt_tokens"] < 20


def test_the_command_line_chooses_the_forms() -> None:
    assert _parser().parse_args([]).video_forms == VIDEO_FORMS
    assert _parser().parse_args(["--video-forms", "file", "video_url"]).video_forms == ["file", "video_url"]
    assert _parser().parse_args(["--video-forms"]).video_forms == []
    with pytest.raises(SystemExit):
        _parser().parse_args(["--video-forms", "carrier_pigeon"])
