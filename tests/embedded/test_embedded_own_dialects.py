"""Our own client halves against the embedded gateway over HTTP: what they send is accepted, what comes back is whole."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from lib.cards import DialectName, ModelCard, WireForm
from lib.catalogue import load_catalogue
from lib.dialects import DIALECTS
from lib.dialects.model_list import read_model_list
from lib.dialects.wire_body import written
from lib.embedded import EmbeddedGateway
from lib.events import Gathered
from lib.messages import Ask, ImagePart, Message, Params, TextPart, Tool, ToolCallPart, ToolResultPart, VideoPart, user
from tests.embedded.requests_table import WEATHER_SCHEMA, picture

CARDS = {card.id: card for card in load_catalogue()}
SERVED = [(name, card) for card in CARDS.values() for name in DIALECTS if card.abilities(name).listed]


def answer(http: httpx.Client, gateway: EmbeddedGateway, name: DialectName, ask: Ask, **form: Any) -> Gathered:
    dialect, card, spelt = DIALECTS[name], CARDS[ask.model], WireForm(**form)
    decoder, gathered = dialect.decoder(), Gathered()
    headers, body = dialect.headers(gateway.key, spelt), b"".join(written(dialect.body(ask, spelt, card)))
    with http.stream("POST", dialect.path, content=body, headers=headers) as response:
        assert response.status_code == 200, response.read()
        for data in response.iter_raw():
            for event in decoder.feed(data):
                gathered.take(event)
    for event in decoder.close():
        gathered.take(event)
    return gathered


@pytest.mark.parametrize(
    ("name", "card"), SERVED, ids=lambda value: value.id if isinstance(value, ModelCard) else value
)
def test_every_model_answers_in_each_of_its_dialects(
    http: httpx.Client, embedded: EmbeddedGateway, name: DialectName, card: ModelCard
) -> None:
    got = answer(http, embedded, name, Ask(card.id, (user("echo hello"),), system="Be brief."))
    assert got.complete
    assert got.text.startswith("hello")
    assert got.model == card.id
    assert got.usage is not None
    assert got.usage.input is not None
    assert got.usage.input > 5


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_usage_is_the_same_in_both_dialects(http: httpx.Client, embedded: EmbeddedGateway, stream: bool) -> None:
    ask = Ask("claude-opus-4-6", (user("think about prices"),), system="Be brief.", stream=stream)
    one, other = (answer(http, embedded, name, ask) for name in DIALECTS)
    assert one.usage is not None
    assert other.usage is not None
    assert (one.usage.input, one.usage.output) == (other.usage.input, other.usage.output)
    assert (one.text, one.reasoning) == (other.text, other.reasoning)
    assert other.signature


@pytest.mark.parametrize("effort", ["low", "high"])
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("openai", "gpt-5.5"),
        ("openai", "claude-opus-4-7"),
        ("anthropic", "claude-opus-4-7"),
        ("anthropic", "claude-opus-4-6"),
        ("anthropic", "claude-haiku-4-5"),
        ("openai", "gemini-2.5-pro"),
    ],
)
def test_an_effort_is_accepted_and_reasons(
    http: httpx.Client, embedded: EmbeddedGateway, name: DialectName, model: str, effort: str
) -> None:
    got = answer(http, embedded, name, Ask(model, (user("echo x"),), params=Params(reasoning_effort=effort)))
    assert got.complete
    assert got.reasoning
    assert got.usage is not None
    assert (got.usage.reasoning or 0) > 0


@pytest.mark.parametrize("name", DIALECTS)
def test_a_tool_goes_round(http: httpx.Client, embedded: EmbeddedGateway, name: DialectName) -> None:
    asked, tools = user("get_weather in Porto"), (Tool("get_weather", "", WEATHER_SCHEMA),)
    got = answer(http, embedded, name, Ask("claude-sonnet-4-6", (asked,), tools=tools))
    assert got.finish is not None
    assert got.finish.reason == "tool_calls"
    call = got.tool_calls[0]
    turns = (
        asked,
        Message("assistant", (ToolCallPart(call.id, call.name, call.arguments),)),
        Message("tool", (ToolResultPart(call.id, "17 degrees"),)),
    )
    assert "17 degrees" in answer(http, embedded, name, Ask("claude-sonnet-4-6", turns, tools=tools)).text


@pytest.mark.parametrize("name", DIALECTS)
def test_an_image_arrives(http: httpx.Client, embedded: EmbeddedGateway, name: DialectName) -> None:
    parts = (TextPart("what is this?"), ImagePart("image/png", picture((20, 10))))
    got = answer(http, embedded, name, Ask("claude-sonnet-4-6", (Message("user", parts),)))
    assert "20 × 10" in got.text


@pytest.mark.parametrize("video", ["image_url", "video_url", "video_url_string", "file"])
def test_a_video_arrives_in_every_form(http: httpx.Client, embedded: EmbeddedGateway, video: str) -> None:
    data = b"\x00\x00\x00\x18ftypisom" + bytes(90)
    parts = (TextPart("what is this?"), VideoPart("video/mp4", data))
    got = answer(http, embedded, "openai", Ask("gemini-2.5-pro", (Message("user", parts),)), video=video)
    assert "A video of type **video/mp4**, 102 bytes" in got.text


def test_the_model_list_is_read_with_its_exact_prices(http: httpx.Client, embedded: EmbeddedGateway) -> None:
    rows = read_model_list(200, http.get("/v1/models").content)
    assert {row.id: row.prices for row in rows} == {card.id: card.prices for card in embedded.models.values()}
    assert {row.id: (row.context, row.max_output) for row in rows} == {
        card.id: (card.context, card.max_output) for card in CARDS.values()
    }
