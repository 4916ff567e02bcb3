"""One thing that happens is one line of the log: nothing that came from outside begins a line of its own in it."""

from __future__ import annotations

import ast
import asyncio
import io
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from lib.cards import DialectName, GatewayCard
from lib.dialects.faults import bounded
from lib.embedded import EmbeddedGateway
from lib.embedded.faults import Faults
from lib.errors import ParlourError
from lib.gateway import Gateway
from lib.messages import Ask, user
from lib.secret import Secret
from tests.fuzz.nasty import LINES
from tests.gateway.asking import SHORT, card_of, events_from
from tests.gateway.raw_server import Behaviour, RawServer, answers, streams

WORDS = (
    *("type(error).__name__", "found", "known", "copy.name", "what", "where", "request.url.path", "REFUSAL"),
    *("' < '.join(reversed(places))", "_BEGINNINGS['refuse']", "notice_for(error).text", "words", "gateway_id"),
    "_BEGINNINGS[finding.severity]",
)
"""What our log lines are filled with: names of classes and places in the code, numbers, and sentences of ours."""
LEVELS = ("debug", "info", "warning", "error", "exception", "critical", "log")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that anybody logs, at the finest level, as a file would have it; tracebacks are no lines of ours."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    handler.setFormatter(logging.Formatter("LINE %(levelname)s:%(name)s:%(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


def assert_whole_lines(log: io.StringIO) -> int:
    """Every line is one that was logged, and none holds a sign that steers a terminal; how many."""
    lines = log.getvalue().splitlines()
    assert [line for line in lines if not line.startswith("LINE ")] == []
    assert not [line for line in lines if any(sign < " " or "\x7f" <= sign <= "\x9f" for sign in line)]
    return len(lines)


def failing(text: str, dialect: str) -> Iterator[Behaviour]:
    """A gateway that says this text wherever it can say something."""
    error = {"message": text, "type": text, "code": text, "param": text}
    body = json.dumps({"error": error, "type": "error", "request_id": text, "detail": text})
    yield answers(400, body)
    yield answers(200, body, x_request_id="a b")
    yield streams(b"event: error\ndata: " + body.encode() + b"\n\n")
    yield answers(502, f"<title>{text}</title>".encode("utf-8", "replace"), kind="text/html")
    yield answers(302, b"", location="http://127.0.0.1/%0aERROR:parlour:FORGED")
    yield streams(b"data: " + text.encode("utf-8", "replace") + b"\n\n")


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_gateways_words_stay_in_their_line(
    server: RawServer, dialect: DialectName, log: io.StringIO, count: Callable[[int, int], int],
    measured: Callable[[str], None], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    asked = 0
    for at, text in enumerate(LINES):
        for number, behaviour in enumerate(failing(text, dialect)):
            if (at + number) % count(3, 1) == 0:
                asked += 1
                base_url = server.endpoint(behaviour).base_url
                asyncio.run(asked_there(base_url, dialect, text))
                asyncio.run(listed_there(base_url, text))
    measured(f"{dialect}: {asked} answers of a forging gateway, {assert_whole_lines(log)} lines logged, 0 forged")


async def asked_there(base_url: str, dialect: DialectName, text: str) -> None:
    """With a model and a question that forge as well."""
    ask = Ask(text.encode("utf-8", "replace").decode(), (user(text),))
    await events_from(base_url, dialect, ask=ask, deadlines=SHORT, key=Secret("sk-" + text))


async def listed_there(base_url: str, text: str) -> None:
    card = card_of(base_url)
    door = Gateway(GatewayCard(1, text, card.base_url, card.dialects), Secret("sk-1234"), deadlines=SHORT, pace_s=0)
    with suppress(ParlourError):
        await door.reach()
    await door.aclose()


def test_what_is_asked_of_the_embedded_gateway_stays_in_its_line(log: io.StringIO) -> None:
    """Addresses, models, keys and header values that forge, over a real connection."""
    with EmbeddedGateway(speed=0, faults=Faults()) as gateway:
        port = int(gateway.base_url.rpartition(":")[2])
        for text in LINES:
            quoted = "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "replace"))
            body = json.dumps({"model": text, "messages": [{"role": "user", "content": text}]}).encode()
            for path in (f"/v1/models/{quoted}", f"/{quoted}", "/v1/chat/completions", "/v1/messages"):
                assert talked(port, path, f"Bearer {gateway.key.reveal()}", body).startswith(b"HTTP/1.1 ")
                assert talked(port, path, quoted, body).startswith(b"HTTP/1.1 ")
    assert_whole_lines(log)


def test_a_defect_of_the_embedded_gateway_is_one_line(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it happened, never what was asked or said."""

    def breaks(*_: object) -> bytes:
        raise ValueError("a\nERROR:parlour:FORGED \x1b[31m")

    monkeypatch.setattr("lib.embedded.offer.model_body", breaks)
    with EmbeddedGateway(speed=0, faults=Faults()) as gateway:
        url = f"{gateway.base_url}/v1/models/gpt-5.4"
        answer = httpx.get(url, headers={"authorization": f"Bearer {gateway.key.reveal()}"}, trust_env=False)
    assert answer.status_code == 500
    assert "ValueError" in log.getvalue()
    assert_whole_lines(log)


def talked(port: int, path: str, key: str, body: bytes) -> bytes:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as line:
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {key}\r\nconnection: close\r\n"
        line.sendall(f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        return line.recv(4096)


@pytest.mark.parametrize("text", LINES)
def test_an_errors_text_is_one_line_without_signs_for_a_terminal(text: str) -> None:
    assert len(bounded(text).splitlines()) <= 1
    assert not any(sign < " " or "\x7f" <= sign <= "\x9f" for sign in bounded(text))


def test_our_log_lines_hold_nothing_from_outside() -> None:
    """Each has a sentence of ours; what it is filled with is on a list, which a new line has to be added to."""
    found: set[str] = set()
    for path in (*Path("lib").rglob("*.py"), *Path("pages").glob("*.py"), Path("app.py")):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            if (
                isinstance(call.func, ast.Attribute)
                and ast.unparse(call.func.value) == "_log"
                and call.func.attr in LEVELS
            ):
                sentence, *words = call.args[call.func.attr == "log" :]
                assert isinstance(sentence, ast.Constant) and not call.keywords, ast.unparse(call)
                found |= {ast.unparse(word) for word in words}
    assert found <= set(WORDS), found - set(WORDS)
