"""A long text is shown in parts that end where a reader would end them, and none of it is lost."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from lib.ui.long_text import LONG, PART, first_part


def test_a_short_text_is_its_own_first_part() -> None:
    assert first_part("words", 10) == "words"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a" * 95 + "\n\n" + "b" * 50, "a" * 95),
        ("a" * 95 + "\n" + "b" * 50, "a" * 95),
        ("a" * 50 + "\n\n" + "b" * 150, "a" * 50 + "\n\n" + "b" * 48),
        ("a" * 150, "a" * 100),
    ],
)
def test_a_part_ends_at_a_blank_line_else_at_a_line_else_anywhere(text: str, part: str) -> None:
    assert first_part(text, 100) == part


def test_a_long_answer_is_shown_in_parts() -> None:
    def script() -> None:
        from lib.ui.long_text import show_text

        show_text("some words\n\n" * 25_000, of="answer")

    run = AppTest.from_function(script).run()
    shown = sum(len(block.value) for block in run.markdown)
    assert PART * 0.8 < shown <= PART < LONG
    more = run.button[0].click().run()
    assert sum(len(block.value) for block in more.markdown) > 1.8 * shown
