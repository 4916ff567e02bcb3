"""Who may knock: Host, Origin, and the doors that stay shut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from lib.errors import SettingsError
from lib.web import middleware
from lib.web.visitors import CLOSED, Visitors
from tests.web.knocking import get, knock, open_socket


async def anything(_: Request) -> Response:
    return PlainTextResponse("in")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()


def house(*allowed: str, base_path: str = "") -> Starlette:
    return Starlette(
        middleware=middleware(allowed, base_path=base_path),
        routes=[
            WebSocketRoute("/_stcore/stream", socket),
            Route("/{path:path}", anything, methods=["GET", "POST", "PUT", "DELETE"]),
        ],
    )


LOCAL_HOSTS = ["127.0.0.1:8501", "localhost:8501", "LOCALHOST", "localhost.", "[::1]:8501", "127.0.0.1"]
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8501",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "notlocalhost",
    "0.0.0.0:8501",
    "192.168.0.7:8501",
    "2130706433",
    "user@127.0.0.1",
    "127.0.0.1:8501@evil.example",
    "127.0.0.1/evil",
    "127.0.0.1:99999999",
    "[::1",
    "[::1%25eth0]",
    "localhost evil",
    "",
]


@pytest.mark.parametrize("host", LOCAL_HOSTS)
def test_loopback_names_are_known(host: str) -> None:
    assert get(house(), "/", host=host).status == 200
    assert open_socket(house(), host=host).status == 101


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_refused_also_for_websockets(host: str) -> None:
    assert get(house(), "/", host=host).status == 400
    assert open_socket(house(), host=host).status == 1008


def test_a_request_without_a_host_or_with_two_is_refused() -> None:
    assert get(house(), "/", host=None).status == 400
    two = [("host", "127.0.0.1:8501"), ("host", "evil.example")]
    assert knock(house(), "http", "/", two, "GET").status == 400


def test_configured_names_are_known() -> None:
    app = house("chat.example.com", "*.team.example")
    assert get(app, "/", host="chat.example.com").status == 200
    assert get(app, "/", host="Chat.Example.com:443").status == 200
    assert get(app, "/", host="a.b.team.example").status == 200
    assert get(app, "/", host="team.example").status == 400
    assert get(app, "/", host="evilteam.example").status == 400
    assert get(app, "/", host="chat.example.com.evil.example").status == 400


@pytest.mark.parametrize("name", ["*", "", "https://chat.example.com", "chat.example.com:443", "a/b", "*.*.com", "a b"])
def test_a_setting_that_is_no_host_name_is_refused_at_start(name: str) -> None:
    with pytest.raises(SettingsError):
        middleware([name])


OWN_ORIGINS = ["http://127.0.0.1:8501", "HTTP://127.0.0.1:8501"]
FOREIGN_ORIGINS = [
    "http://evil.example",
    "https://evil.example:8501",
    "null",
    "",
    "http://127.0.0.1:3000",
    "http://127.0.0.1",
    "http://localhost:8501",
    "http://127.0.0.1:8501.evil.example",
    "http://127.0.0.1:8501@evil.example",
    "http://127.0.0.1:8501/path",
    "ftp://127.0.0.1:8501",
    "file://",
    "chrome-extension://abcdef",
    "https://app.streamlit.app",
]


@pytest.mark.parametrize("origin", OWN_ORIGINS)
def test_the_own_page_opens_the_websocket_and_uploads(origin: str) -> None:
    assert open_socket(house(), origin=origin).status == 101
    assert get(house(), "/_stcore/upload_file/a/b", method="PUT", origin=origin).status == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_another_site_neither_opens_the_websocket_nor_changes_anything(origin: str) -> None:
    assert open_socket(house(), origin=origin).status == 1008
    for method in ("POST", "PUT", "DELETE"):
        assert get(house(), "/", method=method, origin=origin).status == 403


def test_a_program_without_an_origin_may_connect() -> None:
    assert open_socket(house()).status == 101


def test_reading_needs_no_origin_of_ours() -> None:
    assert get(house(), "/", origin="http://evil.example").status == 200


def test_a_proxy_that_rewrites_the_host_keeps_its_configured_origin() -> None:
    app = house("chat.example.com")
    assert open_socket(app, origin="https://chat.example.com").status == 101
    assert open_socket(app, host="chat.example.com", origin="https://chat.example.com:443").status == 101
    assert open_socket(app, origin="https://other.example.com").status == 1008


def test_forwarded_headers_do_not_open_the_door() -> None:
    told = [("host", "evil.example"), ("x-forwarded-host", "localhost"), ("forwarded", "host=localhost")]
    assert knock(house(), "http", "/", told, "GET").status == 400


@pytest.mark.parametrize("path", CLOSED)
def test_routes_that_we_do_not_use_are_not_there(path: str) -> None:
    assert get(house(), path).status == 404
    assert get(house(base_path="/chat"), "/chat" + path).status == 404
    assert get(house(), path + "/x", method="POST").status == 404


@pytest.mark.parametrize("path", ["/", "/usage", "/_stcore/health", "/_stcore/host-config", "/static/js/index.js"])
def test_what_the_page_needs_stays_open(path: str) -> None:
    assert get(house(), path).status == 200


@given(host=st.text(max_size=40), origin=st.text(max_size=40))
def test_no_host_or_origin_raises(host: str, origin: str) -> None:
    visitors = Visitors(["chat.example.com"])
    assert visitors.knows_host(host) in {True, False}
    assert visitors.may_act(origin, host) in {True, False}


@given(st.from_regex(r"[a-z0-9.-]{1,20}(:[0-9]{1,5})?", fullmatch=True))
def test_only_given_names_are_known(host: str) -> None:
    name = host.partition(":")[0].rstrip(".")
    assert not Visitors().knows_host(host) or name in {"localhost", "127.0.0.1"}
