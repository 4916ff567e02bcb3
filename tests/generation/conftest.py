"""Every house that a test opens is closed after it, and no thread is left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.generation.scripted import House, ScriptedDoor


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and "parlour" in thread.name]
    assert not left


@pytest.fixture
def open_house(tmp_path: Path, no_thread_is_left: None) -> Iterator[Callable[..., House]]:
    """Opens houses over one data folder."""
    opened: list[House] = []

    def opening(door: Any = None, **kwargs: Any) -> House:
        house = House(tmp_path / "data", door or ScriptedDoor(), **kwargs)
        opened.append(house)
        return house

    yield opening
    for house in opened:
        house.close()
