"""The route of shared snapshots, through the real middleware."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette

from lib.errors import NotFound
from lib.web import middleware
from lib.web.shares import share_routes
from tests.web.knocking import Answer, get

TOKEN = "abcdefghijklmnopqrstuv"
PAGE = "<!doctype html><title>Chat</title><p>Grüße".encode()


def read(token: str) -> bytes:
    if token != TOKEN:
        raise NotFound("share")
    return PAGE


def ask(path: str, **more: str) -> Answer:
    return get(Starlette(middleware=middleware(), routes=share_routes(read)), path, **more)


def test_whoever_has_the_token_reads_the_page() -> None:
    answer = ask(f"/share/{TOKEN}")
    assert (answer.status, answer.body) == (200, PAGE)
    assert answer.header("content-type") == "text/html; charset=utf-8"


@pytest.mark.parametrize("token", [TOKEN, "unknown"])
def test_the_page_may_do_nothing_and_is_not_kept(token: str) -> None:
    answer = ask(f"/share/{token}")
    own = answer.headers_named("content-security-policy")[0]
    assert "default-src 'none'" in own and "sandbox" in own
    assert "script-src" not in own and "allow-scripts" not in own
    assert answer.header("cache-control") == "no-store"
    assert "noindex" in answer.header("x-robots-tag")
    assert answer.header("referrer-policy") == "no-referrer"
    assert answer.header("x-content-type-options") == "nosniff"


def test_every_link_that_leads_nowhere_gives_the_same_answer() -> None:
    answers = [ask(f"/share/{token}") for token in ("unknown", "x" * 300, "%00", TOKEN + "A", TOKEN[:-1])]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.body for answer in answers}) == 1
    assert len({tuple(answer.headers) for answer in answers}) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_link_is_for_reading_only(method: str) -> None:
    assert ask(f"/share/{TOKEN}", method=method).status == 405


def test_another_host_name_is_refused_here_too() -> None:
    assert ask(f"/share/{TOKEN}", host="evil.example").status in {400, 403}
