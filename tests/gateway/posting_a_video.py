"""Posts one video through the door and prints what that cost in memory: run as a process of its own.

Arguments: the base URL and the video's size in bytes. Prints two numbers of bytes, the peaks above what was there
before the video: what Python allocated, and what the process occupied (0 where the system does not tell).
"""

from __future__ import annotations

import asyncio
import sys
import tracemalloc
from pathlib import Path

from lib.events import Failed
from lib.gateway import Gateway
from lib.messages import Ask, Message, VideoPart
from tests.gateway.asking import KEY, an_ask, asked, card_of

_STATUS = Path("/proc/self/status")


def occupied(name: str) -> int:
    """`VmRSS` (now) or `VmHWM` (most so far) of this process, in bytes."""
    if not _STATUS.exists():
        return 0
    return next(int(line.split()[1]) * 1024 for line in _STATUS.read_text().splitlines() if line.startswith(name))


async def post(base_url: str, size: int) -> tuple[int, int]:
    door = Gateway(card_of(base_url), KEY, pace_s=0)
    tracemalloc.start()
    await asked(door, an_ask(), "openai")  # whatever is made once is made now
    resident, (traced, _) = occupied("VmRSS"), tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    ask = Ask("m", (Message("user", (VideoPart("video/mp4", b"v" * size),)),))
    events = await asked(door, ask, "openai")
    peaks = tracemalloc.get_traced_memory()[1] - traced, occupied("VmHWM") - resident
    await door.aclose()
    assert not isinstance(events[-1], Failed), events
    return peaks


if __name__ == "__main__":
    print(*asyncio.run(post(sys.argv[1], int(sys.argv[2]))))
