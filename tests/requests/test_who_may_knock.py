"""Every Host with every Origin at every door of a running app, over raw sockets: only our own name comes in."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from tests.requests.conftest import Place
from tests.requests.raw import STREAM, Reply, ask, request, upgrade

HOSTS: dict[str, tuple[tuple[str, ...], bool]] = {
    "our own": (("127.0.0.1:{port}",), True),
    "our name": (("localhost:{port}",), True),
    "our name in capitals": (("LOCALHOST:{port}",), True),
    "our name with a dot": (("localhost.:{port}",), True),
    "IPv6": (("[::1]:{port}",), True),
    "our own without a port": (("127.0.0.1",), True),
    "our own with another port": (("127.0.0.1:1",), True),
    "none": ((), False),
    "an empty one": (("",), False),
    "two": (("127.0.0.1:{port}", "evil.example"), False),
    "the same twice": (("127.0.0.1:{port}", "127.0.0.1:{port}"), False),
    "another site": (("evil.example",), False),
    "a rebinding name": (("127.0.0.1.nip.example:{port}",), False),
    "a name that ends in ours": (("localhost.evil.example:{port}",), False),
    "all addresses": (("0.0.0.0:{port}",), False),
    "a private address": (("192.168.1.7:{port}",), False),
    "a number": (("2130706433:{port}",), False),
    "hexadecimal": (("0x7f000001:{port}",), False),
    "a short address": (("127.1:{port}",), False),
    "mapped IPv6": (("[::ffff:127.0.0.1]:{port}",), False),
    "IPv6 with a zone": (("[::1%25lo]:{port}",), False),
    "IPv6 in full": (("[0:0:0:0:0:0:0:1]:{port}",), False),
    "a user before it": (("evil@127.0.0.1:{port}",), False),
    "a user that looks like us": (("127.0.0.1:{port}@evil.example",), False),
    "wide letters": (("ｌｏｃａｌｈｏｓｔ:{port}",), False),
    "dots that are none": (("127。0。0。1:{port}",), False),
    "an international name": (("xn--e1afmkfd.example",), False),
    "a port beyond all": (("127.0.0.1:99999",), False),
    "a path": (("127.0.0.1:{port}/x",), False),
    "a space": (("127.0.0.1:{port} evil.example",), False),
}
ORIGINS: dict[str, tuple[str, ...]] = {
    "none": (),
    "our own": ("http://127.0.0.1:{port}",),
    "our own in capitals": ("HTTP://127.0.0.1:{port}",),
    "null": ("null",),
    "an empty one": ("",),
    "another site": ("https://evil.example",),
    "another port": ("http://127.0.0.1:1",),
    "no port": ("http://127.0.0.1",),
    "another name of ours": ("http://localhost.:{port}",),
    "IPv6": ("http://[::1]:{port}",),
    "a name that begins like ours": ("http://127.0.0.1:{port}.evil.example",),
    "a user that looks like us": ("http://127.0.0.1:{port}@evil.example",),
    "a path": ("http://127.0.0.1:{port}/x",),
    "another scheme": ("ftp://127.0.0.1:{port}",),
    "a file": ("file://",),
    "an extension": ("chrome-extension://abcdefgh",),
    "a sandbox": ("null", "http://127.0.0.1:{port}"),
    "ours and another": ("http://127.0.0.1:{port}", "https://evil.example"),
    "ours twice in one": ("http://127.0.0.1:{port}, https://evil.example",),
    "where Streamlit lives": ("https://app.streamlit.app",),
    "wide letters": ("http://ｌｏｃａｌｈｏｓｔ:{port}",),
}
SAME = {
    ("our own", "our own"),
    ("our own", "our own in capitals"),
    ("our name with a dot", "another name of ours"),
    ("IPv6", "IPv6"),
    ("our own without a port", "no port"),
    ("our own with another port", "another port"),
}
"""Where both name one place, as a browser has it that opened the app under that name."""
ACTING: dict[str, tuple[str, str]] = {
    "the websocket": ("WEBSOCKET", STREAM),
    "an upload of ours": ("PUT", "/attachments/new?name=a.txt"),
    "a draft": ("PUT", "/draft/new"),
    "Streamlit's upload": ("PUT", "/_stcore/upload_file/none/none"),
    "Streamlit's deletion": ("DELETE", "/_stcore/upload_file/none/none"),
    "the page, posted": ("POST", "/"),
    "signing in": ("POST", "/login"),
    "signing out": ("POST", "/logout"),
}
READING: dict[str, tuple[str, str]] = {
    "the page": ("GET", "/"),
    "a page": ("GET", "/usage"),
    "the health check": ("GET", "/healthz"),
    "a draft": ("GET", "/draft/new"),
    "an answer": ("GET", "/answer/none/text"),
    "a file": ("GET", "/file/none/0"),
    "a share": ("GET", "/share/none"),
    "Streamlit's health": ("GET", "/_stcore/health"),
    "Streamlit's settings": ("GET", "/_stcore/host-config"),
    "a medium": ("GET", "/media/none.png"),
    "a look only": ("HEAD", "/healthz"),
    "a preflight": ("OPTIONS", "/_stcore/upload_file/none/none"),
}


def knocked(place: Place, door: tuple[str, str], host: str, origin: str) -> Reply:
    """What was answered; 101 when a websocket was opened."""
    method, path = door
    named = [("Host", value) for value in HOSTS[host][0]] + [("Origin", value) for value in ORIGINS[origin]]
    headers = [(name, value.replace("{port}", str(place.port))) for name, value in named]
    closing = [*headers, ("Connection", "close")]
    data = upgrade(headers, path) if method == "WEBSOCKET" else request(method, path, closing)
    return ask(place.port, data)


def passed(door: tuple[str, str], reply: Reply) -> bool:
    """Whether it came past the door; behind it Streamlit's uploads ask for a token as well, and refuse with 403."""
    if door[0] == "WEBSOCKET":
        return reply.status == 101
    return reply.status not in {0, 400} and b"Another site" not in reply.body


SAMPLE = {"our own", "two", "a rebinding name"}
"""Hosts that are tried with every origin also in a daily run."""


@pytest.mark.parametrize("door", ACTING)
def test_only_our_own_page_under_our_own_name_acts(
    place: Place, door: str, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    whole = bool(count(0, 1))
    pairs = [(host, origin) for host, origin in product(HOSTS, ORIGINS) if _is_tried(host, origin, whole=whole)]
    wrong = []
    for host, origin in pairs:
        reply = knocked(place, ACTING[door], host, origin)
        may = HOSTS[host][1] and (origin == "none" or (host, origin) in SAME)
        if passed(ACTING[door], reply) != may:
            wrong.append(f"{host} with {origin}: {reply.status}")
    assert wrong == []
    measured(f"{door}: {len(pairs)} pairs of Host and Origin, 0 wrong")


def _is_tried(host: str, origin: str, *, whole: bool) -> bool:
    return whole or host in SAMPLE or origin in {"none", "our own", "null"}


@pytest.mark.parametrize("door", READING)
def test_only_our_own_names_are_answered(place: Place, door: str, measured: Callable[[str], None]) -> None:
    wrong = []
    for host in HOSTS:
        reply = knocked(place, READING[door], host, "none")
        if passed(READING[door], reply) != HOSTS[host][1]:
            wrong.append(f"{host}: {reply.status}")
    assert wrong == []
    measured(f"{door}: {len(HOSTS)} Hosts, 0 wrong")


def test_every_door_of_the_app_is_tried(place: Place) -> None:
    """A new route must be added above."""
    from app import app

    ours = {str(route.path).split("{")[0].rstrip("/") for route in app._user_routes}  # type: ignore[attr-defined]
    tried = {path for _, path in (*ACTING.values(), *READING.values())}
    assert {route for route in ours if not any(path.startswith(route) for path in tried)} == set()


def test_nothing_was_asked_of_the_gateway(place: Place) -> None:
    assert place.gateway.posts <= 1, "the one of the tests of addresses"
