"""The rollup: sums of the ledger, kept in the transaction that writes it, and rebuilt from it at any time.

Kinds, each row a (scope, bucket, item):
`d` zone × local day × item · `m` zone × local month × item · `q` owner × UTC quarter hour × currency
· `h` owner × UTC hour × item · `s`/`t` zone's day/month × model × histogram bucket of the first visible token.
An item is one combination of gateway, model, variant, purpose, outcome and currency; amounts in different
currencies or of the demo therefore never meet in one row.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs
from sqlalchemy import Connection, Row, func, select

from lib.ledger import ESTIMATED_SOURCES
from lib.store import schema
from lib.store.days import day_of, month_bucket, zone_of
from lib.store.encoding import add_up, insert_missing

MEASURES = tuple(schema.MEASURES.split())
KINDS = ("d", "m", "q", "h", "s", "t")
QUARTER_MS, HOUR_MS = 900_000, 3_600_000
_BASE = math.log(1.15)
Key = tuple[str, int, int, int]


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
    currency: str = ""
    demo: int = 0

    @property
    def id(self) -> int:
        """63 bits of a hash, so that every process finds the same id without asking."""
        text = "\x1f".join(str(getattr(self, name)) for name in self.__struct_fields__)
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


class Fact(Struct, frozen=True):
    """One usage event with the cost in force, as the rollup sees it. `values` are in the order of MEASURES."""

    at_ms: int
    item: Item
    values: tuple[int, ...]
    first_visible_ms: int | None


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


def fact(row: Mapping[str, Any] | Any, currency: str, nano: int | None, reported_nano: int | None) -> Fact:
    """The fact of a usage event's columns and its cost."""
    item = Item(
        row["owner_id"],
        row["gateway_id"],
        row["model"],
        row["base"],
        row["family"],
        row["variant"],
        row["purpose"],
        row["outcome"],
        currency,
        row["demo"],
    )
    estimated = row["usage_source"] in ESTIMATED_SOURCES
    first = row["first_visible_ms"]
    values = (
        1,
        int(row["outcome"] not in ("ok", "stopped")),
        int(nano is None),
        int(estimated),
        int(reported_nano is not None),
        nano or 0,
        (nano or 0) if estimated else 0,
        row["in_uncached"] or 0,
        row["in_cache_read"] or 0,
        (row["in_cache_write_5m"] or 0) + (row["in_cache_write_1h"] or 0),
        row["out_visible"] or 0,
        row["out_reasoning"] or 0,
        row["duration_ms"] or 0,
        first or 0,
        int(first is not None),
    )
    return Fact(row["id"] >> 20, item, values, first)


class Change:
    """Sums of differences on their way into the rollup: `add` facts, then `apply` once."""

    def __init__(self, zones: list[Zone], kinds: Iterable[str] = KINDS) -> None:
        self._zones = zones
        self._kinds = frozenset(kinds)
        self._sums: dict[Key, list[int]] = {}
        self._items: dict[Item, int] = {}

    def add(self, fact: Fact, sign: int = 1) -> None:
        """Count `fact` in (+1) or out (-1)."""
        item = self._item(fact.item)
        for zone in self._zones:
            day = day_of(fact.at_ms, zone.info)
            self._sum(("d", zone.id, day.toordinal(), item), fact.values, sign)
            self._sum(("m", zone.id, month_bucket(day), item), fact.values, sign)
        owner = fact.item.owner_id
        whole = self._item(Item(owner, currency=fact.item.currency, demo=fact.item.demo))
        self._sum(("q", owner, fact.at_ms // QUARTER_MS, whole), fact.values, sign)
        self._sum(("h", owner, fact.at_ms // HOUR_MS, item), fact.values, sign)
        if fact.first_visible_ms is not None and self._zones:
            self._add_speed(fact, sign)

    def _add_speed(self, fact: Fact, sign: int) -> None:
        """A histogram row: scope is the model's item, the bucket holds zone's day (or month) and the time bucket."""
        model = structs.replace(fact.item, purpose="", outcome="", currency="")
        day = day_of(fact.at_ms, self._zones[0].info)
        time = speed_bucket(fact.first_visible_ms or 0)
        count = (1, *(0,) * (len(MEASURES) - 1))
        scope = self._item(model)
        self._sum(("s", scope, day.toordinal(), time), count, sign)
        self._sum(("t", scope, month_bucket(day), time), count, sign)

    def _item(self, item: Item) -> int:
        item_id = self._items.get(item)
        if item_id is None:
            item_id = self._items[item] = item.id
        return item_id

    def _sum(self, key: Key, values: tuple[int, ...], sign: int) -> None:
        if key[0] in self._kinds:
            old = self._sums.setdefault(key, [0] * len(values))
            for at, value in enumerate(values):
                if value:
                    old[at] += sign * value

    def apply(self, connection: Connection, owner: int) -> None:
        """Write items and sums, sorted by key so that two writers never wait for each other in a circle."""
        rows = [_row(owner, key, values) for key, values in sorted(self._sums.items()) if any(values)]
        if not rows:
            return
        by_id = sorted(((item_id, item) for item, item_id in self._items.items()), key=itemgetter(0))
        items = [{"id": item_id, **structs.asdict(item)} for item_id, item in by_id]
        insert_missing(connection, schema.usage_item, items)
        connection.execute(add_up(connection, schema.usage_rollup, _KEY, MEASURES), rows)


_KEY = ("kind", "scope_id", "bucket", "item_id")


def _row(owner: int, key: Key, values: list[int]) -> dict[str, Any]:
    return {**dict(zip(_KEY, key, strict=True)), **dict(zip(MEASURES, values, strict=True)), "owner_id": owner}


def speed_bucket(ms: int) -> int:
    """Logarithmic bucket, base 1.15: quantiles from it are within a few percent, and buckets add up."""
    return 0 if ms < 1 else 1 + int(math.log(ms) / _BASE)


def speed_bounds(bucket: int) -> tuple[float, float]:
    """The milliseconds a bucket spans, [low, high)."""
    return (0.0, 1.0) if bucket == 0 else (math.exp((bucket - 1) * _BASE), math.exp(bucket * _BASE))


def fact_of_row(row: Row[Any]) -> Fact:
    """The fact of a joined ledger row (usage event with nano, reported_nano and currency of its cost)."""
    return fact(row._mapping, row.currency, row.nano, row.reported_nano)
