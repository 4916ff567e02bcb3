"""kill -9 in the middle of a batch: nothing is lost, nothing is paid twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from lib.bootstrap import Services
from lib.embedded import EmbeddedGateway
from lib.embedded.faults import Faults
from tests.generation.batch_dies import opened
from tests.generation.scripted import eventually

ROOT = Path(__file__).resolve().parents[2]
ROWS = 14


def killed_after(folder: Path, upstream: EmbeddedGateway, done: int) -> str:
    """Kill a process that works through a batch when so many rows are done; the run's id."""
    command = [sys.executable, "-m", "tests.generation.batch_dies", str(folder), upstream.base_url, str(ROWS)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        process.stdin.write(upstream.key.reveal() + "\n")
        process.stdin.flush()
        run = process.stdout.readline().strip()
        for _ in range(done):
            assert process.stdout.readline() == "done\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    return run


def counts(services: Services, run: str) -> Counter[str]:
    return Counter(result.state for result in services.store.batches.results(services.owner, run))


@pytest.mark.parametrize("done", [0, 5])
def test_a_killed_batch_is_resumed_without_asking_anything_twice(tmp_path: Path, done: int) -> None:
    with EmbeddedGateway(speed=1, faults=Faults()) as upstream:
        run = killed_after(tmp_path / "data", upstream, done)
        eventually(lambda: not upstream.requests.running)
        sent = upstream.requests.posts
        services = opened(tmp_path / "data", upstream.base_url, upstream.key.reveal())
        try:
            _resumes_and_retries(services, upstream, run, sent, done)
        finally:
            services.close()


def _resumes_and_retries(services: Services, upstream: EmbeddedGateway, run: str, sent: int, done: int) -> None:
    batches, owner = services.desk.batches, services.owner
    found = counts(services, run)
    in_flight, waiting = found["interrupted"], found["waiting"]
    assert batches.progress(run).state == "interrupted" and found["running"] == 0
    assert found["done"] >= done and in_flight <= 3 and found["done"] + in_flight + waiting == ROWS
    assert found["done"] <= sent <= found["done"] + in_flight  # it may have died before a request went out
    kept = {result.row: result.text for result in services.store.batches.results(owner, run)}

    batches.resume(run)
    eventually(lambda: batches.progress(run).state == "done", 20)
    assert upstream.requests.posts - sent == waiting
    after = services.store.batches.results(owner, run)
    assert Counter(result.state for result in after) == +Counter(done=ROWS - in_flight, interrupted=in_flight)
    assert all(result.text == kept[result.row] for result in after if kept[result.row])
    rows = services.store.ledger.latest(owner, demo=None)
    assert len(rows) == ROWS and {row.purpose for row in rows} == {"batch"}
    assert Counter(row.outcome for row in rows) == +Counter(ok=ROWS - in_flight, unknown=in_flight)

    assert batches.retry_failed(run) == in_flight
    eventually(lambda: batches.progress(run).counts == {"done": ROWS}, 20)
    assert upstream.requests.posts - sent == waiting + in_flight
    assert len(services.store.ledger.latest(owner, demo=None)) == ROWS + in_flight
    assert not services.store.ledger.verify(owner)
    services.store.check()
