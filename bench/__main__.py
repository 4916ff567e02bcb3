"""`python -m bench [PART …] [--events N] [--folder PATH]`: measure these parts (default: all), print one table.

chunks   CPU per 100,000 streamed chunks, ours beside the openai SDK and httpx (3 minutes)
stream   one long answer in Chromium: bytes, server CPU, lag, frozen frames (1 minute)
enter    from Enter to the upstream's request · stop   from Stop to the upstream's closed connection
store    what begin, checkpoint and finish of an answer cost on SQLite
ledger   every view of the usage page on 10,000,000 usage events (10 GB of disk, some minutes at first to make them);
         --events makes another number of them, --folder keeps the database there and takes it again
library  lists, searches and long chats among 5,000 conversations (a minute more at first, to make them)

Use a quiet machine: every figure but bytes grows with other load, which is printed below the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import chunks, ledger, library, screen, spending
from bench.figures import HEADING, Figure, load_now
from bench.processes import running_upstream

PARTS = ("chunks", "stream", "enter", "stop", "store", "library", "ledger")


def main(wanted: list[str]) -> int:
    """Measure and print; the exit status is 2 for an unknown part, else 0, whatever the figures are."""
    reader = argparse.ArgumentParser(add_help=False)
    reader.add_argument("parts", nargs="*", choices=[*PARTS, []])
    reader.add_argument("--events", type=int, default=spending.EVENTS)
    reader.add_argument("--folder", type=Path)
    try:
        asked = reader.parse_args(wanted)
    except SystemExit:
        print(__doc__)
        return 2
    before = load_now()
    print(HEADING)
    for figure in _measured(asked.parts or list(PARTS), asked.events, asked.folder):
        print(figure.row, flush=True)
    print(f"\nBefore: {before}; after: {load_now()}.")
    return 0


def _measured(parts: list[str], events: int, folder: Path | None) -> Iterator[Figure]:
    on_screen: list[str] = [part for part in ("stream", "enter", "stop") if part in parts]
    with running_upstream() as upstream:
        if on_screen:
            yield from screen.measure(upstream, on_screen)
        if "chunks" in parts:
            yield from chunks.measure(upstream)
        if "library" in parts:
            yield from library.measure(upstream)
    if "store" in parts:
        yield from ledger.measure()
    if "ledger" in parts:
        yield from spending.measure(events, folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
