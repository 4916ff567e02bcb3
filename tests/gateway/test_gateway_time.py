"""Deadlines, waits, cancelling, and the connections behind them."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lib.cards import DialectName
from lib.events import AttemptBegan, AttemptFailed, Event, TextDelta
from lib.gateway import Deadlines, Gateway
from tests.gateway.asking import DIALECT_NAMES, KEY, WORDS, an_ask, ask_once, asked, card_of, sum_of
from tests.gateway.raw_server import Endpoint, Line, RawServer, Request, answers, chunked, head, in_turn, streams

both_dialects = pytest.mark.parametrize("dialect", DIALECT_NAMES)
LONG = 20.0
SLACK = 0.6  # a busy machine


def stalls(line: Line) -> None:
    line.wait_for_hangup(10)


async def timed(endpoint: Endpoint, dialect: DialectName, deadlines: Deadlines) -> tuple[list[Event], float]:
    door = Gateway(card_of(endpoint.base_url, dialect), KEY, deadlines=deadlines, pace_s=0)
    began = time.monotonic()
    events = await asked(door, an_ask(), dialect)
    took = time.monotonic() - began
    await door.aclose()
    return events, took


@both_dialects
@pytest.mark.parametrize("clock", ["first", "gap", "total"])
def test_a_deadline_fires_when_it_says(server: RawServer, dialect: DialectName, clock: str) -> None:
    words = WORDS[dialect]
    before = words.opening if clock == "first" else words.opening + words.hello
    endpoint = server.endpoint(streams(before, then=stalls))
    limits = {"first": LONG, "gap": LONG, "total": LONG, clock: 0.3}
    events, took = asyncio.run(timed(endpoint, dialect, Deadlines(**limits)))
    error = sum_of(events).error
    assert error is not None
    assert error.kind == "timeout"
    assert 0.28 <= took <= 0.3 + SLACK


def test_content_pushes_the_gap_deadline_and_comments_do_not(server: RawServer) -> None:
    words = WORDS["openai"]

    def slowly(piece: bytes) -> Endpoint:
        def behave(line: Line, request: Request) -> None:
            line.send(head() + words.opening + words.hello)
            for _ in range(6):
                time.sleep(0.15)
                line.send(piece)
            line.send(words.end)
            line.close()

        return server.endpoint(behave)

    limits = Deadlines(gap=0.5)
    talking, _ = asyncio.run(timed(slowly(words.hello), "openai", limits))
    waiting, took = asyncio.run(timed(slowly(b": wait\n\n"), "openai", limits))
    assert sum_of(talking).complete
    error = sum_of(waiting).error
    assert error is not None
    assert (error.kind, error.where) == ("timeout", "stream")
    assert took < 0.5 + SLACK


def test_a_finish_whose_last_line_never_comes_is_still_an_answer(server: RawServer) -> None:
    words = WORDS["openai"]
    endpoint = server.endpoint(
        streams(words.opening, words.hello, words.end.removesuffix(b"data: [DONE]\n\n"), then=stalls)
    )
    events, _ = asyncio.run(timed(endpoint, "openai", Deadlines(gap=0.3)))
    assert sum_of(events).complete


@both_dialects
def test_an_answer_that_is_whole_does_not_wait_for_the_line_to_close(server: RawServer, dialect: DialectName) -> None:
    endpoint = server.endpoint(streams(WORDS[dialect].answer, then=stalls))
    events, took = asyncio.run(timed(endpoint, dialect, Deadlines()))
    assert sum_of(events).complete
    assert took < SLACK


@both_dialects
@pytest.mark.parametrize("moment", ["before the answer", "in the middle"])
def test_cancelling_closes_the_line_at_once(server: RawServer, dialect: DialectName, moment: str) -> None:
    closed_at: list[float] = []

    def behave(line: Line, request: Request) -> None:
        if moment == "in the middle":
            line.send(head() + WORDS[dialect].opening + WORDS[dialect].hello)
        arrived.set()
        if line.wait_for_hangup(5):
            closed_at.append(time.monotonic())

    arrived = threading.Event()
    endpoint = server.endpoint(behave)

    async def cancel() -> float:
        door = Gateway(card_of(endpoint.base_url, dialect), KEY)
        task = asyncio.create_task(asked(door, an_ask(), dialect))
        await asyncio.to_thread(arrived.wait, 5)
        await asyncio.sleep(0.05)
        stopped_at = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(endpoint.done.wait, 5)
        await door.aclose()
        return stopped_at

    stopped_at = asyncio.run(cancel())
    assert closed_at
    assert closed_at[0] - stopped_at < 0.3
    assert endpoint.posts == 1


def test_cancelling_between_two_attempts_sends_no_more(server: RawServer) -> None:
    endpoint = server.endpoint(answers(503, "{}", retry_after="30"))

    async def cancel() -> None:
        door = Gateway(card_of(endpoint.base_url), KEY)
        failed = asyncio.Event()
        take = lambda events: failed.set() if any(isinstance(e, AttemptFailed) for e in events) else None  # noqa: E731
        task = asyncio.create_task(door.answer(an_ask(), "openai", take))
        await asyncio.wait_for(failed.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await door.aclose()

    asyncio.run(cancel())
    assert endpoint.posts == 1


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"retry_after": "1"}, 1.0),
        ({"retry_after_ms": "300", "retry_after": "9"}, 0.3),
        ({"date": "Fri, 20 Nov 2026 12:00:00 GMT", "retry_after": "Fri, 20 Nov 2026 12:00:01 GMT"}, 1.0),
    ],
)
def test_a_wait_that_the_gateway_asks_for_is_kept(server: RawServer, given: dict[str, str], seconds: float) -> None:
    times: list[float] = []

    def noted(line: Line, request: Request) -> None:
        times.append(time.monotonic())
        turns(line, request)

    turns = in_turn(answers(429, "{}", **given), answers(200, WORDS["openai"].whole))
    events = ask_once(server.endpoint(noted).base_url)
    assert sum_of(events).complete
    assert [event.retry_in_s for event in events if isinstance(event, AttemptFailed)] == [seconds]
    assert seconds - 0.02 <= times[1] - times[0] <= seconds + SLACK


def test_without_retry_there_is_one_attempt(server: RawServer) -> None:
    endpoint = server.endpoint(answers(503, "{}"))

    async def once() -> list[Event]:
        door = Gateway(card_of(endpoint.base_url), KEY)
        events = await asked(door, an_ask(), "openai", retry=False)
        await door.aclose()
        return events

    assert sum_of(asyncio.run(once())).error is not None
    assert endpoint.posts == 1


@both_dialects
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_two_asks_share_one_connection(server: RawServer, dialect: DialectName, framing: str) -> None:
    words = WORDS[dialect]
    endpoint = server.endpoint(answers(200, words.answer) if framing == "length" else chunked([words.answer]))

    async def thrice() -> None:
        door = Gateway(card_of(endpoint.base_url, dialect), KEY, pace_s=0)
        for _ in range(3):
            assert sum_of(await asked(door, an_ask(), dialect)).complete
        await door.aclose()

    asyncio.run(thrice())
    assert (endpoint.posts, endpoint.lines) == (3, 1)


def test_a_connection_the_gateway_closed_meanwhile_is_not_used_again(server: RawServer) -> None:
    def once_then_close(line: Line, request: Request) -> None:
        answers(200, WORDS["openai"].whole)(line, request)
        line.close()

    endpoint = server.endpoint(once_then_close)

    async def twice() -> None:
        door = Gateway(card_of(endpoint.base_url), KEY, pace_s=0)
        for _ in range(2):
            assert sum_of(await asked(door, an_ask(), "openai")).complete
            await asyncio.sleep(0.1)
        await door.aclose()

    asyncio.run(twice())
    assert (endpoint.posts, endpoint.lines) == (2, 2)


def test_a_refused_connection_is_tried_three_times_and_certainly_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    events = ask_once(f"http://127.0.0.1:{port}")
    error = sum_of(events).error
    assert error is not None
    assert (error.kind, error.code, error.sent, error.retryable) == ("server", "connect", False, True)
    assert sum(isinstance(event, AttemptBegan) for event in events) == 3


def test_an_address_that_swallows_connections_is_given_up_in_time() -> None:
    """A listening socket whose queue is full drops what comes, as a firewall does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for caller in waiting:
            caller.setblocking(False)
            caller.connect_ex(address)
        began = time.monotonic()
        events = ask_once(f"http://127.0.0.1:{address[1]}", deadlines=Deadlines(connect=0.3))
        took = time.monotonic() - began
        for caller in waiting:
            caller.close()
    error = sum_of(events).error
    assert error is not None
    assert (error.kind, error.code, error.sent) == ("timeout", "connect", False)
    assert took < 3 * 0.3 + 1.5 + 2 * SLACK


def test_an_unknown_host_is_called_so() -> None:
    events = ask_once("http://parlour-test.invalid", deadlines=Deadlines(connect=5))
    error = sum_of(events).error
    assert error is not None
    assert (error.sent, error.code in ("dns", "connect")) == (False, True)


@contextmanager
def tls_port(folder: Path) -> Iterator[int]:
    """A port with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    file = folder / "both.pem"
    file.write_bytes(text + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                    with sock:
                        context.wrap_socket(sock, server_side=True)
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_an_untrusted_certificate_is_refused_and_not_tried_again(tmp_path: Path) -> None:
    with tls_port(tmp_path) as port:
        events = ask_once(f"https://127.0.0.1:{port}")
    error = sum_of(events).error
    assert error is not None
    assert (error.code, error.sent, error.retryable) == ("tls", False, False)
    assert sum(isinstance(event, AttemptBegan) for event in events) == 1


def test_https_to_a_plain_port_is_a_tls_failure(server: RawServer) -> None:
    endpoint = server.endpoint(answers(200, "{}"))
    error = sum_of(ask_once(endpoint.base_url.replace("http://", "https://"), deadlines=Deadlines(connect=2))).error
    assert error is not None
    assert (error.sent, endpoint.posts) == (False, 0)


def test_pacing_joins_many_reads_into_few_batches(server: RawServer) -> None:
    words = WORDS["openai"]

    def behave(line: Line, request: Request) -> None:
        line.send(head() + words.opening)
        for _ in range(100):
            line.send(words.hello)
            time.sleep(0.002)
        line.send(words.end)
        line.close()

    async def batches() -> list[list[Event]]:
        door = Gateway(card_of(server.endpoint(behave).base_url), KEY, pace_s=0.05)
        found: list[list[Event]] = []
        await door.answer(an_ask(), "openai", lambda events: found.append(list(events)))
        await door.aclose()
        return found

    with_text = [events for events in asyncio.run(batches()) if any(isinstance(e, TextDelta) for e in events)]
    assert sum(len([e for e in events if isinstance(e, TextDelta)]) for events in with_text) == 100
    assert len(with_text) < 25


@both_dialects
def test_after_the_finish_an_open_line_is_not_waited_for(
    server: RawServer, dialect: DialectName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.gateway._AFTER_FINISH_S", 0.3)
    words = WORDS[dialect]
    unmarked = b"".join(event + b"\n\n" for event in words.end.split(b"\n\n")[:-2])  # without [DONE], message_stop
    endpoint = server.endpoint(streams(words.opening + words.hello + unmarked, then=stalls))
    events, took = asyncio.run(timed(endpoint, dialect, Deadlines(gap=LONG)))
    assert sum_of(events).complete
    assert took <= 0.3 + SLACK
