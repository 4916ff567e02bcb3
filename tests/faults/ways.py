"""Ways to misbehave: what a test wants wrong, as a behaviour for each dialect's words."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterable

from tests.faults.speech import ANTHROPIC, OPENAI, Speech, packed, sse
from tests.faults.table import Doing
from tests.gateway.raw_server import Behaviour, Line, Request, answers, chunked, head, in_turn, streams

PAGE = "<!DOCTYPE html><html><head><title>Bad thing</title></head><body><script>alert(1)</script></body></html>"
SOON = {"retry_after_ms": "10"}
TRAP = "/e0"
"""Where the server catches what should never come: the path of its first endpoint."""
ENDLESS = "and on "
LARGE = "x" * 2_000_000
"""What ten and more do to the memory is in `test_memory.py`."""
LIMITED, BUSY = ("rate_limit_error", "Slow down"), ("overloaded_error", "Overloaded")


def refuses(status: int, kind: str = "some_error", message: str = "No.", *, code: str = "", **headers: str) -> Doing:
    """An error document in the dialect's own shape."""
    more = {"code": code} if code else {}
    return lambda say: answers(status, packed(say.error(kind, message, **more)), **headers)


def bare(status: int, body: str | bytes = b"", *, kind: str = "application/json", **headers: str) -> Doing:
    return lambda say: answers(status, body, kind=kind, **headers)


def page(status: int, more: str = "", **headers: str) -> Doing:
    return bare(status, PAGE + more, kind="text/html", **headers)


def sends(make: Callable[[Speech], bytes | Iterable[bytes]], then: Callable[[Line], None] | None = None) -> Doing:
    """An event stream of these bytes, which ends with the connection."""

    def doing(say: Speech) -> Behaviour:
        pieces = make(say)
        return streams(*((pieces,) if isinstance(pieces, bytes) else pieces), then=then)

    return doing


def first_fails(failing: Doing, times: int = 1) -> Doing:
    """The first requests fail, the next one is answered whole."""
    return lambda say: in_turn(*[failing(say)] * times, streams(say.answer))


def stalls(line: Line) -> None:
    line.wait_for_hangup(20)


def resets_later(line: Line) -> None:
    """When all that was sent has been read: a reset throws the rest away."""
    time.sleep(0.5)
    line.reset()


def silent(line: Line, request: Request) -> None:
    stalls(line)


def late(seconds: float) -> Doing:
    def doing(say: Speech) -> Behaviour:
        def behave(line: Line, request: Request) -> None:
            time.sleep(seconds)
            streams(say.answer)(line, request)

        return behave

    return doing


def drips(make: Callable[[Speech], bytes], drop: Callable[[Speech], bytes], every_s: float = 0.02) -> Doing:
    """For ever the same small piece."""

    def doing(say: Speech) -> Behaviour:
        def behave(line: Line, request: Request) -> None:
            line.send(head(200, {"content-type": "text/event-stream"}) + make(say))
            until = time.monotonic() + 20
            while time.monotonic() < until:
                line.send(drop(say))
                time.sleep(every_s)

        return behave

    return doing


def in_chunks(make: Callable[[Speech], Iterable[bytes]], last: bytes = b"0\r\n\r\n", *, closing: bool = False) -> Doing:
    def doing(say: Speech) -> Behaviour:
        whole = chunked(filter(None, make(say)), last=last)  # an empty chunk would be the last one

        def behave(line: Line, request: Request) -> None:
            whole(line, request)
            if closing:
                line.close()

        return behave

    return doing


def promises_more(say: Speech) -> Behaviour:
    """A length that is not reached."""

    def behave(line: Line, request: Request) -> None:
        line.send(head(200, {"content-length": str(len(say.begun) + 10)}) + say.begun)
        line.close()

    return behave


def squeezed(make: Callable[[Speech], bytes], coding: str = "gzip", times: int = 1) -> Doing:
    def doing(say: Speech) -> Behaviour:
        body = make(say)
        for _ in range(times):
            body = gzip.compress(body)
        return streams(body, content_encoding=coding)

    return doing


def squeezed_and_cut(say: Speech) -> Behaviour:
    """Half of an answer, flushed, and no end of the compressed stream."""
    squeeze = zlib.compressobj(wbits=31)
    return streams(squeeze.compress(say.begun) + squeeze.flush(zlib.Z_SYNC_FLUSH), content_encoding="gzip")


def redirects(status: int) -> Doing:
    """To another host; whatever comes there is caught."""

    def doing(say: Speech) -> Behaviour:
        def behave(line: Line, request: Request) -> None:
            port = (request.header("host") or "").rpartition(":")[2]
            elsewhere = f"http://localhost:{port}{TRAP}{request.path[len(TRAP) :]}"
            line.send(head(status, {"location": elsewhere, "content-length": "0"}))

        return behave

    return doing


def labelled(kind: str | None, body: Callable[[Speech], bytes] = lambda say: say.answer) -> Doing:
    """A whole answer under any content type, or none."""

    def doing(say: Speech) -> Behaviour:
        fields = {"content-type": kind} if kind else {}

        def behave(line: Line, request: Request) -> None:
            line.send(head(200, {**fields, "connection": "close"}) + body(say))
            line.close()

        return behave

    return doing


def echoes_the_key(say: Speech) -> Behaviour:
    """Whatever the request said, key included, in the message, in the code and in a header."""

    def behave(line: Line, request: Request) -> None:
        told = " ".join(value for name, value in request.headers if name.lower() in ("authorization", "x-api-key"))
        body = packed(say.error("authentication_error", f"Wrong key: {told}.", param=told, code="invalid_api_key"))
        line.send(head(401, {"content-length": str(len(body)), "x-request-id": told.split()[-1]}) + body)

    return behave


def relined(end: bytes) -> Callable[[Speech], bytes]:
    return lambda say: say.answer.replace(b"\n", end)


def many_lines(say: Speech) -> bytes:
    """Every event's JSON over several `data` lines."""
    events = []
    for event in say.answer.split(b"\n\n"):
        *names, data = event.split(b"\n") if event else (b"",)
        value = data.removeprefix(b"data: ")
        if value.startswith(b"{"):
            spread = json.dumps(json.loads(value), ensure_ascii=False, indent=1).encode()
            data = b"\n".join(b"data: " + line for line in spread.split(b"\n"))
        events.append(b"\n".join([*names, data]))
    return b"\n\n".join(events)


def odd_things(say: Speech) -> bytes:
    """Events and fields that nobody knows, nulls and wrong types."""
    return b"".join(
        sse(value, name)
        for name, value in (
            ("execute", {"type": "execute", "code": "alert(1)"}),
            ("", {"type": "from_tomorrow", "delta": {"text": "ghost"}}),
            ("", {"choices": None, "usage": None}),
            ("", {"choices": [{"index": 0, "delta": {"content": None, "tool_calls": None, "audio": 3}}]}),
            ("", {"choices": [{"index": 0, "delta": {"content": 12, "tool_calls": "x"}, "finish_reason": []}]}),
            ("", {"choices": "none", "usage": [1], "error": None, "model": 7, "id": {}}),
            ("", {"type": "content_block_delta", "index": "x", "delta": {"type": "new_delta", "text": "ghost"}}),
            ("", {"type": "content_block_delta", "index": None, "delta": None}),
            ("", {"type": "content_block_start", "index": 3, "content_block": {"type": "new_block", "x": 1}}),
            ("", b"[]"),
            ("", b"12"),
            ("", b'"words"'),
            ("", b"null"),
        )
    )


def usages(*told: dict[str, object]) -> Doing:
    """An OpenAI answer with these reports of its usage."""

    def make(say: Speech) -> bytes:
        reports = b"".join(OPENAI.of([], usage=usage) for usage in told)
        return say.opening + say.events() + say.finish(usage=False) + reports + say.mark

    return sends(make)


def deltas(*told: dict[str, object]) -> Doing:
    """An Anthropic answer with these reports of its usage."""

    def make(say: Speech) -> bytes:
        ends = [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage} for usage in told]
        return ANTHROPIC.opening + say.events() + b"".join(sse(end, "message_delta") for end in ends) + say.mark

    return sends(make)


def told(n_in: object, n_out: object) -> dict[str, object]:
    return {"prompt_tokens": n_in, "completion_tokens": n_out}
