"""The rollup: sums of the ledger, kept in the transaction that writes it, and rebuilt from it at any time.

A row sums one kind, scope, bucket and item. An item is one combination of what a level looks at (below), always with
the currency, and whether it is the demo's; amounts in different currencies or of the demo never meet in one row.

kind        scope  bucket                   level
`d g o w`   zone   local day                full, model, act, whole
`m`         zone   local month              full
`h p v`     zone   beginning of local hour  model, deed, variant
`q`         owner  UTC quarter hour         whole

`c` is the sums of conversations by UTC month, in `conversation_month`, from which the dearest ones are found.

The times to the first visible token (`fd`, `fm`) and of whole requests (`ad`, `am`) are histograms in `usage_speed`,
by zone, local day or month, and model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import add, itemgetter, sub
from zoneinfo import ZoneInfo

from msgspec import Struct, structs
from sqlalchemy import Connection, func, select

from lib.store import schema
from lib.store.bulk import insert_many
from lib.store.days import day_of, hour_start, month_bucket, month_of, zone_of
from lib.store.encoding import add_up, insert_missing
from lib.store.measuring import MEASURES, Fields, measured
from lib.store.steps import step_of
from lib.store.wall import whole

QUARTER_MS = 900_000
QUARTER = whole(QUARTER_MS)
"""The same in SQL."""
_MODEL = ("gateway_id", "model", "base", "family", "variant")
LEVELS: dict[str, tuple[str, ...]] = {
    "whole": (),
    "variant": ("variant",),
    "deed": ("purpose", "outcome"),
    "model": (*_MODEL, "priced"),
    "act": ("purpose", "outcome", "usage_source", "priced"),
    "full": (*_MODEL, "purpose", "outcome", "usage_source", "priced"),
    "pace": _MODEL,
}
"""What each level looks at, the coarse ones first."""
DAY_KINDS = {"w": "whole", "g": "model", "o": "act", "d": "full"}
HOUR_KINDS = {"v": "variant", "p": "deed", "h": "model"}
SPEED_KINDS = ("fd", "fm", "ad", "am")
ZONE_KINDS = (*DAY_KINDS, "m", *HOUR_KINDS, *SPEED_KINDS)
KINDS = (*ZONE_KINDS, "q", "c")
Key = tuple[str, int, int, int]
SpeedKey = tuple[str, int, int, int, int]
MonthKey = tuple[int, str, int, int]


CHAT_MEASURES = tuple(schema.CHAT_MEASURES.split())
_NOTHING, _NO_CHAT = [0] * len(MEASURES), [0] * len(CHAT_MEASURES)


class Item(Struct, frozen=True):
    """What a sum is about."""

    owner_id: int
    gateway_id: int = 0
    model: str = ""
    base: str = ""
    family: str = ""
    variant: str = ""
    purpose: str = ""
    outcome: str = ""
    usage_source: str = ""
    priced: int = 0
    currency: str = ""
    demo: int = 0

    @property
    def id(self) -> int:
        """63 bits of a hash, so that every process finds the same id without asking."""
        text = "\x1f".join(str(getattr(self, name)) for name in self.__struct_fields__)
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1

    def at(self, level: str) -> Item:
        """This item as that level sees it. `pace` does not look at the currency either."""
        seen = {name: getattr(self, name) for name in LEVELS[level]}
        return Item(self.owner_id, currency="" if level == "pace" else self.currency, demo=self.demo, **seen)


class Fact(Struct, frozen=True):
    """Some usage events of one item at one time, as the rollup sees them. `values` are in the order of MEASURES."""

    at_ms: int
    item: Item
    values: Sequence[int]
    first_visible_ms: int | None = None
    duration_ms: int | None = None
    conversation_id: int | None = None


class Zone(Struct, frozen=True):
    id: int
    name: str
    info: ZoneInfo


def zones_of(connection: Connection, owner: int) -> list[Zone]:
    """The configured zones, the reporting zone first."""
    zone = schema.zone.c
    query = select(zone.id, zone.name).where(zone.owner_id == owner).order_by(zone.position, zone.id)
    return [Zone(row.id, row.name, zone_of(row.name)) for row in connection.execute(query)]


def counting(connection: Connection, owner: int) -> Change:
    """A Change for this transaction, in step with a rebuild: on PostgreSQL it waits for one and holds the next off."""
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock_shared(owner)))
    return Change(zones_of(connection, owner))


def recounting(connection: Connection, owner: int) -> None:
    """Let nobody else count until this transaction ends (SQLite has one writer anyway)."""
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(owner)))


def fact(event: Fields, cost: Fields) -> Fact:
    """The fact of a usage event's columns and those of its cost in force."""
    seen = {name: event[name] for name in (*_MODEL, "purpose", "outcome", "usage_source", "demo")}
    item = Item(event["owner_id"], priced=int(cost["nano"] is not None), currency=cost["currency"], **seen)
    times = event["first_visible_ms"], event["duration_ms"]
    return Fact(event["id"] >> 20, item, measured(event, cost), *times, event["conversation_id"])


class Change:
    """Sums of differences on their way into the rollup: `add` facts, then `apply` once."""

    def __init__(self, zones: list[Zone], kinds: Iterable[str] = KINDS) -> None:
        self.zones = zones
        self._kinds = frozenset(kinds)
        self._sums: dict[Key, list[int]] = {}
        self._speeds: dict[SpeedKey, int] = {}
        self._months: dict[MonthKey, list[int]] = {}
        self._levels: dict[Item, dict[str, int]] = {}
        self._items: dict[int, Item] = {}

    def add(self, fact: Fact, sign: int = 1) -> None:
        """Count `fact` in (+1) or out (-1)."""
        self.add_sums(fact, sign)
        self.add_quarter(fact, sign)
        self.add_month(fact, sign)
        for zone in self.zones:
            day = day_of(fact.at_ms, zone.info)
            for name, ms in (("f", fact.first_visible_ms), ("a", fact.duration_ms)):
                if ms is not None:
                    self.add_speed(name, zone, day.toordinal(), month_bucket(day), fact.item, step_of(ms), sign)

    def add_sums(self, fact: Fact, sign: int = 1) -> None:
        """The kinds that are sums by a zone's hours, days and months."""
        ids = self._ids(fact.item)
        for zone in self.zones:
            day, month, hour = _buckets(fact.at_ms, zone.info)
            for kind, level in DAY_KINDS.items():
                self._sum((kind, zone.id, day, ids[level]), fact.values, sign)
            self._sum(("m", zone.id, month, ids["full"]), fact.values, sign)
            for kind, level in HOUR_KINDS.items():
                self._sum((kind, zone.id, hour, ids[level]), fact.values, sign)

    def add_quarter(self, fact: Fact, sign: int = 1) -> None:
        """The sum of a UTC quarter hour."""
        key = ("q", fact.item.owner_id, fact.at_ms // QUARTER_MS, self._ids(fact.item)["whole"])
        self._sum(key, fact.values, sign)

    def add_month(self, fact: Fact, sign: int = 1) -> None:
        """The sum of a conversation's UTC month. Alone: the request moves to another conversation."""
        if fact.conversation_id is not None:
            key = (fact.conversation_id, fact.item.currency, fact.item.demo, month_of(fact.at_ms))
            old = self._months.get(key, _NO_CHAT)
            self._months[key] = [was + sign * value for was, value in zip(old, _chat_sums(fact.values), strict=True)]

    def add_speed(self, name: str, zone: Zone, day: int, month: int, item: Item, step: int, n: int) -> None:
        """Count `n` times of a step into (or out of) the histograms of a day and its month."""
        pace = self._ids(item)["pace"]
        for kind, bucket in ((f"{name}d", day), (f"{name}m", month)):
            if kind in self._kinds:
                key = (kind, zone.id, bucket, pace, step)
                self._speeds[key] = self._speeds.get(key, 0) + n

    def _ids(self, item: Item) -> dict[str, int]:
        """The ids of an item on every level; `apply` writes each item once."""
        found = self._levels.get(item)
        if found is None:
            seen = _on_every_level(item)
            self._items |= dict(seen.values())
            found = self._levels[item] = {level: id_ for level, (id_, _) in seen.items()}
        return found

    def _sum(self, key: Key, values: Sequence[int], sign: int) -> None:
        if key[0] in self._kinds:
            old = self._sums.get(key, _NOTHING)
            self._sums[key] = list(map(add if sign > 0 else sub, old, values))

    def apply(self, connection: Connection, owner: int) -> None:
        """Write items and sums, sorted by key so that two writers never wait for each other in a circle."""
        rows = [(*key, *values, owner) for key, values in sorted(self._sums.items()) if any(values)]
        speeds = [(*key, n, owner) for key, n in sorted(self._speeds.items()) if n]
        months = [(*key, *values, owner) for key, values in sorted(self._months.items()) if any(values)]
        items = [{"id": id_, **structs.asdict(item)} for id_, item in sorted(self._items.items(), key=itemgetter(0))]
        if items and (rows or speeds):
            insert_missing(connection, schema.usage_item, items)
        for table, names, sums, values in (
            (schema.usage_rollup, _KEY, MEASURES, rows),
            (schema.usage_speed, _SPEED_KEY, ("n",), speeds),
            (schema.conversation_month, _MONTH_KEY, CHAT_MEASURES, months),
        ):
            statement = add_up(connection, table, names, sums)
            insert_many(connection, statement, (*names, *sums, "owner_id"), values)
        self._sums, self._speeds, self._months, self._items = {}, {}, {}, {}


def _chat_sums(values: Sequence[int]) -> tuple[int, ...]:
    """The measures of a conversation, in the order of CHAT_MEASURES, from those of MEASURES."""
    at = dict(zip(MEASURES, values, strict=True))
    at["in_tokens"] = at["in_uncached"] + at["in_cache_read"] + at["in_cache_write"]
    at["out_tokens"] = at["out_visible"] + at["out_reasoning"]
    return tuple(at[name] for name in CHAT_MEASURES)


@lru_cache(maxsize=2048)
def _on_every_level(item: Item) -> dict[str, tuple[int, Item]]:
    """The item of every level with its id."""
    seen = {level: item.at(level) for level in LEVELS}
    return {level: (one.id, one) for level, one in seen.items()}


@lru_cache(maxsize=64)
def _buckets(ms: int, zone: ZoneInfo) -> tuple[int, int, int]:
    """Local day, month and hour of an instant, as buckets."""
    day = day_of(ms, zone)
    return day.toordinal(), month_bucket(day), hour_start(ms, zone) // QUARTER_MS


_KEY = ("kind", "scope_id", "bucket", "item_id")
_SPEED_KEY = ("kind", "zone_id", "bucket", "item_id", "step")
_MONTH_KEY = ("conversation_id", "currency", "demo", "month")
