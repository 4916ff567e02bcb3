"""Everything a gateway can do wrong, in both dialects: what is told, what is kept, and how often it was asked.

All cases run at once (a door for each), so that the waits between their attempts pass together.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from lib.cards import DialectName
from lib.errors import GatewayError
from lib.events import AttemptFailed, Event, Gathered
from lib.gateway import Deadlines, Gateway
from lib.retries import wait_before_retry
from tests.gateway.asking import (
    CANARY,
    DIALECT_NAMES,
    KEY,
    WORDS,
    Words,
    an_ask,
    asked,
    assert_well_formed,
    card_of,
    events_from,
    sum_of,
)
from tests.gateway.raw_server import (
    Behaviour,
    Endpoint,
    Line,
    RawServer,
    Request,
    answers,
    chunked,
    closes,
    head,
    resets,
    streams,
)

HASTY = Deadlines(connect=5, first=1.0, gap=0.6, total=60)
PATIENT = Deadlines(connect=5, first=20, gap=20, total=60)
HTML = "<!DOCTYPE html><html><head><title>Bad thing</title></head><body>no</body></html>"


def says(code: str | None, message: str = "no", **more: Any) -> str:
    return json.dumps({"error": {"message": message, "type": "some_error", "code": code, "param": None, **more}})


class Case(NamedTuple):
    """A behaviour made of a dialect's words, and what must come of it (`kind` None: a complete answer)."""

    behaviour: Callable[[Words], Behaviour]
    kind: str | None = None
    where: str = "http"
    status: int | None = None
    posts: int = 1
    text: str = ""
    deadlines: Deadlines = PATIENT
    options: dict[str, Any] = {}  # noqa: RUF012  (never changed)


def whole(status: int, body: str | bytes = "", **more: str) -> Callable[[Words], Behaviour]:
    return lambda words: answers(status, body, **more)


def page(status: int) -> Callable[[Words], Behaviour]:
    return lambda words: answers(status, HTML, kind="text/html")


def dripping(before: bytes) -> Behaviour:
    def behave(line: Line, request: Request) -> None:
        line.send(head(200, {"content-type": "text/event-stream"}) + before)
        for _ in range(200):
            line.send(b": still working\n\n")
            time.sleep(0.05)

    return behave


def endless(words: Words) -> Behaviour:
    def behave(line: Line, request: Request) -> None:
        line.send(head(200, {"content-type": "text/event-stream"}) + words.opening)
        for _ in range(100_000):
            line.send(words.hello * 100)

    return behave


def stalls(line: Line) -> None:
    line.wait_for_hangup(5)


def slow(words: Words) -> Behaviour:
    def behave(line: Line, request: Request) -> None:
        line.send(head(200, {"content-type": "text/event-stream", "connection": "close"}))
        time.sleep(0.3)
        line.send(words.answer)
        line.close()

    return behave


def squeezed(words: Words, times: int, coding: str) -> Behaviour:
    body = words.answer
    for _ in range(times):
        body = gzip.compress(body)
    return answers(200, body, kind="text/event-stream", content_encoding=coding)


def short_of_its_length(words: Words) -> Behaviour:
    body = words.opening + words.hello

    def behave(line: Line, request: Request) -> None:
        line.send(head(200, {"content-length": str(len(body) + 10)}) + body)
        line.close()

    return behave


def stalls_in_an_error(line: Line, request: Request) -> None:
    line.send(head(401, {"content-length": "1000"}) + b'{"error"')
    line.wait_for_hangup(5)


def huge_text(words: Words) -> bytes:
    return words.hello.replace(b"Hello", b"x" * 10_000_000)


QUICK = {"retry_after_ms": "10"}
DATES = {"date": "Fri, 20 Nov 2026 12:00:00 GMT", "retry_after": "Fri, 20 Nov 2026 12:00:00 GMT"}
CUT = {"kind": "truncated", "text": "Hello"}
WHOLE: dict[str, Any] = {"text": "Hello"}

CASES: dict[str, Case] = {
    "closes before it answers": Case(lambda w: closes, "server", "transport"),
    "resets before it answers": Case(lambda w: resets, "server", "transport"),
    "401 that echoes the key": Case(whole(401, says("invalid_api_key", f"Wrong: {CANARY}")), "auth", status=401),
    "401 that stalls": Case(lambda w: stalls_in_an_error, "auth", status=401),
    "402 as a page": Case(page(402), "quota", status=402),
    "403": Case(whole(403, says(None)), "permission", status=403),
    "404 of a model": Case(whole(404, says("model_not_found")), "not_found", status=404),
    "404 as a page": Case(page(404), "not_found", status=404),
    "408": Case(whole(408, says(None)), "timeout", status=408),
    "409": Case(whole(409, says(None)), "server", status=409),
    "413 without a word": Case(whole(413), "too_large", status=413),
    "422 with a list": Case(whole(422, '{"detail":[{"loc":["body","x"],"msg":"bad"}]}'), "bad_request", status=422),
    "429 in ms": Case(whole(429, says("rate_limit_exceeded"), **QUICK), "rate_limit", status=429, posts=3),
    "429 in 0 s": Case(whole(429, says("rate_limit_exceeded"), retry_after="0"), "rate_limit", status=429, posts=3),
    "429 at a date": Case(whole(429, says(None), **DATES), "rate_limit", status=429, posts=3),
    "429 in an hour": Case(whole(429, says(None), retry_after="3600"), "rate_limit", status=429),
    "429 in soon": Case(whole(429, says(None), retry_after="soon"), "rate_limit", status=429, posts=2),
    "429 without a time": Case(whole(429, says(None)), "rate_limit", status=429, posts=2),
    "429 of an empty account": Case(whole(429, says("insufficient_quota"), **QUICK), "quota", status=429),
    "429 not to be retried": Case(whole(429, says(None), x_should_retry="false", **QUICK), "rate_limit", status=429),
    "500 as a page of 2 MB": Case(
        lambda w: answers(500, HTML + "x" * 2_000_000, kind="text/html"), "server", status=500
    ),
    "500 to be retried": Case(whole(500, says(None), x_should_retry="true", **QUICK), "server", status=500),
    "502": Case(page(502), "server", status=502),
    "503 without a time": Case(whole(503, says(None)), "overloaded", status=503, posts=3),
    "503 in ms": Case(whole(503, says(None), **QUICK), "overloaded", status=503, posts=3),
    "504": Case(page(504), "timeout", status=504),
    "529": Case(whole(529, says(None), **QUICK), "overloaded", status=529, posts=3),
    "301 to nowhere": Case(whole(301, location="http://gw.example:port/"), "redirect"),
    "200 as a page": Case(page(200), "not_json", "body", 200),
    "200 of nothing": Case(whole(200), "empty", "body", 200),
    "204": Case(lambda w: lambda line, request: line.send(head(204)), "empty", "body", 204),
    "200 in JSON for a stream": Case(lambda w: answers(200, w.whole), **WHOLE),
    "gzip although identity was asked": Case(lambda w: squeezed(w, 1, "gzip"), **WHOLE),
    "gzip twice": Case(lambda w: squeezed(w, 2, "gzip, gzip"), "not_json", "body"),
    "a coding nobody asked for": Case(lambda w: squeezed(w, 1, "br"), "not_json", "body"),
    "a slow first byte": Case(slow, **WHOLE),
    "a stall before content": Case(lambda w: streams(w.opening, then=stalls), "timeout", "transport", deadlines=HASTY),
    "a stall in the middle": Case(
        lambda w: streams(w.opening, w.hello, then=stalls), "timeout", "stream", text="Hello", deadlines=HASTY
    ),
    "comments for ever": Case(lambda w: dripping(w.opening), "timeout", "transport", deadlines=HASTY),
    "comments for ever after content": Case(
        lambda w: dripping(w.opening + w.hello), "timeout", "stream", text="Hello", deadlines=HASTY
    ),
    "a reset in the middle of an event": Case(
        lambda w: streams(w.opening, w.hello, w.hello[:30], then=lambda line: line.reset()), where="transport", **CUT
    ),
    "a reset before content": Case(
        lambda w: streams(w.opening, then=lambda line: line.reset()), "truncated", "transport"
    ),
    "a clean close without a finish": Case(lambda w: streams(w.opening, w.hello), where="stream", **CUT),
    "a broken chunk": Case(lambda w: chunked([w.opening, w.hello], last=b"zz\r\n"), where="transport", **CUT),
    "fewer bytes than promised": Case(short_of_its_length, where="transport", **CUT),
    "a malformed event": Case(lambda w: streams(w.opening, b'data: {"choices": [\n\n', w.hello, w.end), **WHOLE),
    "an event of 10 MB": Case(lambda w: streams(w.opening, huge_text(w), w.end), text="x" * 10_000_000),
    "a stream without end": Case(endless, "too_large", "stream", text="*", options={"max_answer": 300_000}),
    "invalid UTF-8": Case(
        lambda w: streams(w.opening, w.hello.replace(b"Hello", b"H\xff\xfello"), w.end),
        text="H\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}llo",
    ),
    "an error in the middle": Case(
        lambda w: streams(w.opening, w.hello, w.overloaded), "overloaded", "stream", text="Hello"
    ),
    "an error first": Case(lambda w: streams(w.opening, w.overloaded), "overloaded", "stream", posts=2),
    "everything, and an open line": Case(lambda w: streams(w.answer, then=stalls), **WHOLE),
    "everything in chunks": Case(lambda w: chunked([w.answer]), **WHOLE),
}


class Seen(NamedTuple):
    events: list[Event]
    sum: Gathered
    endpoint: Endpoint
    seconds: float


@pytest.fixture(scope="module")
def results(server: RawServer) -> dict[tuple[str, DialectName], Seen]:
    async def one(case: Case, dialect: DialectName, door: Gateway, endpoint: Endpoint) -> Seen:
        began = time.monotonic()
        events = await asked(door, an_ask(), dialect)
        await door.aclose()
        return Seen(events, sum_of(events), endpoint, time.monotonic() - began)

    async def together(names: list[str]) -> dict[tuple[str, DialectName], Seen]:
        keys, waiting = [], []
        for name, dialect in ((name, dialect) for name in names for dialect in DIALECT_NAMES):
            case = CASES[name]
            endpoint = server.endpoint(case.behaviour(WORDS[dialect]))
            door = Gateway(card_of(endpoint.base_url, dialect), KEY, deadlines=case.deadlines, pace_s=0, **case.options)
            keys.append((name, dialect))
            waiting.append(one(case, dialect, door, endpoint))
        return dict(zip(keys, await asyncio.gather(*waiting), strict=True))

    async def everything() -> dict[tuple[str, DialectName], Seen]:
        hasty = [name for name, case in CASES.items() if case.deadlines is HASTY]
        return {**await together(hasty), **await together([name for name in CASES if name not in hasty])}

    return asyncio.run(everything())


both_dialects = pytest.mark.parametrize("dialect", DIALECT_NAMES)
every_case = pytest.mark.parametrize("name", CASES)


@every_case
@both_dialects
def test_a_fault_ends_as_one_answer_that_says_what_happened(
    results: dict[tuple[str, DialectName], Seen], name: str, dialect: DialectName
) -> None:
    case, seen = CASES[name], results[name, dialect]
    assert_well_formed(seen.events)
    error = seen.sum.error
    assert (error.kind if error else None) == case.kind
    if error:
        assert (error.where, error.status) == (case.where, case.status)
    assert seen.sum.complete == (case.kind is None)
    assert case.text == "*" or seen.sum.text == case.text


@every_case
@both_dialects
def test_a_request_is_repeated_only_as_the_rules_say(
    results: dict[tuple[str, DialectName], Seen], name: str, dialect: DialectName
) -> None:
    seen = results[name, dialect]
    assert seen.endpoint.posts == CASES[name].posts
    for event in seen.events:
        if isinstance(event, AttemptFailed):
            assert event.error.retryable
            least = wait_before_retry(event.error, attempt=event.number, content_seen=False, spread=0.999)
            most = wait_before_retry(event.error, attempt=event.number, content_seen=False)
            assert least is not None
            assert most is not None
            assert least <= event.retry_in_s <= most


@every_case
@both_dialects
def test_no_fault_hangs_beyond_its_deadline(
    results: dict[tuple[str, DialectName], Seen], name: str, dialect: DialectName
) -> None:
    assert results[name, dialect].seconds < 15


def test_a_malformed_event_is_counted(results: dict[tuple[str, DialectName], Seen]) -> None:
    assert results["a malformed event", "openai"].sum.skipped == 1


def test_a_long_wait_is_told_and_not_obeyed(results: dict[tuple[str, DialectName], Seen]) -> None:
    error = results["429 in an hour", "openai"].sum.error
    assert error is not None
    assert error.retry_after_s == 3600


def test_the_answer_without_a_stream_is_read_whole(server: RawServer) -> None:
    for dialect in DIALECT_NAMES:
        endpoint = server.endpoint(answers(200, WORDS[dialect].whole, x_request_id="r-1"))
        found = sum_of(asyncio.run(events_from(endpoint.base_url, dialect, ask=an_ask(stream=False))))
        assert (found.text, found.complete, found.request_id) == ("Hello", True, "r-1")
        assert found.usage is not None
        assert (found.usage.input, found.usage.output) == (3, 1)


def test_a_cut_stream_names_the_request_for_the_gateways_support(server: RawServer) -> None:
    words = WORDS["openai"]
    endpoint = server.endpoint(streams(words.opening, words.hello, x_oneapi_request_id="r-7"))
    error = sum_of(asyncio.run(events_from(endpoint.base_url))).error
    assert isinstance(error, GatewayError)
    assert error.request_id == "r-7"


def test_what_a_failed_attempt_reported_is_not_counted_for_the_next(server: RawServer) -> None:
    words = WORDS["anthropic"]
    failing = streams(words.opening, words.overloaded)
    bare = WORDS["openai"].hello.replace(b"Hello", b"ok") + WORDS["openai"].end
    turns = [failing, streams(bare)]
    endpoint = server.endpoint(lambda line, request: turns.pop(0)(line, request))
    found = sum_of(asyncio.run(events_from(endpoint.base_url, "anthropic")))
    assert found.attempt == 2
    assert found.usage is None
