"""What of an answer can be downloaded, and under which names."""

from __future__ import annotations

import pytest

from lib.ui import answer_files
from lib.ui.answer_files import files_of


def test_most_answers_have_no_files() -> None:
    assert files_of("plain `words` | and bars") == ()


def test_one_table_has_the_plain_name_and_several_are_numbered() -> None:
    table = "| a | b |\n|---|---|\n| =1 | 2 |\n"
    [file] = files_of(table)
    assert (file.name, file.text) == ("table.csv", "a,b\r\n'=1,2\r\n")
    assert [file.name for file in files_of(f"{table}\n\n{table}")] == ["table-1.csv", "table-2.csv"]


@pytest.mark.parametrize(
    ("word", "name"),
    [("python", "code.py"), ("C++", "code.cpp"), ("mermaid", "code.mmd"), ("", "code.txt"), ("../../x", "code.txt"), ("exe", "code.txt")],
)  # fmt: skip
def test_the_word_after_a_fence_gives_the_ending_and_nothing_else(word: str, name: str) -> None:
    [file] = files_of(f"```{word}\nx = 1\n```\n")
    assert (file.name, file.text) == (name, "x = 1\n")


def test_an_unfinished_block_says_so() -> None:
    assert files_of("```py\nx = 1")[0].words == "py, 1 line, unfinished"


def test_the_files_of_long_answers_do_not_pile_up() -> None:
    for number in range(20):
        (found,) = files_of(f"```py\n{number}\n" + "x = 1\n" * 10_000 + "```\n")
        assert found.text.startswith(f"{number}\n")
    assert answer_files._files_of_long.cache_info().currsize <= 8
