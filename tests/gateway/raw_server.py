"""A server that misbehaves byte by byte: plain sockets and threads, so that nothing corrects what a test wants sent.

Each `Endpoint` has a base URL of its own below one port and does what its behaviour says; it records every request
and connection. A behaviour is a function of the line (the connection) and the request.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self


class Request(NamedTuple):
    """A request as it came. `headers` keeps order and spelling; `line` is the number of its connection."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    line: int
    raw: bytes

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known.lower() == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Line:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.number = number
        self.open = True
        self._sock = sock
        self._read = b""

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def reset(self) -> None:
        """Close with RST, as a crashed relay does."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.open = False
        self._sock.close()

    def wait_for_hangup(self, timeout: float = 5.0) -> bool:
        """Whether the other side closed within the time; what it may still send is thrown away."""
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._sock], [], [], left)[0]:
                return False
            try:
                if not self._sock.recv(65536):
                    return True
            except OSError:
                return True
        return False

    def request(self) -> Request | None:
        """The next request, or None at the end."""
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                return None
            if self._read.startswith(b"\x16"):  # the greeting of TLS
                self.send(head(400))
                return None
        top, _, rest = self._read.partition(b"\r\n\r\n")
        first, *lines = top.decode("latin-1").split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        size = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        while len(rest) < size:
            if not self._more():
                return None
            rest = self._read.partition(b"\r\n\r\n")[2]
        self._read = rest[size:]
        method, path, _ = first.split(" ", 2)
        return Request(method, path, headers, rest[:size], self.number, top + b"\r\n\r\n" + rest[:size])

    def _more(self) -> bool:
        data = self._sock.recv(65536)
        self._read += data
        return bool(data)


Behaviour = Callable[[Line, Request], None]


class Endpoint:
    """What one behaviour saw."""

    def __init__(self, base_url: str, behaviour: Behaviour) -> None:
        self.base_url = base_url
        self.behaviour = behaviour
        self.requests: list[Request] = []
        self.hung_up = threading.Event()
        self.done = threading.Event()

    @property
    def posts(self) -> int:
        return sum(request.method == "POST" for request in self.requests)

    @property
    def lines(self) -> int:
        """How many connections carried its requests."""
        return len({request.line for request in self.requests})


class RawServer:
    """Listens on a free port of 127.0.0.1; `endpoint` makes a place below it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._endpoints: dict[str, Endpoint] = {}
        self._lines = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def endpoint(self, behaviour: Behaviour) -> Endpoint:
        prefix = f"/e{len(self._endpoints)}"
        made = Endpoint(f"http://127.0.0.1:{self.port}{prefix}", behaviour)
        self._endpoints[prefix] = made
        return made

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._lines += 1
            threading.Thread(target=self._serve, args=(Line(sock, self._lines),), daemon=True).start()

    def _serve(self, line: Line) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line.open and (request := line.request()):
                endpoint = self._endpoints.get("/" + request.path.split("/")[1])
                if endpoint is None:
                    line.send(head(404))
                    break
                endpoint.requests.append(request)
                try:
                    endpoint.behaviour(line, request)
                except OSError:
                    endpoint.hung_up.set()
                    raise
                finally:
                    endpoint.done.set()
        with contextlib.suppress(OSError):
            line.close()


def head(status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answers(status: int, body: bytes | str = b"", *, kind: str = "application/json", **headers: str) -> Behaviour:
    """A whole answer with its length. Underscores in header names stand for hyphens."""
    data = body.encode() if isinstance(body, str) else body
    fields = {name.replace("_", "-"): value for name, value in headers.items()}

    def behave(line: Line, request: Request) -> None:
        line.send(head(status, {"content-type": kind, "content-length": str(len(data)), **fields}) + data)

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first request gets the first behaviour, …; the last one stays."""
    left = list(behaviours)

    def behave(line: Line, request: Request) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(line, request)

    return behave


def streams(*pieces: bytes, then: Callable[[Line], None] | None = None, **headers: str) -> Behaviour:
    """An event stream without a length, sent piece by piece; `then` ends it (else a clean close)."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}

    def behave(line: Line, request: Request) -> None:
        line.send(head(200, {"content-type": "text/event-stream", "connection": "close", **fields}))
        for piece in pieces:
            line.send(piece)
        if then:
            then(line)
        line.close()

    return behave


def chunked(pieces: Iterable[bytes], *, last: bytes = b"0\r\n\r\n") -> Behaviour:
    """An event stream in HTTP chunks, after which the connection stays open."""
    sent = list(pieces)

    def behave(line: Line, request: Request) -> None:
        line.send(head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
        for piece in sent:
            line.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        line.send(last)

    return behave


def closes(line: Line, request: Request) -> None:
    """Not a byte."""
    line.close()


def resets(line: Line, request: Request) -> None:
    line.reset()
