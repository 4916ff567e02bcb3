"""Whatever JSON comes in, the rules answer: a refusal, or a whole answer; never an exception."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.catalogue import load_catalogue
from lib.embedded.answers import script_for
from lib.embedded.given import Given
from lib.embedded.offer import offered
from lib.embedded.plan import plan_of
from lib.embedded.rules import first_refusal
from lib.embedded.wires import ANTHROPIC, OPENAI, Wire
from tests.embedded.requests_table import (
    ANTHROPIC_TOOL,
    OPENAI_TOOL,
    Body,
    anthropic_image,
    data_url,
    openai_image,
    picture,
)

MODELS = offered(load_catalogue())
PNG = picture()
JSON = st.recursive(
    st.sampled_from([None, True, False, 0, 1, -1, 2**70, 0.5, "", "x", "user", "text", "tool", "base64", "function"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "text", "image_url", "url", "source", "id", "name", "function"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
OPENAI_WHOLE = openai_image(data_url(PNG), temperature=1, max_completion_tokens=50, stop=["x"], stream=True) | {
    "tools": [OPENAI_TOOL],
    "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    "stream_options": {"include_usage": True},
    "reasoning_effort": "none",
}
ANTHROPIC_WHOLE = anthropic_image(PNG, max_tokens=3000, stream=True, system=[{"type": "text", "text": "s"}]) | {
    "tools": [ANTHROPIC_TOOL],
    "tool_choice": {"type": "tool", "name": "get_weather"},
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "get_weather", "input": {}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "r"}]}],
        },
    ],
}


def answered(wire: Wire, body: Body) -> None:
    """Runs all that a request runs through, without the network."""
    facts = Given(body, MODELS, wire.name)
    if first_refusal(wire.rules, facts) is None:
        ask = wire.ask_from(body)
        plan = plan_of(script_for(ask, facts.card), ask.params, facts.card, 1)
        assert plan.usage.output is not None


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, as a path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, inner in items for place in places(inner, (*at, key)))]


def replaced(body: Body, place: tuple[Any, ...], value: Any) -> Body:
    changed = copy.deepcopy(body)
    target: Any = changed
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    return changed


@pytest.mark.parametrize(("wire", "body"), [(OPENAI, OPENAI_WHOLE), (ANTHROPIC, ANTHROPIC_WHOLE)], ids=["O", "A"])
def test_the_whole_requests_are_sound(wire: Wire, body: Body) -> None:
    assert first_refusal(wire.rules, Given(body, MODELS, wire.name)) is None
    answered(wire, body)


@pytest.mark.parametrize(("wire", "body"), [(OPENAI, OPENAI_WHOLE), (ANTHROPIC, ANTHROPIC_WHOLE)], ids=["O", "A"])
@given(data=st.data(), value=JSON)
@settings(max_examples=250, deadline=None)
def test_any_value_in_any_place_is_answered(wire: Wire, body: Body, data: st.DataObject, value: Any) -> None:
    place = data.draw(st.sampled_from([place for place in places(body) if place]))
    answered(wire, replaced(body, place, value))


@pytest.mark.parametrize("wire", [OPENAI, ANTHROPIC], ids=["O", "A"])
@given(messages=st.lists(JSON, max_size=4), fields=st.dictionaries(st.text(max_size=8), JSON, max_size=3))
@settings(max_examples=150, deadline=None)
def test_any_messages_are_answered(wire: Wire, messages: list[Any], fields: dict[str, Any]) -> None:
    answered(wire, {"model": "claude-opus-4-6", "max_tokens": 50, "messages": messages, **fields})
