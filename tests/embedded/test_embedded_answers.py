"""What the demo says: useful, honest, and the same for the same question."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.catalogue import load_catalogue
from lib.embedded.answers import NOTE, controls_in, script_for
from lib.embedded.counting import count_text
from lib.embedded.plan import Pace, pace_of, plan_of
from lib.embedded.sections import best_section, help_sections
from lib.embedded.tooling import arguments
from lib.events import Gathered
from lib.messages import Ask, ImagePart, Message, Params, TextPart, Tool, user
from tests.embedded.requests_table import picture

CARDS = {card.id: card for card in load_catalogue()}
CARD = CARDS["gpt-5.4"]


def said(text: str, **fields: Any) -> str:
    return script_for(Ask("gpt-5.4", (user(text),), **fields), CARD).text


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What is Parlour?", "What Parlour is"),
        ("How do I connect a gateway?", "Connect a gateway"),
        ("where do I put my API key", "Connect a gateway"),
        ("How do prices work?", "Prices and costs"),
        ("what does -low mean, which variants are there", "Price variants"),
        ("Can I stop an answer?", "Stop, reload and recovery"),
        ("Where is my data stored?", "Where your data lives"),
        ("Is it private? is there telemetry?", "Privacy and keys"),
        ("keyboard shortcuts", "Keyboard"),
        ("What does the usage page show?", "The usage page"),
        ("can I attach a picture?", "Pictures and video"),
    ],
)
def test_a_question_about_parlour_finds_its_section(question: str, title: str) -> None:
    match = best_section(question)
    assert match is not None
    assert match[0].title == title
    assert said(question).startswith(f"### {title}\n")


@pytest.mark.parametrize("text", ["What is artificial intelligence?", "Hello", "", "🙂", "Write a poem about snow"])
def test_anything_else_is_answered_honestly(text: str) -> None:
    assert "there is no model" in said(text)


@pytest.mark.parametrize(
    "text", ["echo x", "show table", "think about x", "slow", "long 100", "n=80", "Hello", "prices"]
)
def test_every_answer_says_once_that_it_is_a_demo(text: str) -> None:
    assert said(text).lower().count("no model was called") == 1


def test_echo_gives_the_words_back_verbatim() -> None:
    hostile = "I paid $5 and $10 for :red[x] -> y :smile: ![a](http://evil/x.png)\n<b>no</b>"
    assert said(f"echo {hostile}") == hostile + NOTE


@pytest.mark.parametrize(
    ("name", "holds"), [("markdown", "> A quotation"), ("code", "```python"), ("table", "|---:|"), ("math", "$$")]
)
def test_it_shows_what_it_is_asked_to_show(name: str, holds: str) -> None:
    assert holds in said(f"show {name}")
    assert holds in said("Show me everything.")


def test_thinking_is_visible_and_says_what_the_demo_does() -> None:
    script = script_for(Ask("gpt-5.4", (user("think about prices"),)), CARD)
    assert "“Prices and costs”" in script.reasoning
    asked = Ask("gpt-5.4", (user("echo x"),), params=Params(reasoning_effort="high"))
    assert script_for(asked, CARD).reasoning


def test_long_and_n_have_exactly_the_ordered_length() -> None:
    assert count_text(said("long 2000")) == 2000
    assert count_text(said("n=77 whatever")) == 77
    assert count_text(said("n=3")) == 3


def test_controls_are_read_anywhere_and_left_out_of_the_text() -> None:
    found = controls_in("please n=40 echo tps=max wait=1.5 this")
    assert (found.tokens, found.per_second, found.wait_s) == (40, math.inf, 1.5)
    assert "n=" not in found.text
    assert controls_in("x=1 an=5 n=abc").tokens is None


def test_pace_is_scaled_by_speed_but_an_order_is_not() -> None:
    plain = script_for(Ask("gpt-5.4", (user("hello"),)), CARD)
    assert pace_of(plain, CARD, 1).per_second == 80
    assert pace_of(plain, CARD, 2).first_s == pytest.approx(0.075)
    assert pace_of(plain, CARD, 0) == Pace()
    assert pace_of(plain, CARDS["gpt-5.4-low"], 1) != pace_of(plain, CARD, 1)
    ordered = script_for(Ask("gpt-5.4", (user("tps=50 wait=2"),)), CARD)
    assert pace_of(ordered, CARD, 0) == Pace(2.0, 50.0)
    slow = script_for(Ask("gpt-5.4", (user("slow"),)), CARD)
    assert pace_of(slow, CARD, 1).per_second < 10


def test_the_cap_counts_reasoning_first() -> None:
    script = script_for(Ask("gpt-5.4", (user("think about prices"),)), CARD)
    plan = plan_of(script, Params(max_tokens=5), CARD, 10)
    answer = Gathered()
    for event in plan.events():
        answer.take(event)
    assert answer.text == ""
    assert (plan.usage.output, plan.usage.reasoning, plan.finish.reason) == (5, 5, "length")


def test_the_earliest_stop_sequence_counts() -> None:
    script = script_for(Ask("gpt-5.4", (user("echo a B c D"),)), CARD)
    plan = plan_of(script, Params(stop=("D", "B")), CARD, 10)
    assert plan.stop_sequence == "B"
    assert plan.usage.output == count_text("a ")


@given(st.text(max_size=200), st.sampled_from(sorted(CARDS)))
@settings(max_examples=100, deadline=None)
def test_any_text_gets_the_same_answer_twice(text: str, model: str) -> None:
    ask = Ask(model, (user(text),))
    plan = plan_of(script_for(ask, CARDS[model]), ask.params, CARDS[model], 1)
    assert plan == plan_of(script_for(ask, CARDS[model]), ask.params, CARDS[model], 1)
    assert plan.usage.output is not None
    assert plan.usage.output > 0


def test_two_pictures_are_described_one_by_one() -> None:
    images = (ImagePart("image/png", picture((9, 4), colour="#000000")), ImagePart("image/png", picture((4, 9))))
    text = script_for(Ask("gpt-5.4", (Message("user", (TextPart("compare"), *images)),)), CARD).text
    assert "1. A **PNG** image" in text
    assert "landscape" in text.split("2. ")[0]
    assert "portrait" in text.split("2. ")[1]


def test_arguments_come_from_the_words_where_they_can() -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "count": {"type": "integer", "maximum": 5},
            "unit": {"enum": ["c", "f"]},
            "exact": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "inner": {"type": "object", "properties": {"email": {"type": ["string", "null"]}}},
        },
    }
    assert arguments(Tool("t", "", schema), "f, city=Braga, count 9") == {
        "city": "Braga",
        "count": 5,
        "unit": "f",
        "exact": True,
        "tags": ["f, city=Braga, count 9"],
        "inner": {"email": "ada@example.org"},
    }


SCHEMAS = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": "integer"}, {"enum": []}, {}, True, None, {"type": 7}]),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(st.text(max_size=5), inner)}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, max_size=2)}),
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["properties", "required", "x"]), SCHEMAS), st.text(max_size=40))
@settings(max_examples=80)
def test_any_schema_gets_an_object(schema: dict[str, Any], text: str) -> None:
    assert isinstance(arguments(Tool("t", "", schema), text), dict)


def test_every_help_section_is_complete() -> None:
    assert len(help_sections()) >= 10
    for section in help_sections():
        assert section.words
        assert len(section.text) > 80
        assert "<!--" not in section.text
