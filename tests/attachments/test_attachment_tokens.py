"""Pictures and video cost what the vendors' formulas say, before anything is sent."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.attachments.tokens import (
    Detail,
    assumes,
    image_tokens,
    is_guess,
    media_tokens,
    part_tokens,
    video_tokens,
)
from lib.catalogue import load_catalogue
from lib.messages import FilePart, ImagePart, ReasoningPart, TextPart, ToolCallPart, ToolResultPart, VideoPart
from tests.attachments.cards import card

QUARTER = Fraction(1, 4)
EDGES = st.integers(1, 20_000)
MODELS = st.sampled_from(
    ["gpt-5.4", "gpt-5.5", "gpt-4o", "gpt-5-nano", "claude-sonnet-4-6", "claude-opus-4-7", "gemini-2.5-pro", "llama-9"]
)


@pytest.mark.parametrize(
    ("size", "gpt54", "gpt55", "gpt4o", "claude", "opus47", "gemini2"),
    [
        ((200, 200), 59, 59, 255, 64, 64, 258),
        ((768, 768), 692, 692, 765, 784, 784, 258),
        ((1024, 1024), 1229, 1229, 765, 1369, 1369, 1032),
        ((1920, 1080), 2448, 2448, 1105, 1560, 2691, 1548),
        ((4000, 3000), 2942, 11868, 765, 1564, 4740, 6192),
    ],
)
def test_pictures_count_by_the_vendors_formulas(
    size: tuple[int, int], gpt54: int, gpt55: int, gpt4o: int, claude: int, opus47: int, gemini2: int
) -> None:
    models = ("gpt-5.4", "gpt-5.5", "gpt-4o", "claude-sonnet-4-6", "claude-opus-4-7", "gemini-2.5-pro")
    assert tuple(image_tokens(card(model), *size) for model in models) == (gpt54, gpt55, gpt4o, claude, opus47, gemini2)


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-3-5-sonnet-20241022", 1564),
        ("claude-haiku-4-5", 1564),
        ("claude-opus-4-20250514", 1564),
        ("claude-sonnet-4-6-hc", 1564),
        ("anthropic/claude-opus-4.7", 4740),
        ("claude-opus-4-7-fd", 4740),
        ("claude-sonnet-4-10", 4740),
        ("claude-opus-5", 4740),
        ("claude-next", 4740),
        ("chatgpt-4o-latest", 765),
        ("gpt-4.1", 765),
        ("gpt-4o-mini", 2833 + 4 * 5667),
        ("o3", 75 + 4 * 150),
        ("gpt-5", 70 + 4 * 140),
        ("gpt-5.1", 70 + 4 * 140),
        ("gpt-5-pro", 70 + 4 * 140),
        ("gpt-5-mini", 1743),
        ("gpt-5.4-mini", 1743),
        ("gpt-5.2", 1743),
        ("gpt-5.4-low", 2942),
        ("openai/gpt-5.4", 2942),
        ("gpt-5.5-hc", 11868),
        ("gpt-6", 11868),
        ("gemini-1.5-pro", 258),
        ("gemini-2.5-flash-lite", 6192),
        ("gemini-3-flash-preview", 1120),
        ("gemini-3.1-pro-preview-low", 1120),
        ("qwen4-vl", 1564),
    ],
)
def test_the_version_in_the_name_decides_the_formula(model: str, tokens: int) -> None:
    """A photo of twelve megapixels, 4000 × 3000."""
    assert image_tokens(card(model), 4000, 3000) == tokens


@pytest.mark.parametrize(
    ("model", "detail", "tokens"),
    [
        ("gpt-5.4", "high", 2942),
        ("gpt-5.5", "high", 2942),
        ("gpt-5.5", "auto", 11868),
        ("gpt-5.5", "low", 231),
        ("gpt-4o", "low", 85),
        ("gpt-5-mini", "low", 1743),
        ("claude-opus-4-6", "low", 1564),
    ],
)
def test_detail_counts_where_the_vendor_has_it(model: str, detail: Detail, tokens: int) -> None:
    assert image_tokens(card(model), 4000, 3000, detail) == tokens


def test_the_vendors_own_example_of_shrinking_holds() -> None:
    """1800 × 2400 pixels are 1452 patches under a budget of 1536 (OpenAI, "Images and vision")."""
    for size in ((1800, 2400), (1503, 2004), (2004, 1503)):
        assert image_tokens(card("gpt-4.1-mini"), *size) == -(-1452 * 162 // 100)


@given(EDGES, EDGES, MODELS)
@settings(max_examples=150)
def test_a_picture_counts_the_same_when_it_is_turned(width: int, height: int, model: str) -> None:
    assert image_tokens(card(model), width, height) == image_tokens(card(model), height, width)


@pytest.mark.parametrize(
    ("model", "budget"),
    [
        ("claude-sonnet-4-6", 1568),
        ("claude-opus-4-7", 4784),
        ("gpt-5.4", 3000),
        ("gpt-5.5", 12_000),
        ("gpt-5-nano", 2304),
        ("gpt-4o", 85 + 8 * 170),
        ("gemini-3-flash-preview", 1120),
        ("unknown", 1568),
    ],
)
@given(size=st.tuples(st.integers(1, 200_000), st.integers(1, 200_000)))
@settings(max_examples=60)
def test_no_picture_counts_more_than_the_familys_budget(model: str, budget: int, size: tuple[int, int]) -> None:
    assert 1 <= image_tokens(card(model), *size) <= budget


@given(EDGES, EDGES, st.integers(0, 5000), st.integers(0, 5000))
@settings(max_examples=100)
def test_tiles_of_gemini_never_get_fewer_when_a_picture_grows(width: int, height: int, wider: int, higher: int) -> None:
    model = card("gemini-2.5-pro")
    assert image_tokens(model, width, height) <= image_tokens(model, width + wider, height + higher)


@given(st.integers(1, 1500), st.integers(1, 1500), st.integers(0, 90), st.integers(0, 90))
@settings(max_examples=100)
def test_patches_never_get_fewer_below_the_budget(width: int, height: int, wider: int, higher: int) -> None:
    model = card("gpt-5.4")
    assert image_tokens(model, width, height) <= image_tokens(model, width + wider, height + higher)


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 4))
@settings(max_examples=100)
def test_claude_never_counts_less_for_the_same_picture_in_more_pixels(width: int, height: int, times: int) -> None:
    model = card("claude-sonnet-4-6")
    assert image_tokens(model, width, height) <= image_tokens(model, width * times, height * times)


@pytest.mark.parametrize("size", [(0, 0), (-5, 10), (1, 1), (1, 1_000_000), (1_000_000, 1)])
def test_absurd_sizes_still_count_something(size: tuple[int, int]) -> None:
    for model in [*load_catalogue(), None]:
        assert image_tokens(model, *size) >= 1


@pytest.mark.parametrize(
    ("model", "seconds", "tokens"),
    [
        ("gemini-2.5-pro", 9.2, 10 * 290),
        ("gemini-3-flash-preview", 9.2, 10 * 102),
        ("gemini-3-flash-preview", 0.0, 102),
        ("gemini-2.5-pro", 60, 60 * 290),
        ("qwen4-vl", 2, 2 * 290),
        ("gemini-2.5-pro", float("inf"), 290),
    ],
)
def test_a_video_counts_by_the_second_begun(model: str, seconds: float, tokens: int) -> None:
    assert video_tokens(card(model), seconds) == tokens


def test_a_model_without_a_formula_is_a_guess() -> None:
    assert not any(is_guess(model) for model in load_catalogue())
    assert is_guess(None) and is_guess(card("qwen4-vl")) and is_guess(card("claude-next"))
    assert is_guess(card("gpt-5.5"), "video") and not is_guess(card("gemini-2.5-pro"), "video")


def test_text_counts_by_its_characters_and_a_document_with_its_two_lines() -> None:
    assert part_tokens(TextPart("a" * 40), None, QUARTER) == 10
    assert part_tokens(FilePart("a.txt", "a" * 40), None, QUARTER) == 25
    assert part_tokens(ToolCallPart("1", "look", "{}"), None, QUARTER) == 2
    assert part_tokens(ToolResultPart("1", "seen"), None, QUARTER) == 1
    assert part_tokens(ReasoningPart("hm"), None, QUARTER) == 0


def test_a_caption_counts_with_its_picture() -> None:
    frame = ImagePart("image/jpeg", width=200, height=200, caption="At 0:04.")
    assert part_tokens(frame, card("claude-opus-4-6"), QUARTER) == 64 + 2


def test_an_unknown_size_is_unknown_for_one_part() -> None:
    assert part_tokens(ImagePart("image/png"), None, QUARTER) is None
    assert part_tokens(VideoPart("video/mp4"), None, QUARTER) is None


def test_media_of_unknown_size_are_assumed_and_never_nothing() -> None:
    model = card("gemini-2.5-pro")
    parts = (TextPart("many words"), ImagePart("image/png"), VideoPart("video/mp4", size=2_500_000))
    assert media_tokens(parts, model) == 1032 + 10 * 290
    assert assumes(parts) and not assumes(parts[:1])


def test_media_tokens_are_the_sum_of_what_is_known() -> None:
    parts = (ImagePart("image/png", width=200, height=200), VideoPart("video/mp4", seconds=3), FilePart("a", "b"))
    assert media_tokens(parts, card("gemini-3-flash-preview")) == 1120 + 3 * 102
    assert not assumes(parts)
