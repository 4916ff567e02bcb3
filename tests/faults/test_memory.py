"""What a gateway can make Parlour hold: a huge event, a bomb, a stream that never ends. Measured in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from lib.cards import DialectName
from tests.faults.chaos import Chaos
from tests.faults.house import BOTH
from tests.faults.speech import Speech
from tests.faults.table import Doing, Fault, broke, fine
from tests.faults.ways import squeezed
from tests.gateway.raw_server import Behaviour, Line, Request, head, streams

ROOT = Path(__file__).resolve().parents[2]
MOST = 100_000_000
TEN_MB = 10_000_000


class Ended(NamedTuple):
    model: str
    extra: int
    state: str
    kind: str | None
    chars: int


def for_ever(make: Callable[[Speech], bytes]) -> Doing:
    """The same bytes until the other side has had enough."""

    def doing(say: Speech) -> Behaviour:
        def behave(line: Line, request: Request) -> None:
            line.send(head(200, {"content-type": "text/event-stream"}) + say.opening)
            piece = make(say)
            for _ in range(200_000_000 // len(piece)):
                line.send(piece)

        return behave

    return doing


def without_end(say: Speech) -> Behaviour:
    """One event of which the end never comes."""

    def behave(line: Line, request: Request) -> None:
        line.send(head(200, {"content-type": "text/event-stream"}) + say.begun + b"data: {")
        for _ in range(100):
            line.send(b"x" * 1_000_000)

    return behave


def bomb(say: Speech) -> bytes:
    return say.begun + (b": " + b" " * 999_997 + b"\n") * 200


LARGE = {
    "event-of-10-mb": Fault(lambda say: streams(say.opening + say.text("x" * TEN_MB) + say.end()), fine()),
    "event-without-end": Fault(lambda say: without_end(say), broke()),
    "endless-text": Fault(for_ever(lambda say: say.text("and on " * 100) * 20), broke()),
    "endless-thought": Fault(for_ever(lambda say: say.thought("hm " * 100) * 20), broke()),
    "endless-comments": Fault(for_ever(lambda say: b": " + b"wait " * 2000 + b"\n\n"), broke()),
    "endless-calls": Fault(for_ever(lambda say: say.call("f", "x" * 500)), broke()),
    "gzip-bomb": Fault(squeezed(bomb), broke()),
}


QUICK = ("event-of-10-mb", "endless-text", "gzip-bomb")
Case = tuple[str, DialectName]


@pytest.fixture(scope="module")
def ended(count: Callable[[int, int], int], tmp_path_factory: pytest.TempPathFactory) -> dict[Case, Ended]:
    """All of them in both dialects; in a daily run the three worst in one."""
    found: dict[Case, Ended] = {}
    names = QUICK if count(1, 2) == 1 else tuple(LARGE)
    for dialect in BOTH[: count(1, 2)]:
        folder = tmp_path_factory.mktemp("memory")
        with Chaos(LARGE) as chaos:
            command = [sys.executable, "-m", "tests.faults.memory_child", str(folder), chaos.base_url, dialect, *names]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        told = [Ended(**json.loads(line)) for line in done.stdout.splitlines()]
        found |= {(one.model, dialect): one for one in told}
    assert len(found) == len(names) * count(1, 2)
    return found


def test_what_is_huge_is_an_answer_or_ends_with_its_reason(ended: dict[Case, Ended]) -> None:
    for case, one in ended.items():
        if case[0] == "event-of-10-mb":
            assert one[2:] == ("done", None, TEN_MB)
        else:
            assert one.state in ("cut", "failed"), case
            assert one.kind == "answer_too_large", case


def test_none_of_it_takes_much_memory(ended: dict[Case, Ended], measured: Callable[[str], None]) -> None:
    assert {case: one.extra for case, one in ended.items() if one.extra >= MOST} == {}
    told = ", ".join(f"{name} {max(0, one.extra) / 1e6:.0f}" for (name, _), one in ended.items())
    measured(f"extra memory at the peak, in MB: {told}; a 10 MB event is an answer, the others end with their reason")
