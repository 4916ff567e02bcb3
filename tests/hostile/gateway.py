"""A gateway whose every word is hostile: the names in its model list, its answers, its errors, its events."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-hostile-0123456789abcdefghij"
_WANTED = re.compile(r"(say|think|fail|call|odd) (\d+)")


class HostileGateway:
    """Lists `names` as models (and as their owners), and does with `texts[n]` what the last question says.

    say: as an answer, in pieces of seven letters. think: as reasoning. fail: as an error. call: as a tool call and as
    every other field of an answer. odd: in events that nobody asked for.
    """

    def __init__(self, names: Sequence[str], texts: Sequence[str]) -> None:
        models = [
            {"id": name, "object": "model", "owned_by": name, "name": name, "description": name} for name in names
        ]
        listed = json.dumps({"object": "list", "data": models}).encode()
        self.posts = 0
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self._send(200, "application/json", listed)

            def do_POST(self) -> None:
                outer.posts += 1
                asked = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
                found = _WANTED.search(json.dumps(asked["messages"][-1]))
                what, n = (found[1], int(found[2])) if found else ("say", 0)
                text = texts[n % len(texts)]
                if what == "fail":
                    error = {"message": text, "type": text, "code": text, "param": text}
                    self._send(400, "application/json", json.dumps({"error": error}).encode())
                    return
                self._send(200, "text/event-stream", events(what, text))

            def _send(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> HostileGateway:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def events(what: str, text: str) -> bytes:
    """The stream of one answer."""
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    match what:
        case "think":
            deltas: list[dict[str, Any]] = [{"reasoning_content": piece} for piece in pieces] + [{"content": "done"}]
        case "call":
            call = {"index": 0, "id": text, "type": "function", "function": {"name": text, "arguments": text}}
            deltas = [
                {"tool_calls": [call]},
                {"refusal": text},
                {"content": "called", "annotations": [{"url": text, "title": text}]},
            ]
        case "odd":
            deltas = [{"content": "odd"}]
        case _:
            deltas = [{"content": piece} for piece in pieces]
    lines = [
        _line({"choices": [{"index": 0, "delta": delta}], "model": text[:200], "id": text[:200]}) for delta in deltas
    ]
    if what == "odd":
        lines = [*_odd(text), *lines, *_odd(text)]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "system_fingerprint": text[:200]}
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}}
    return "".join([*lines, _line(last), _line(usage), "data: [DONE]\n\n"]).encode("utf-8", "surrogatepass")


def _odd(text: str) -> list[str]:
    """Events of other programs and other times, such as those that have been made to run code in a browser."""
    kinds = (
        "execute",
        "run",
        "eval",
        "script",
        "redirect",
        "open_url",
        "notification",
        "status",
        "message",
        "ping",
        "ui",
        "__proto__",
    )
    whole = [
        {"type": kind, "event": {"type": kind, "data": {"code": text, "url": text}}, "data": text, "code": text}
        for kind in kinds
    ]
    named = [f"event: {kind}\n" + _line(one) for kind, one in zip(kinds, whole, strict=True)]
    images = {
        "choices": [
            {
                "index": 0,
                "delta": {"images": [{"type": "image_url", "image_url": {"url": text}}], "audio": {"url": text}},
            }
        ]
    }
    return [*named, *map(_line, whole), _line(images), "id: " + " ".join(text.split()) + "\n", "retry: 0\n\n"]


def _line(value: Any) -> str:
    return f"data: {json.dumps(value)}\n\n"
