"""A period as whole UTC months of conversations' sums, with what has to be added and taken away at its ends.

The months know nothing of zones: an end that lies within a month is read from the ledger, of the few conversations
that matter, on whichever side of the end is shorter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, case, func, select

from lib.ids import id_at
from lib.insight_words import Filter
from lib.ledger import ESTIMATED_SOURCES
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.days import month_of, month_start
from lib.store.encoding import storable
from lib.store.insight_scope import asked_columns, is_rolled, span_ms
from lib.store.measuring import total
from lib.store.wall import whole

_u, _m, _k = schema.usage_event.c, schema.conversation_month.c, schema.cost_event.c
MEASURES = tuple(schema.CHAT_MEASURES.split())
_FIRST_LOOK, _LONGEST_LOOK = 64, 512
_INPUTS = ("in_uncached", "in_cache_read", "in_cache_write_5m", "in_cache_write_1h")


class Stretch(Struct, frozen=True):
    """The requests of [low, high) UTC ms, all in one month, to be added (+1) or taken away (-1)."""

    low: int
    high: int
    sign: int

    @property
    def month(self) -> int:
        return month_of(self.low)


class Cover(Struct, frozen=True):
    """The whole months [first, last) and the stretches that make up a period, which touches months [start, end)."""

    start: int
    end: int
    first: int
    last: int
    stretches: tuple[Stretch, ...]


def cover(low: int, high: int) -> Cover:
    """The period [low, high) in UTC ms, which is not empty."""
    start, end = month_of(low), month_of(high - 1) + 1
    before = Stretch(month_start(start), low, -1)
    after = Stretch(high, month_start(end), -1)
    left = high - low if end - start == 1 else month_start(start + 1) - low
    right = high - month_start(end - 1)
    if end - start == 1:
        if left <= _length(before) + _length(after):
            return Cover(start, end, start, start, (Stretch(low, high, 1),))
        return Cover(start, end, start, end, _real(before, after))
    first, last = start, end
    if left < _length(before):
        first, before = start + 1, Stretch(low, month_start(start + 1), 1)
    if right < _length(after):
        last, after = end - 1, Stretch(month_start(end - 1), high, 1)
    return Cover(start, end, first, last, _real(before, after))


def _length(stretch: Stretch) -> int:
    return stretch.high - stretch.low


def _real(*stretches: Stretch) -> tuple[Stretch, ...]:
    return tuple(one for one in stretches if one.low < one.high)


def covered(filter: Filter) -> Cover | None:
    """The cover of a filter that asks for nothing but a period, a currency and the demo or not."""
    low, high = span_ms(filter)
    if low >= high or not is_rolled(filter) or asked_columns(filter):
        return None
    return cover(low, high)


def owes_nothing(connection: Connection, owner: int) -> bool:
    """Whether no request costs less than nothing: only then what a part of a conversation cost is at most the whole."""
    query = select(_k.id).where(_k.owner_id == owner, _k.nano < 0).limit(1)
    return connection.scalar(query) is None


def pages(connection: Connection, table: Any, *where: ColumnElement[bool]) -> Iterator[tuple[list[int], int]]:
    """(some conversations, the most that any after them cost), the dearest first, by the index on `cost_nano`."""
    query = select(table.conversation_id, table.cost_nano).where(*where)
    query = query.order_by(table.cost_nano.desc(), table.conversation_id.desc())
    at_once = _FIRST_LOOK
    rows = connection.execute(query.limit(at_once)).all()
    while rows:
        last = rows[-1]
        yield [row.conversation_id for row in rows], last.cost_nano if len(rows) == at_once else 0
        if len(rows) < at_once:
            return
        after = (table.cost_nano <= last.cost_nano) & (
            (table.cost_nano < last.cost_nano) | (table.conversation_id < last.conversation_id)
        )
        at_once = min(2 * at_once, _LONGEST_LOOK)
        rows = connection.execute(query.where(after).limit(at_once)).all()


def by_months(
    connection: Connection, owner: int, filter: Filter, currency: str, there: Cover
) -> Iterator[tuple[list[int], int]]:
    """The same through the lists of all months at once: who is in none yet cost at most what they still have."""
    same = (_m.owner_id == owner, _m.currency == storable(currency), _m.demo == int(filter.demo))
    lists = [pages(connection, _m, *same, _m.month == month) for month in range(there.start, there.end)]
    while lists:
        ids, most, going = set[int](), 0, []
        for one in lists:
            found, rest = next(one, ([], 0))
            ids.update(found)
            most += rest
            going += [one] if found else []
        yield sorted(ids), most
        lists = going


def side_by_side(
    one: Iterator[tuple[list[int], int]], other: Iterator[tuple[list[int], int]]
) -> Iterator[tuple[list[int], int]]:
    """Two such walks at once: the lower bound of the two holds, and the end of either is the end."""
    for (ids, most), (more, rest) in zip(one, other, strict=False):
        yield sorted({*ids, *more}), min(most, rest)


Rank = tuple[int, int, int]
"""(what it cost, its requests, its id): greater is dearer."""


def ranks(
    connection: Connection,
    owner: int,
    filter: Filter,
    currency: str,
    there: Cover,
    ids: list[int],
    least: int | None,
) -> list[Rank]:
    """What these conversations used in the period, without those that cannot have cost `least`."""
    inside = (_m.month >= there.first) & (_m.month < there.last)
    query = select(
        _m.conversation_id,
        total(_m.cost_nano).label("bound"),
        total(case((inside, _m.cost_nano), else_=0)).label("cost"),
        total(case((inside, _m.n), else_=0)).label("n"),
    ).where(*_of(owner, filter, currency, ids), _m.month >= there.start, _m.month < there.end)
    found = {
        row.conversation_id: [row.cost, row.n]
        for row in connection.execute(query.group_by(_m.conversation_id))
        if least is None or row.bound >= least
    }
    for stretch in there.stretches if found else ():
        for key, _, n, cost in connection.execute(
            _stretch_sums(owner, filter, stretch, ("n", "cost_nano"), _u.conversation_id.in_([*found]), currency)
        ):
            if key in found:
                found[key][0] += stretch.sign * cost
                found[key][1] += stretch.sign * n
    return [(cost, n, key) for key, (cost, n) in found.items() if n]


def whole_sums(
    connection: Connection, owner: int, filter: Filter, currency: str, there: Cover, ids: list[int]
) -> dict[int, dict[str, int]]:
    """All the measures of these conversations in the period."""
    query = select(_m.conversation_id, *(total(_m[name]) for name in MEASURES))
    query = query.where(*_of(owner, filter, currency, ids), _m.month >= there.first, _m.month < there.last)
    found = {key: dict.fromkeys(MEASURES, 0) for key in ids}
    for key, *values in connection.execute(query.group_by(_m.conversation_id)):
        found[key] = dict(zip(MEASURES, values, strict=True))
    for stretch in there.stretches:
        sums = _stretch_sums(owner, filter, stretch, MEASURES, _u.conversation_id.in_(ids), currency)
        for key, _, *values in connection.execute(sums):
            for name, value in zip(MEASURES, values, strict=True):
                found[key][name] += stretch.sign * value
    return found


def last_ids(connection: Connection, owner: int, filter: Filter, currency: str, ids: list[int]) -> dict[int, int]:
    """The last request of each of these conversations before the period ends."""
    cost = latest_costs(owner)
    one = select(_m.conversation_id).where(*_of(owner, filter, currency, ids)).distinct().subquery("one")
    last = select(_u.id).join_from(schema.usage_event, cost, cost.c.event_id == _u.id)
    last = last.where(_u.conversation_id == one.c.conversation_id, _u.id + 0 < id_at(span_ms(filter)[1]))
    last = last.where(_u.owner_id + 0 == owner, _u.demo == int(filter.demo), cost.c.currency == storable(currency))
    newest = last.order_by(_u.id.desc()).limit(1).scalar_subquery()
    return {row[0]: row[1] for row in connection.execute(select(one.c.conversation_id, newest))}


def project_sums(owner: int, filter: Filter, there: Cover, which: Any) -> Any:
    """A subquery: the measures of conversations of `which` (a query of their ids), by conversation and currency."""
    names = ("n", "n_unpriced", "n_estimated", "cost_nano", "in_tokens", "out_tokens")
    months = select(_m.conversation_id, _m.currency, *(_m[name] for name in names))
    months = months.where(_m.conversation_id.in_(which), _m.owner_id + 0 == owner, _m.demo == int(filter.demo))
    months = months.where(_m.month >= there.first, _m.month < there.last, *_in_currency(_m, filter.currency))
    parts = [months]
    for stretch in there.stretches:
        then = select(_m.conversation_id).where(_m.conversation_id.in_(which), _m.month == stretch.month)
        sums = _stretch_sums(owner, filter, stretch, names, _u.conversation_id.in_(then), filter.currency)
        one = sums.subquery()
        signed = (one.c[name] * stretch.sign for name in names)
        parts.append(select(one.c.conversation_id, one.c.currency, *signed))
    rows = parts[0].union_all(*parts[1:]).subquery("part")
    query = select(rows.c.conversation_id, rows.c.currency, *(total(rows.c[name]).label(name) for name in names))
    query = query.group_by(rows.c.conversation_id, rows.c.currency).having(func.sum(rows.c.n) > 0)
    return query.subquery("sums")


def _of(owner: int, filter: Filter, currency: str, ids: list[int]) -> list[ColumnElement[bool]]:
    """Found by the conversations, by no index on owners."""
    same = [_m.conversation_id.in_(ids), _m.owner_id + 0 == owner]
    return [*same, _m.currency == storable(currency), _m.demo == int(filter.demo)]


def _in_currency(columns: Any, currency: str | None) -> list[ColumnElement[bool]]:
    return [] if currency is None else [columns.currency == storable(currency)]


def _stretch_sums(
    owner: int,
    filter: Filter,
    stretch: Stretch,
    names: tuple[str, ...],
    which: ColumnElement[bool],
    currency: str | None,
) -> Any:
    """(conversation, currency, measures…) of the ledger; found by the conversations, not by the time."""
    cost = latest_costs(owner)
    measures = _measures(cost.c)
    query = select(_u.conversation_id, cost.c.currency, *(measures[name].label(name) for name in names))
    query = query.join_from(schema.usage_event, cost, cost.c.event_id == _u.id)
    query = query.where(which, _u.id + 0 >= id_at(stretch.low), _u.id + 0 < id_at(stretch.high))
    query = query.where(_u.owner_id + 0 == owner, _u.demo == int(filter.demo), *_in_currency(cost.c, currency))
    return query.group_by(_u.conversation_id, cost.c.currency)


def month_sums(owner: int, month: int) -> Any:
    """The rows of `conversation_month` of one month, from the ledger, in the order of MONTH_COLUMNS."""
    cost = latest_costs(owner)
    measures = _measures(cost.c)
    keys = (_u.conversation_id, cost.c.currency, _u.demo)
    query = select(*keys, whole(month), whole(owner), *(measures[name] for name in MEASURES))
    query = query.join_from(schema.usage_event, cost, cost.c.event_id == _u.id)
    query = query.where(_u.id >= id_at(month_start(month)), _u.id < id_at(month_start(month + 1)))
    return query.where(_u.owner_id + 0 == owner, _u.conversation_id.is_not(None)).group_by(*keys)


MONTH_COLUMNS = ("conversation_id", "currency", "demo", "month", "owner_id", *MEASURES)


def _measures(cost: Any) -> dict[str, ColumnElement[Any]]:
    """In SQL what `rollup.Change` counts of one request."""
    ins = [func.coalesce(_u[name], 0) for name in _INPUTS]
    outs = func.coalesce(_u.out_visible, 0) + func.coalesce(_u.out_reasoning, 0)
    return {
        "n": func.count(),
        "n_error": total(case((_u.outcome.not_in(("ok", "stopped")), 1), else_=0)),
        "n_unpriced": total(case((cost.nano.is_(None), 1), else_=0)),
        "n_estimated": total(case((_u.usage_source.in_(ESTIMATED_SOURCES), 1), else_=0)),
        "cost_nano": total(cost.nano),
        "in_tokens": total(ins[0] + ins[1] + ins[2] + ins[3]),
        "in_cache_read": total(ins[1]),
        "out_tokens": total(outs),
    }
