"""kill -9 in the middle of an answer, at random moments: what a restart finds."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.generation.scripted import House, ScriptedDoor

ROOT = Path(__file__).resolve().parents[2]


def killed_after(folder: Path, seconds: float) -> tuple[str, str, int]:
    """Kill an answering process that long after its first words: (conversation, message, characters 0.6 s before)."""
    command = [sys.executable, "-m", "tests.generation.dies", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        conversation, message = process.stdout.readline().split()
        shown: list[tuple[float, int]] = []

        def read() -> None:
            for line in process.stdout or ():
                if line.endswith("\n"):
                    shown.append((time.monotonic(), int(line)))

        reader = threading.Thread(target=read)
        reader.start()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        process.wait()
        reader.join()
    old = [count for at, count in shown if at < killed_at - 0.7]
    return conversation, message, max(old, default=0)


@pytest.mark.parametrize("moment", range(5))
def test_a_killed_process_leaves_its_text_and_one_unknown_attempt(
    tmp_path: Path, open_house: Callable[..., House], moment: int
) -> None:
    seconds = random.Random(moment).uniform(0.0, 1.6)
    conversation, message, at_least = killed_after(tmp_path / "data", seconds)
    house = open_house(ScriptedDoor())
    assert house.desk.recover(15_000) == 1
    row = house.row(message)
    assert row.state == "interrupted"
    assert row.text == "".join(f"{number:05d} " for number in range(2_000))[: len(row.text)]
    assert len(row.text) >= at_least
    assert house.asked(conversation) == ["the question"]
    assert not house.store.answers.running(house.owner)
    refused, lost = house.ledger() if len(house.ledger()) == 2 else (None, house.ledger()[0])
    assert refused is None or (refused.outcome, refused.cost.nano) == ("refused", 0)
    assert lost.outcome == "unknown"
    if row.text:
        assert lost.usage_source == "estimated" and lost.cost.low_nano is not None
    else:
        assert lost.cost.nano is None
    assert house.store.conversations.get(house.owner, conversation).queue_paused
    assert len(house.store.queue.list(house.owner, conversation)) == 1
    assert house.desk.recover(15_000) == 0
    house.store.check()
