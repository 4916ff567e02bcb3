"""kill -9 in the middle of an answer, at random moments: what a restart finds."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from lib.store import open_store
from tests.generation.dies import main
from tests.generation.scripted import House, ScriptedDoor

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["tests.lives.acts", "tests.generation.dies"])
MOST_LOST_S = 1.0
AT_ONCE = 3


class Killed(Struct, frozen=True):
    """A process that was killed while it answered. `shown` is when how many characters were on the screen."""

    folder: Path
    conversation: str
    message: str
    shown: list[tuple[float, int]]
    killed_at: float

    def lost_s(self, kept: int) -> float:
        """The age of the oldest character that is not among the first `kept`, at the moment of the kill."""
        lost = [at for at, count in self.shown if count > kept and at <= self.killed_at]
        return max(0.0, self.killed_at - min(lost)) if lost else 0.0


def killed(folder: Path, seconds: float) -> Killed:
    """Kill an answering process that long after its messages were acknowledged."""
    here, there = FORKING.Pipe(duplex=False)
    process = FORKING.Process(target=main, args=(folder, there.send))
    process.start()
    there.close()
    conversation, message = here.recv().split()
    shown: list[tuple[float, int]] = []

    def read() -> None:
        with suppress(EOFError):
            while True:
                shown.append((time.monotonic(), int(here.recv())))

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(seconds)
    assert process.is_alive()
    process.kill()
    killed_at = time.monotonic()
    process.join()
    reader.join()
    here.close()
    return Killed(folder, conversation, message, shown, killed_at)


def killed_after(folder: Path, seconds: float) -> tuple[str, str]:
    """The same: (conversation, message)."""
    found = killed(folder, seconds)
    return found.conversation, found.message


def test_a_killed_process_leaves_its_text_and_one_unknown_attempt(
    tmp_path: Path, count: Callable[[int, int], int], measured: Callable[[str], None]
) -> None:
    times = count(5, 100)
    moments = [random.Random(moment).uniform(0.0, 1.6) for moment in range(times)]
    open_store("", tmp_path / "empty").close()
    folders = [shutil.copytree(tmp_path / "empty", tmp_path / str(at)) for at in range(times)]
    lost_s, restart_s = [], []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(killed, folders, moments):
            began = time.monotonic()
            house = House(found.folder, ScriptedDoor())
            try:
                assert house.desk.recover(15_000) == 1
                restart_s.append(time.monotonic() - began)
                lost_s.append(_is_well(house, found))
            finally:
                house.close()
    assert max(lost_s) <= MOST_LOST_S
    measured(
        f"{times} kills: 0 acknowledged messages lost, at most {max(lost_s):.2f} s of text lost, integrity ok, 0 stuck, "
        f"restart in at most {max(restart_s):.2f} s"
    )


def _is_well(house: House, found: Killed) -> float:
    """How many seconds of text were lost."""
    row = house.row(found.message)
    assert row.state == "interrupted"
    assert row.text == "".join(f"{number:05d} " for number in range(2_000))[: len(row.text)]
    assert house.asked(found.conversation) == ["the question"]
    assert not house.store.answers.running(house.owner)
    refused, lost = house.ledger() if len(house.ledger()) == 2 else (None, house.ledger()[0])
    assert refused is None or (refused.outcome, refused.cost.nano) == ("refused", 0)
    assert lost.outcome == "unknown"
    if row.text:
        assert lost.usage_source == "estimated" and lost.cost.low_nano is not None
    else:
        assert lost.cost.nano is None
    assert house.store.conversations.get(house.owner, found.conversation).queue_paused
    assert len(house.store.queue.list(house.owner, found.conversation)) == 1
    assert house.desk.recover(15_000) == 0
    house.store.check()
    return found.lost_s(len(row.text))
