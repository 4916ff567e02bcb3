"""The usage page's reads on a ledger of millions of events, beside the same questions to the ledger without rollup."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from bench import ledger
from bench.figures import Figure, middle, spread
from bench.spending_data import LAST, ZONE
from lib.insight_words import Filter
from lib.store import Store, open_store

EVENTS = 10_000_000
TRIES = 7
_VIEW_MS, _PAINT_MS, _ANSWER_MS = 100.0, 300.0, 2.0
_END = LAST + timedelta(days=1)
_SPANS = {"1 day": 1, "30 days": 30, "365 days": 365, "730 days": 730}
View = Callable[[Store, int, Filter], Any]
VIEWS: dict[str, View] = {
    "totals, the period before, the course": lambda store, owner, asked: store.insight.overview(owner, asked),
    "series by family": lambda store, owner, asked: store.insight.series(owner, asked, ("family",)),
    "series by variant": lambda store, owner, asked: store.insight.series(owner, asked, ("variant",)),
    "series by the 8 dearest models": lambda store, owner, asked: store.insight.series(
        owner, asked, ("model",), most=8
    ),
    "series by purpose": lambda store, owner, asked: store.insight.series(owner, asked, ("purpose",)),
    "series by outcome": lambda store, owner, asked: store.insight.series(owner, asked, ("outcome",)),
    "models and variants with quantiles": lambda store, owner, asked: store.insight.variants(owner, asked),
    "trust": lambda store, owner, asked: store.insight.trust(owner, asked),
    "hours of the week": lambda store, owner, asked: store.insight.heat(owner, asked),
    "hours of the day by variant": lambda store, owner, asked: store.insight.hours(owner, asked),
    "50 dearest conversations": lambda store, owner, asked: store.insight.conversations(owner, asked, "USD"),
    "folders": lambda store, owner, asked: store.insight.folders(owner, asked),
    "tags": lambda store, owner, asked: store.insight.tags(owner, asked),
    "50 newest requests": lambda store, owner, asked: store.insight.requests(owner, asked),
    "50 dearest requests": lambda store, owner, asked: store.insight.requests(owner, asked, order="cost"),
    "50 longest requests": lambda store, owner, asked: store.insight.requests(owner, asked, order="duration"),
}
_PAINTED = (*tuple(VIEWS)[:3], "models and variants with quantiles", "trust", "50 newest requests")
_FILTERED: dict[str, dict[str, Any]] = {
    "one variant": {"variants": ("hc",)},
    "one family, failed": {"families": ("family-1",), "outcomes": ("failed",)},
    "estimated only": {"only": "estimated"},
    "unpriced only": {"only": "unpriced"},
    "a folder (ledger)": {"folder": "f7"},
    "a tag (ledger)": {"tag": "tag 7"},
    "a conversation (ledger)": {"conversation": "c4711"},
    "Sundays (ledger)": {"weekday": 6},
    "another zone": {"zone": "America/Los_Angeles"},
    "a zone with its own quarter hours": {"zone": "Asia/Kathmandu"},
}


def measure(events: int = EVENTS, folder: Path | None = None) -> Iterator[Figure]:
    """Make the ledger (or take the one in `folder`), then ask everything. One figure after the other."""
    with _place(folder) as place:
        if not (place / "parlour.db").exists():
            yield from _made(place, events)
        store = open_store("", place, zone=ZONE)
        try:
            yield from _views(store)
            yield from _paint(store)
            yield from _filtered(store)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            yield Figure("ledger: memory of the reading process", memory, "MB")
            yield from _writing(store)
            yield from _baseline(store)
        finally:
            store.close()


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    made = Path(tempfile.mkdtemp(prefix="parlour-bench-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _made(place: Path, events: int) -> Iterator[Figure]:
    """Two processes of their own, so that their memory is told and this one stays small."""
    what = {"fill": f"making a ledger of {events:,} events", "rebuild": "counting the rollup anew"}
    for task, words in what.items():
        command = [sys.executable, "-m", "bench.spending_data", task, str(place), str(events)]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        note = f"{told['mb']:,.0f} MB at most"
        yield Figure(f"ledger: {words}", told["s"], "s", note=note)
    size = sum(file.stat().st_size for file in place.glob("parlour.db*"))
    yield Figure("ledger: the database", size / 1e9, "GB")


def _asked(days: int, **fields: Any) -> Filter:
    return structs.replace(Filter(_END - timedelta(days=days), _END, ZONE), **fields)


def _views(store: Store) -> Iterator[Figure]:
    owner = store.owner()
    for name, view in VIEWS.items():
        for words, days in _SPANS.items():
            asked = _asked(days)
            times = _times(partial(view, store, owner, asked))
            yield Figure(f"ledger: {name}, {words}", middle(times), "ms", _VIEW_MS, note=spread(times))


def _paint(store: Store) -> Iterator[Figure]:
    owner = store.owner()
    for words, days in _SPANS.items():
        asked = _asked(days)

        def paint(asked: Filter = asked) -> None:
            store.insight.choices(owner)
            for name in _PAINTED:
                VIEWS[name](store, owner, asked)

        times = _times(paint)
        yield Figure(f"ledger: first paint, {words}", middle(times), "ms", _PAINT_MS, note=spread(times))


def _filtered(store: Store) -> Iterator[Figure]:
    owner = store.owner()
    for words, fields in _FILTERED.items():
        asked = _asked(30, **fields)
        times = _times(partial(VIEWS["series by family"], store, owner, asked), 3)
        yield Figure(f"ledger: series by family, 30 days, {words}", middle(times), "ms", note=spread(times))


def _writing(store: Store) -> Iterator[Figure]:
    requests = ledger.requests(store)
    yield Figure("ledger: a request with its cost and every sum", middle(requests), "ms", note=spread(requests))
    for name, times in ledger.answers(store, "A word of the answer. " * 70).items():
        target = _ANSWER_MS if name.startswith("finish") else None
        yield Figure(f"ledger: {name}", middle(times), "ms", target, note=spread(times))


def _baseline(store: Store) -> Iterator[Figure]:
    """The same questions with a lower bound in time, which only the ledger can answer."""
    owner = store.owner()
    for name in ("totals, the period before, the course", "series by family", "hours of the week"):
        for words in ("30 days", "365 days"):
            asked = structs.replace(_asked(_SPANS[words]), from_ms=0)
            times = _times(partial(VIEWS[name], store, owner, asked), 1)
            yield Figure(f"ledger without rollup: {name}, {words}", middle(times), "ms", note=spread(times))


def _times(work: Callable[[], object], tries: int = TRIES) -> list[float]:
    """Milliseconds of each try, after one that warms up."""
    found = []
    for _ in range(tries + (tries > 1)):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return found[tries > 1 :]
