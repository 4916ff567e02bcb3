"""A real embedded gateway on a real port, without waiting; shared by all its tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from lib.embedded import EmbeddedGateway
from lib.embedded.faults import Faults


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedGateway]:
    with EmbeddedGateway(speed=0, faults=Faults(), max_body=4_000_000) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def http(embedded: EmbeddedGateway) -> Iterator[httpx.Client]:
    """A plain caller of the gateway with the right key."""
    headers = {"authorization": f"Bearer {embedded.key.reveal()}"}
    with httpx.Client(base_url=embedded.base_url, headers=headers, timeout=20, trust_env=False) as caller:
        yield caller
