"""What conversations, folders and tags used in a period."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from lib.ids import ms_of
from lib.insight_words import ChatSpend, Filter, ProjectSpend
from lib.ledger import ESTIMATED_SOURCES, Tally
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.encoding import storable
from lib.store.insight_months import (
    Cover,
    Rank,
    by_months,
    covered,
    last_ids,
    owes_nothing,
    pages,
    project_sums,
    ranks,
    side_by_side,
    whole_sums,
)
from lib.store.insight_scope import cost_conditions, event_conditions, is_rolled
from lib.store.insight_sums import count_of, sums_of
from lib.store.measuring import total

_u, _c, _t = schema.usage_event.c, schema.conversation.c, schema.conversation_total.c
Spent = Mapping[Any, Any]
"""The sums of one conversation by their names."""
_f, _w = schema.folder.c, schema.conversation_tag.c
_FEW, _MANY = 4_000, 30_000
"""So many requests are read faster than conversations are looked at one by one, in sums of months or in the ledger."""
_REQUESTS_PER_LOOK = 4
"""To look at one conversation takes as long as to read so many requests: the walk ends where reading all is faster."""
_MOST_LISTS = 3
"""A period of more months is walked only by what conversations cost in all."""


def costliest(connection: Connection, owner: int, filter: Filter, currency: str, limit: int) -> list[ChatSpend]:
    """See `Insight.conversations`."""
    if filter.start >= filter.end or limit < 1:
        return []
    found = None
    count = count_of(connection, owner, filter) if is_rolled(filter) else 0
    if count > _FEW and owes_nothing(connection, owner):
        there = covered(filter)
        if there is not None:
            found = _walked_months(connection, owner, filter, currency, limit, count, there)
        elif count > _MANY:
            found = _walked(connection, owner, filter, currency, limit, count // _REQUESTS_PER_LOOK)
    if found is None:
        rows = connection.execute(_sums(owner, filter, currency))
        found = heapq.nlargest(limit, (row._mapping for row in rows), key=_rank)
    return _named(connection, owner, currency, found)


def _walked_months(
    connection: Connection, owner: int, filter: Filter, currency: str, limit: int, furthest: int, there: Cover
) -> list[Spent] | None:
    """The same walk with the sums of months: a look at a conversation is about as fast as one at a request."""
    lists = _by_total(connection, owner, filter.demo, currency)
    if there.end - there.start <= _MOST_LISTS:
        lists = side_by_side(by_months(connection, owner, filter, currency, there), lists)
    best: list[Rank] = []
    seen: set[int] = set()
    for ids, most in lists:
        least = best[-1][0] if len(best) == limit else None
        new = [key for key in ids if key not in seen]
        seen.update(new)
        best = heapq.nlargest(limit, [*best, *ranks(connection, owner, filter, currency, there, new, least)])
        if len(best) == limit and best[-1][0] > most:
            break
        if len(seen) >= furthest:
            return None
    keys = [key for _, _, key in best]
    sums = whole_sums(connection, owner, filter, currency, there, keys)
    last = last_ids(connection, owner, filter, currency, keys)
    return [{"key": key, "last_id": last[key], **sums[key]} for key in keys]


def _walked(
    connection: Connection, owner: int, filter: Filter, currency: str, limit: int, furthest: int
) -> list[Spent] | None:
    """Conversations in the order of what they ever cost, until none that is left can have cost more in the period.

    What a conversation cost in a period is at most what it cost in all, since no request costs less than nothing.
    """
    best: list[Spent] = []
    walked = 0
    for ids, most in _by_total(connection, owner, filter.demo, currency):
        rows = [row._mapping for row in connection.execute(_sums(owner, filter, currency, ids))]
        best = heapq.nlargest(limit, [*best, *rows], key=_rank)
        if len(best) == limit and best[-1]["cost_nano"] > most:
            return best
        walked += len(ids)
        if walked >= furthest:
            return None
    return None


def _by_total(connection: Connection, owner: int, demo: bool, currency: str) -> Iterator[tuple[list[int], int]]:
    """(some conversations, the most that any conversation after them cost in all)."""
    same = (_t.owner_id == owner, _t.currency == storable(currency), _t.demo == int(demo))
    return pages(connection, _t, *same)


def _rank(row: Spent) -> Rank:
    return row["cost_nano"], row["n"], row["key"]


def _sums(owner: int, filter: Filter, currency: str, ids: list[int] | None = None) -> Any:
    cost = latest_costs(owner)
    where = event_conditions(owner, filter, by_conversation=ids is not None)
    where += [_u.conversation_id.is_not(None)] if ids is None else [_u.conversation_id.in_(ids)]
    query = select(
        _u.conversation_id.label("key"),
        func.max(_u.id).label("last_id"),
        total(case((_u.outcome.not_in(("ok", "stopped")), 1), else_=0)).label("n_error"),
        total(func.coalesce(_u.in_cache_read, 0)).label("in_cache_read"),
        *_few_sums(cost),
    ).join_from(schema.usage_event, cost, cost.c.event_id == _u.id)
    query = query.where(*where, *cost_conditions(cost.c, filter), cost.c.currency == storable(currency))
    return query.group_by(_u.conversation_id)


def _few_sums(cost: Any) -> list[ColumnElement[Any]]:
    ins = [func.coalesce(_u[name], 0) for name in _INPUTS]
    outs = func.coalesce(_u.out_visible, 0) + func.coalesce(_u.out_reasoning, 0)
    return [
        func.count().label("n"),
        total(case((cost.c.nano.is_(None), 1), else_=0)).label("n_unpriced"),
        total(case((_u.usage_source.in_(ESTIMATED_SOURCES), 1), else_=0)).label("n_estimated"),
        total(cost.c.nano).label("cost_nano"),
        total(ins[0] + ins[1] + ins[2] + ins[3]).label("in_tokens"),
        total(outs).label("out_tokens"),
    ]


_INPUTS = ("in_uncached", "in_cache_read", "in_cache_write_5m", "in_cache_write_1h")
_FEW_NAMES = ("n", "n_unpriced", "n_estimated", "cost_nano", "in_tokens", "out_tokens")


def _named(connection: Connection, owner: int, currency: str, rows: list[Spent]) -> list[ChatSpend]:
    ids = [row["key"] for row in rows]
    query = select(_c.id, _c.public_id, _c.title, _c.deleted_ms).where(_c.id.in_(ids), _c.owner_id + 0 == owner)
    there = {row.id: row for row in connection.execute(query)}
    same = (*_FEW_NAMES, "n_error", "in_cache_read")
    return [
        ChatSpend(
            key=row["key"],
            conversation=chat.public_id if (chat := there.get(row["key"])) else None,
            title=chat.title if chat else "",
            deleted=bool(chat and chat.deleted_ms is not None),
            last_ms=ms_of(row["last_id"]),
            currency=currency,
            **{name: row[name] for name in same},
        )
        for row in rows
    ]


# --- folders and tags -----------------------------------------------------------------------------------------------


def folders_spend(connection: Connection, owner: int, filter: Filter) -> list[ProjectSpend]:
    """See `Insight.folders`."""
    if filter.start >= filter.end:
        return []
    keys = (_f.public_id.label("key"), _f.name.label("name"))
    folders = select(_f.id).where(_f.owner_id == owner)
    which = select(_c.id).where(_c.folder_id.in_(folders), _c.owner_id + 0 == owner)
    query = _projects(owner, filter, keys, which).join(schema.folder, (_f.id == _c.folder_id) & (_f.owner_id == owner))
    found = [_project(row) for row in connection.execute(query.group_by(_f.public_id, _f.name))]
    rest = [
        _rest(tally, [one for one in found if one.currency == tally.currency])
        for tally in sums_of(connection, owner, filter)
    ]
    return _ranked([*found, *(one for one in rest if one.n)])


def tags_spend(connection: Connection, owner: int, filter: Filter) -> list[ProjectSpend]:
    """See `Insight.tags`."""
    if filter.start >= filter.end:
        return []
    keys = (_w.folded.label("key"), func.min(_w.name).label("name"))
    worn = select(_w.conversation_id).where(_w.owner_id == owner)
    query = _projects(owner, filter, keys, worn)
    query = query.join(schema.conversation_tag, (_w.conversation_id == _c.id) & (_w.owner_id == owner))
    return _ranked([_project(row) for row in connection.execute(query.group_by(_w.folded))])


def _projects(owner: int, filter: Filter, keys: tuple[Any, ...], which: Any) -> Any:
    """Driven by the conversations concerned (a query of their ids), few beside the requests of a long period."""
    there = covered(filter)
    if there is not None and there.first < there.last:
        sums = project_sums(owner, filter, there, which)
        few = (total(sums.c[name]) for name in _FEW_NAMES)
        query = select(*keys, sums.c.currency, func.count(), *few).group_by(sums.c.currency)
        return query.join_from(schema.conversation, sums, sums.c.conversation_id == _c.id)
    cost = latest_costs(owner)
    currency = cost.c.currency
    query = select(*keys, currency, func.count(_u.conversation_id.distinct()), *_few_sums(cost)).group_by(currency)
    query = query.join_from(schema.conversation, schema.usage_event, _u.conversation_id == _c.id)
    query = query.join(cost, cost.c.event_id == _u.id).where(_c.owner_id + 0 == owner, _c.id.in_(which))
    return query.where(*event_conditions(owner, filter, by_conversation=True), *cost_conditions(cost.c, filter))


def _project(row: Any) -> ProjectSpend:
    return ProjectSpend(*row)


def _rest(tally: Tally, inside: list[ProjectSpend]) -> ProjectSpend:
    """What is left of the whole."""
    whole = {
        "n": tally.n,
        "n_unpriced": tally.n_unpriced,
        "n_estimated": tally.n_estimated,
        "cost_nano": tally.cost_nano,
        "in_tokens": tally.in_uncached + tally.in_cache_read + tally.in_cache_write,
        "out_tokens": tally.out_visible + tally.out_reasoning,
    }
    left = {name: value - sum(getattr(one, name) for one in inside) for name, value in whole.items()}
    return ProjectSpend("", "", tally.currency, None, **left)


def _ranked(found: list[ProjectSpend]) -> list[ProjectSpend]:
    return sorted(found, key=lambda one: (-one.cost_nano, -one.n, one.key, one.currency))
