"""Labels: titles, file names, model names and error texts say nothing to Streamlit."""

from __future__ import annotations

import html

from hypothesis import given
from hypothesis import strategies as st

from lib.markdown import label, plain, quiet


def seen(markdown: str) -> str:
    return html.unescape(markdown).replace("\u2060", "")


@given(st.text(max_size=300))
def test_a_label_is_one_bounded_line(text: str) -> None:
    assert "\n" not in label(text)
    assert len(seen(label(text, 50))) <= 50 or "&" in text


@given(st.text(alphabet="abc $:[](){}!<>-=*_`~#\\|@.", max_size=60))
def test_a_label_is_seen_as_written(text: str) -> None:
    assert seen(label(text)) == " ".join(text.split())


def test_nothing_of_a_label_is_markdown() -> None:
    spelled = label("![a](http://evil/x.png) :red[x] :smile: $5 $x$ -> `c` **b** <b> 1. # - www.x.y a@b.c https://x.y")
    assert not set("![](){}$`*<>#@.:") & set(spelled.replace("&#", "").replace(";", ""))
    assert " -> " not in seen("x").join(html.unescape(spelled))


def test_direction_and_control_characters_are_dropped() -> None:
    assert label("a\u202eb\u2066c\x00d\u200be\x1b[0m") == "abcde&#91;0m"


def test_a_long_label_is_cut() -> None:
    assert label("x" * 500, 10) == "x" * 9 + "…"


def test_plain_does_not_spell() -> None:
    assert plain("a:[b]\n\u202ec  d") == "a:[b] c d"


def test_quiet_text_keeps_its_lines() -> None:
    assert quiet("one $5\r\n\r\ntwo") == "one &#36;5\\\n&nbsp;\\\ntwo"
