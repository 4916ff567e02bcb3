"""What leaves through the door, and what never may: the key, cookies, and anything to another address."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import traceback
from urllib.parse import quote

import pytest

from lib.cards import DialectName, WireForm
from lib.errors import GatewayError
from lib.events import AttemptFailed, Event, Failed
from lib.gateway import Deadlines, Gateway
from lib.secret import Secret
from tests.gateway.asking import (
    CANARY,
    DIALECT_NAMES,
    KEY,
    WORDS,
    an_ask,
    ask_once,
    asked,
    card_of,
    sum_of,
)
from tests.gateway.raw_server import Endpoint, Line, RawServer, Request, answers, closes, head, in_turn, streams

both_dialects = pytest.mark.parametrize("dialect", DIALECT_NAMES)
ALWAYS = {"host", "connection", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}


def shown(error: BaseException) -> str:
    """Everything that a log or a screen could show of an error, its causes included."""
    texts = ["".join(traceback.format_exception(error)), json.dumps(vars(error), default=repr)]
    link: BaseException | None = error
    while link is not None:
        texts += [str(link), repr(link), repr(link.args), repr(vars(link))]
        link = link.__cause__ or link.__context__
    return "\n".join(texts)


def forms_of(key: str) -> list[str]:
    return [key, quote(key, safe=""), base64.b64encode(key.encode()).decode(), key[:20], key[-12:]]


def errors_of(events: list[Event]) -> list[GatewayError]:
    return [event.error for event in events if isinstance(event, Failed | AttemptFailed)]


def assert_no_key_in(text: str) -> None:
    for form in forms_of(CANARY):
        assert form not in text


@both_dialects
@pytest.mark.parametrize(
    ("auth", "name", "value"), [("bearer", "authorization", f"Bearer {CANARY}"), ("x-api-key", "x-api-key", CANARY)]
)
def test_the_headers_sent_are_exactly_these(
    server: RawServer, dialect: DialectName, auth: str, name: str, value: str
) -> None:
    endpoint = server.endpoint(streams(WORDS[dialect].answer))
    ask_once(endpoint.base_url, dialect, form=WireForm(auth=auth))  # type: ignore[arg-type]
    (request,) = endpoint.requests
    sent = [header.lower() for header, _ in request.headers]
    version = {"anthropic-version"} if dialect == "anthropic" else set()
    assert sorted(sent) == sorted(ALWAYS | {name} | version)
    assert request.header(name) == value
    assert request.header("accept-encoding") == "identity"
    assert request.header("accept") == "text/event-stream"
    assert request.header("user-agent") == "Parlour"
    assert CANARY not in request.path
    assert CANARY.encode() not in request.body


def test_the_model_list_is_asked_for_with_as_few_headers(server: RawServer) -> None:
    endpoint = server.endpoint(answers(200, '{"data":[{"id":"m"}]}'))

    async def listed() -> None:
        door = Gateway(card_of(endpoint.base_url), KEY)
        assert [model.id for model in await door.models()] == ["m"]
        await door.aclose()

    asyncio.run(listed())
    (request,) = endpoint.requests
    sent = {header.lower() for header, _ in request.headers}
    assert sent == ALWAYS - {"content-length"} | {"authorization"}
    assert (request.method, request.header("accept-encoding")) == ("GET", "identity")


def test_a_cookie_is_not_sent_back(server: RawServer) -> None:
    endpoint = server.endpoint(answers(200, WORDS["openai"].whole, set_cookie="track=1; Path=/"))

    async def twice() -> None:
        door = Gateway(card_of(endpoint.base_url), KEY, pace_s=0)
        for _ in range(2):
            await asked(door, an_ask(), "openai")
        await door.aclose()

    asyncio.run(twice())
    assert [request.header("cookie") for request in endpoint.requests] == [None, None]


@both_dialects
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_neither_key_nor_body_elsewhere(server: RawServer, dialect: DialectName, status: int) -> None:
    with RawServer() as elsewhere:
        trap = elsewhere.endpoint(answers(200, WORDS[dialect].whole))
        endpoint = server.endpoint(answers(status, location=f"{trap.base_url}/v1?key={CANARY}"))
        (error,) = errors_of(ask_once(endpoint.base_url, dialect))
        assert (error.kind, error.status, endpoint.posts) == ("redirect", status, 1)
        assert trap.requests == []
    assert str(elsewhere.port) in error.message
    assert_no_key_in(shown(error))


def echoing(request: Request) -> bytes:
    return request.raw + quote(CANARY).encode() + quote(CANARY, safe="").encode()


def echo_as_json(line: Line, request: Request) -> None:
    text = echoing(request).decode("latin-1")
    error = {"message": text[-400:], "type": CANARY, "code": f"bad {CANARY}", "param": CANARY}
    body = json.dumps({"error": error}).encode()
    fields = {"content-length": str(len(body)), "x-request-id": CANARY, "www-authenticate": CANARY}
    line.send(head(401, fields) + body)


def echo_cut_short(line: Line, request: Request) -> None:
    """The message is so long that it is shortened in the middle of the key."""
    body = json.dumps({"error": {"message": "x" * (598 - len(CANARY) // 2) + CANARY + "y" * 50}}).encode()
    line.send(head(403, {"content-length": str(len(body))}) + body)


def echo_as_page(line: Line, request: Request) -> None:
    body = b"<html><title>Refused: " + CANARY.encode() + b"</title>" + echoing(request)
    line.send(head(400, {"content-length": str(len(body)), "content-type": "text/html"}) + body)


def echo_as_text(line: Line, request: Request) -> None:
    body = echoing(request)
    line.send(head(200, {"content-length": str(len(body)), "content-type": "text/plain"}) + body)


def echo_in_the_stream(line: Line, request: Request) -> None:
    event = json.dumps({"error": {"message": f"key {CANARY} refused", "code": CANARY}}).encode()
    line.send(head(200, {"x-request-id": CANARY}) + b"event: error\ndata: " + event + b"\n\n")
    line.close()


ECHOES = [echo_as_json, echo_cut_short, echo_as_page, echo_as_text, echo_in_the_stream, closes]


@both_dialects
@pytest.mark.parametrize("echo", ECHOES, ids=lambda echo: str(echo.__name__))
def test_a_key_that_comes_back_is_shown_nowhere(
    server: RawServer,
    dialect: DialectName,
    echo: object,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint = server.endpoint(echo)  # type: ignore[arg-type]
    events = ask_once(endpoint.base_url, dialect)
    errors = errors_of(events)
    assert errors
    assert endpoint.requests[0].header("authorization") == f"Bearer {CANARY}"
    for error in errors:
        assert_no_key_in(shown(error))
    gathered = sum_of(events)
    assert_no_key_in(repr(events) + repr(gathered.request_id))
    assert_no_key_in(caplog.text + "".join(capfd.readouterr()))


def test_a_key_in_a_refused_model_list_is_masked(server: RawServer) -> None:
    async def refused(endpoint: Endpoint) -> GatewayError:
        door = Gateway(card_of(endpoint.base_url), KEY)
        with pytest.raises(GatewayError) as caught:
            await door.models()
        with pytest.raises(GatewayError):
            await door.reach()
        await door.aclose()
        return caught.value

    for echo in (echo_as_json, echo_as_page):
        assert_no_key_in(shown(asyncio.run(refused(server.endpoint(echo)))))


@pytest.mark.parametrize("broken", ["sk-CANARY-with\nnewline-1", "sk-CANARY-wïth-ünicode", "sk-CANARY-nul\0-key-12"])
def test_a_key_that_no_header_can_carry_is_not_quoted(
    server: RawServer, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Keys are checked where they are entered; this is the second wall."""
    caplog.set_level(logging.DEBUG)
    endpoint = server.endpoint(streams(WORDS["openai"].answer))
    (error,) = errors_of(ask_once(endpoint.base_url, key=Secret(broken)))
    assert (error.kind, error.sent, endpoint.posts) == ("bad_request", False, 0)
    assert "CANARY" not in shown(error) + caplog.text


def test_no_proxy_and_no_netrc_of_the_environment_is_used(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}/")
        endpoint = server.endpoint(streams(WORDS["openai"].answer))
        assert sum_of(ask_once(endpoint.base_url)).complete
        assert proxy._lines == 0


@pytest.mark.parametrize("base", ["http://gw..example", "http://\u2488.example", "ftp://x"])
def test_an_impossible_address_is_an_answer_too(base: str) -> None:
    (error,) = errors_of(ask_once(base, deadlines=Deadlines(connect=2)))[-1:]
    assert (error.where, error.sent) == ("transport", False)


def test_a_repaired_parameter_is_tried_once_told_and_remembered(server: RawServer) -> None:
    refusal = {
        "message": "Unsupported parameter: 'top_p'",
        "type": "x",
        "param": "top_p",
        "code": "unsupported_parameter",
    }
    refuse = answers(400, json.dumps({"error": refusal}))
    endpoint = server.endpoint(in_turn(refuse, answers(200, WORDS["openai"].whole)))

    async def twice() -> list[list[Event]]:
        door = Gateway(card_of(endpoint.base_url), KEY, pace_s=0)
        found = [await asked(door, an_ask(top_p=0.5, temperature=1), "openai") for _ in range(2)]
        assert door.form_for("m", "openai").dropped == ("top_p",)
        assert door.form_for("other", "openai").dropped == ()
        assert door.form_for("m", "anthropic").dropped == ()
        await door.aclose()
        return found

    first, second = asyncio.run(twice())
    assert (sum_of(first).repaired, sum_of(second).repaired) == (["top_p"], [])
    assert ["top_p" in request.json for request in endpoint.requests] == [True, False, False]
    assert all("temperature" in request.json for request in endpoint.requests)


def test_a_renamed_parameter_says_its_new_name(server: RawServer) -> None:
    words = "Unsupported parameter: 'max_completion_tokens'. Use 'max_tokens' instead."
    refuse = answers(400, json.dumps({"error": {"message": words, "param": "max_completion_tokens"}}))
    endpoint = server.endpoint(in_turn(refuse, answers(200, WORDS["openai"].whole)))
    found = sum_of(ask_once(endpoint.base_url, ask=an_ask(max_tokens=9)))
    assert (found.repaired, found.complete) == (["max_completion_tokens → max_tokens"], True)
    assert endpoint.requests[1].json["max_tokens"] == 9


def test_a_repair_that_does_not_help_is_neither_repeated_nor_remembered(server: RawServer) -> None:
    refuse = answers(
        400, json.dumps({"error": {"message": "Unsupported parameter: 'temperature'", "param": "temperature"}})
    )
    refuse_more = answers(400, json.dumps({"error": {"message": "Unsupported parameter: 'top_p'", "param": "top_p"}}))
    endpoint = server.endpoint(in_turn(refuse, refuse_more))

    async def once() -> list[Event]:
        door = Gateway(card_of(endpoint.base_url), KEY, pace_s=0)
        events = await asked(door, an_ask(top_p=0.5, temperature=1), "openai")
        assert door.form_for("m", "openai") == WireForm()
        await door.aclose()
        return events

    found = sum_of(asyncio.run(once()))
    assert found.error is not None
    assert (found.error.kind, endpoint.posts) == ("bad_request", 2)
