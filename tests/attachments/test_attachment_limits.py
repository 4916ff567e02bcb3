"""What one request may carry, and how large it will be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.attachments.limits import (
    BODY_BYTES,
    VIDEO_BYTES,
    body_bytes,
    in_base64,
    limits_of,
    saving,
    shrunk,
    useful_edge,
)
from lib.cards import ModelCard, WireForm
from lib.dialects.openai_chat import request
from lib.dialects.wire_body import written
from lib.messages import Ask, FilePart, ImagePart, Message, Part, TextPart, ToolCallPart, VideoPart
from tests.attachments.cards import card


@pytest.mark.parametrize(
    ("model", "image_bytes", "images", "edge"),
    [
        ("claude-haiku-4-5", 5_242_880, 100, 8000),
        ("claude-opus-4-6", 5_242_880, 600, 8000),
        ("gpt-5.4", 20_000_000, 500, None),
        ("gemini-2.5-pro", 7_000_000, 3000, None),
        ("llama-9", None, None, None),
    ],
)
def test_limits_are_the_vendors(model: str, image_bytes: int | None, images: int | None, edge: int | None) -> None:
    limits = limits_of(card(model), "openai")
    assert (limits.image_bytes, limits.images, limits.image_edge) == (image_bytes, images, edge)


def test_the_caps_of_a_gateway_replace_the_default() -> None:
    for model in ("gpt-5.4", "gemini-2.5-pro", "claude-opus-4-6", "llama-9"):
        limits = limits_of(card(model), "openai", video_bytes=1, body_bytes=2)
        assert (limits.video_bytes, limits.body_bytes) == (1, 2)
    assert limits_of(None, "openai").body_bytes == BODY_BYTES


def test_the_largest_video_fits_into_the_largest_body_with_words_beside_it() -> None:
    assert body_bytes((VideoPart("video/mp4", size=VIDEO_BYTES), TextPart("word " * 100_000))) < BODY_BYTES


@pytest.mark.parametrize(
    ("model", "edge"),
    [
        ("claude-opus-4-6", 1568),
        ("claude-opus-4-7", 2576),
        ("gpt-5.5", 2048),
        ("gemini-3-flash-preview", 1536),
        ("llama-9", 1568),
    ],
)
def test_each_family_has_an_edge_beyond_which_pixels_are_wasted(model: str, edge: int) -> None:
    assert useful_edge(card(model)) == edge


def test_a_large_photo_saves_tokens_where_the_model_would_count_them() -> None:
    found = saving(card("gpt-5.5"), 4000, 3000)
    assert found is not None and (found.edge, found.tokens_before) == (2048, 11868)
    assert found.tokens_after < found.tokens_before / 3
    assert saving(card("gemini-3-flash-preview"), 4000, 3000) is None
    assert saving(card("gpt-5.5"), 800, 600) is None


@given(st.integers(1, 50_000), st.integers(1, 50_000), st.integers(1, 3000))
@settings(max_examples=100)
def test_a_shrunk_picture_keeps_its_proportions_and_its_edge(width: int, height: int, edge: int) -> None:
    small = shrunk(width, height, edge)
    assert 1 <= max(small) <= max(edge, 1) or small == (width, height)
    assert max(small) <= max(width, height) and min(small) >= 1
    assert (small[0] >= small[1]) == (width >= height) or small[0] == small[1]


TEXTS = st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=60)
PARTS = st.lists(
    st.one_of(
        st.builds(TextPart, TEXTS),
        st.builds(FilePart, st.just("notes.txt"), TEXTS),
        st.builds(ImagePart, st.just("image/png"), st.binary(min_size=1, max_size=400), caption=TEXTS),
        st.builds(VideoPart, st.just("video/mp4"), st.binary(min_size=1, max_size=400)),
    ),
    max_size=6,
)


@given(PARTS)
@settings(max_examples=100)
def test_the_estimate_is_never_below_the_real_body_and_not_far_above(parts: list[Part]) -> None:
    def length(content: tuple[Part, ...]) -> int:
        ask = Ask("m", (Message("user", content),))
        return written(request.body(ask, WireForm(), ModelCard("m", "m", ""))).length

    real = length(tuple(parts)) - length(())
    assert real <= body_bytes(parts) + 50 <= real + 50 + 400 * (len(parts) + 1)


@pytest.mark.parametrize(("size", "grown"), [(0, 0), (1, 4), (3, 4), (4, 8), (15_000_000, 20_000_000)])
def test_base64_grows_by_a_third_and_is_filled_up(size: int, grown: int) -> None:
    assert in_base64(size) == grown


def test_escapes_count_as_json_writes_them() -> None:
    plain = body_bytes((TextPart("aaaaaa"),))
    assert body_bytes((TextPart('a"\\\n\x01é'),)) == plain - 6 + len('a\\"\\\\\\n\\u0001') + 2


def test_a_stored_part_counts_by_the_size_that_was_noted() -> None:
    stored = ImagePart("image/png", url="stored:00", size=3000)
    assert 4000 < body_bytes((stored,)) < 4200
    assert body_bytes((ImagePart("image/png", url="https://example.org/a.png"),)) < 200
    assert body_bytes((ToolCallPart("1", "look", "{}"),)) < 200
