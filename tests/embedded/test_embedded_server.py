"""The server as a server: addresses, keys, bodies, hanging up, stopping, faults, the command line."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import httpx
import msgspec
import pytest

from lib.embedded import EmbeddedGateway, replies, routes
from lib.embedded.faults import Faults
from lib.embedded.request_log import Entry
from lib.errors import SettingsError
from lib.secret import Secret
from tests.embedded.requests_table import anthropic_body, openai_body

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"


def error_type(response: httpx.Response) -> str:
    return str(response.json()["error"]["type"])


# ---- rules 1 to 7 over the wire ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/v1/foo", "/v1/models/", "/gw_llm_power/v2/x", "//v1/models"])
def test_an_unknown_path_is_404_in_openai_shape(http: httpx.Client, path: str) -> None:
    answer = http.post(path)
    assert answer.status_code in (404, 405)
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["x-request-id"]


def test_an_unknown_path_below_messages_is_404_in_anthropic_shape(http: httpx.Client) -> None:
    answer = http.post("/v1/messages/count_tokens", json={})
    assert (answer.status_code, error_type(answer)) == (404, "not_found_error")
    assert answer.headers["request-id"] == answer.json()["request_id"]


def test_a_wrong_method_is_405_with_allow(http: httpx.Client) -> None:
    answer = http.get(CHAT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    answer = http.delete(MESSAGES)
    assert (answer.status_code, error_type(answer)) == (405, "invalid_request_error")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic abc", "sk-demo"])
def test_no_key_is_401(embedded: EmbeddedGateway, authorization: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    for path in (CHAT, MESSAGES):
        answer = httpx.post(embedded.base_url + path, headers=headers, json={}, trust_env=False)
        assert answer.status_code == 401
        assert answer.json()["error"].get("code") is None


def test_a_wrong_key_is_401_and_is_not_repeated(embedded: EmbeddedGateway) -> None:
    wrong = "sk-another-key-entirely-0815"
    answer = httpx.get(f"{embedded.base_url}/v1/models", headers={"authorization": f"Bearer {wrong}"}, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert "another-key" not in answer.text


def test_messages_take_x_api_key_and_chat_completions_do_not(embedded: EmbeddedGateway) -> None:
    headers = {"x-api-key": embedded.key.reveal()}
    with httpx.Client(base_url=embedded.base_url, headers=headers, trust_env=False) as caller:
        assert caller.post(MESSAGES, json=anthropic_body()).status_code == 200
        assert caller.post(CHAT, json=openai_body()).status_code == 401


def test_two_different_keys_are_refused_and_the_same_twice_is_not(
    http: httpx.Client, embedded: EmbeddedGateway
) -> None:
    assert http.post(MESSAGES, json=anthropic_body(), headers={"x-api-key": "something-else"}).status_code == 401
    both = {"x-api-key": embedded.key.reveal()}
    assert http.post(MESSAGES, json=anthropic_body(), headers=both).status_code == 200


@pytest.mark.parametrize("length_known", [True, False])
def test_a_body_over_the_cap_is_413(http: httpx.Client, length_known: bool) -> None:
    body = b"x" * 4_100_000
    content = body if length_known else iter([body[:2_000_000], body[2_000_000:]])
    answer = http.post(MESSAGES, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, error_type(answer)) == (413, "request_too_large")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"model": "\\ud800"}', b"{}{}"],
)
def test_a_body_that_is_no_json_object_is_400(http: httpx.Client, body: bytes) -> None:
    for path in (CHAT, MESSAGES):
        answer = http.post(path, content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, error_type(answer)) == (400, "invalid_request_error")


def test_another_content_type_is_400(http: httpx.Client) -> None:
    assert http.post(CHAT, data={"model": "gpt-5.4"}).status_code == 400


def test_an_unknown_version_is_400(http: httpx.Client) -> None:
    answer = http.post(MESSAGES, json=anthropic_body(), headers={"anthropic-version": "2001-01-01"})
    assert (answer.status_code, error_type(answer)) == (400, "invalid_request_error")


def test_bytes_that_are_no_http_do_not_hurt(embedded: EmbeddedGateway, http: httpx.Client) -> None:
    port = int(embedded.base_url.rpartition(":")[2])
    for noise in (
        b"\x16\x03\x01\x00\xff" * 20,
        b"GET /\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            raw.sendall(noise)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass
    assert http.get("/healthz").text == "ok"


# ---- the list ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/gw_llm_power"])
def test_the_list_has_exact_prices_that_differ_per_variant(http: httpx.Client, prefix: str) -> None:
    rows = msgspec.json.decode(http.get(f"{prefix}/v1/models").content)["data"]
    exact = {row["id"]: row for row in json.loads(http.get("/v1/models").text, parse_float=Decimal)["data"]}
    assert len(rows) == 45
    assert exact["gpt-5.4-official"]["input_price_per_1m"] == Decimal("2.5")
    assert exact["gemini-2.5-flash-lite"]["cache_read_price_per_1m"] == Decimal("0.009")
    gpt = [exact[f"gpt-5.5{suffix}"]["output_price_per_1m"] for suffix in ("", "-official", "-hc", "-fd", "-low")]
    assert len(set(gpt)) == 5
    assert all({"context_length", "max_output_tokens", "currency", "owned_by"} <= row.keys() for row in rows)


# ---- hanging up and stopping ---------------------------------------------------------------------------------


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Waits for another thread to get there."""
    pause = threading.Event()
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        pause.wait(0.002)


def latest(gateway: EmbeddedGateway) -> Entry:
    return gateway.requests.entries[-1]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_hanging_up_before_the_first_token_stops_the_answer(embedded: EmbeddedGateway, path: str, stream: bool) -> None:
    body = openai_body("wait=60", stream=stream) if path == CHAT else anthropic_body("wait=60", stream=stream)
    before = embedded.requests.cancelled
    hung_up = hang_up_after(embedded, path, body, lambda: embedded.requests.running == 1)
    until(lambda: embedded.requests.cancelled == before + 1)
    assert embedded.requests.disconnects[-1] - hung_up < 0.5
    assert (latest(embedded).outcome, latest(embedded).tokens) == ("disconnected", 0)


def test_hanging_up_in_the_middle_stops_the_answer(embedded: EmbeddedGateway) -> None:
    body = openai_body("n=5000 tps=100", stream=True)
    hung_up = hang_up_after(embedded, CHAT, body, lambda: latest(embedded).tokens >= 3)
    until(lambda: latest(embedded).outcome == "disconnected")
    assert embedded.requests.disconnects[-1] - hung_up < 0.5
    assert 3 <= latest(embedded).tokens < 200
    assert embedded.requests.running == 0


def hang_up_after(gateway: EmbeddedGateway, path: str, body: dict[str, object], ready: Callable[[], bool]) -> float:
    """Sends a request on a plain socket, waits until `ready`, closes; returns when (monotonic seconds)."""
    payload = msgspec.json.encode(body)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {gateway.key.reveal()}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n"
    )
    port = int(gateway.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        seen = len(gateway.requests.entries)
        raw.sendall(head.encode() + payload)
        until(lambda: len(gateway.requests.entries) > seen and ready())
    return time.monotonic()


def test_stopping_cuts_running_answers_and_frees_the_port() -> None:
    gateway = EmbeddedGateway(speed=0).start()
    headers = {"authorization": f"Bearer {gateway.key.reveal()}"}
    with (
        httpx.Client(headers=headers, trust_env=False) as caller,
        caller.stream("POST", gateway.base_url + CHAT, json=openai_body("n=9000 tps=20", stream=True)) as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        began = time.monotonic()
        gateway.stop()
        assert time.monotonic() - began < 2
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
    assert not gateway.running
    assert gateway.requests.running == 0
    with gateway:
        assert httpx.get(f"{gateway.base_url}/healthz", trust_env=False).text == "ok"
    gateway.stop()


def test_a_taken_port_is_a_settings_error(embedded: EmbeddedGateway) -> None:
    port = int(embedded.base_url.rpartition(":")[2])
    with pytest.raises(SettingsError):
        EmbeddedGateway(port=port).start()


def test_the_key_is_random_and_never_printed() -> None:
    one, other = EmbeddedGateway(), EmbeddedGateway()
    assert one.key != other.key
    assert one.key.reveal() not in repr(vars(one))


def test_a_chosen_key_is_the_one_that_opens() -> None:
    with EmbeddedGateway(key=Secret("chosen-key-1"), speed=0) as gateway:
        headers = {"authorization": "bearer chosen-key-1"}
        assert httpx.get(f"{gateway.base_url}/v1/models", headers=headers, trust_env=False).status_code == 200


def test_the_log_counts_posts_and_knows_no_prompt(embedded: EmbeddedGateway, http: httpx.Client) -> None:
    before = embedded.requests.posts
    http.post(CHAT, json=openai_body("echo a-very-secret-word"))
    http.get("/v1/models")
    assert embedded.requests.posts == before + 1
    assert "secret-word" not in repr(embedded.requests.entries)
    assert embedded.key.reveal() not in repr(embedded.requests.entries)


def test_tokens_come_at_the_ordered_pace(http: httpx.Client) -> None:
    began = time.monotonic()
    http.post(CHAT, json=openai_body("n=40 tps=200 wait=0.1", stream=True))
    assert 0.25 < time.monotonic() - began < 1.5


def test_many_answers_run_side_by_side(http: httpx.Client) -> None:
    answers: list[httpx.Response] = []
    body = openai_body("n=30 tps=100", stream=True)
    threads = [threading.Thread(target=lambda: answers.append(http.post(CHAT, json=body))) for _ in range(20)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 5
    assert {answer.text.count("data: ") for answer in answers} == {33}


def test_a_long_wait_is_filled_with_signs_of_life(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "_KEEPALIVE_S", 0.05)
    assert http.post(CHAT, json=openai_body("wait=0.2", stream=True)).text.startswith(": ping\n\n")
    said = http.post(MESSAGES, json=anthropic_body("wait=0.2", stream=True)).text
    assert said.startswith('event: ping\ndata: {"type":"ping"}\n\n')
    assert said.index("message_start") > said.index("ping")


def test_a_mistake_of_its_own_is_a_500_and_is_logged_without_the_request(
    embedded: EmbeddedGateway,
    http: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(routes, "plan_of", lambda *_: 1 // 0)
    for path, body in ((CHAT, openai_body("my secret")), (MESSAGES, anthropic_body("my secret"))):
        answer = http.post(path, json=body)
        assert (answer.status_code, error_type(answer)) == (500, "server_error" if path == CHAT else "api_error")
        assert latest(embedded).outcome == "broken"
    assert "ZeroDivisionError" in caplog.text
    assert "my secret" not in caplog.text


# ---- faults --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_a_cut_stream_ends_without_an_end(http: httpx.Client, path: str) -> None:
    fields = {"model": "fault-cut:claude-opus-4-6", "stream": True}
    body = (openai_body("n=50") if path == CHAT else anthropic_body("n=50")) | fields
    received = b""
    with pytest.raises(httpx.RemoteProtocolError), http.stream("POST", path, json=body) as answer:
        for piece in answer.iter_raw():
            received += piece
    assert b"Demo" in received
    assert b"[DONE]" not in received
    assert b"message_stop" not in received


def test_a_stall_says_nothing_more_until_the_peer_leaves(embedded: EmbeddedGateway, http: httpx.Client) -> None:
    body = openai_body("n=50", stream=True)
    headers = {"x-parlour-fault": "stall"}
    with pytest.raises(httpx.ReadTimeout):
        http.post(CHAT, json=body, headers=headers, timeout=0.3)
    until(lambda: latest(embedded).outcome == "disconnected")


@pytest.mark.parametrize(
    ("fault", "status", "type"),
    [
        ("echo_key", 401, "invalid_request_error"),
        ("rate_limit", 429, "requests"),
        ("quota", 429, "insufficient_quota"),
        ("server", 500, "server_error"),
        ("overloaded", 529, "server_error"),
    ],
)
def test_a_fault_answers_with_its_status(http: httpx.Client, fault: str, status: int, type: str) -> None:
    answer = http.post(CHAT, json=openai_body(), headers={"x-parlour-fault": fault})
    assert (answer.status_code, error_type(answer)) == (status, type)
    assert ("retry-after" in answer.headers) == (fault == "rate_limit")


def test_the_html_fault_is_a_page_with_200(http: httpx.Client) -> None:
    answer = http.post(CHAT, json=openai_body(), headers={"x-parlour-fault": "html"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_faults_are_off_unless_asked_for() -> None:
    with EmbeddedGateway(speed=0) as gateway:
        headers = {"authorization": f"Bearer {gateway.key.reveal()}", "x-parlour-fault": "server"}
        with httpx.Client(base_url=gateway.base_url, headers=headers, trust_env=False) as caller:
            assert caller.post(CHAT, json=openai_body()).status_code == 200
            assert caller.post(CHAT, json=openai_body(model="fault-server:gpt-5.4")).status_code == 404


def test_random_faults_repeat_with_their_seed() -> None:
    def picks(seed: int) -> list[object]:
        faults = Faults(seed, rate=0.5)
        return [faults.pick({}, "gpt-5.4")[0] for _ in range(40)]

    assert picks(7) == picks(7)
    assert None in picks(7)
    assert len(set(picks(7))) > 3


# ---- the command line ----------------------------------------------------------------------------------------


def test_it_serves_alone_and_prints_address_and_key() -> None:
    command = [sys.executable, "-m", "lib.embedded", "--speed", "0"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address, key = (re.split(r"\s{2,}", process.stdout.readline().strip())[1] for _ in range(2))
        answer = httpx.get(f"{address}/v1/models", headers={"authorization": f"Bearer {key}"}, trust_env=False)
        assert len(answer.json()["data"]) == 45
        process.terminate()
        assert process.wait(10) == 0
