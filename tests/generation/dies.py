"""A process that is killed while it answers: `python -m tests.generation.dies FOLDER`. Prints what it had committed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from lib.events import TextDelta, UsageReported
from lib.tokens import Usage
from tests.generation.scripted import House, ScriptedDoor, retried

STEPS = tuple(step for number in range(2_000) for step in (TextDelta(f"{number:05d} "), 0.002))


def main(folder: Path, say: Callable[[str], None]) -> None:
    """Answer, and tell `say` the ids, and then how many characters there are."""
    house = House(folder, ScriptedDoor(*retried(), UsageReported(Usage(input=50, output=1)), *STEPS))
    sent = house.send("the question")
    house.send("the next question", sent.conversation)
    say(f"{sent.conversation} {sent.message}")
    live = house.live(sent.message or "")
    seen = 0
    while live:
        seen = live.wait(seen, 1.0)
        say(str(len(live.texts()[0])))


if __name__ == "__main__":
    main(Path(sys.argv[1]), lambda line: print(line, flush=True))
