"""A process that is killed while it answers: `python -m tests.generation.dies FOLDER`. Prints what it had committed."""

from __future__ import annotations

import sys
from pathlib import Path

from lib.events import TextDelta, UsageReported
from lib.tokens import Usage
from tests.generation.scripted import House, ScriptedDoor, retried

STEPS = tuple(step for number in range(2_000) for step in (TextDelta(f"{number:05d} "), 0.002))


def main(folder: Path) -> None:
    house = House(folder, ScriptedDoor(*retried(), UsageReported(Usage(input=50, output=1)), *STEPS))
    sent = house.send("the question")
    house.send("the next question", sent.conversation)
    print(sent.conversation, sent.message, flush=True)
    live = house.live(sent.message or "")
    seen = 0
    while live:
        seen = live.wait(seen, 1.0)
        print(len(live.texts()[0]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
