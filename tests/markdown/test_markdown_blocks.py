"""Blocks: cut only where a new top-level block surely starts, the same live and stored."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.markdown import END_OF_BLOCK, LiveDrawing, drawn
from lib.markdown.blocks import BlockSplitter, collected
from lib.markdown.blocks import split as split_marked
from lib.markdown.safety import guard, marked

PARTS = st.sampled_from(
    ["para graph ", "\n", "\n\n", "```py\n", "```\n", "~~~\n", "$$\n", "- item\n", "1. one\n", "  more\n", "    code\n", "> quote\n", "| a |\n",
     "# head\n", "-", "1", ".", "`", "  ", "***\n", "x" * 30]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=60).map("".join)


def split(text: str, min_chars: int = 300, max_chars: int = 8_000) -> list[str]:
    return split_marked(marked(text), min_chars, max_chars)


def cut_at(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(c % (len(text) + 1) for c in cuts), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=8))
def test_the_cut_of_the_stream_makes_no_difference(text: str, cuts: list[int]) -> None:
    text = marked(text)
    for pieces in (cut_at(text, cuts), list(text)):
        one = BlockSplitter(20, 200)
        live = [piece for part in pieces for piece in one.feed(part)] + one.finish()
        assert collected(live) == split_marked(text, 20, 200)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_blocks_joined_are_the_text(text: str) -> None:
    assert "".join(split(text, 20, 10**9)) == guard(text)


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=5))
def test_a_live_answer_leaves_what_a_stored_one_shows(text: str, cuts: list[int]) -> None:
    one = LiveDrawing()
    live = [piece for part in cut_at(text, cuts) for piece in one.feed(part)] + one.close()
    assert collected(live) == drawn(text)


LONG = "word " * 80


def test_a_blank_line_ends_a_block_that_is_long_enough() -> None:
    assert split(f"{LONG}\n\nnext") == [f"{LONG}\n\n", "next"]
    assert split("short\n\nnext") == ["short\n\nnext"]


def test_a_list_stays_whole() -> None:
    text = f"- {LONG}\n\n- two\n\n  more\n\nafter"
    assert split(text) == [f"- {LONG}\n\n- two\n\n  more\n\n", "after"]


def test_a_fence_and_maths_stay_whole() -> None:
    assert split(f"```\n{LONG}\n\nx\n```\n\nafter") == [f"```\n{LONG}\n\nx\n```\n\n", "after"]
    assert split(f"$$\n{'x + ' * 80}\nx\n$$\n\nafter") == [f"$$\n{'x + ' * 80}\nx\n$$\n\n", "after"]


def test_an_endless_fence_is_closed_and_opened_again() -> None:
    blocks = split("```py\n" + "line of code\n" * 5_000 + "```\n")
    assert len(blocks) > 5
    assert all(len(block) < 9_000 and block.startswith("```py\n") and block.endswith("```\n") for block in blocks)
    assert "".join(block.removeprefix("```py\n").removesuffix("```\n") for block in blocks) == "line of code\n" * 5_000


def test_a_finished_block_is_announced_before_the_next_begins() -> None:
    one = BlockSplitter()
    assert one.feed(f"\x1e{LONG}\n\n") == [f"{LONG}\n\n"]
    assert one.feed("\x1en") == [END_OF_BLOCK, "n"]


def test_no_block_grows_without_end() -> None:
    assert max(map(len, drawn("word " * 200_000))) < 20_000
    assert max(map(len, drawn("one line\n" * 20_000))) < 20_000
