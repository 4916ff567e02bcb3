"""Sums of a period: from the rows of the rollup that are coarse enough to be few and fine enough to be exact.

In a configured zone days, months and hours have rows of their own; in another one sums over everything come from UTC
quarter hours, and others from the hours of a zone whose hours begin at the same time. What the rollup cannot tell
(conversations, folders, tags, clock times, anomalies) is read from the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from operator import add
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Label, case, null, select

from lib.insight_words import OTHER, Dimension, Filter, Grain
from lib.ledger import Tally
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.days import first_of, hour_start, month_bucket, start_of, zone_of
from lib.store.insight_scope import (
    asked_columns,
    at_ms,
    columns_of,
    cost_conditions,
    event_conditions,
    is_rolled,
    item_conditions,
)
from lib.store.measuring import MEASURES, ledger_sums, total
from lib.store.rollup import DAY_KINDS, HOUR_KINDS, LEVELS, QUARTER, QUARTER_MS, Zone, zones_of
from lib.store.wall import aligned, day_shifts, day_sql

MONTHS_BEYOND_DAYS = 92
_u, _r, _i = schema.usage_event.c, schema.usage_rollup.c, schema.usage_item.c
_AT = len(MEASURES)
When = date | int | None


class Fold(Struct, frozen=True):
    """Values of one column that keep their name; all others are OTHER."""

    column: str
    names: tuple[Any, ...]


class Asked(Struct, frozen=True):
    """One question: which requests, grouped by which columns, in which grain."""

    owner: int
    filter: Filter
    columns: tuple[str, ...] = ()
    grain: Grain | None = None
    fold: Fold | None = None

    @property
    def zone(self) -> ZoneInfo:
        return zone_of(self.filter.zone)

    @property
    def needs(self) -> frozenset[str]:
        """The columns that the answer depends on."""
        return frozenset(self.columns) | asked_columns(self.filter)

    def keys(self, source: Any) -> list[ColumnElement[Any]]:
        """The columns to group by, in a table or in the ledger."""
        return [self._folded(source[name]) for name in self.columns]

    def _folded(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        if self.fold is None or column.name != self.fold.column:
            return column
        rest = -1 if column.name == "gateway_id" else OTHER
        return case((column.in_(self.fold.names), column), else_=rest).label(column.name)


class Piece(Struct, frozen=True):
    """Rows of one kind and scope with buckets in [low, high). `label` None: each row goes by its own bucket."""

    kind: str
    scope: int
    low: int
    high: int
    label: When = None
    apart: bool = False


def read_tallies(connection: Connection, asked: Asked) -> list[Tally]:
    """One Tally per bucket of the grain, combination of columns and currency, in that order."""
    if asked.filter.start >= asked.filter.end:
        return []
    sums: dict[tuple[Any, ...], list[int]] = {}
    for key, values in _rows(connection, asked):
        old = sums.get(key)
        sums[key] = values if old is None else list(map(add, old, values))
    return [_tally(asked, key, values) for key, values in sorted(sums.items(), key=lambda one: one[0]) if values[0]]


def _tally(asked: Asked, key: tuple[Any, ...], values: list[int]) -> Tally:
    label, *names, currency = key
    fields = dict(zip(asked.columns, names, strict=True)) | dict(zip(MEASURES, values, strict=True))
    if "priced" in fields:
        fields["priced"] = bool(fields["priced"])
    if asked.grain == "hour":
        fields["at_ms"] = label
    elif asked.grain:
        fields["day"] = date.fromordinal(label)
    return Tally(demo=asked.filter.demo, currency=currency, **fields)


def folded_by(connection: Connection, asked: Asked, most: int) -> Asked:
    """The same question with all but the `most` costliest (then most asked) values of its column as one."""
    if len(asked.columns) != 1:
        return asked
    (column,) = asked.columns
    ranked: dict[Any, tuple[int, int]] = {}
    for tally in read_tallies(connection, Asked(asked.owner, asked.filter, asked.columns)):
        value = getattr(tally, column)
        cost, n = ranked.get(value, (0, 0))
        ranked[value] = (cost + tally.cost_nano, n + tally.n)
    names = sorted(ranked, key=lambda value: (ranked[value], str(value)), reverse=True)
    if len(names) <= most:
        return asked
    return Asked(asked.owner, asked.filter, asked.columns, asked.grain, Fold(column, tuple(names[:most])))


def _rows(connection: Connection, asked: Asked) -> Iterator[tuple[tuple[Any, ...], list[int]]]:
    """((label, columns…, currency), measures) of every row that counts; a key may come several times."""
    zones = zones_of(connection, asked.owner)
    pieces = pieces_for(asked.filter, asked.needs, asked.grain, zones) if is_rolled(asked.filter) else None
    if pieces is None:
        yield from _from_ledger(connection, asked)
        return
    for piece in pieces:
        yield from _from_rollup(connection, asked, piece)


# --- which rows -----------------------------------------------------------------------------------------------------


def pieces_for(filter: Filter, needs: frozenset[str], grain: Grain | None, zones: list[Zone]) -> list[Piece] | None:
    """The stretches of the rollup that make up the filter's days; None when only the ledger knows."""
    here = next((zone for zone in zones if zone.name == filter.zone), None)
    info = zone_of(filter.zone)
    if here and grain != "hour":
        return _days_and_months(filter, needs, grain, here)
    if here or needs:
        return _hours(filter, needs, grain, zones, info, here)
    low, high = quarters(filter.start, filter.end, info)
    return [Piece("q", 0, low, high, apart=grain is not None)]


def level_of(kinds: dict[str, str], needs: frozenset[str]) -> str | None:
    """The kind with the fewest rows that tells these columns."""
    return next((kind for kind, level in kinds.items() if needs <= set(LEVELS[level])), None)


def _days_and_months(filter: Filter, needs: frozenset[str], grain: Grain | None, zone: Zone) -> list[Piece] | None:
    days = level_of(DAY_KINDS, needs)
    if days is None:
        return None
    start, end = filter.start, filter.end
    if not needs:  # one row a day is fewer than a month has items
        return [Piece(days, zone.id, start.toordinal(), end.toordinal(), apart=grain is not None)]
    first, last = month_bucket(start) + (start.day > 1), month_bucket(end)
    if grain == "day" or (grain is None and filter.days <= MONTHS_BEYOND_DAYS):
        return [_days(days, zone, start, end, grain)]
    if first >= last:
        spans = [(max(start, first_of(at)), min(end, first_of(at + 1))) for at in range(month_bucket(start), last + 1)]
        return [_days(days, zone, *span, grain) for span in spans if span[0] < span[1]]
    whole = [Piece("m", zone.id, first, last, apart=grain == "month")]
    ragged = [(start, first_of(first)), (first_of(last), end)]
    return whole + [_days(days, zone, *span, grain) for span in ragged if span[0] < span[1]]


def _days(kind: str, zone: Zone, start: date, end: date, grain: Grain | None) -> Piece:
    """Days of one month, or of any with every day apart."""
    month = start.replace(day=1).toordinal() if grain == "month" else None
    return Piece(kind, zone.id, start.toordinal(), end.toordinal(), month, apart=grain == "day")


def _hours(
    filter: Filter, needs: frozenset[str], grain: Grain | None, zones: list[Zone], info: ZoneInfo, here: Zone | None
) -> list[Piece] | None:
    """Hours of this zone, or of one whose hours begin with its own."""
    kind = level_of(HOUR_KINDS, needs)
    like = here or next((zone for zone in zones if aligned(filter.start, filter.end, info, zone.info)), None)
    if kind is None or like is None:
        return None
    low, high = quarters(filter.start, filter.end, info)
    return [Piece(kind, like.id, low, high, apart=grain is not None)]


def quarters(start: date, end: date, zone: ZoneInfo) -> tuple[int, int]:
    """The quarter hours of local days."""
    return start_of(start, zone) // QUARTER_MS, start_of(end, zone) // QUARTER_MS


# --- reading --------------------------------------------------------------------------------------------------------


def _from_rollup(connection: Connection, asked: Asked, piece: Piece) -> Iterator[tuple[tuple[Any, ...], list[int]]]:
    by_quarter = piece.kind == "q" or piece.kind in HOUR_KINDS
    bucket = _bucket(asked, by_quarter=by_quarter) if piece.apart else null()
    keys = named([bucket, *asked.keys(_i), _i.currency])
    query = select(*(total(_r[name]).label(name) for name in MEASURES), *keys)
    query = query.join_from(schema.usage_rollup, schema.usage_item, _i.id == _r.item_id)
    query = query.where(_r.kind == piece.kind, _r.scope_id == (piece.scope or asked.owner))
    query = query.where(_r.bucket >= piece.low, _r.bucket < piece.high, _r.owner_id == asked.owner)
    query = query.where(*item_conditions(_i, asked.filter))
    query = query.group_by(*(key.name for key in keys[not piece.apart :]))
    label_of = _labels(asked, piece)
    for row in connection.execute(query):
        yield (label_of(row[_AT]), *row[_AT + 1 :]), list(row[:_AT])


def named(keys: list[ColumnElement[Any]]) -> list[Label[Any]]:
    """The keys under names that no column has: grouping by name works with parameters in them, too."""
    return [key.label(f"key_{at}") for at, key in enumerate(keys)]


def _bucket(asked: Asked, *, by_quarter: bool) -> ColumnElement[Any]:
    """What to group by: days in SQL, so that a year of quarter hours does not have to leave the database."""
    if not by_quarter or asked.grain == "hour":
        return _r.bucket
    filter = asked.filter
    return day_sql(_r.bucket * QUARTER, day_shifts(filter.start, filter.end, asked.zone))


def _labels(asked: Asked, piece: Piece) -> Any:
    """From what a row has as its bucket to what its Tally is labelled with."""
    zone = asked.zone
    if not piece.apart:
        return lambda _: piece.label
    if asked.grain == "hour":
        return lambda bucket: hour_start(bucket * QUARTER_MS, zone)
    if piece.kind == "m":
        return lambda bucket: first_of(bucket).toordinal()
    if asked.grain == "month":
        return month_of
    return int


def month_of(ordinal: int) -> int:
    """The first day of a day's month, both as ordinals."""
    return date.fromordinal(int(ordinal)).replace(day=1).toordinal()


def _from_ledger(connection: Connection, asked: Asked) -> Iterator[tuple[tuple[Any, ...], list[int]]]:
    filter, cost = asked.filter, latest_costs(asked.owner)
    priced = case((cost.c.nano.is_not(None), 1), else_=0).label("priced")
    groups = asked.keys({name: priced if name == "priced" else _u[name] for name in asked.columns})
    keys = named([_moment(asked), *groups, cost.c.currency])
    query = select(*ledger_sums(_u, cost.c), *keys)
    query = query.join_from(schema.usage_event, cost, cost.c.event_id == _u.id)
    query = query.where(*event_conditions(asked.owner, filter), *cost_conditions(cost.c, filter))
    query = query.group_by(*(key.name for key in keys[not asked.grain :]))
    zone = asked.zone
    label_of: Any = {
        None: lambda _: None,
        "hour": lambda quarter: hour_start(quarter * QUARTER_MS, zone),
        "day": int,
        "month": month_of,
    }[asked.grain]
    for row in connection.execute(query):
        yield (label_of(row[_AT]), *row[_AT + 1 :]), list(row[:_AT])


def _moment(asked: Asked) -> ColumnElement[Any]:
    if asked.grain is None:
        return null()
    if asked.grain == "hour":
        return at_ms() // QUARTER
    return day_sql(at_ms(), day_shifts(asked.filter.start, asked.filter.end, asked.zone))


def sums_of(
    connection: Connection,
    owner: int,
    filter: Filter,
    by: tuple[Dimension, ...] = (),
    grain: Grain | None = None,
    most: int | None = None,
) -> list[Tally]:
    """See `Insight.tallies` and `Insight.series`."""
    asked = Asked(owner, filter, columns_of(by), grain)
    return read_tallies(connection, asked if most is None else folded_by(connection, asked, most))


def count_of(connection: Connection, owner: int, filter: Filter) -> int:
    """How many requests there are."""
    return sum(tally.n for tally in sums_of(connection, owner, filter))
