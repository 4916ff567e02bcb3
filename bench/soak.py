"""Many conversations for many minutes before an upstream that fails now and then: what breaks, what grows?

The app runs as a process of its own; its readers come over Streamlit's websocket, without a browser. Each asks, reads,
stops, queues a second message, reloads the page or leaves in the middle and comes back, again and again. Afterwards
every answer is compared with what was sent. `begin` and `end` of threads and open files: after a first round of
all readers at the same time, which fills the pools, and when all have left.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Figure
from bench.processes import Upstream, cpu_of_tree, running_app
from bench.soak_check import Found, check
from bench.visitor import Visitor

MINUTES, CONVERSATIONS = 10.0, 50
TURNS_OF_A_CHAT = 6
SAMPLE_S = 2.0
SETTLE_S = 12.0
PATIENCE_S = 120.0
PAGE = 4096
TROUBLE = ("", "", "", "", "", "", "", "cut", "reset", "stall", "busy", "broken", "malformed")
ACTIONS = ("read", "read", "read", "read", "stop", "queue", "reload", "leave")
PAGES_KEPT_S = 60
"""Streamlit keeps a page that was left, with an event loop and its three open files, so that it can come back: in the
app for ten minutes. Here for one, so that what they leave behind can be told from what they hold."""
_FORGETS = ("--server.disconnectedSessionTTL", str(PAGES_KEPT_S))
_EXPECTED = re.compile(r"view your Streamlit app|URL:|^\s*$|Stopping")


@dataclass
class Sample:
    """The app's process at one moment: seconds since the begin, bytes, threads, open files, bytes of the WAL."""

    at_s: float
    memory: int
    threads: int
    files: int
    wal: int


@dataclass
class Watched:
    """The samples of one process."""

    pid: int
    database: Path
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)

    def look(self) -> Sample:
        at = Path("/proc") / str(self.pid)
        wal = self.database.with_name(self.database.name + "-wal")
        sample = Sample(
            time.monotonic() - self.began,
            int((at / "statm").read_text().split()[1]) * PAGE,
            sum(1 for _ in (at / "task").iterdir()),
            sum(1 for _ in (at / "fd").iterdir()),
            wal.stat().st_size if wal.exists() else 0,
        )
        self.samples.append(sample)
        return sample

    async def go_on(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(SAMPLE_S)


@dataclass
class Record:
    """What the readers did and met."""

    done: Counter[str] = field(default_factory=Counter)
    said: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)


_names = (f"s{number}" for number in itertools.count(1))


class Reader:
    """One who asks again and again, with a chance of their own."""

    def __init__(self, url: str, seed: int, record: Record) -> None:
        self._url = url
        self._chance = random.Random(seed)
        self._record = record
        self._doing = "opening a page"

    async def go_on(self, until: float) -> None:
        """Chats, one after the other, until that moment (monotonic)."""
        while time.monotonic() < until:
            query = ""
            for _ in range(TURNS_OF_A_CHAT):
                query = await self._visit(query, until)
                if time.monotonic() >= until:
                    return

    async def _visit(self, query: str, until: float) -> str:
        """One page: some turns, until it is reloaded or left; the address to come back to."""
        try:
            async with Visitor(self._url, query) as page:
                while time.monotonic() < until:
                    query = await self._turn(page)
                    if not query:
                        break
                self._note(page)
                return f"chat={page.chat}" if page.chat else ""
        except (TimeoutError, OSError) as error:
            self._record.errors.append(f"{self._doing}: {type(error).__name__} {error}")
            return query

    async def _turn(self, page: Visitor) -> str:
        """One question; empty when the page is to be left in the middle of its answer."""
        action = self._chance.choice(ACTIONS)
        self._record.done[action] += 1
        before = page.runs_done
        self._doing = f"{action} after {await self._say(page)}"
        if action == "read":
            await page.until_runs(before, PATIENCE_S)
            await asyncio.sleep(self._chance.uniform(1, 4))
        elif not await page.until_stop(PATIENCE_S):
            pass  # the answer has ended already
        elif action == "queue":
            await self._say(page)
            await page.until_runs(before, 2 * PATIENCE_S)
        elif action == "stop":
            await asyncio.sleep(self._chance.uniform(0.1, 3))
            await page.stop()
            await page.until_runs(before, PATIENCE_S)
        else:
            await asyncio.sleep(self._chance.uniform(0.2, 3))
            if action == "leave":
                await page.leave()
                await asyncio.sleep(self._chance.uniform(1, 6))
            return ""
        return f"chat={page.chat}"

    async def _say(self, page: Visitor) -> str:
        name, fault = next(_names), self._chance.choice(TROUBLE)
        n, tps = self._chance.randint(60, 500), self._chance.choice((10, 20, 30))
        self._record.said.add(name)
        await page.say(f"id={name} n={n} tps={tps}" + (f" fault={fault}" if fault else ""))
        return name

    def _note(self, page: Visitor) -> None:
        self._record.errors += page.errors


def measure(upstream: Upstream, minutes: float, conversations: int) -> Iterator[Figure]:
    """The figures of the part `soak`."""
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder), upstream, *_FORGETS) as (url, server):
        database = Path(folder) / "data" / "parlour.db"
        watched, record = Watched(server, database), Record()
        begin, end, cpu = asyncio.run(_soak(url, watched, record, minutes, conversations))
        found = check(database, upstream.all_seen(), record.said)
        record.errors += _complaints(Path(folder) / "app.log")
        yield from _figures(watched, record, found, minutes, conversations, begin, end, cpu)


async def _soak(
    url: str, watched: Watched, record: Record, minutes: float, conversations: int
) -> tuple[Sample, Sample, float]:
    await _first_round(url, conversations, record)
    begin = watched.look()
    watched.began, cpu = time.monotonic(), cpu_of_tree(watched.pid)
    until = watched.began + minutes * 60
    watching = asyncio.create_task(watched.go_on())
    readers = [Reader(url, seed, record) for seed in range(conversations)]
    await asyncio.gather(*(reader.go_on(until) for reader in readers))
    used = cpu_of_tree(watched.pid) - cpu
    watching.cancel()
    last = max(0.0, time.monotonic() - watched.began)
    await _until_quiet(watched.database)
    await _until_forgotten(url)
    return begin, watched.look(), used / last


async def _first_round(url: str, conversations: int, record: Record) -> None:
    """All at the same time, a short answer each."""

    async def once() -> None:
        async with Visitor(url) as page:
            name = next(_names)
            record.said.add(name)
            await page.until_ready()
            before = page.runs_done
            await page.say(f"id={name} n=40 tps=10")
            await page.until_runs(before, PATIENCE_S)
            record.errors.extend(page.errors)

    await asyncio.gather(*(once() for _ in range(conversations)))
    await _until_forgotten(url)


async def _until_forgotten(url: str) -> None:
    """Until the pages that were left are gone; that is seen to when the next one is left."""
    for pause in (PAGES_KEPT_S + SETTLE_S, SETTLE_S):
        await asyncio.sleep(pause)
        async with Visitor(url) as page:
            await page.until_ready()


async def _until_quiet(database: Path) -> None:
    """Until no answer runs. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as rows:
                running = rows.execute("SELECT count(*) FROM answer WHERE state = 'running'").fetchone()[0]
            rows.close()
            if not running:
                return
            await asyncio.sleep(0.5)


def _complaints(log: Path) -> list[str]:
    return [line for line in log.read_text(errors="replace").splitlines() if not _EXPECTED.search(line)]


def _figures(
    watched: Watched,
    record: Record,
    found: Found,
    minutes: float,
    conversations: int,
    begin: Sample,
    end: Sample,
    cpu: float,
) -> Iterator[Figure]:
    for words in (*record.errors[:20], *found.wrong[:20], *found.unlike[:20], *found.lost[:20]):
        print(f"soak: {words}", file=sys.stderr)
    what = f"{conversations} conversations, {minutes:g} min"
    did = ", ".join(f"{n} × {action}" for action, n in sorted(record.done.items()))
    states = ", ".join(f"{n} {state}" for state, n in found.states.most_common())
    late = [sample for sample in watched.samples if sample.at_s >= _after_s(minutes)]
    yield Figure(f"{what}: answers", found.answers, "", note=states)
    yield Figure("… errors that nobody expected", len(record.errors), "", 0, note=did)
    yield Figure("… answers neither whole nor labelled", len(found.wrong), "", 0, note=f"{found.whole} whole")
    yield Figure("… messages lost", len(found.lost), "", 0, note=f"{found.waiting} still in a paused queue")
    yield Figure("… ledger rows − requests", abs(found.ledger - found.posts) + len(found.unlike), "", 0,
                 note=f"{found.ledger} − {found.posts}")  # fmt: skip
    yield Figure("… memory: growth after the first half", _growth(late), "%", 10,
                 note=f"{begin.memory / 1e6:.0f} MB, at half time {late[0].memory / 1e6:.0f}, at the end "
                 f"{late[-1].memory / 1e6:.0f}, when all have left {end.memory / 1e6:.0f}")  # fmt: skip
    yield Figure("… memory: slope after the first half", _slope(late) / 1e6, "MB/min")
    yield Figure("… threads, end − begin", end.threads - begin.threads, "", 5, note=f"{end.threads} − {begin.threads}")
    yield Figure("… open files, end − begin", end.files - begin.files, "", 5, note=f"{end.files} − {begin.files}")
    yield Figure("… write-ahead log at most", max(s.wal for s in watched.samples) / 1e6, "MB", 64)
    yield Figure("… CPU of the server", 100 * cpu, "% of a core")


def _after_s(minutes: float) -> float:
    return minutes * 60 / 2


def _growth(late: list[Sample]) -> float:
    """Per cent from the first fifth of these samples to the last, by their means."""
    fifth = max(1, len(late) // 5)
    first, last = (sum(s.memory for s in part) / fifth for part in (late[:fifth], late[-fifth:]))
    return 100 * (last - first) / first


def _slope(late: list[Sample]) -> float:
    """Bytes a minute: the straight line through these samples."""
    times, sizes = [s.at_s / 60 for s in late], [s.memory for s in late]
    mid_t, mid_s = sum(times) / len(times), sum(sizes) / len(sizes)
    spread = sum((t - mid_t) ** 2 for t in times)
    return sum((t - mid_t) * (s - mid_s) for t, s in zip(times, sizes, strict=True)) / spread if spread else 0.0
