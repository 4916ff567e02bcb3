"""The command line: every recorded answer over a real connection, and the embedded gateway from a real process."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lib import ask
from lib.embedded import EmbeddedGateway
from lib.errors import GatewayError
from lib.retries import wait_before_retry
from tests.gateway.asking import WORDS
from tests.gateway.raw_server import Behaviour, Line, RawServer, Request, answers, head, streams

ROOT = Path(__file__).parent.parent
CORPUS = Path(__file__).parent / "corpus"
CANARY = "sk-CANARY-0a1b2c3d4e5f"
VERDICT = {"text", "reasoning", "tool_calls", "finish_reason", "complete", "usage", "timing", "error"}


class Result(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def verdict(self) -> dict[str, Any]:
        """The last line on standard error."""
        found: dict[str, Any] = json.loads(self.err.rstrip("\n").rsplit("\n", 1)[-1])
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway(speed=0) as gateway:
        yield gateway


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every retry that the rules allow, a hundred times sooner."""

    def sooner(error: GatewayError, **facts: Any) -> float | None:
        wait = wait_before_retry(error, **facts)
        return None if wait is None else wait / 100

    monkeypatch.setattr("lib.gateway.wait_before_retry", sooner)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command line in this process."""
    monkeypatch.setenv("TEST_KEY", CANARY)

    def within(base_url: str, *arguments: str, dialect: str = "openai") -> Result:
        status = ask.main(["--base-url", base_url, "--dialect", dialect, "--key-env", "TEST_KEY", *arguments])
        return Result(status, *capsys.readouterr())

    return within


def in_a_process(base_url: str, *arguments: str, key: str = CANARY, **environ: str) -> Result:
    command = [sys.executable, "-m", "lib.ask", "--base-url", base_url, "--key-env", "TEST_KEY", *arguments]
    env = {"PATH": os.environ["PATH"], "TEST_KEY": key, **environ}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, timeout=60, check=False)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


# --- the recorded answers ---------------------------------------------------------------------------------------------


class Case(NamedTuple):
    id: str
    dialect: str
    body: bytes
    facts: dict[str, Any]

    @property
    def expect(self) -> dict[str, Any]:
        found: dict[str, Any] = self.facts["expect"]
        return found


def _cases() -> list[Case]:
    index = json.loads((CORPUS / "index.json").read_text())["cases"]
    return [
        Case(
            entry["id"],
            entry["dialect"],
            (CORPUS / entry["body"]).read_bytes(),
            json.loads((CORPUS / entry["expect"]).read_text()),
        )
        for entry in index
    ]


CASES = _cases()
ANSWERS = [case for case in CASES if case.dialect != "models"]
LISTS = [case for case in CASES if case.dialect == "models"]


def as_recorded(case: Case) -> Behaviour:
    """The recorded status, headers, cuts and ending."""
    response = case.facts["response"]
    cuts = response["chunking"]
    if cuts == "whole":
        bounds = [0, len(case.body)]
    elif isinstance(cuts, list):
        bounds = [0, *cuts, len(case.body)]
    else:
        size = int(cuts.removeprefix("bytes:"))
        bounds = [*range(0, len(case.body), size), len(case.body)]

    def behave(line: Line, request: Request) -> None:
        line.send(head(response["status"], {**response["headers"], "connection": "close"}))
        for start, end in pairwise(bounds):
            line.send(case.body[start:end])
            if cuts != "whole":
                time.sleep(0.002)
        if response["ending"] == "reset":
            time.sleep(0.2)  # a reset may overtake what was sent just before it
            line.reset()
        line.close()

    return behave


def assert_error(found: dict[str, Any], expected: dict[str, Any]) -> None:
    wanted = {name: value for name, value in expected.items() if name != "message_contains"}
    assert expected.get("message_contains", "") in found["message"]
    assert {name: found[name] for name in wanted} == wanted


def by_id(case: Case) -> str:
    return case.id


def test_the_whole_corpus_is_here() -> None:
    assert len(CASES) == json.loads((CORPUS / "index.json").read_text())["count"] >= 89


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("case", ANSWERS, ids=by_id)
def test_a_recorded_answer_ends_in_the_expected_line(case: Case, server: RawServer, run: Any) -> None:
    endpoint = server.endpoint(as_recorded(case))
    stream = case.facts["request"].get("stream", True)
    result = run(endpoint.base_url, *([] if stream else ["--no-stream"]), "--model", "m", "hi", dialect=case.dialect)
    found, expect = result.verdict, dict(case.expect)
    assert set(found) >= VERDICT
    for call, wanted in zip(found["tool_calls"], expect["tool_calls"], strict=True):
        if wanted["id"] == "*":
            assert call["id"]
            call["id"] = "*"
    if error := expect.pop("error"):
        assert_error(found["error"], error)
    else:
        assert found["error"] is None
    expect.pop("signature", None)
    expect.pop("redacted_thinking", None)
    assert {name: found[name] for name in expect} == expect
    assert result.status == (0 if expect["complete"] else 1)
    assert result.out == expect["text"] + "\n"
    assert endpoint.requests[0].json["stream"] is stream


@pytest.mark.parametrize("case", LISTS, ids=by_id)
def test_a_recorded_model_list_is_printed_as_expected(case: Case, server: RawServer, run: Any) -> None:
    result = run(server.endpoint(as_recorded(case)).base_url, "--models")
    if "error" in case.expect:
        assert_error(result.verdict["error"], case.expect["error"])
        assert (result.status, result.out) == (1, "")
    else:
        assert json.loads(result.out) == case.expect["models"]
        assert (result.status, result.err) == (0, "")


# --- from a process of its own ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_the_embedded_gateway_answers_a_process(embedded: EmbeddedGateway, dialect: str) -> None:
    for how in ([], ["--no-stream"]):
        result = in_a_process(
            embedded.base_url + "/v1",
            *how,
            *("--dialect", dialect, "--model", "claude-sonnet-4-6", "--system", "Be brief.", "echo grüße 😀"),
            key=embedded.key.reveal(),
            PYTHONIOENCODING="ascii",
        )
        verdict = result.verdict
        assert (result.status, verdict["complete"], verdict["error"]) == (0, True, None)
        assert result.out == verdict["text"] + "\n"
        assert "grüße 😀" in verdict["text"]
        assert verdict["usage"]["input"] > 0
        assert verdict["usage"]["output"] > 0
        timing = verdict["timing"]
        assert 0 <= timing["first_byte_ms"] <= timing["first_text_ms"] <= timing["total_ms"]
        assert result.err.count("\n") == 1


def test_the_embedded_gateways_models_are_printed(embedded: EmbeddedGateway) -> None:
    result = in_a_process(embedded.base_url, "--models", key=embedded.key.reveal())
    models = json.loads(result.out)
    assert (result.status, len(models)) == (0, 45)
    fields = {"id", "input_per_m", "output_per_m", "cache_read_per_m", "context", "max_output", "owned_by"}
    assert fields <= set(models[0])


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_wrong_key_and_an_unknown_model_are_said(
    embedded: EmbeddedGateway, dialect: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = run(embedded.base_url, "--model", "claude-sonnet-4-6", "hi", dialect=dialect)
    assert (wrong.status, wrong.verdict["error"]["kind"], wrong.verdict["error"]["status"]) == (1, "auth", 401)
    assert "CANARY" not in wrong.out + wrong.err
    monkeypatch.setenv("TEST_KEY", embedded.key.reveal())
    unknown = run(embedded.base_url, "--model", "gpt-17", "hi", dialect=dialect)
    assert (unknown.status, unknown.verdict["error"]["kind"]) == (1, "not_found")
    listed = run(embedded.base_url, "--models")
    assert listed.status == 0


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_the_options_reach_the_gateway(server: RawServer, run: Any, dialect: str) -> None:
    endpoint = server.endpoint(streams(WORDS[dialect].answer))
    options = ["--temperature", "0.5", "--top-p", "0.9", "--max-tokens", "7", "--stop", "A", "--stop", "B"]
    result = run(endpoint.base_url, "--model", "m", "--system", "Be kind.", *options, "hi", dialect=dialect)
    assert result.status == 0
    body = endpoint.requests[0].json
    assert (body["model"], body["temperature"], body["top_p"], body["stream"]) == ("m", 0.5, 0.9, True)
    assert body["stop" if dialect == "openai" else "stop_sequences"] == ["A", "B"]
    assert body["max_completion_tokens" if dialect == "openai" else "max_tokens"] == 7
    assert "Be kind." in json.dumps(body)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base-url", "gw.example", "--model", "m", "hi"], "base_url: no_scheme"),
        (["--base-url", "http://gw.example", "--model", "m", "--key-env", "UNSET_KEY", "hi"], "UNSET_KEY: empty"),
        (["--base-url", "http://gw.example", "--model", "m", "--key-env", "BAD_KEY", "hi"], "BAD_KEY: bad_characters"),
        (["--base-url", "http://gw.example", "hi"], "--model"),
        (["--base-url", "http://gw.example", "--model", "m"], "--model"),
    ],
)
def test_what_cannot_be_asked_still_ends_in_a_verdict(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("BAD_KEY", f"{CANARY}\nsecond")
    monkeypatch.delenv("UNSET_KEY", raising=False)
    result = Result(ask.main(arguments), *capsys.readouterr())
    assert (result.status, result.out) == (2, "")
    assert result.verdict["error"]["kind"] == "bad_request"
    assert said in result.verdict["error"]["message"]
    assert "CANARY" not in result.err


def test_an_answer_that_breaks_off_keeps_its_text_and_fails(server: RawServer) -> None:
    words = WORDS["openai"]
    endpoint = server.endpoint(streams(words.opening, words.hello))
    result = in_a_process(endpoint.base_url, "--model", "m", "hi")
    assert (result.status, result.out) == (1, "Hello\n")
    assert (result.verdict["complete"], result.verdict["error"]["kind"]) == (False, "truncated")


def slow_answer(line: Line, request: Request) -> None:
    line.send(head() + WORDS["openai"].opening + WORDS["openai"].hello)
    line.wait_for_hangup(20)


def _heeds_control_c() -> None:
    """A shell's background job, as this run may be, ignores it and hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_control_c_ends_the_request_and_tells_what_came(server: RawServer) -> None:
    endpoint = server.endpoint(slow_answer)
    command = [sys.executable, "-m", "lib.ask", "--base-url", endpoint.base_url, "--model", "m", "hi"]
    env = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": CANARY}
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_heeds_control_c
    )
    assert process.stdout is not None
    assert process.stdout.read(5) == b"Hello"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    result = Result(process.returncode, "", err.decode())
    assert (result.status, result.verdict["text"], result.verdict["complete"]) == (130, "Hello", False)
    assert endpoint.done.wait(5)


def test_a_reader_that_goes_away_is_no_traceback(server: RawServer) -> None:
    words = WORDS["openai"]
    endpoint = server.endpoint(streams(words.opening, *[words.hello] * 20_000, words.end))
    command = f"{sys.executable} -m lib.ask --base-url {endpoint.base_url} --model m hi | head -c 5"
    env = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": CANARY}
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=env, capture_output=True, timeout=60, check=False)
    assert done.stdout == b"Hello"
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_a_terminal_is_not_steered_by_an_answer(server: RawServer, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    steering = WORDS["openai"].hello.replace(b"Hello", b"a\\u001b[2J\\u0007\\tb\\n")
    endpoint = server.endpoint(streams(steering, WORDS["openai"].end))
    to_a_file = run(endpoint.base_url, "--model", "m", "hi")
    assert to_a_file.out == "a\x1b[2J\x07\tb\n\n"

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    run(endpoint.base_url, "--model", "m", "hi")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", terminal.getvalue())
    assert "\tb\n" in terminal.getvalue()


def test_a_refused_list_is_one_line(server: RawServer, run: Any) -> None:
    endpoint = server.endpoint(answers(401, json.dumps({"error": {"message": f"bad {CANARY}"}})))
    result = run(endpoint.base_url, "--models")
    assert (result.status, result.out, result.verdict["error"]["kind"]) == (1, "", "auth")
    assert "CANARY" not in result.err
