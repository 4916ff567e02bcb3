"""The stores of `tests/store`, and a quick engine: what it waits for on a real disk would only make tests slow."""

from __future__ import annotations

import pytest

from lib.generation import engine, run
from tests.store.conftest import postgres, server

__all__ = ["postgres", "server"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints and repeated tries come a hundred times as often."""
    monkeypatch.setattr(run, "CHECKPOINT_S", 0.004)
    monkeypatch.setattr(run, "_LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(engine, "_NEXT_PAUSES_S", (0.005, 0.01, 0.02, 0.04))
