"""Every address of a running Parlour answers with the walls: ours, Streamlit's own, and those that there are none of."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from unittest.mock import MagicMock

import pytest
from streamlit.web.server.starlette.starlette_app import create_streamlit_routes

from lib import web
from lib.web.headers import FIXED
from tests.browser.conftest import Parlour

pytestmark = pytest.mark.browser

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "NONSENSE")
BESIDE = (
    "/", "/chat", "/chats", "/upload", "/usage", "/prices", "/settings", "/data", "/index.html", "/favicon.png", "/static/x.js",
    "/nothing/here", "/media/", "/media/0123.html", "/media/../app.py", "/%2e%2e/app.py", "//evil.example/", "/file/x/thumb",
    "/file/x/99999", "/share/" + "x" * 3000, "/answer/%00/text", "/login", "/app/static/x", "/_stcore/", "/_stcore/nothing", "/?q=x",
)  # fmt: skip
SEALED = re.compile(r"(?:/media/|/file/)")


def addresses() -> list[str]:
    """Of every route of ours and of Streamlit's, with something in its places."""
    nothing = MagicMock()
    ours = [*web.routes(dict), *web.answer_routes(nothing), *web.draft_routes(nothing), *web.attachment_routes(nothing)]
    routes = [*ours, *web.share_routes(nothing), *create_streamlit_routes(nothing)]
    paths = {str(getattr(route, "path", "")) for route in routes} - {""}
    assert {"/healthz", "/file/{id:str}/{part:str}", "/_stcore/health", "/media/{file_id:path}"} <= paths
    return sorted({re.sub(r"\{[^}]*\}", "x", path) for path in paths} | set(BESIDE))


def ask(app: Parlour, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
    line = http.client.HTTPConnection("127.0.0.1", app.port, timeout=30)
    line.putrequest(method, path, skip_host="host" in headers)
    for name, value in headers.items():
        line.putheader(name, value)
    line.putheader("content-length", "0")
    line.endheaders()
    answer = line.getresponse()
    answer.read()
    line.close()
    return answer


def missing(path: str, answer: http.client.HTTPResponse) -> list[str]:
    policies = answer.headers.get_all("content-security-policy") or []
    wrong = [name for name, value in FIXED.items() if answer.getheader(name) != value]
    wrong += [] if any("frame-ancestors 'none'" in one for one in policies) else ["frame-ancestors"]
    wrong += [] if all("unsafe-eval" not in one.replace("wasm-unsafe-eval", "") for one in policies) else ["eval"]
    if SEALED.match(path) and answer.status < 300:
        wrong += [] if any(one.startswith("sandbox") for one in policies) else ["sandbox"]
    return wrong


def test_every_answer_carries_the_walls(app: Parlour, measured: Callable[[str], None]) -> None:
    wrong, statuses, n = {}, set(), 0
    for path in addresses():
        for method in METHODS:
            answer = ask(app, method, path)
            statuses.add(answer.status)
            n += 1
            if lacks := missing(path, answer):
                wrong[method, path, answer.status] = lacks
    for host in ("evil.example", "", "127.0.0.1.evil.example"):
        answer = ask(app, "GET", "/", host=host)
        n += 1
        if lacks := missing("/", answer):
            wrong["GET", host, answer.status] = lacks
    assert wrong == {}
    measured(
        f"{len(addresses())} addresses with {len(METHODS)} methods, {n} answers ({_kinds(statuses)}): all headers on all"
    )


def _kinds(statuses: set[int]) -> str:
    return ", ".join(map(str, sorted(statuses)))
