"""Words, pairs and the document that an index is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.search import document, fold, fts_match, owner_token, parse, tokens, ts_query

ANY = st.text(max_size=200)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Straße", "strasse"),
        ("ÜRGÜP", "urgup"),
        ("cafe\u0301", "cafe"),
        ("Ёлка", "елка"),
        ("ﬁsh", "fish"),
        ("İstanbul", "istanbul"),
        ("Tiếng Việt", "tieng viet"),
        ("ＡＢＣ", "abc"),
    ],
)
def test_case_and_accents_do_not_matter(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_scripts_without_spaces_become_pairs_and_a_last_character() -> None:
    assert tokens("東京都") == ["東京", "京都", "都"]
    assert tokens("漢") == ["漢"]
    assert tokens("GPT-5で東京tower") == ["gpt", "5", "で東", "東京", "京", "tower"]


def test_signs_and_underscores_part_words() -> None:
    assert tokens("snake_case, foo.bar(baz) 100%") == ["snake", "case", "foo", "bar", "baz", "100"]


def test_a_word_keeps_the_marks_of_its_script() -> None:
    assert tokens("हिन्दी עִבְרִית العَرَبِيَّة") == ["हिन्दी", "עִבְרִית", "العَرَبِيَّة"]


@given(ANY)
def test_a_document_begins_with_its_owner_and_holds_only_words(text: str) -> None:
    first, *words = document(text, 7).split(" ")
    assert first == owner_token(7)
    assert words == tokens(text)
    assert all(word and not set(word) & set("§ \"'*()&|!:\\<>") for word in words)


@given(ANY)
def test_no_text_can_speak_for_an_owner(text: str) -> None:
    assert owner_token(7) not in tokens(text + " §7 " + owner_token(7))


def test_a_document_is_bounded() -> None:
    text = " ".join(f"{number:040x}" for number in range(40_000))
    assert len(document(text, 7).encode()) <= 1_000_000
    assert len(max(tokens("x" * 10_000), key=len)) == 60


@given(ANY)
def test_what_is_asked_of_an_index_is_only_words(text: str) -> None:
    query = parse(text)
    asked = ts_query(query, 7)
    assert asked.startswith("'§7'")
    assert asked.count("'") % 2 == 0 and '"§7"' in fts_match(query, 7)


def test_the_last_word_may_go_on_while_it_is_typed() -> None:
    assert fts_match(parse("old tow"), 7) == '"§7" AND "old" AND "tow"*'
    assert fts_match(parse("old town "), 7) == '"§7" AND "old" AND "town"'
    assert ts_query(parse("old tow -new"), 7) == "'§7' & 'old' & 'tow' & !'new'"
    assert ts_query(parse("tow"), 7) == "'§7' & 'tow':*"
