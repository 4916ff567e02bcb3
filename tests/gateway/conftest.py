"""The misbehaving server, shared by all tests of the door."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.raw_server import RawServer


@pytest.fixture(scope="session")
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running
