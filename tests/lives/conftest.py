"""Houses and places as elsewhere, each closed after its test."""

from tests.generation.conftest import no_thread_is_left, open_house
from tests.store.conftest import owner, place, postgres, server, store

__all__ = ["no_thread_is_left", "open_house", "owner", "place", "postgres", "server", "store"]
