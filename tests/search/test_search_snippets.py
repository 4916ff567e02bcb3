"""What is shown of a hit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.search import fold, marked, parse, snippet

LONG = "padding " * 100


def hits(query: str, text: str) -> list[str]:
    found = snippet(parse(query), text)
    return [found.text[start:end] for start, end in found.marks]


@pytest.mark.parametrize(
    ("query", "text", "marks"),
    [
        ("town ", "The old town", ["town"]),
        ("to", "The old town", ["town"]),
        ("strasse ", "Große Straße, STRASSE", ["Straße", "STRASSE"]),
        ("uber ", "cafe\u0301 u\u0308ber alles", ["über"]),
        ("京都", "東京都へ", ["京都"]),
        ('"old town"', "old\n\n  town", ["old town"]),
        ("fish ", "ﬁsh", ["ﬁsh"]),
        ("nothing ", "The old town", []),
    ],
)
def test_hits_are_marked_as_they_were_written(query: str, text: str, marks: list[str]) -> None:
    assert hits(query, text) == marks


def test_a_hit_far_inside_is_shown_with_its_neighbours() -> None:
    found = snippet(parse("needle "), LONG + "a sharp needle lies here " + LONG)
    assert "a sharp needle lies here" in found.text
    assert found.text.startswith("…padding") and found.text.endswith("…")
    assert len(found.text) < 300


def test_pieces_put_together_are_the_text() -> None:
    found = snippet(parse("old wine "), "Old wine, older wine, wine")
    assert "".join(piece for piece, _ in found.pieces) == found.text
    assert [piece for piece, is_hit in found.pieces if is_hit] == ["Old", "wine", "wine", "wine"]


def test_a_title_is_shown_whole() -> None:
    assert marked(parse("plans "), "Garden plans").marks == ((7, 12),)


@given(st.text(max_size=80), st.text(max_size=300))
def test_marks_are_in_order_and_inside(query: str, text: str) -> None:
    found = snippet(parse(query), text)
    edges = [edge for mark in found.marks for edge in mark]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(found.text) for edge in edges)
    assert "".join(piece for piece, _ in found.pieces) == found.text
    assert "\n" not in found.text


@given(st.text(alphabet="aäßÖ漢字かﬁİ e\u0301.-", min_size=1, max_size=40))
def test_a_marked_hit_folds_to_what_was_looked_for(text: str) -> None:
    query = parse(f'"{text}"')
    for term in query.terms:
        for piece in hits(f'"{text}"', f"x {text} y"):
            assert fold(piece).replace(" ", "")[:1] == term.words[0][0][:1]
