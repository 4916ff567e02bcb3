"""The results of a run, read from its answers and their ledger rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, func, select

from lib.batch import Result, RowState
from lib.ledger import ESTIMATED_SOURCES
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.encoding import from_json, storable
from lib.store.rows import CostLine
from lib.store.transcript import cost_lines

_r, _s, _t, _m, _u = (
    schema.batch_row.c,
    schema.batch_result.c,
    schema.batch_try.c,
    schema.message.c,
    schema.usage_event.c,
)
_run = schema.batch_run.c


class Spent(Struct, frozen=True):
    """What a run has cost in one currency, in nano-units: what is known, and at most.

    `n_unpriced` of its `n` attempts have no cost in either.
    """

    currency: str
    nano: int
    high_nano: int
    n: int
    n_unpriced: int


def read_results(
    connection: Connection, owner: int, run_id: int, row: str | None = None, *conditions: Any
) -> list[Result]:
    """The results of a run in the order of its rows; of one row, or of those that fulfil `conditions`."""
    names = (_r.public_id.label("row_name"), _run.public_id.label("run_name"), _run.currency)
    answer = (_m.public_id, _m.text, _m.state.label("answer_state"), _m.error_kind)
    query = (
        select(schema.batch_result, *names, *answer)
        .join(schema.batch_row, _r.id == _s.row_id)
        .join(schema.batch_run, _run.id == _s.run_id)
        .outerjoin(schema.message, (_m.id == _s.message_id) & (_m.owner_id == owner))
        .where(_s.run_id == run_id, _s.owner_id == owner, *conditions)
        .order_by(_r.position, _r.id)
    )
    query = query if row is None else query.where(_r.public_id == storable(row))
    rows = list(connection.execute(query))
    costs = _costs(connection, owner, run_id)
    return [_result(found, costs.get(found.row_id, [])) for found in rows]


def _costs(connection: Connection, owner: int, run_id: int) -> dict[int, list[CostLine]]:
    """The cost of every answer that the run asked for, by row."""
    tried = list(connection.execute(select(_t.message_id, _t.row_id).where(_t.run_id == run_id, _t.owner_id == owner)))
    lines = cost_lines(connection, owner, [one.message_id for one in tried])
    found: dict[int, list[CostLine]] = defaultdict(list)
    for one in tried:
        if one.message_id in lines:
            found[one.row_id].append(lines[one.message_id])
    return found


def _result(row: Row[Any], lines: list[CostLine]) -> Result:
    bounded = any(line.low_nano is not None or line.high_nano is not None for line in lines)
    return Result(
        row=row.row_name,
        run=row.run_name,
        state=_state(row),
        message=row.public_id if row.state != "waiting" else None,
        text=(row.text or "") if row.state != "waiting" else "",
        values=from_json(row.cells, dict[str, Any]),
        problems=from_json(row.problems, tuple[str, ...]),
        tries=row.tries,
        cost_nano=_sum(line.nano for line in lines),
        cost_low_nano=_sum(_or(line.low_nano, line.nano) for line in lines) if bounded else None,
        cost_high_nano=_sum(_or(line.high_nano, line.nano) for line in lines) if bounded else None,
        currency=next((line.currency for line in lines if line.nano is not None), row.currency),
        estimated=any(line.usage_source in ESTIMATED_SOURCES for line in lines),
        n_unpriced=sum(line.n_unpriced for line in lines),
        in_tokens=_sum(line.count.input for line in lines),
        out_tokens=_sum(line.count.output for line in lines),
        duration_ms=_sum(line.duration_ms for line in lines),
        error_kind=row.error_kind if row.state != "waiting" else None,
    )


def _state(row: Row[Any]) -> RowState:
    """As it was recorded; until then, a broken answer says by itself how it ended."""
    told: RowState = row.state
    return row.answer_state if told == "running" and row.answer_state in _BROKEN else told


_BROKEN = ("stopped", "cut", "failed", "interrupted")


def _or(value: int | None, instead: int | None) -> int | None:
    return instead if value is None else value


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def spent_by(connection: Connection, owner: int, run_id: int) -> list[Spent]:
    """What all the answers of a run have cost so far."""
    cost = latest_costs(owner)
    high = func.coalesce(cost.c.high_nano, cost.c.nano, 0)
    unpriced = func.count() - func.count(cost.c.nano)
    query = (
        select(cost.c.currency, func.coalesce(func.sum(cost.c.nano), 0), func.sum(high), func.count(), unpriced)
        .join(schema.usage_event, _u.id == cost.c.event_id)
        .join(schema.batch_try, _t.message_id == _u.message_id)
        .where(_t.run_id == run_id, _t.owner_id == owner, _u.owner_id == owner)
        .group_by(cost.c.currency)
        .order_by(cost.c.currency)
    )
    return [Spent(row[0], int(row[1]), int(row[2]), int(row[3]), int(row[4])) for row in connection.execute(query)]
