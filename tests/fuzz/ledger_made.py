"""A ledger of any number of random requests, most of them near a moment when some clock is turned.

The rows are written by SQL, a few more and some corrections by the store itself; `Plain` reads them back one by one and
adds up with pandas, which has its own idea of time zones.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from lib.ids import id_at
from lib.ledger import Cost
from lib.store import Store, open_store
from lib.store.files import FILE_NAME
from tests.store.acts import begin
from tests.store.naive import TURNS

ZONES = ("Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe")
_HOUR_MS = 3_600_000
_YEAR_FROM = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
_TURNS = [round(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000) for day in TURNS]
_MODELS = (
    ("gpt-5.4", "gpt-5.4", "gpt-5.4", "standard", "openai", 7, "USD"),
    ("gpt-5.4-hc", "gpt-5.4", "gpt-5.4", "hc", "openai", 8, "CNY"),
    ("claude-opus-5-low", "claude-opus-5", "claude", "low", "anthropic", 7, "USD"),
    ("gemini-3-fd", "gemini-3", "gemini", "fd", "openai", 8, "EUR"),
)
_KINDS = (("ok", "reported", "chat"),) * 12 + (
    ("stopped", "estimated", "chat"),
    ("failed", "none", "chat"),
    ("cut", "reported_partial", "compare"),
    ("ok", "reported", "title"),
)
_EVENT = (
    *("id", "owner_id", "conversation_id", "gateway_id", "number", "started_ms", "ended_ms", "demo", "chars_in"),
    *("chars_out", "chars_reasoning", "model", "base", "family", "variant", "dialect", "purpose", "outcome"),
    *("usage_source", "semantic", "duration_ms", "in_uncached", "in_cache_read", "out_visible", "out_reasoning"),
)
_COST = (
    *("id", "owner_id", "event_id", "seq", "created_ms", "cache_price_assumed", "kind", "currency", "reason", "nano"),
    *("input_nano", "output_nano", "low_nano", "high_nano"),
)
SUMS = (
    *("n", "n_error", "n_unpriced", "n_estimated", "cost_nano", "input_nano", "output_nano", "other_nano"),
    *("est_cost_nano", "in_uncached", "in_cache_read", "out_visible", "out_reasoning", "duration_ms"),
)


def filled(folder: Path, rows: int, zones: tuple[str, ...] = ZONES) -> Store:
    """An open store with so many requests, some of them unpriced, some corrected, in twelve conversations."""
    with closing(open_store("", folder, zone=zones[0])) as store:
        owner = store.owner()
        chats = [begin(store, f"chat {number}").conversation for number in range(12)]
        shelf = store.folders.add(owner, "Thesis")
        store.organising.move(owner, chats[:4], shelf.public_id)
        store.organising.tag(owner, chats[2:6], "Paper")
        store.ledger.set_zones(owner, zones)
    with closing(sqlite3.connect(folder / FILE_NAME)) as file, file:
        file.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-400000")
        ids = [id_ for (id_,) in file.execute("SELECT id FROM conversation ORDER BY id")]
        _insert(file, "usage_event", _EVENT, events(owner, rows, ids))
        _insert(file, "cost_event", _COST, costs(owner, rows))
        file.execute(_TOTALS, {"owner": owner})
    store = open_store("", folder, zone=zones[0])  # which makes the rollup that the ledger lacks
    dice = random.Random(1)
    for row in dice.sample(store.ledger.latest(owner, 500), 40):
        cost = Cost(nano=dice.choice([None, 0, dice.randrange(10**9)]), currency=dice.choice(["USD", "CHF"]))
        store.ledger.add_cost(owner, row.id, "manual", cost, "a bill came")
    return store


def _insert(file: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    places = ",".join("?" * len(columns))
    file.executemany(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({places})", rows)


def moment(dice: random.Random) -> int:
    if dice.random() < 0.1:
        return _YEAR_FROM + dice.randrange(365 * 24 * _HOUR_MS)
    return dice.choice(_TURNS) + dice.randrange(-40 * _HOUR_MS, 40 * _HOUR_MS)


def places(rows: int) -> Iterator[tuple[random.Random, int, int, tuple[Any, ...]]]:
    """(dice, id, UTC ms, model) of each request in the order of time: the same again for its costs."""
    when, dice = random.Random(2), random.Random(3)
    for number, ms in enumerate(sorted(moment(when) for _ in range(rows))):
        yield dice, id_at(ms) + number % (1 << 20), ms, when.choice(_MODELS)


def events(owner: int, rows: int, chats: list[int]) -> Iterator[tuple[Any, ...]]:
    for dice, id_, ms, (model, base, family, variant, dialect, gateway, _) in places(rows):
        outcome, source, purpose = dice.choice(_KINDS)
        tokens = [dice.choice([None, 0, dice.randrange(10**6), dice.randrange(10**6)]) for _ in range(4)]
        chat, duration = dice.choice([None, *chats]), dice.choice([None, dice.randrange(10**5)])
        yield (
            *(id_, owner, chat, gateway, 1, ms, ms + (duration or 0), 0, 0, 0, 0, model, base, family, variant),
            *(dialect, purpose, outcome, source, "openai_incl", duration, *tokens),
        )


def costs(owner: int, rows: int) -> Iterator[tuple[Any, ...]]:
    """One cost each, and for one of twenty another one that takes its place, sometimes in another currency."""
    free = 0
    for dice, id_, ms, (*_, currency) in places(rows):
        for seq in range(1, 2 + (dice.random() < 0.05)):
            free += 1
            nano = dice.choice([None, 0, dice.randrange(10**6, 10**9), dice.randrange(10**12)])
            parts = (None, None) if nano is None else (nano // 3, nano // 2)
            spread = (None, None) if nano is None else (nano // 2, nano * 2)
            kind, now = ("initial", currency) if seq == 1 else ("manual", dice.choice([currency, currency, "JPY"]))
            yield (free, owner, id_, seq, ms, 0, kind, now, "", nano, *parts, *spread)


class Plain:
    """Every request with the cost in force, in one table of whole numbers."""

    def __init__(self, folder: Path) -> None:
        with closing(sqlite3.connect(folder / FILE_NAME)) as file:
            newest: dict[int, tuple[Any, ...]] = {}
            for event, *cost in file.execute(
                "SELECT event_id, currency, nano, input_nano, cache_read_nano, cache_write_nano, output_nano "
                "FROM cost_event ORDER BY event_id, seq"
            ):
                newest[event] = tuple(cost)
            rows = [(*row, *newest[row[0]]) for row in file.execute(_READ)]
        table = pd.DataFrame(rows, columns=_SEEN, dtype=object)
        self.table = pd.DataFrame({name: table[name] for name in _NAMES})
        numbers = {name: table[name].map(lambda value: 0 if value is None else value).astype("int64") for name in _INTS}
        known, estimated = table["nano"].notna(), table["usage_source"].isin(["estimated", "reported_partial"])
        parts = sum((numbers[name] for name in _PARTS), start=numbers["nano"] * 0)
        self.table = self.table.assign(
            **{name: numbers[name] for name in SUMS if name in numbers},
            gateway_id=numbers["gateway_id"],
            conversation_id=numbers["conversation_id"],
            priced=known,
            n=1,
            n_error=(~table["outcome"].isin(["ok", "stopped"])).astype("int64"),
            n_unpriced=(~known).astype("int64"),
            n_estimated=estimated.astype("int64"),
            cost_nano=numbers["nano"],
            other_nano=numbers["nano"] - parts,
            est_cost_nano=numbers["nano"] * estimated.astype("int64"),
        )
        self._utc = pd.to_datetime(numbers["id"] // (1 << 20), unit="ms", utc=True)

    def at(self, zone: str) -> pd.DataFrame:
        """The same with what calendar and clock of a zone showed."""
        local = self._utc.dt.tz_convert(zone)
        day = local.dt.date
        months = {one: one.replace(day=1) for one in day.unique()}
        clock = {"weekday": local.dt.day_of_week, "hour": local.dt.hour}
        return self.table.assign(day=day, month=day.map(months), **clock)


_TOTALS = """
INSERT INTO conversation_total (conversation_id, currency, demo, owner_id, n, n_unpriced, n_estimated, cost_nano,
    in_tokens, out_tokens)
SELECT conversation_id, currency, 0, :owner, count(*), sum(nano IS NULL),
    sum(usage_source IN ('estimated', 'reported_partial')), coalesce(sum(nano), 0),
    sum(coalesce(in_uncached, 0) + coalesce(in_cache_read, 0)),
    sum(coalesce(out_visible, 0) + coalesce(out_reasoning, 0))
FROM usage_event u JOIN cost_event k ON k.event_id = u.id
WHERE conversation_id IS NOT NULL AND seq = (SELECT max(seq) FROM cost_event WHERE event_id = u.id)
GROUP BY conversation_id, currency
"""
_READ = (
    "SELECT id, gateway_id, conversation_id, model, base, family, variant, dialect, purpose, outcome, usage_source, "
    "in_uncached, in_cache_read, out_visible, out_reasoning, duration_ms FROM usage_event"
)
_NAMES = ("model", "base", "family", "variant", "dialect", "purpose", "outcome", "usage_source", "currency")
_PARTS = ("input_nano", "cache_read_nano", "cache_write_nano", "output_nano")
_COUNTED = ("in_uncached", "in_cache_read", "out_visible", "out_reasoning", "duration_ms")
_SEEN = ("id", "gateway_id", "conversation_id", *_NAMES[:-1], *_COUNTED, "currency", "nano", *_PARTS)
_INTS = ("id", "gateway_id", "conversation_id", *_COUNTED, "nano", *_PARTS)
