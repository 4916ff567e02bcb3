"""What is said about attachments: facts in a fixed order, and a sentence with a way out for every trouble."""

from __future__ import annotations

from typing import get_args

import pytest

from lib.attachments import Attachment, Form, FormName, Kind, Problem
from lib.attachments.fit import Reason
from lib.messages import FilePart, ImagePart, TextPart, VideoPart
from lib.ui import attachment_words as words
from lib.ui.notices import BY_KIND


def picture(width: int = 1568, height: int = 1176, size: int = 214_000) -> ImagePart:
    return ImagePart("image/jpeg", url="stored:x", width=width, height=height, size=size)


def attachment(kind: Kind, *forms: Form, size: int = 3_100_000, media_type: str = "", **facts: int | float) -> Attachment:  # fmt: skip
    return Attachment("a", kind, media_type, size, forms, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_000, "1 kB"), (213_700, "214 kB"), (3_100_000, "3.1 MB")],
)
def test_sizes_are_said_in_the_unit_that_reads_best(count: int, said: str) -> None:
    assert words.size_words(count) == said


@pytest.mark.parametrize(("seconds", "said"), [(0.2, "0:00"), (12, "0:12"), (61.6, "1:02"), (3725, "1:02:05")])
def test_lengths_are_said_as_a_player_shows_them(seconds: float, said: str) -> None:
    assert words.length_words(seconds) == said


def test_a_shrunk_picture_says_what_it_was() -> None:
    shrunk = attachment("image", Form("standard", (picture(),)), width=4000, height=3000)
    assert words.sent_words(shrunk) == "Picture, 1568×1176, 214 kB (was 4000×3000, 3.1 MB)"


def test_a_picture_that_only_lost_bytes_does_not_repeat_its_pixels() -> None:
    same = attachment("image", Form("original", (picture(100, 80, 5_000),), "first_frame"), size=9_000, width=100, height=80)  # fmt: skip
    assert words.sent_words(same) == "Picture, 100×80, 5 kB (was 9 kB), only its first frame"


def test_documents_videos_and_recordings_say_how_they_are_sent() -> None:
    text = Form("text", (FilePart("a.pdf", "x" * 34_000, "application/pdf", pages=12),))
    pages = Form("pages", (picture(), picture()), "no_text")
    clip = Form("video", (VideoPart("video/mp4", url="stored:y", width=640, height=360, seconds=12.3, size=1_200_000),))
    frames = Form("frames", (picture(),) * 8)
    pdf = "application/pdf"
    assert words.sent_words(attachment("document", text, media_type=pdf, pages=12)) == "PDF, 12 pages as text, 34 kB"
    assert words.sent_words(attachment("document", pages, media_type=pdf, pages=2)) == (
        "PDF, 2 pages as pictures, 428 kB, without text of its own"
    )
    assert words.sent_words(attachment("video", clip, seconds=12.3)) == "Video, 0:12, 640×360, 1.2 MB"
    assert words.sent_words(attachment("video", frames, seconds=12.3)) == "Video of 0:12 as 8 pictures, 1.7 MB"
    assert words.sent_words(attachment("sound", clip, seconds=12.3)) == "Recording, 0:12, 1.2 MB"


@pytest.mark.parametrize("problem", get_args(Problem))
def test_every_problem_has_a_sentence_and_a_way_out(problem: Problem) -> None:
    said = words.problem_words(problem)
    assert said.count(".") == 2
    assert "_" not in said
    assert words.sent_words(Attachment("a", "document", "", 0, problem=problem)) == "Document, 0 bytes"


@pytest.mark.parametrize("form", get_args(FormName))
def test_every_form_has_a_name(form: FormName) -> None:
    assert words.form_words(Form(form, (picture(),)))


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_misfit_has_its_own_sentence_on_the_card_and_when_it_is_sent_anyway(reason: str) -> None:
    said = words.misfit_words(reason, "GPT-5.4", "Messages")
    assert said.endswith(".")
    assert said != words.misfit_words("nobody knows this", "GPT-5.4", "Messages")
    assert BY_KIND[reason].then


def test_files_are_counted_by_kind() -> None:
    clip = VideoPart("video/mp4", url="stored:y")
    assert words.files_words((picture(), picture(), clip, FilePart("a", "b"), TextPart("c"))) == (
        "2 pictures, 1 video, 1 document"
    )
    assert words.files_words((TextPart("c"),)) == ""


def test_a_request_s_share_is_in_the_same_unit_on_both_sides() -> None:
    assert words.share_words(2_202_009, 20 * 1024 * 1024) == "2.1 of 20 MB"
