"""The model list and the connection test, which spends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from lib.embedded import EmbeddedGateway
from lib.errors import GatewayError
from lib.gateway import Deadlines, Gateway, Reach
from lib.secret import Secret
from lib.settings import clean_base_url
from tests.gateway.asking import KEY, SHORT, WORDS, an_ask, asked, card_of
from tests.gateway.raw_server import Behaviour, Endpoint, Line, RawServer, Request, answers, head

LIST = answers(200, '{"data":[{"id":"m-1"},{"id":"m-2"}]}')
REFUSAL = answers(400, '{"error":{"message":"you must provide a model parameter","type":"invalid_request_error"}}')
PAGE = answers(400, "<html><title>The plain HTTP request was sent to HTTPS port</title></html>", kind="text/html")
WRONG_KEY = answers(401, '{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}')
MISSING = answers(404, "not here", kind="text/plain")


def by_path(lists: Behaviour, chat: Behaviour, messages: Behaviour) -> Behaviour:
    def behave(line: Line, request: Request) -> None:
        ends = {"/models": lists, "/completions": chat, "/messages": messages}
        next(behaviour for end, behaviour in ends.items() if request.path.endswith(end))(line, request)

    return behave


def reached(base_url: str, key: Secret = KEY, deadlines: Deadlines | None = None) -> Reach:
    async def reach() -> Reach:
        door = Gateway(card_of(base_url), key, deadlines=deadlines)
        try:
            return await door.reach()
        finally:
            await door.aclose()

    return asyncio.run(reach())


def unreached(base_url: str, deadlines: Deadlines | None = None) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        reached(base_url, deadlines=deadlines)
    return caught.value


def test_the_dialects_served_are_those_that_refuse_an_empty_request(server: RawServer) -> None:
    both = reached(server.endpoint(by_path(LIST, REFUSAL, REFUSAL)).base_url)
    assert ([model.id for model in both.models], both.dialects) == (["m-1", "m-2"], ("openai", "anthropic"))
    one = reached(server.endpoint(by_path(LIST, REFUSAL, MISSING)).base_url)
    assert one.dialects == ("openai",)
    assert one.list_error is None


def test_a_gateway_without_a_model_list_still_serves(server: RawServer) -> None:
    found = reached(server.endpoint(by_path(MISSING, REFUSAL, MISSING)).base_url)
    assert (found.dialects, found.models) == (("openai",), ())
    assert found.list_error is not None
    assert found.list_error.kind == "not_found"


def test_a_wrong_key_is_said_even_when_the_list_is_public(server: RawServer) -> None:
    assert unreached(server.endpoint(by_path(LIST, WRONG_KEY, WRONG_KEY)).base_url).kind == "auth"
    assert unreached(server.endpoint(WRONG_KEY).base_url).kind == "auth"


def test_a_page_is_no_gateway(server: RawServer) -> None:
    assert unreached(server.endpoint(PAGE).base_url).kind == "bad_request"
    assert unreached(server.endpoint(answers(200, "<html>hello</html>", kind="text/html")).base_url).kind == "not_json"


def test_a_redirect_and_silence_are_said(server: RawServer) -> None:
    assert unreached(server.endpoint(answers(301, location="https://gw.example/")).base_url).kind == "redirect"
    silent = server.endpoint(lambda line, request: line.wait_for_hangup(5) and None)
    assert unreached(silent.base_url, SHORT).kind == "timeout"


def test_the_test_spends_nothing(server: RawServer) -> None:
    endpoint = server.endpoint(by_path(LIST, REFUSAL, REFUSAL))
    reached(endpoint.base_url)
    assert [request.body for request in endpoint.requests if request.method == "POST"] == [b"{}", b"{}"]


async def _models(endpoint: Endpoint, deadlines: Deadlines | None = None) -> None:
    door = Gateway(card_of(endpoint.base_url), KEY, deadlines=deadlines)
    try:
        await door.models()
    finally:
        await door.aclose()


def test_a_model_list_that_breaks_off_is_not_taken_for_a_short_one(server: RawServer) -> None:
    def broken(line: Line, request: Request) -> None:
        line.send(head(200, {"content-length": "5000"}) + b'{"data":[{"id":"m-1"}]}')
        line.close()

    with pytest.raises(GatewayError) as caught:
        asyncio.run(_models(server.endpoint(broken)))
    assert caught.value.kind == "truncated"


def test_a_model_list_has_a_deadline_of_its_own(server: RawServer) -> None:
    def silent_after_a_blank(line: Line, request: Request) -> None:
        line.send(head(200) + b" ")
        line.wait_for_hangup(5)

    drip = server.endpoint(silent_after_a_blank)
    with pytest.raises(GatewayError) as caught:
        asyncio.run(_models(drip, SHORT))
    assert (caught.value.kind, caught.value.where) == ("timeout", "transport")


@pytest.mark.parametrize(
    ("pasted", "asked_at"),
    [
        ("", "/v1/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/api/v1/chat/completions", "/api/v1/chat/completions"),
        ("/v1beta/openai/", "/v1beta/openai/chat/completions"),
        ("/api/paas/v4", "/api/paas/v4/chat/completions"),
        ("/api/v3/chat/completions", "/api/v3/chat/completions"),
        ("/openai", "/openai/v1/chat/completions"),
    ],
)
def test_the_endpoint_is_found_below_what_was_pasted(server: RawServer, pasted: str, asked_at: str) -> None:
    endpoint = server.endpoint(answers(200, WORDS["openai"].whole))
    base = clean_base_url(endpoint.base_url + pasted)

    async def once() -> None:
        door = Gateway(card_of(base), KEY)
        await asked(door, an_ask(), "openai")
        await door.aclose()

    asyncio.run(once())
    assert endpoint.base_url.endswith(endpoint.requests[0].path.removesuffix(asked_at))


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway(speed=0) as gateway:
        yield gateway


def test_the_embedded_gateway_is_reached_in_both_dialects(embedded: EmbeddedGateway) -> None:
    found = reached(embedded.base_url, embedded.key)
    assert found.dialects == ("openai", "anthropic")
    assert len(found.models) == 45
    with pytest.raises(GatewayError) as caught:
        reached(embedded.base_url, Secret("sk-of-somebody-else"))
    assert caught.value.kind == "auth"
