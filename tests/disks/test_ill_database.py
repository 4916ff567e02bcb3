"""An afternoon of chatting while the database fails at its n-th call, for every n."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.store import open_store
from tests.disks.ill import SQLITE
from tests.disks.life import lived

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new")
    open_store("", folder).close()
    return folder / "parlour.db"


def test_a_life_without_any_illness(tmp_path: Path, template: Path) -> None:
    life = lived(tmp_path / "data", template)
    assert (life.refused, life.unsaved, life.failed) == (0, 0, 0)


@pytest.mark.parametrize("quarter", range(4))
def test_whatever_call_fails_nothing_is_lost_and_nothing_sent_that_is_not_kept(
    tmp_path: Path, template: Path, quarter: int, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    calls = lived(tmp_path / "data", template).ill.calls
    every = range(1 + quarter, calls + 1, 4)
    kinds, lives = list(SQLITE), []
    for at in every if count(0, 1) else sorted(random.Random(quarter).sample(every, 3)):
        illness, lasting = kinds[at % len(kinds)], at // len(kinds) % 2 == 0
        lives.append(lived(tmp_path / "data", template, at, illness, lasting=lasting))
    refused, failed, unsaved = (sum(getattr(one, name) for one in lives) for name in ("refused", "failed", "unsaved"))
    measured(
        f"{len(lives)} lives with the n-th of {calls} calls ill (5 kinds in turn, once or lasting): {refused} times "
        f"refused with a sentence, {failed} answers failed before they were sent or waited, {unsaved} kept in memory "
        "until they could be stored; 0 lost, 0 doubled, 0 sent without a committed question"
    )
