"""Tokens are counted from what was sent: the same text, tools and media count the same in both dialects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.cards import WireForm
from lib.catalogue import load_catalogue
from lib.dialects.anthropic_messages import request as anthropic_request
from lib.dialects.anthropic_messages import server as anthropic_server
from lib.dialects.openai_chat import request as openai_request
from lib.dialects.openai_chat import server as openai_server
from lib.dialects.wire_body import written
from lib.embedded.counting import count_ask, count_prefixes, count_text, pieces
from lib.embedded.prompt_cache import MIN_TOKENS, PromptCache
from lib.embedded.prose import long_text
from lib.messages import Ask, ImagePart, Message, Part, TextPart, Tool, ToolCallPart, ToolResultPart, assistant, user
from tests.embedded.requests_table import WEATHER_SCHEMA, picture

CARDS = {card.id: card for card in load_catalogue()}


@given(st.text())
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("word", 1),
        ("two words", 2),
        ("extraordinary", 3),
        ("1234", 2),
        ("日本語", 3),
        ("a,b", 3),
        ("a\n\nb", 3),
    ],
)
def test_small_texts_count_as_documented(text: str, count: int) -> None:
    assert count_text(text) == count


def test_english_comes_to_about_four_characters_a_token() -> None:
    text = long_text(2000)
    assert 3.5 < len(text) / count_text(text) < 6


@pytest.mark.parametrize("count", [0, 1, 17, 4000])
def test_ordered_text_has_exactly_that_many_tokens(count: int) -> None:
    assert count_text(long_text(count)) == count
    assert long_text(count) == long_text(count)


CALL = ToolCallPart("t1", "get_weather", '{ "city" : "Porto" }')
ASK = Ask(
    "claude-opus-4-6",
    (
        Message("user", (TextPart("Look at this. 你好"), ImagePart("image/png", picture((300, 200))))),
        assistant("A picture."),
        user("And the weather?"),
        Message("assistant", (CALL,)),
        Message("tool", (ToolResultPart("t1", "17 degrees"),)),
    ),
    system="Be brief.",
    tools=(Tool("get_weather", "The weather", WEATHER_SCHEMA),),
)


def sent(body: dict[str, Any]) -> dict[str, Any]:
    """The body as the gateway reads it."""
    read: dict[str, Any] = json.loads(b"".join(written(body)))
    return read


def test_both_dialects_count_the_same_request_alike() -> None:
    card, form = CARDS["claude-opus-4-6"], WireForm()
    one = openai_server.ask_from(sent(openai_request.body(ASK, form, card)))
    other = anthropic_server.ask_from(sent(anthropic_request.body(ASK, form, card)))
    assert count_ask(one, card) == count_ask(other, card) == count_ask(ASK, card)


def test_more_text_counts_more() -> None:
    card = CARDS["gpt-5.4"]
    short, long = Ask("gpt-5.4", (user("one"),)), Ask("gpt-5.4", (user("one two three"),))
    assert count_ask(long, card) == count_ask(short, card) + 2


def cached(cache: PromptCache, ask: Ask) -> int:
    return cache.read(ask, count_prefixes(ask, CARDS[ask.model]))


def test_a_long_prefix_that_came_before_counts_as_cached() -> None:
    cache, start = PromptCache(), (user(long_text(1500)), assistant("yes"))
    first = Ask("gpt-5.4", (*start, user("a")))
    assert cached(cache, first) == 0
    again = Ask("gpt-5.4", (*start, user("b")))
    assert MIN_TOKENS <= cached(cache, again) < count_ask(again, CARDS["gpt-5.4"])
    assert cached(cache, Ask("gpt-5.5", again.messages)) == 0
    assert cached(cache, Ask("gpt-5.4", again.messages, system="other")) == 0


def test_a_short_prompt_is_never_cached() -> None:
    cache, ask = PromptCache(), Ask("gpt-5.4", (user("a"), assistant("b"), user("c")))
    assert [cached(cache, ask) for _ in range(2)] == [0, 0]


def test_every_part_has_a_count() -> None:
    parts: list[Part] = [TextPart("x"), ImagePart("image/png", b""), CALL, ToolResultPart("t1", "")]
    for part in parts:
        assert count_ask(Ask("gpt-5.4", (Message("user", (part,)),)), CARDS["gpt-5.4"]) > 3
