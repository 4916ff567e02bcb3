"""The guard: hostile text is spelled so that Streamlit shows it; ordinary Markdown and all code stay as they are."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lib.markdown import Guard, guard
from lib.markdown.inline import apart, is_formula
from tests.markdown.hazards import FORMULAS, SEEN_AS, SEEN_AS_WRITTEN

FRAGMENTS = st.sampled_from(
    [
        "![", "](", ")", "[", "]", "!", "`", "``", "```", "~~~", "$", "$$", "\\(", "\\)", "\\[", "\\]", "\\", "\n", "\n\n", "  ", "    ",
        "\t", "> ", "- ", "1. ", "* ", "# ", "|", ":red[x]", ":smile:", ":material/home:", " -> ", "--", ">=", "<", ">", "<!-- ",
        "http://evil/x.png", "https://ok.example", "www.x.y", "javascript:x", "a", "word", "5", "x^2", ":", "{k=v}", "&#33;", "*", "_",
        "**", "~", "[r]: http://evil", '"', "py", "\u0301", "é", "\r", "\r\n", "\x00", "=", "---", "h", "ht",
    ]
)  # fmt: skip
TEXTS = st.lists(FRAGMENTS, max_size=40).map("".join)
ALL = [*SEEN_AS_WRITTEN, *(text for text, _ in SEEN_AS), *FORMULAS]


def in_pieces(text: str, cuts: list[int]) -> str:
    one = Guard()
    edges = [0, *sorted(c % (len(text) + 1) for c in cuts), len(text)]
    return "".join(one.feed(text[a:b]) for a, b in pairwise(edges)) + one.close()


def letter_by_letter(text: str) -> str:
    one = Guard()
    return "".join(one.feed(c) for c in text) + one.close()


@pytest.mark.parametrize("text", ALL)
def test_the_cut_makes_no_difference_to_known_hazards(text: str) -> None:
    assert letter_by_letter(text) == guard(text)
    assert all(in_pieces(text, [cut]) == guard(text) for cut in range(len(text)))


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=6))
@example("a\r\nb", [2])
def test_the_cut_makes_no_difference(text: str, cuts: list[int]) -> None:
    assert in_pieces(text, cuts) == guard(text)
    assert letter_by_letter(text) == guard(text)


def outside_code(markdown: str) -> str:
    """A crude second opinion: guarded text without fences and one-line code spans."""
    kept: list[str] = []
    fence = ""
    for line in markdown.split("\n"):
        bare = re.sub(r"^(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*", "", line)
        mark = re.match(r"(`{3,})[^`]*$|(~{3,})", bare)
        if fence:
            fence = "" if bare.rstrip().startswith(fence) and not bare.strip().strip(fence[0]) else fence
        elif mark:
            fence = mark[1] or mark[2]
        else:
            kept.append(re.sub(r"(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)", "", line))
    prose = re.sub(r"\$\$[^$]*\$\$", "", "\n".join(kept))
    return re.sub(r"\\[!-/:-@\[-`{-~]", "E", prose)


@settings(max_examples=400, deadline=None)
@given(TEXTS.filter(lambda text: "```" not in text and "~~~" not in text))
def test_nothing_alive_is_left_outside_code(text: str) -> None:
    left = outside_code(guard(text)).replace(apart("X")[len(":color[X]") :], "").replace(":color[", "")
    assert "![" not in left
    assert not re.search(r":[^\W\d_][\w-]*[\[{:]", re.sub(r"<[^<>\s]+>", "", left))
    assert not re.search(r"(?<!\\)<(?!https?:|mailto:|[\w.+-]+@)", left.replace("](<", ""))
    assert not re.search(r"\]\((?!<(?:https?:|mailto:))", left)
    assert "]:" not in left


@given(
    st.text(
        alphabet=st.characters(blacklist_characters="\r`\x7f", blacklist_categories=["Cc", "Cs", "Mn", "Me"]),
        max_size=200,
    )
)
def test_code_is_not_touched(code: str) -> None:
    fenced = f"```py\n{code}\n:red[x] $5 -> ![a](b)\n```\n"
    assert guard(fenced) == fenced


@pytest.mark.parametrize(
    "text",
    [
        "````md\n```py\n:red[x]\n```\n````\n", "~~~\n```\n$x$\n~~~\n", "- a\n  ```\n  :red[x]\n  ```\n", "> ```\n> $5 -> :x:\n> ```\n",
        "1. a\n\n   ~~~js\n   a -> b\n   ~~~\n", "`:red[x]` and ``a ` $5 -> b``\n", "- [x] done **bold** *it* ~~gone~~ # 1\n\n---\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n",
    ],
)  # fmt: skip
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    assert guard(text) == text


def test_a_fence_ends_with_its_list_item() -> None:
    assert guard("- ```\n  ![x](y)\n![a](b)") == "- ```\n  ![x](y)\n&#33;&#91;a&#93;(b)"


def test_an_unclosed_fence_stays_code_to_the_end() -> None:
    assert guard("```\n![a](b)\n\n:red[x]") == "```\n![a](b)\n\n:red[x]"


@pytest.mark.parametrize(
    "body", ["x", "x^2", "f(x)", "\\frac{a}{b}", "2x+1", "n \\log n", "E=mc^2", "5 = x", "\\text{some words} + 1"]
)
def test_formulas_are_known(body: str) -> None:
    assert is_formula(body)


@pytest.mark.parametrize(
    "body", ["5 and ", "5", "10-", "HOME/", "USER", " x", "x ", "5/month or 6", "", "a|b", "100k", "5k-6k"]
)
def test_prices_are_not_formulas(body: str) -> None:
    assert not is_formula(body)


def test_marks_that_pile_up_are_cut_in_any_cut() -> None:
    text = "a" + "\u0301" * 1_000 + "b"
    assert guard(text) == letter_by_letter(text) == "a" + "\u0301" * 8 + "b"


def test_endless_quotations_become_text() -> None:
    assert guard(">" * 3_000 + " deep").count(">") == 0
    assert guard("> " * 10 + "x") == "> " * 10 + "x"


def test_a_paragraph_without_end_goes_on_as_a_new_one() -> None:
    text = "word " * 20_000
    assert max(map(len, guard(text).split("\n\n"))) < 5_000
    assert guard(text).replace("\n\n", " ") == text


def test_guarding_twice_shows_no_more_than_once_for_plain_prose() -> None:
    once = guard("Costs $5, see [x](https://ok.example) & <b> `code`.")
    assert guard(once) == once


def test_what_is_held_back_is_short() -> None:
    one = Guard()
    assert one.feed("An ordinary sentence, growing") == "An ordinary sentence, growing"
    assert one.feed(" wit").endswith("it")
    assert one.feed("\nand a `co") == "\nand a "


@pytest.mark.parametrize("text", ["`a ``" * 30_000, "[a](" * 30_000, "$a " * 50_000, "\\(" * 50_000, "<a" * 50_000, "*" * 150_000, ":" * 150_000, "> " * 50_000, "![" * 50_000, "$$\n" * 50_000])  # fmt: skip
def test_hostile_repetition_is_bounded(text: str) -> None:
    begun = time.process_time()
    guard(text)
    assert time.process_time() - begun < 5


def test_the_margin_of_the_first_line_is_taken_from_all() -> None:
    assert guard("\n\n  - a\n  - b\n    - c\nx") == "- a\n- b\n  - c\nx"
    assert guard("  - \n  ```\n![a](b)\n") == "- \n```\n![a](b)\n"
