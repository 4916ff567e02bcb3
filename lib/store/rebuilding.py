"""The rollup is a cache: make it anew from the ledger in bounded memory, and prove that it still adds up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, select

from lib.ids import id_at, ms_of
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.database import Database
from lib.store.days import day_of, month_bucket, month_of, month_start
from lib.store.insight_months import MONTH_COLUMNS, month_sums
from lib.store.insight_scope import at_ms
from lib.store.insight_sums import named
from lib.store.measuring import MEASURES, ledger_sums
from lib.store.rollup import (
    KINDS,
    LEVELS,
    QUARTER,
    QUARTER_MS,
    SPEED_KINDS,
    Change,
    Fact,
    Item,
    Zone,
    recounting,
    zones_of,
)
from lib.store.steps import step_sql
from lib.store.wall import HOUR_MS, aligned, clock_shifts, day_shifts, day_sql, whole

_u, _r, _s = schema.usage_event.c, schema.usage_rollup.c, schema.usage_speed.c
_CHUNK_MS = 7 * 86_400_000
_TIMES = (("f", "first_visible_ms"), ("a", "duration_ms"))


def rebuild_kinds(connection: Connection, owner: int, kinds: tuple[str, ...]) -> None:
    """Delete and re-count these kinds. The database adds up, one week after the other."""
    recounting(connection, owner)
    connection.execute(delete(schema.usage_rollup).where(_r.owner_id == owner, _r.kind.in_(kinds)))
    connection.execute(delete(schema.usage_speed).where(_s.owner_id == owner, _s.kind.in_(kinds)))
    zones = zones_of(connection, owner)
    for low, high in _chunks(connection, owner):
        change = Change(zones, kinds)
        _count_sums(connection, owner, low, high, zones, change, kinds)
        if set(kinds) & set(SPEED_KINDS):
            _count_speeds(connection, owner, low, high, zones, change)
        change.apply(connection, owner)
    if "c" in kinds:
        _count_chats(connection, owner)


def emptied(connection: Connection) -> list[int]:
    """The owners whose ledger has rows and whose rollup has none: a new schema left it empty."""
    event, item = schema.usage_event.c, schema.usage_item.c
    query = select(schema.owner.c.id).where(
        select(event.id).where(event.owner_id == schema.owner.c.id).exists(),
        ~select(item.id).where(item.owner_id == schema.owner.c.id).exists(),
    )
    return [int(owner) for owner in connection.scalars(query)]


def rebuild_emptied(database: Database) -> None:
    """Count for those owners, each in one transaction."""
    for owner in database.read(emptied):
        database.write(partial(rebuild_kinds, owner=owner, kinds=KINDS))


def _chunks(connection: Connection, owner: int) -> Iterator[tuple[int, int]]:
    """Stretches of UTC time, each with rows."""
    query = select(func.min(_u.id)).where(_u.owner_id == owner)
    first = connection.scalar(query)
    while first is not None:
        low = ms_of(first) // _CHUNK_MS * _CHUNK_MS
        yield low, low + _CHUNK_MS
        first = connection.scalar(query.where(_u.id >= id_at(low + _CHUNK_MS)))


def _count_chats(connection: Connection, owner: int) -> None:
    """Conversations by UTC month, one month after the other; the rows never leave the database."""
    connection.execute(delete(schema.conversation_month).where(schema.conversation_month.c.owner_id == owner))
    query = select(func.min(_u.id)).where(_u.owner_id == owner)
    first = connection.scalar(query)
    while first is not None:
        month = month_of(ms_of(first))
        rows = month_sums(owner, month)
        connection.execute(insert(schema.conversation_month).from_select(list(MONTH_COLUMNS), rows))
        first = connection.scalar(query.where(_u.id >= id_at(month_start(month + 1))))


def _within(owner: int, low: int, high: int) -> list[ColumnElement[bool]]:
    return [_u.id >= id_at(low), _u.id < id_at(high), _u.owner_id + 0 == owner]


def _count_sums(
    connection: Connection, owner: int, low: int, high: int, zones: list[Zone], change: Change, kinds: tuple[str, ...]
) -> None:
    """By the hours of all zones when they begin together, else by quarter hours."""
    bucket_ms, shift = _bucket(low, high, zones)
    cost = latest_costs(owner)
    bucket = (at_ms() + whole(shift)) // whole(bucket_ms)
    priced = case((cost.c.nano.is_not(None), 1), else_=0)
    names = [name for name in LEVELS["full"] if name != "priced"]
    keys = named([bucket, *(_u[name] for name in names), priced, cost.c.currency, _u.demo])
    query = select(*ledger_sums(_u, cost.c), *keys).join_from(schema.usage_event, cost, cost.c.event_id == _u.id)
    query = query.where(*_within(owner, low, high)).group_by(*(key.name for key in keys))
    for row in connection.execute(query):
        at, *seen = tuple[Any, ...](row)[len(MEASURES) :]
        item = Item(owner, *seen)
        change.add_sums(Fact(at * bucket_ms - shift, item, row[: len(MEASURES)]))
    if "q" in kinds:
        _count_quarters(connection, owner, low, high, change)


def _count_quarters(connection: Connection, owner: int, low: int, high: int, change: Change) -> None:
    cost = latest_costs(owner)
    keys = named([at_ms() // QUARTER, cost.c.currency, _u.demo])
    query = select(*ledger_sums(_u, cost.c), *keys).join_from(schema.usage_event, cost, cost.c.event_id == _u.id)
    query = query.where(*_within(owner, low, high)).group_by(*(key.name for key in keys))
    for row in connection.execute(query):
        at, currency, demo = tuple(row)[len(MEASURES) :]
        change.add_quarter(Fact(at * QUARTER_MS, Item(owner, currency=currency, demo=demo), row[: len(MEASURES)]))


def _bucket(low: int, high: int, zones: list[Zone]) -> tuple[int, int]:
    """(the length of a bucket in ms, how far UTC is behind the beginnings of the hours)."""
    if not zones:
        return QUARTER_MS, 0
    first = zones[0].info
    start, end = day_of(low, first), day_of(high - 1, first)
    span = (start, end.fromordinal(end.toordinal() + 1))
    if not all(aligned(*span, first, zone.info) for zone in zones):
        return QUARTER_MS, 0
    return HOUR_MS, clock_shifts(*span, first)[0][1] % HOUR_MS


def _count_speeds(connection: Connection, owner: int, low: int, high: int, zones: list[Zone], change: Change) -> None:
    for zone in zones:
        start, end = day_of(low, zone.info), day_of(high - 1, zone.info)
        day = day_sql(at_ms(), day_shifts(start, start.fromordinal(end.toordinal() + 1), zone.info))
        for name, column in _TIMES:
            keys = named([day, step_sql(_u[column]), _u.demo, *(_u[one] for one in LEVELS["pace"])])
            query = select(func.count(), *keys).where(*_within(owner, low, high), _u[column].is_not(None))
            for n, ordinal, step, demo, *model in connection.execute(query.group_by(*(key.name for key in keys))):
                month = month_bucket(start.fromordinal(ordinal))
                change.add_speed(
                    name,
                    zone,
                    ordinal,
                    month,
                    Item(owner, **dict(zip(LEVELS["pace"], model, strict=True)), demo=demo),
                    step,
                    n,
                )
