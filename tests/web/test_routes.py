"""The health check."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from starlette.applications import Starlette

from lib.errors import StoreBusy
from lib.web import middleware, routes
from tests.web.knocking import get


def answer_to(health) -> tuple[int, Mapping[str, str]]:
    answer = get(Starlette(middleware=middleware(), routes=routes(health)), "/healthz")
    assert answer.header("cache-control") == "no-store"
    return answer.status, json.loads(answer.body)


def test_a_ready_app_is_healthy() -> None:
    assert answer_to(lambda: {"status": "ok", "version": "1.2"}) == (200, {"status": "ok", "version": "1.2"})


@pytest.mark.parametrize("status", ["starting", "stopping"])
def test_an_app_that_is_not_ready_says_so(status: str) -> None:
    assert answer_to(lambda: {"status": status}) == (503, {"status": status})


def test_a_broken_store_is_named_without_its_address() -> None:
    def health() -> Mapping[str, str]:
        raise StoreBusy("postgresql://me:secret@db/parlour did not answer")

    assert answer_to(health) == (503, {"status": "failing", "reason": "StoreBusy"})


def test_a_base_path_moves_the_route() -> None:
    app = Starlette(routes=routes(lambda: {"status": "ok"}, base_path="/chat"))
    assert get(app, "/chat/healthz").status == 200
    assert get(app, "/healthz").status == 404
