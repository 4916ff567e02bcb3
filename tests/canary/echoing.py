"""A gateway that says the key it was given wherever it can. What it does is named in the question: `fault <name>`."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.gateway.raw_server import Endpoint, Line, RawServer, Request, answers, head, streams

MODEL = "gpt-5.4"
ANTHROPIC_MODEL = "claude-sonnet-4-6"

Reply = Callable[[str, Line, Request], None]


class Echoing:
    """Serves both dialects below `endpoint.base_url`; `elsewhere` is where its redirects lead: nobody should come.

    `key` is the one it accepts; whatever else it is given comes back in a 401. Only the keys in `heard` ever reached
    it, in the header of their dialect.
    """

    def __init__(self, server: RawServer, key: str) -> None:
        self.key = key
        self.elsewhere: Endpoint = server.endpoint(answers(200, "{}"))
        self.endpoint: Endpoint = server.endpoint(self._behave)

    @property
    def base_url(self) -> str:
        return self.endpoint.base_url

    @property
    def heard(self) -> set[str]:
        return {given for request in self.endpoint.requests for given in [key_of(request)] if given}

    def _behave(self, line: Line, request: Request) -> None:
        given = key_of(request)
        if given != self.key:
            refused(f"Incorrect API key provided: {given}. {request.raw.decode('latin-1')}")(line, request)
        elif request.method == "GET":
            answers(200, model_list(given), x_request_id=given)(line, request)
        else:
            self._answer(given, line, request)

    def _answer(self, key: str, line: Line, request: Request) -> None:
        body = request.json
        fault = fault_in(body)
        reply = REPLIES.get(fault)
        if not body:
            refused(f"nothing in {key}", 400)(line, request)
        elif fault == "redirect":
            target = f"{self.elsewhere.base_url}/v1/chat/completions?key={quote(key)}"
            answers(307, f"Moved to {target}", location=target, kind="text/plain")(line, request)
        elif reply is None:
            said(line, request, "All is well.")
        else:
            reply(key, line, request)


def key_of(request: Request) -> str:
    bearer = (request.header("authorization") or "").removeprefix("Bearer ")
    return request.header("x-api-key") or bearer


def fault_in(body: dict[str, Any]) -> str:
    """The last fault that the question names: questions whose answers failed come as one."""
    messages = body.get("messages") or [{"content": ""}]
    return ["", *re.findall(r"fault ([\w-]+)", json.dumps(messages[-1]["content"]))][-1]


def model_list(key: str) -> str:
    names = [MODEL, ANTHROPIC_MODEL, f"echo-{key}", key, base64.b64encode(key.encode()).decode(), key.encode().hex()]
    rows = [{"id": name, "object": "model", "owned_by": key} for name in names]
    return json.dumps({"object": "list", "data": rows, "about": key})


def is_messages(request: Request) -> bool:
    return request.path.endswith("/messages")


# --- whole answers ---


def refused(message: str, status: int = 401, **headers: str) -> Callable[[Line, Request], None]:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}
    body = {"type": "error", "error": error, "detail": message, "request_id": message[:60]}
    return answers(status, json.dumps(body), **{"retry_after_ms": "1", "x_should_retry": "false", **headers})


def in_form(write: Callable[[str], str], status: int = 401) -> Reply:
    """An error in whose words the key stands in some form, as code, parameter and type too."""

    def reply(key: str, line: Line, request: Request) -> None:
        form = write(key)
        error = {"message": f"The key {form} is not good", "type": form, "code": form, "param": form}
        body = json.dumps({"error": error, "request_id": form})
        answers(status, body, x_request_id=form.replace("\n", ""), x_should_retry="false")(line, request)

    return reply


def page(key: str, line: Line, request: Request) -> None:
    """A proxy's page of the kind that repeats what it was asked."""
    words = html.escape(request.raw.decode("latin-1"))
    body = f"<!doctype html><title>Error for {html.escape(key)}</title><h1>{key}</h1><pre>{words}</pre>"
    answers(500, body, kind="text/html", x_should_retry="false")(line, request)


def plain(key: str, line: Line, request: Request) -> None:
    """With the head of the request only: its body names parameters, which would be taken for refused ones."""
    head_of_it = request.raw.partition(b"\r\n\r\n")[0].decode("latin-1")
    answers(400, f"could not parse: {head_of_it}", kind="text/plain")(line, request)


def cut(key: str, line: Line, request: Request) -> None:
    """A body that ends in the middle of the key."""
    refused("x" * 570 + f" the key {key}", 400)(line, request)


def headers(key: str, line: Line, request: Request) -> None:
    """A good answer with the key in its headers."""
    echoed = {"x_request_id": key, "request_id": key, "x_echo": f"Bearer {key}", "set_cookie": f"k={key}; Path=/"}
    said(line, request, "With headers.", **echoed)


def bad_header(key: str, line: Line, request: Request) -> None:
    """An answer whose head cannot be read."""
    line.send(f"HTTP/1.1 200 {key}\r\n{key} : \x00{key}\r\nx y: {key}\r\n\r\n".encode("latin-1"))
    line.close()


# --- streams ---


def events(request: Request, *values: Any, done: bool = True) -> list[bytes]:
    if is_messages(request):
        return [f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode() for value in values]
    pieces = [f"data: {json.dumps(value)}\n\n".encode() for value in values]
    return [*pieces, b"data: [DONE]\n\n"] if done else pieces


def chunk(text: str | None, key: str = "", **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"id": key or "c1", "object": "chat.completion.chunk", "model": key or MODEL, "choices": [choice], **more}


def beginning(text: str, key: str = "") -> list[dict[str, Any]]:
    """The first events of Messages."""
    message = {
        "id": key or "m1",
        "type": "message",
        "role": "assistant",
        "model": key or ANTHROPIC_MODEL,
        "content": [],
    }
    message["usage"] = {"input_tokens": 9, "output_tokens": 1, "service_tier": key or "standard"}
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
    ]


def ending(reason: str = "end_turn", **usage: Any) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 5, **usage}},
        {"type": "message_stop"},
    ]


def said(line: Line, request: Request, text: str, **fields: str) -> None:
    if is_messages(request):
        streams(*events(request, *beginning(text), *ending()), **fields)(line, request)
        return
    last = chunk(None, usage={"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12})
    last["choices"][0]["finish_reason"] = "stop"
    streams(*events(request, chunk(text), last), **fields)(line, request)


def fields(key: str, line: Line, request: Request) -> None:
    """Every field beside the words: ids, model, finish reason, further members of the usage."""
    more = {"note": key, "prompt_tokens_details": {"cached_tokens": 0, "seen": key}, key: 1}
    if is_messages(request):
        said_all = [*beginning("A field.", key), {"type": f"odd {key}", "note": key}, *ending(key, **more)]
        streams(*events(request, *said_all))(line, request)
        return
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, **more}
    last = chunk(None, key, usage=usage, system_fingerprint=key, service_tier=key, **{key: key})
    last["choices"][0]["finish_reason"] = key
    streams(b": " + key.encode() + b"\n\n", *events(request, chunk("A field.", key), last))(line, request)


def broken_midway(key: str, line: Line, request: Request) -> None:
    """Words, and then an error that quotes the request."""
    words = f"upstream refused {key}: {request.raw.decode('latin-1')}"
    error = {"message": words, "type": key, "code": key}
    if is_messages(request):
        streams(*events(request, *beginning("Half of "), {"type": "error", "error": error}))(line, request)
    else:
        streams(*events(request, chunk("Half of "), {"error": error}))(line, request)


def broken_json(key: str, line: Line, request: Request) -> None:
    """Events that are no JSON, and the end without a word."""
    streams(b"event: odd\ndata: {" + key.encode() + b"\n\n", b"data: key=" + key.encode() + b"\n\n")(line, request)


def not_http(key: str, line: Line, request: Request) -> None:
    line.send(f"{key}\r\n{key}\r\n\r\n".encode())
    line.close()


def slow(key: str, line: Line, request: Request) -> None:
    """Begins and does not end until it is stopped."""
    line.send(head(200, {"content-type": "text/event-stream", "x-request-id": key}))
    line.send(
        b"".join(events(request, *(beginning("Slowly.") if is_messages(request) else [chunk("Slowly.")]), done=False))
    )
    line.wait_for_hangup(30)


FORMS: dict[str, Callable[[str], str]] = {
    "raw": lambda key: key,
    "bearer": lambda key: f"Authorization: Bearer {key}\r\nX-Api-Key: {key}",
    "url": lambda key: quote(key, safe=""),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "basic": lambda key: "Basic " + base64.b64encode(b"user:" + key.encode()).decode(),
    "base64-moved": lambda key: base64.urlsafe_b64encode(b"k=" + key.encode()).decode(),
    "hex": lambda key: key.encode().hex(),
    "hex-upper": lambda key: key.encode().hex().upper(),
    "json": lambda key: json.dumps(json.dumps({"key": key})),
    "escaped": lambda key: "".join(f"\\u{ord(sign):04x}" for sign in key),
    "html": html.escape,
    "entities": lambda key: "".join(f"&#{ord(sign)};" for sign in key),
    "reversed": lambda key: key[::-1],
    "percent": lambda key: "".join(f"%{ord(sign):02x}" for sign in key),
    "spread": lambda key: f"{key[:20]}…",
}

REPLIES: dict[str, Reply] = {
    **{name: in_form(write) for name, write in FORMS.items()},
    "page": page,
    "plain": plain,
    "cut": cut,
    "headers": headers,
    "bad-header": bad_header,
    "fields": fields,
    "midway": broken_midway,
    "broken-json": broken_json,
    "not-http": not_http,
    "slow": slow,
}
FAULTS = tuple(name for name in (*REPLIES, "redirect") if name != "slow")
"""Each ends by itself; `slow` is for Stop."""
