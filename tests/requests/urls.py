"""Addresses by which servers were made to fetch what they should not, and a wire-tap for this process.

`{port}` is that of a listener of the test's own, where nothing may ever arrive.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

FORMS: tuple[str, ...] = (
    "http://127.0.0.1:{port}/x.png",
    "http://localhost:{port}/x.png",
    "http://localhost.:{port}/x.png",
    "http://LOCALHOST:{port}/x.png",
    "http://127.1:{port}/x.png",
    "http://127.0.1:{port}/x.png",
    "http://0.0.0.0:{port}/x.png",
    "http://0:{port}/x.png",
    "http://2130706433:{port}/x.png",
    "http://017700000001:{port}/x.png",
    "http://0x7f000001:{port}/x.png",
    "http://0x7f.1:{port}/x.png",
    "http://0177.0.0.1:{port}/x.png",
    "http://[::1]:{port}/x.png",
    "http://[::]:{port}/x.png",
    "http://[0:0:0:0:0:0:0:1]:{port}/x.png",
    "http://[::ffff:127.0.0.1]:{port}/x.png",
    "http://[::ffff:7f00:1]:{port}/x.png",
    "http://[64:ff9b::7f00:1]:{port}/x.png",
    "http://[fe80::1%25lo]:{port}/x.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:a9fe:a9fe]/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://10.0.0.1/",
    "http://192.168.0.1:{port}/",
    "http://user:pass@127.0.0.1:{port}/x.png",
    "http://example.com@127.0.0.1:{port}/x.png",
    "http://127.0.0.1:{port}#@example.com/",
    "http://127.0.0.1:{port}\\@example.com/",
    "http://127.0.0.1%00.example.com:{port}/",
    "http://１２７.０.０.１:{port}/x.png",
    "http://127。0。0。1:{port}/x.png",
    "http://127.0.0.1.nip.example:{port}/rebinding.png",
    "https://127.0.0.1:{port}/x.png",
    "//127.0.0.1:{port}/x.png",
    "HTTP:127.0.0.1:{port}/x.png",
    "http:////127.0.0.1:{port}/x.png",
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "\\\\127.0.0.1@{port}\\share\\x.png",
    "gopher://127.0.0.1:{port}/_GET",
    "dict://127.0.0.1:{port}/info",
    "ftp://127.0.0.1:{port}/x.png",
    "ldap://127.0.0.1:{port}/x",
    "tftp://127.0.0.1:{port}/x",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "jar:http://127.0.0.1:{port}/x.jar!/",
    "data:text/html,<img src=http://127.0.0.1:{port}/x.png>",
)


def forms(port: int) -> list[str]:
    return [form.replace("{port}", str(port)) for form in FORMS]


_HEARD = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
_heard: list[str] = []
_listening = False


def _hear(event: str, given: tuple[object, ...]) -> None:
    if _listening and event in _HEARD:
        _heard.append(f"{event} {given[1:] if event.startswith('socket.connect') else given}")


sys.addaudithook(_hear)  # stays as long as the process; silent but for `overheard`


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Every address that this process connects to or asks the name of meanwhile."""
    global _listening
    _heard.clear()
    _listening = True
    try:
        yield _heard
    finally:
        _listening = False
