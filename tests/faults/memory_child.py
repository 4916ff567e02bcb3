"""Run as a process of its own: asks a misbehaving gateway and says how much memory that took at its peak.

    python -m tests.faults.memory_child FOLDER BASE_URL DIALECT MODEL …

One line of JSON for each model: its peak above what the process needed after a plain answer, in bytes, and how the
answer ended.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from lib.cards import DialectName
from tests.faults.house import BOTH, House

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak() -> int:
    """The most memory this process has had since `forget_peak`, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    assert found
    return int(found[1]) * 1024


def forget_peak() -> int:
    """Begin to measure; what is in use now."""
    CLEAR.write_text("5")
    return peak()


def main(folder: str, base_url: str, dialect: DialectName, *models: str) -> None:
    with House(Path(folder), {"chaos": base_url}) as house:
        house.listed("chaos")
        for number in range(3):
            house.ended(house.send(f"warm up NEXT {number}", "steady", dialect))
        for model in models:
            before = forget_peak()
            sent = house.send(f"ask {model}", model, dialect)
            house.over(sent, 120)
            extra = peak() - before
            answer = house.ended(sent)
            said = {"state": answer.state, "kind": answer.error_kind, "chars": len(answer.text)}
            print(json.dumps({"model": model, "extra": extra, **said}), flush=True)


if __name__ == "__main__":
    given: list[str] = sys.argv[1:]
    name = next(known for known in BOTH if known == given[2])
    main(given[0], given[1], name, *given[3:])
