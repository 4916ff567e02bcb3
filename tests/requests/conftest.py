"""A really running Parlour with a gateway that counts, for tests that speak to it over raw sockets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, Parlour
from tests.gateway.raw_server import Endpoint, Line, RawServer, Request, answers, streams

LISTED = b'{"object": "list", "data": [{"id": "gpt-5.4", "object": "model"}]}'
ANSWER = (
    b'data: {"choices": [{"index": 0, "delta": {"content": "Hello."}}]}\n\n',
    b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n',
)


def counted(line: Line, asked: Request) -> None:
    """A gateway that lists one model and answers one word."""
    (answers(200, LISTED) if asked.method == "GET" else streams(*ANSWER))(line, asked)


@dataclass
class Place:
    """A running app and the only gateway it knows."""

    app: Parlour
    gateway: Endpoint

    @property
    def port(self) -> int:
        return self.app.port

    @property
    def pid(self) -> int:
        assert self.app.process is not None
        return self.app.process.pid

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        return self.app.process is not None and self.app.process.poll() is None and self.app.is_healthy()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One for all these tests: what one of them does must not hurt the next, that is their point."""
    with RawServer() as server:
        gateway = server.endpoint(counted)
        env = {
            "OPENAI_BASE_URL": gateway.base_url,
            "OPENAI_API_KEY": "sk-counted-0123456789abcdef",
            "PARLOUR_DEMO": "off",
        }
        app = Parlour(Path(tmp_path_factory.mktemp("requests")), env, ROOT / "app.py")
        app.start()
        yield Place(app, gateway)
        app.stop()
