"""`python -m bench [PART …] [--events N] [--folder PATH]`: measure these parts (default: all), print one table.

chunks   CPU per 100,000 streamed chunks, ours beside the openai SDK and httpx (3 minutes)
stream   one long answer in Chromium: bytes, server CPU, lag, frozen frames (1 minute)
enter    from Enter to the upstream's request · stop   from Stop to the upstream's closed connection
store    what begin, checkpoint and finish of an answer cost on SQLite
ledger   every view of the usage page on 10,000,000 usage events (10 GB of disk, some minutes at first to make them);
         --events makes another number of them, --folder keeps the database there and takes it again
soak     [MINUTES [CONVERSATIONS]]: readers before an upstream in trouble, 10 minutes of 50, only when it is asked for
library  lists, searches and long chats among 5,000 conversations (a minute more at first, to make them)

Use a quiet machine: every figure but bytes grows with other load, which is printed below the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import chunks, ledger, library, screen, soak, spending
from bench.figures import HEADING, Figure, load_now
from bench.processes import running_upstream

ON_REQUEST = ("soak",)
PARTS = ("chunks", "stream", "enter", "stop", "store", "library", "ledger")


def main(wanted: list[str]) -> int:
    """Measure and print; the exit status is 2 for an unknown part, else 0, whatever the figures are."""
    reader = argparse.ArgumentParser(add_help=False)
    reader.add_argument("parts", nargs="*", type=_part_or_number)
    reader.add_argument("--events", type=int, default=spending.EVENTS)
    reader.add_argument("--folder", type=Path)
    try:
        asked = reader.parse_args(wanted)
    except SystemExit:
        print(__doc__)
        return 2
    before = load_now()
    print(HEADING)
    parts = [part for part in asked.parts if isinstance(part, str)] or list(PARTS)
    numbers = [part for part in asked.parts if not isinstance(part, str)]
    for figure in _measured(parts, asked.events, asked.folder, numbers):
        print(figure.row, flush=True)
    print(f"\nBefore: {before}; after: {load_now()}.")
    return 0


def _part_or_number(word: str) -> str | float:
    return word if word in (*PARTS, *ON_REQUEST) else float(word)


def _measured(parts: list[str], events: int, folder: Path | None, numbers: list[float]) -> Iterator[Figure]:
    on_screen: list[str] = [part for part in ("stream", "enter", "stop") if part in parts]
    with running_upstream() as upstream:
        if on_screen:
            yield from screen.measure(upstream, on_screen)
        if "chunks" in parts:
            yield from chunks.measure(upstream)
        if "soak" in parts:
            minutes, conversations = (*numbers, *(soak.MINUTES, soak.CONVERSATIONS)[len(numbers) :])[:2]
            yield from soak.measure(upstream, minutes, int(conversations))
        if "library" in parts:
            yield from library.measure(upstream)
    if "store" in parts:
        yield from ledger.measure()
    if "ledger" in parts:
        yield from spending.measure(events, folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
