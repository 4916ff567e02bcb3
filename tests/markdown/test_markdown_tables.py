"""Tables and code are found where Markdown has them, nowhere else, and come out as they were written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.markdown import CodeBlock, Diagram, code_blocks, drawn, tables, with_diagrams


def rows(text: str) -> list[list[tuple[str, ...]]]:
    return [list(table.rows) for table in tables(text)]


def test_a_table_has_a_header_and_rows_of_the_same_width() -> None:
    text = "before\n\n| a | b |\n|---|:-:|\n| 1 | 2 | 3 |\n| 4 |\n\nafter"
    assert rows(text) == [[("a", "b"), ("1", "2"), ("4", "")]]


def test_outer_bars_may_be_missing_and_a_bar_may_be_escaped() -> None:
    assert rows("a | b\n--- | ---\n`x \\| y` | 2<br>3") == [[("a", "b"), ("`x | y`", "2\n3")]]


def test_tables_stand_in_quotations_too() -> None:
    assert rows("> | a | b |\n> |--|--|\n> | 1 | 2 |\n") == [[("a", "b"), ("1", "2")]]


@pytest.mark.parametrize(
    "text",
    ["| a | b |\n| 1 | 2 |", "```\n| a | b |\n|--|--|\n```", "| a | b |\n|--|\n", "a\n---\n", "", "|\n|", "| |\n"],
)
def test_what_only_looks_like_a_table_is_none(text: str) -> None:
    assert tables(text) == ()


CELLS = st.text(
    st.characters(categories=("L", "N"), include_characters=" =+-*_$<>\"',"), min_size=1, max_size=6
).filter(lambda cell: cell.strip() == cell)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=5)
    )
)
def test_a_written_table_is_read_back(written: list[list[str]]) -> None:
    lines = [f"| {' | '.join(row)} |" for row in written]
    lines.insert(1, "|" + "---|" * len(written[0]))
    assert rows("words\n\n" + "\n".join(lines) + "\n\nwords") == [[tuple(row) for row in written]]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["| a | b |", "|--|--|", "```", "```py", "~~~~", "> ", "- ", "  ", "\\|", "x", "\n", "\n\n"])
    ).map("".join)
)
def test_any_text_is_read_without_trouble(text: str) -> None:
    for table in tables(text):
        assert {len(row) for row in table.rows} == {len(table.rows[0])}
    assert all(block.text.endswith("\n") for block in code_blocks(text))


def test_code_keeps_its_text_and_loses_what_its_container_put_before_it() -> None:
    text = "- x\n  ```Py title=x\n  def f():\n      pass\n  ```\n> ~~~\n> a\n> ~~~\n"
    assert code_blocks(text) == (CodeBlock("py", "def f():\n    pass\n"), CodeBlock("", "a\n"))


def test_code_that_never_ends_is_said_to_be_unfinished() -> None:
    assert code_blocks("```js\nlet a\n") == (CodeBlock("js", "let a\n\n", closed=False),)


def test_a_longer_fence_holds_a_shorter_one() -> None:
    assert code_blocks("````md\n```\ninside\n```\n````\n") == (CodeBlock("md", "```\ninside\n```\n"),)


def pieces(text: str) -> list[str | Diagram]:
    return [piece for block in drawn(text) for piece in with_diagrams(block)]


def test_a_closed_mermaid_fence_is_a_diagram() -> None:
    assert pieces("a\n\n```mermaid\ngraph TD\nA-->B\n```\n\nb") == ["a\n\n", Diagram("graph TD\nA-->B\n"), "\nb"]


@pytest.mark.parametrize(
    "text", ["```mermaid\ngraph TD\n", "- x\n  ```mermaid\n  graph TD\n  ```\n", "> ```Mermaid\n> graph\n> ```\n"]
)
def test_a_diagram_without_its_source_beside_it_is_not_drawn(text: str) -> None:
    """Cut off, in a list, in a quotation: it stays code."""
    [piece] = pieces(text)
    assert isinstance(piece, str)
    assert "mermaid" not in piece.lower()
    assert "graph" in piece


def test_mermaid_inside_another_fence_is_just_code() -> None:
    text = "````md\n```mermaid\ngraph TD\n```\n````\n"
    assert pieces(text) == [text]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["```mermaid\n", "```\n", "graph\n", "~~~\n", "text\n", "\n", "> ", "- "])).map("".join)
)
def test_nothing_of_the_text_gets_lost_between_the_pieces(text: str) -> None:
    def letters(said: str) -> str:
        return "".join(char for char in said.replace("mermaid", "").replace("text", "") if char.isalpha())

    for block in drawn(text):
        said = "".join(piece.source if isinstance(piece, Diagram) else piece for piece in with_diagrams(block))
        assert letters(said) == letters(block)
