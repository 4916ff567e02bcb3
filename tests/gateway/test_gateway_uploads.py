"""Large bodies: sent piece by piece, held in memory once, refused for good when they are too large."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from lib.cards import DialectName
from lib.dialects.wire_body import PIECE
from lib.embedded import EmbeddedGateway
from lib.events import AttemptBegan, AttemptFailed, Event, Failed, Finished
from lib.gateway import Deadlines
from lib.messages import Ask, ImagePart, Message, Params, TextPart, VideoPart
from tests.gateway.asking import DIALECT_NAMES, WORDS, ask_once, events_from, sum_of
from tests.gateway.raw_server import RawServer, answers, closes, head, in_turn, streams

ROOT = Path(__file__).resolve().parent.parent.parent
both_dialects = pytest.mark.parametrize("dialect", DIALECT_NAMES)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 800
PATIENT = Deadlines(connect=2, first=20, gap=5, total=30)


def a_look(**params: Any) -> Ask:
    parts = (ImagePart("image/png", PNG), TextPart("what is this?"))
    return Ask("m", (Message("user", parts),), params=Params(**params))


def a_film(size: int) -> Ask:
    return Ask("m", (Message("user", (VideoPart("video/mp4", b"v" * size), TextPart("what is this?"))),))


class Sink:
    """A server that throws bodies away as they come. With `takes`, it hangs up after so many bytes."""

    def __init__(self, *, takes: int | None = None, says: bytes = b"") -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._takes, self._says = takes, says
        self.lines = 0
        self.received: list[int] = []
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.lines += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        buffer = bytearray(1 << 16)
        with sock:
            while top := _head_of(sock):
                length = int(top.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                left = length - len(top.partition(b"\r\n\r\n")[2])
                wanted = left if self._takes is None else self._takes
                got = 0
                while got < wanted:
                    got += sock.recv_into(buffer)
                if self._takes is not None:
                    sock.sendall(self._says)
                    return
                self.received.append(length)
                sock.sendall(head(200, {"content-type": "application/json", "content-length": str(len(_WHOLE))}))
                sock.sendall(_WHOLE)

    def close(self) -> None:
        self._listener.close()

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_WHOLE = WORDS["openai"].whole


def _head_of(sock: socket.socket) -> bytes:
    """A request up to somewhere in its body; nothing at the end."""
    top = b""
    while b"\r\n\r\n" not in top:
        piece = sock.recv(4096)
        if not piece:
            return b""
        top += piece
    return top


@pytest.mark.parametrize("megabytes", [15, 60])
def test_a_video_is_held_in_memory_once_while_it_is_sent(megabytes: int) -> None:
    size = megabytes * 1_000_000
    with Sink() as sink:
        command = [sys.executable, "-m", "tests.gateway.posting_a_video", sink.base_url, str(size)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    allocated, occupied = map(int, done.stdout.split())
    assert size <= allocated <= 1.5 * size
    assert occupied <= 1.5 * size
    assert sink.received[-1] > size * 4 // 3


@both_dialects
def test_the_body_arrives_whole_with_its_length_and_unchunked(server: RawServer, dialect: DialectName) -> None:
    endpoint = server.endpoint(streams(WORDS[dialect].answer))
    assert sum_of(ask_once(endpoint.base_url, dialect, ask=a_look())).complete
    (request,) = endpoint.requests
    ((block, *_),) = [message["content"] for message in request.json["messages"]]
    sent = block["image_url"]["url"].partition(",")[2] if dialect == "openai" else block["source"]["data"]
    assert base64.b64decode(sent) == PNG
    assert request.header("content-length") == str(len(request.body))
    assert request.header("transfer-encoding") is None


@both_dialects
def test_a_repaired_request_carries_its_pictures_again(server: RawServer, dialect: DialectName) -> None:
    refusal = {"error": {"message": "Unsupported parameter: 'top_p'", "type": "invalid_request_error"}}
    endpoint = server.endpoint(in_turn(answers(400, json.dumps(refusal)), streams(WORDS[dialect].answer)))
    events = ask_once(endpoint.base_url, dialect, ask=a_look(top_p=0.5))
    assert isinstance(events[-1], Finished)
    first, second = (request.json for request in endpoint.requests)
    assert first.pop("top_p") == 0.5
    assert first == second


def test_a_retry_carries_its_pictures_again(server: RawServer) -> None:
    busy = answers(503, b"{}", retry_after="0")
    endpoint = server.endpoint(in_turn(busy, streams(WORDS["openai"].answer)))
    assert sum_of(ask_once(endpoint.base_url, ask=a_look())).complete
    assert len({request.body for request in endpoint.requests}) == 1
    assert endpoint.posts == 2


# --- too large --------------------------------------------------------------------------------------------------------


def refused_for_size(events: list[Event]) -> str:
    """The message of an ask that ended at once, because of its size."""
    assert sum(isinstance(event, AttemptBegan) for event in events) == 1
    assert not any(isinstance(event, AttemptFailed) for event in events)
    last = events[-1]
    assert isinstance(last, Failed)
    assert last.error.kind == "too_large"
    return last.error.message


SAYINGS = [
    (413, {"error": {"message": "Request Entity Too Large: 20 MB at most", "type": "x"}}, "20 MB at most"),
    (413, {"type": "error", "error": {"type": "request_too_large", "message": "32 MB is the limit"}}, "32 MB"),
    (400, {"error": {"message": "image is huge", "code": "request_too_large"}}, "image is huge"),
    (400, {"error": {"message": "Payload too large: 26214400 bytes"}}, "26214400"),
    (500, {"error": {"message": "Request exceeds the maximum size of 10 bytes"}}, "10 bytes"),
]


@both_dialects
@pytest.mark.parametrize(("status", "body", "kept"), SAYINGS)
def test_too_large_is_final_and_says_what_the_gateway_said(
    server: RawServer, dialect: DialectName, status: int, body: dict[str, Any], kept: str
) -> None:
    endpoint = server.endpoint(answers(status, json.dumps(body), retry_after="0"))
    assert kept in refused_for_size(ask_once(endpoint.base_url, dialect, ask=a_look(top_p=0.5)))
    assert endpoint.posts == 1


def test_the_page_of_a_proxy_with_413_is_too_large_too(server: RawServer) -> None:
    page = "<html><head><title>413 Request Entity Too Large</title></head><body>nginx</body></html>"
    endpoint = server.endpoint(answers(413, page, kind="text/html"))
    refused_for_size(ask_once(endpoint.base_url, ask=a_look()))
    assert endpoint.posts == 1


def test_a_413_while_the_body_is_still_on_its_way_is_heard() -> None:
    said = json.dumps({"error": {"message": "at most 1 MB, please"}}).encode()
    answer = head(413, {"content-type": "application/json", "content-length": str(len(said)), "connection": "close"})
    with Sink(takes=100_000, says=answer + said) as sink:
        refused_for_size(ask_once(sink.base_url, ask=a_film(12_000_000), deadlines=PATIENT))
    assert sink.lines == 1


@pytest.mark.parametrize("size", [1_500_000, 12_000_000])
def test_the_embedded_gateway_refuses_what_is_too_large_for_it(size: int) -> None:
    with EmbeddedGateway(speed=0, max_body=1_000_000) as gateway:
        events = ask_once(gateway.base_url, key=gateway.key, ask=a_film(size), deadlines=PATIENT)
        refused_for_size(events)
        assert gateway.requests.posts == 1


def test_hanging_up_in_the_middle_of_a_large_body_means_that_it_is_too_large() -> None:
    with Sink(takes=100_000) as sink:
        refused_for_size(ask_once(sink.base_url, ask=a_film(8_000_000), deadlines=PATIENT))
    assert sink.lines == 1


def test_hanging_up_after_a_small_body_does_not(server: RawServer) -> None:
    last = ask_once(server.endpoint(closes).base_url, ask=a_look())[-1]
    assert isinstance(last, Failed)
    assert last.error.kind == "server"


def test_the_engine_breathes_while_a_large_body_is_sent() -> None:
    """Other answers go on: nothing encodes the whole body at one go."""

    async def turns() -> int:
        count = 0
        work = asyncio.create_task(events_from(sink.base_url, ask=a_film(12_000_000), deadlines=PATIENT))
        while not work.done():
            await asyncio.sleep(0)
            count += 1
        assert isinstance(work.result()[-1], Finished)
        return count

    with Sink() as sink:
        assert asyncio.run(turns()) > 12_000_000 / PIECE
