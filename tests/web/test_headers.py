"""The headers on every answer, and what they keep a browser from doing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from lib.web import middleware
from lib.web.headers import MEDIA_POLICY, SecurityHeaders, installed_page, page_policy, script_hashes
from tests.web.knocking import Answer, get


async def page(_: Request) -> Response:
    return PlainTextResponse("hello")


async def crash(_: Request) -> Response:
    raise RuntimeError("a defect")


async def strict(_: Request) -> Response:
    return PlainTextResponse("x", headers={"content-security-policy": "sandbox", "x-frame-options": "SAMEORIGIN"})


async def media(request: Request) -> Response:
    kind, subtype = request.path_params["kind"], request.path_params["subtype"]
    return Response(b"bytes", media_type=f"{kind}/{subtype}")


async def download(_: Request) -> Response:
    return Response(b"a,b", media_type="text/html", headers={"content-disposition": 'attachment; filename="a.html"'})


app = Starlette(
    middleware=middleware(),
    routes=[
        Route("/", page),
        Route("/crash", crash),
        Route("/strict", strict),
        Route("/media/named", download),
        Route("/media/{kind}/{subtype}", media),
    ],
)


def policy_of(answer: Answer) -> dict[str, str]:
    """The policy as a table: directive to sources."""
    parts = (part.strip().partition(" ") for part in answer.header("content-security-policy").split(";"))
    return {name: sources for name, _, sources in parts}


def test_every_answer_carries_the_headers() -> None:
    for path in ("/", "/nothing-here", "/_stcore/metrics", "/strict", "/media/image/png"):
        answer = get(app, path)
        assert answer.header("x-content-type-options") == "nosniff", path
        assert answer.header("referrer-policy") == "no-referrer", path
        assert answer.header("x-frame-options") == "DENY", path
        assert answer.header("cross-origin-opener-policy") == "same-origin", path
        assert "geolocation=()" in answer.header("permissions-policy"), path
        assert "frame-ancestors 'none'" in answer.header("content-security-policy"), path


def test_a_refused_host_gets_the_headers_too() -> None:
    answer = get(app, "/", host="evil.example")
    assert (answer.status, answer.header("x-content-type-options")) == (400, "nosniff")


def test_a_crash_is_answered_with_the_headers_and_still_reported() -> None:
    answer = get(app, "/crash")
    assert (answer.status, answer.body) == (500, b"Internal Server Error")
    assert "default-src 'self'" in answer.header("content-security-policy")
    assert isinstance(answer.crash, RuntimeError)


def test_a_crash_in_the_middle_of_an_answer_is_not_answered_twice() -> None:
    async def half(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("a defect")

    answer = get(SecurityHeaders(half, policy="default-src 'self'"), "/")
    assert (answer.status, answer.starts) == (200, 1)


def test_a_stricter_policy_of_a_route_stays() -> None:
    answer = get(app, "/strict")
    assert answer.headers_named("content-security-policy")[0] == "sandbox"
    assert len(answer.headers_named("content-security-policy")) == 2


def test_the_page_loads_nothing_from_elsewhere_and_evaluates_nothing() -> None:
    policy = policy_of(get(app, "/"))
    assert policy["img-src"] == "'self' data: blob:"
    assert policy["connect-src"] == "'self' data: blob:"
    assert "'unsafe-eval'" not in policy["script-src"]
    assert "'unsafe-inline'" not in policy["script-src"]
    assert not re.search(r"https?:|\*", " ".join(policy.values()))


def test_the_inline_script_of_the_installed_page_is_allowed_by_its_hash() -> None:
    scripts = re.findall(r"<script>(.*?)</script>", installed_page(), re.DOTALL)
    assert len(scripts) == 1, "Streamlit's page changed: look at its inline scripts before trusting them"
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy_of(get(app, "/"))["script-src"]


def test_every_script_of_the_installed_page_is_ours_or_hashed() -> None:
    sources = re.findall(r"<script[^>]*\ssrc=\"([^\"]*)\"", installed_page())
    assert sources and all(source.startswith("./") for source in sources)
    assert not re.search(r"\son\w+=", re.sub(r"<!--.*?-->", "", installed_page(), flags=re.DOTALL)), "inline handlers"


def test_only_inline_scripts_are_hashed_byte_for_byte() -> None:
    html = "<script src='a.js'></script><script>\n a &amp; b\n</script><p>x</p><script type=module>c</script>"
    expected = [base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (b"\n a &amp; b\n", b"c")]
    assert script_hashes(html) == [f"'sha256-{digest}'" for digest in expected]


def test_a_page_without_inline_scripts_allows_none() -> None:
    assert "sha256" not in page_policy("<p>hello</p>")


@pytest.mark.parametrize(
    "active", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/pdf", "text/javascript"]
)
def test_active_media_is_downloaded_and_sandboxed(active: str) -> None:
    answer = get(app, f"/media/{active}")
    assert answer.header("content-disposition") == "attachment"
    assert answer.headers_named("content-security-policy") == [MEDIA_POLICY]
    assert "sandbox" in MEDIA_POLICY and "allow-scripts" not in MEDIA_POLICY


@pytest.mark.parametrize("passive", ["image/png", "image/jpeg", "video/mp4", "audio/wav", "text/plain"])
def test_passive_media_is_shown_where_it_stands(passive: str) -> None:
    answer = get(app, f"/media/{passive}")
    assert answer.headers_named("content-disposition") == []
    assert "sandbox" in answer.header("content-security-policy")


def test_media_below_a_base_path_is_sandboxed_too() -> None:
    below = Starlette(middleware=middleware(base_path="/chat"), routes=[Route("/chat/media/x", page)])
    assert get(below, "/chat/media/x").headers_named("content-security-policy") == [MEDIA_POLICY]


def test_a_download_keeps_its_file_name() -> None:
    assert get(app, "/media/named").header("content-disposition") == 'attachment; filename="a.html"'


def test_websockets_and_lifespan_pass_untouched() -> None:
    seen: list[str] = []

    async def inner(scope, receive, send) -> None:
        seen.append(scope["type"])

    guarded = SecurityHeaders(inner, policy="")
    asyncio.run(guarded({"type": "websocket", "path": "/media/x"}, None, None))
    asyncio.run(guarded({"type": "lifespan"}, None, None))
    assert seen == ["websocket", "lifespan"]
