"""Every test that takes `place` or `store` runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from lib.store import Store, open_store
from tests.postgres_server import NoPostgres, postgres_url


class Place:
    """Where a test's database is; `open` may be called again after `close`, as a restarted process does."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self._open = ExitStack()

    def open(self, zone: str = "UTC") -> Store:
        store = open_store(self.url, self.folder, zone=zone)
        self._open.callback(store.close)
        return store

    def close(self) -> None:
        self._open.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with ExitStack() as running:
        try:
            url = running.enter_context(postgres_url())
        except NoPostgres as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))
        yield url


@pytest.fixture
def postgres(server: str) -> Iterator[str]:
    """The URL of an empty schema of its own."""
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{name}"
        connection.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.getfixturevalue("postgres") if request.param == "postgres" else ""
    place = Place(url, tmp_path / "data")
    yield place
    place.close()


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


@pytest.fixture
def owner(store: Store) -> int:
    return store.owner()
