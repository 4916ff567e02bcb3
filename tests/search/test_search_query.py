"""The query language understands what it can and never refuses."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.search import HELP, CostBound, Query, explain, matches, parse

OPERATORS = st.sampled_from(["model:", "cost:>", "cost:", "has:", "before:", "in:", "tag:", "is:", "title:", '"', "-"])
MESSY = st.lists(st.one_of(OPERATORS, st.text(max_size=12), st.sampled_from(["2026-13-40", "9999", "1e999", "٣"])))


@given(MESSY.map("".join))
def test_every_text_is_a_query(text: str) -> None:
    query = parse(text)
    explain(query)
    matches(query, text)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("model:sonnet", Query(models=("sonnet",))),
        ("MODEL:sonnet variant:hc", Query(models=("sonnet",), variants=("hc",))),
        ('in:"My folder" tag:work', Query(folders=("My folder",), tags=("work",))),
        ("cost:>0.1", Query(costs=(CostBound(">", 100_000_000),))),
        ("cost:<=$2", Query(costs=(CostBound("<=", 2_000_000_000),))),
        ("cost:3", Query(costs=(CostBound(">=", 3_000_000_000),))),
        ("has:image has:videos", Query(has=("image", "video"))),
        ("is:pinned is:archived is:unread", Query(states=("pinned", "archived", "unread"))),
        ("after:2026-02-03 before:2027", Query(after=date(2026, 2, 3), before=date(2027, 1, 1))),
        ("title:plans", Query(titles=("plans",))),
        ("", Query()),
        (' - "" -- ?! : ', Query()),
    ],
)
def test_operators_are_understood(text: str, query: Query) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    "text",
    ["color:red", "cost:cheap", "cost:>-1", "before:soon", "before:2026-13-01", "after:0001", "has:nothing", "is:odd"],
)
def test_what_is_no_operator_is_searched_as_words(text: str) -> None:
    query = parse(text)
    assert [term.text for term in query.terms] == [text]
    assert not query.asks_messages


def test_quotes_keep_words_together_and_a_minus_leaves_them_out() -> None:
    query = parse('alpha "beta gamma" -delta -"epsilon zeta" "open end')
    assert [term.text for term in query.terms] == ["alpha", "beta gamma", "open end"]
    assert [term.text for term in query.without] == ["delta", "epsilon zeta"]
    assert [term.goes_on for term in query.terms] == [False, False, False]


@pytest.mark.parametrize(
    ("text", "found", "not_found"),
    [
        ("town ", "the Town.", "townhall"),
        ("tow", "townhall", "stow"),
        ('"old town"', "old,\n town", "town old"),
        ('"old town"', "old TOWN", "oldtown"),
        ("foo_bar ", "foo bar", "foobar"),
        ("京都", "東京都", "京の都"),
        ("東京都 ", "東京都", "東京と京都"),
        ("strasse ", "STRAßE", "strass"),
        ("wine -red", "white wine", "red wine"),
        ('-"red wine" wine', "wine, red", "red wine"),
    ],
)
def test_a_text_holds_what_was_asked(text: str, found: str, not_found: str) -> None:
    query = parse(text)
    assert matches(query, found)
    assert not matches(query, not_found)


def test_what_was_understood_is_said() -> None:
    text = 'lisbon "old town" -rain model:sonnet cost:>0.1 has:video after:2026-03-01 in:Trips is:pinned'
    assert explain(parse(text)) == (
        "“lisbon” and “old town” · without “rain” · model “sonnet” · in folder “Trips” · with a video · pinned · "
        "cost over 0.1 · from 1 March 2026 on"
    )


@pytest.mark.parametrize("example", [example for example, _ in HELP])
def test_the_help_shows_operators_that_exist(example: str) -> None:
    query = parse(example)
    assert not query.is_empty
    assert ":" not in "".join(term.text for term in query.terms)


def test_a_long_query_is_cut() -> None:
    assert len(parse("word " * 10_000).terms) == 40
