"""Bytes to a server and back, exactly as a test says them: no HTTP library mends what is wrong with them."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import socket
import struct
import time
from typing import NamedTuple

KEY = base64.b64encode(b"0123456789abcdef").decode()
STREAM = "/_stcore/stream"
TRACEBACKS = re.compile(rb"Traceback \(most|File \"/|site-packages|\.py\", line")


class Reply(NamedTuple):
    """What came back; `status` 0 when nothing that looks like HTTP did, or nothing at all."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        found = re.search(rb"(?im)^" + name.encode() + rb":[ \t]*(.*?)\r?$", self.head)
        return found[1].decode("latin-1") if found else ""


def exchange(port: int, data: bytes, *, timeout: float = 10.0, half_close: bool = False) -> bytes:
    """Everything that the server sends after `data`, until it closes or is silent for a while."""
    got = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as line, contextlib.suppress(OSError):
        line.sendall(data)
        if half_close:
            line.shutdown(socket.SHUT_WR)
        until = time.monotonic() + timeout
        while time.monotonic() < until and (piece := line.recv(65536)):
            got += piece
            if _is_whole(got):
                break
    return bytes(got)


def ask(port: int, data: bytes, *, timeout: float = 10.0, half_close: bool = False) -> Reply:
    """The first answer to these bytes."""
    return read(exchange(port, data, timeout=timeout, half_close=half_close))


def read(data: bytes) -> Reply:
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    return Reply(int(found[1]) if found else 0, head, body)


def request(
    method: str, path: str, headers: list[tuple[str, str]], body: bytes = b"", *, version: str = "HTTP/1.1"
) -> bytes:
    """A request with these headers and no others; a body gets its length."""
    lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers)]
    if body or method in {"PUT", "POST"}:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + body


def upgrade(headers: list[tuple[str, str]], path: str = STREAM) -> bytes:
    """The opening of a websocket."""
    opening = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Protocol", "streamlit"),
    ]
    return request("GET", path, [*headers, *opening])


def frame(
    payload: bytes = b"",
    opcode: int = 2,
    *,
    last: bool = True,
    masked: bool = True,
    reserved: int = 0,
    says: int | None = None,
) -> bytes:
    """A websocket frame (RFC 6455, section 5.2); `says` is a length other than the payload's."""
    size = len(payload) if says is None else says
    first = (0x80 if last else 0) | reserved << 4 | opcode
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack(">BB", first, mask_bit | size)
    elif size < 65536:
        head = struct.pack(">BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack(">BBQ", first, mask_bit | 127, size)
    if not masked:
        return head + payload
    key = b"\x01\x02\x03\x04"
    turned = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload)) if len(payload) < 70_000 else payload
    return head + key + turned


class Socket:
    """An open websocket whose frames the test writes itself."""

    def __init__(self, port: int) -> None:
        self._line = socket.create_connection(("127.0.0.1", port), timeout=10)
        headers = [("Host", f"127.0.0.1:{port}"), ("Origin", f"http://127.0.0.1:{port}")]
        self._line.sendall(upgrade(headers))
        self.opened = b""
        while b"\r\n\r\n" not in self.opened and (piece := self._line.recv(65536)):
            self.opened += piece
        self.status = read(self.opened).status

    def send(self, data: bytes) -> None:
        """Raises OSError when the server has gone."""
        self._line.sendall(data)

    def until_closed(self, timeout: float = 0.5) -> bytes:
        """What comes until the server closes, or says nothing for so long."""
        got = bytearray()
        self._line.settimeout(timeout)
        with contextlib.suppress(OSError):
            while (piece := self._line.recv(1 << 20)) and len(got) < 1 << 24:
                got += piece
        return bytes(got)

    def close(self) -> None:
        self._line.close()


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    with open(f"/proc/{pid}/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _is_whole(data: bytearray) -> bool:
    """Whether an answer with a length has all of it; the server keeps the connection open then."""
    head, split, body = bytes(data).partition(b"\r\n\r\n")
    if not split:
        return False
    if re.match(rb"HTTP/1\.[01] (1\d\d|204|304)", head):
        return True
    length = re.search(rb"(?im)^content-length:[ \t]*(\d+)", head)
    if length:
        return len(body) >= int(length[1])
    return body.endswith(b"0\r\n\r\n") and b"chunked" in head.lower()
