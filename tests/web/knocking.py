"""A tiny ASGI caller: it says exactly the headers it is told to, which an HTTP library would tidy up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message

LOCAL = "127.0.0.1:8501"


@dataclass
class Answer:
    """What came back. For a websocket `status` is 101 when it was accepted, or the close code."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    starts: int = 0
    crash: Exception | None = None

    def headers_named(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str:
        """The values of this header, joined as a browser joins them."""
        return ", ".join(self.headers_named(name))


def get(app: ASGIApp, path: str, *, host: str | None = LOCAL, method: str = "GET", **more: str) -> Answer:
    return knock(app, "http", path, _headers(host, more), method)


def open_socket(app: ASGIApp, path: str = "/_stcore/stream", *, host: str | None = LOCAL, **more: str) -> Answer:
    return knock(app, "websocket", path, _headers(host, more), "GET")


def _headers(host: str | None, more: dict[str, str]) -> list[tuple[str, str]]:
    return ([] if host is None else [("host", host)]) + list(more.items())


def knock(
    app: ASGIApp,
    kind: str,
    path: str,
    headers: list[tuple[str, str]],
    method: str,
    *,
    body: bytes = b"",
    query: bytes = b"",
) -> Answer:
    answer = Answer()
    scope = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "scheme": "http" if kind == "http" else "ws",
        "http_version": "1.1",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8501),
        "subprotocols": [],
    }

    async def receive() -> Message:
        if kind == "websocket":
            return {"type": "websocket.connect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        match message["type"]:
            case "http.response.start":
                answer.starts += 1
                answer.status = message["status"]
                answer.headers = [(name.decode(), value.decode("latin-1")) for name, value in message["headers"]]
            case "http.response.body":
                answer.body += message.get("body", b"")
            case "websocket.accept":
                answer.status = 101
            case "websocket.close":
                answer.status = message["code"]

    try:
        asyncio.run(app(scope, receive, send))
    except RuntimeError as crash:
        answer.crash = crash
    return answer
