"""Single requests: page by page in any order, everything of one, and all of a filter as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from lib.errors import NotFound
from lib.ids import id_at
from lib.insight_words import CostStep, Cursor, Filter, Order, PriceRow, Request, RequestPage
from lib.ledger import LedgerRow
from lib.store import schema
from lib.store.costs import cost_of, latest_costs
from lib.store.database import Database
from lib.store.insight_scope import asked_columns, cost_conditions, event_conditions, is_rolled, span_ms
from lib.store.ledger_rows import ledger_query, ledger_row
from lib.store.prices import version_of

_u, _k = schema.usage_event.c, schema.cost_event.c
_BATCH = 1_000
_SAME = (
    *("number", "started_ms", "ended_ms", "first_byte_ms", "model_reported", "effort", "response_id", "request_id"),
    *("http_status", "error_message", "finish_reason", "anomaly", "semantic"),
    *("chars_in", "chars_out", "chars_reasoning", "max_out_cap"),
)


def page(
    connection: Connection,
    owner: int,
    filter: Filter,
    order: Order,
    cursor: Cursor | None,
    limit: int,
    *,
    backwards: bool,
) -> RequestPage:
    """See `Insight.requests`."""
    if filter.start >= filter.end or limit < 1:
        return RequestPage([])
    rows = _some(connection, owner, filter, order, cursor, limit + 1, backwards=backwards)
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows.reverse()
    cursors = [_cursor(row, order) for row in (rows[-1:] + rows[:1])]
    if not rows:
        return RequestPage([])
    before, after = (more, cursor is not None) if backwards else (cursor is not None, more)
    return RequestPage(rows, cursors[0] if after else None, cursors[1] if before else None)


def _cursor(row: LedgerRow, order: Order) -> Cursor:
    return Cursor(row.id, {"cost": row.cost.nano, "duration": row.duration_ms}.get(order))


def _some(
    connection: Connection, owner: int, filter: Filter, order: Order, cursor: Cursor | None, n: int, *, backwards: bool
) -> list[LedgerRow]:
    """So many rows after the cursor, in the order (or the opposite one, backwards, before it)."""
    if order in ("newest", "oldest"):
        return _by_id(connection, owner, filter, cursor, n, rising=(order == "oldest") is not backwards)
    found: list[LedgerRow] = []
    for known in (False, True) if backwards else (True, False):
        at = cursor
        if cursor is not None and (cursor.value is not None) is not known:
            if known is not backwards:
                continue  # this half lies on the other side of the cursor
            at = None
        found += _half(connection, owner, filter, order, at, n - len(found), known=known, backwards=backwards)
        if len(found) >= n:
            break
    return found


def _by_id(
    connection: Connection, owner: int, filter: Filter, cursor: Cursor | None, n: int, *, rising: bool
) -> list[LedgerRow]:
    query = _query(owner, filter)
    if cursor is not None:
        query = query.where(_u.id > cursor.id if rising else _u.id < cursor.id)
    query = query.order_by(_u.id if rising else _u.id.desc()).limit(n)
    return [ledger_row(row) for row in connection.execute(query)]


def _half(
    connection: Connection,
    owner: int,
    filter: Filter,
    order: Order,
    cursor: Cursor | None,
    n: int,
    *,
    known: bool,
    backwards: bool,
) -> list[LedgerRow]:
    """The rows whose value is known, by value; or the others, by time."""
    cost = latest_costs(owner, by_amount=order == "cost" and _is_plain(filter))
    value, id_ = (cost.c.nano, cost.c.event_id) if order == "cost" else (_u.duration_ms, _u.id)
    where: list[Any] = [value.is_not(None) if known else value.is_(None)]
    if cursor is not None:
        where.append(_beyond(value if known else None, id_, cursor, backwards=backwards))
    columns = [value, id_] if known else [id_]
    ways = [column.asc() if backwards else column.desc() for column in columns]
    query = _query(owner, filter, cost).where(*where).order_by(*ways).limit(n)
    return [ledger_row(row) for row in connection.execute(query)]


def _beyond(value: Any, id_: Any, cursor: Cursor, *, backwards: bool) -> Any:
    further = id_ > cursor.id if backwards else id_ < cursor.id
    if value is None:
        return further
    if backwards:
        return and_(value >= cursor.value, or_(value > cursor.value, further))
    return and_(value <= cursor.value, or_(value < cursor.value, further))


def _query(owner: int, filter: Filter, cost: Any = None) -> Any:
    """The filtered ledger with its cost in force."""
    joined = latest_costs(owner) if cost is None else cost
    if cost is None or not _is_plain(filter):
        query = ledger_query(joined).where(*event_conditions(owner, filter))
        return query.where(*cost_conditions(joined.c, filter))
    # The order itself finds the rows here: the range of ids must not tempt the planner to sort a whole period.
    low, high = span_ms(filter)
    query = ledger_query(joined).where(_u.owner_id == owner, *event_conditions(owner, filter, by_conversation=True))
    query = query.where(joined.c.event_id + 0 >= id_at(low), joined.c.event_id + 0 < id_at(high))
    return query.where(*cost_conditions(joined.c, filter))


def _is_plain(filter: Filter) -> bool:
    """Whether most requests of the days are asked for, so that the first ones in any order are soon found."""
    return is_rolled(filter) and not asked_columns(filter)


def stream(database: Database, owner: int, filter: Filter) -> Iterator[LedgerRow]:
    """See `Insight.export`."""
    span_ms(filter)  # a wrong zone is told before the first row
    after: Cursor | None = None
    while filter.start < filter.end:
        rows = database.read(partial(_by_id, owner=owner, filter=filter, cursor=after, n=_BATCH, rising=True))
        yield from rows
        if len(rows) < _BATCH:
            return
        after = Cursor(rows[-1].id)


def whole_request(connection: Connection, owner: int, event_id: int) -> Request:
    """See `Insight.request`."""
    query = ledger_query(latest_costs(owner)).where(_u.owner_id == owner, _u.id == event_id)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise NotFound("usage_event")
    row = ledger_row(found)
    chat = select(schema.conversation.c.title).where(
        schema.conversation.c.public_id == (row.conversation or ""), schema.conversation.c.owner_id == owner
    )
    raw = schema.usage_raw.c
    usage = select(raw.usage_json).where(raw.event_id == event_id, raw.owner_id == owner)
    return Request(
        row=row,
        **{name: getattr(found, name) for name in _SAME},
        title=connection.scalar(chat) or "",
        costs=_costs(connection, owner, event_id),
        price=_price(connection, owner, row.cost.price_version_id),
        usage_raw=connection.scalar(usage) or "",
    )


def _costs(connection: Connection, owner: int, event_id: int) -> tuple[CostStep, ...]:
    query = select(schema.cost_event).where(_k.event_id == event_id, _k.owner_id == owner).order_by(_k.seq)
    return tuple(
        CostStep(row.seq, row.kind, row.reason, row.created_ms, cost_of(row)) for row in connection.execute(query)
    )


def _price(connection: Connection, owner: int, version_id: int | None) -> PriceRow | None:
    version = schema.price_version.c
    query = select(schema.price_version).where(version.id == version_id, version.owner_id == owner)
    row = None if version_id is None else connection.execute(query).one_or_none()
    if row is None:
        return None
    known = version_of(row)
    return PriceRow(known.id, known.model, known.source, known.prices, known.valid_from_ms, known.note)
