"""Money put aside before a request is sent, and given back when its end is written: in those very transactions.

Whoever begins a request locks the owner's budgets (on SQLite the whole database), looks at what is spent and held, and
holds the most it may cost. So requests that begin at the same moment never overshoot together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, select, update

from lib.budgets import Budget, Verdict, strictest, verdict, window
from lib.errors import OverBudget
from lib.ids import new_id, now_ms
from lib.ledger import Attempt, ModelRef
from lib.store import schema
from lib.store.budget_rows import Charge
from lib.store.budget_sums import used
from lib.store.encoding import storable

_b, _v, _z, _a = schema.budget.c, schema.reservation.c, schema.zone.c, schema.answer.c
_q = schema.open_request.c

BUDGETS = (
    select(schema.budget, _z.id.label("zone_id"))
    .outerjoin(schema.zone, and_(_z.owner_id == _b.owner_id, _z.name == _b.zone))
    .where(_b.owner_id == bindparam("owner"), _b.deleted_ms.is_(None))
    .order_by(_b.id)
)
_ACTIVE = BUDGETS.where(_b.active == 1)
_LOCKED = _ACTIVE.with_for_update(of=schema.budget)
ANY_ACTIVE = select(_b.id).where(_b.owner_id == bindparam("owner"), _b.deleted_ms.is_(None), _b.active == 1).limit(1)


class Wanted(Struct, frozen=True):
    """A request that wants to be sent. `id` is its first attempt's: in the ledger it will count at that moment."""

    owner: int
    id: int
    ref: ModelRef
    charge: Charge
    epoch: str
    answer_id: int | None = None
    conversation_id: int | None = None
    message_id: int | None = None


def budget_of(row: Row[Any]) -> Budget:
    """The budget that a row keeps."""
    return Budget(
        row.scope,
        row.limit_nano,
        row.currency,
        row.zone,
        row.period,
        row.subject,
        row.warn_percent,
        row.unpriced,
        row.id,
    )


def reserve(connection: Connection, wanted: Wanted) -> Verdict | None:
    """Hold what the request may cost; the strictest verdict of the budgets it falls under, None when there is none.

    Raises OverBudget, before which nothing may have been sent. The demo is nobody's money.
    """
    if wanted.ref.demo:
        return None
    rows = [row for row in connection.execute(_LOCKED, {"owner": wanted.owner}) if _concerns(row, wanted)]
    if not rows:
        return None
    at_ms = wanted.id >> 20
    judged = [(row, _judged(connection, row, wanted, at_ms)) for row in rows]
    found = strictest(one for _, one in judged)
    if found is not None and not found.allowed:
        raise over_budget(next(row for row, one in judged if one is found), found, at_ms)
    for row, one in judged:
        if one.overridden:
            _log(connection, row, one, wanted)
    _hold(connection, wanted)
    return found


def _concerns(row: Row[Any], wanted: Wanted) -> bool:
    if row.scope == "conversation":
        return wanted.conversation_id is not None and bool(row.target_id == wanted.conversation_id)
    return row.scope != "gateway" or bool(row.target_id == wanted.ref.gateway_id)


def _judged(connection: Connection, row: Row[Any], wanted: Wanted, at_ms: int) -> Verdict:
    budget, charge = budget_of(row), wanted.charge
    found = used(connection, wanted.owner, row, budget, at_ms)
    return verdict(
        budget, found.spent, found.held, charge.high_nano, currency=charge.currency, override=charge.override
    )


def over_budget(row: Row[Any], found: Verdict, at_ms: int) -> OverBudget:
    """The refusal with its facts."""
    budget = found.budget
    return OverBudget(
        "over_budget",
        budget=row.public_id,
        scope=budget.scope,
        period=budget.window,
        subject=budget.subject,
        currency=budget.currency,
        limit_nano=budget.limit_nano,
        spent_nano=found.spent_nano,
        held_nano=found.reserved_nano,
        left_nano=found.left_nano,
        needed_nano=found.estimate_nano,
        over_nano=None if found.estimate_nano is None else found.over_nano,
        ends_ms=window(budget, at_ms)[1],
    )


def _hold(connection: Connection, wanted: Wanted) -> None:
    if not wanted.charge.high_nano:
        return
    row = {
        "id": wanted.id,
        "owner_id": wanted.owner,
        "gateway_id": wanted.ref.gateway_id,
        "hold_nano": wanted.charge.high_nano,
        "created_ms": now_ms(),
        "currency": storable(wanted.charge.currency),
        "state": "held",
        "epoch": wanted.epoch,
        "answer_id": wanted.answer_id,
        "conversation_id": wanted.conversation_id,
        "event_id": None,
    }
    connection.execute(insert(schema.reservation), row)


def _log(connection: Connection, budget: Row[Any], found: Verdict, wanted: Wanted) -> None:
    row = {
        "id": new_id(),
        "owner_id": wanted.owner,
        "budget_id": budget.id,
        "gateway_id": wanted.ref.gateway_id,
        "at_ms": now_ms(),
        "limit_nano": found.budget.limit_nano,
        "spent_nano": found.spent_nano,
        "held_nano": found.reserved_nano,
        "over_nano": found.over_nano,
        "currency": budget.currency,
        "model": storable(wanted.ref.model),
        "estimate_nano": found.estimate_nano,
        "conversation_id": wanted.conversation_id,
        "message_id": wanted.message_id,
    }
    connection.execute(insert(schema.budget_override), row)


def settle(connection: Connection, which: Any, attempts: Sequence[Attempt]) -> None:
    """Give back what was held, once: its cost is in the ledger now.

    What may have been billed at a cost nobody knows keeps counting with what it had reserved, until it gets one.
    """
    held = and_(which, _v.state == "held")
    unknown = [one.id for one in attempts if one.cost.nano is None and one.outcome not in ("refused", "failed")]
    if unknown:
        connection.execute(update(schema.reservation).where(held).values(state="uncertain", event_id=unknown[-1]))
        return
    connection.execute(delete(schema.reservation).where(held))


def settle_answer(connection: Connection, answer_id: int, attempts: Sequence[Attempt]) -> None:
    """What an answer held, when its end is written."""
    settle(connection, _v.answer_id == answer_id, attempts)


def settle_unstored(connection: Connection, owner: int, attempt_id: int, attempts: Sequence[Attempt]) -> None:
    """What a request without a stored answer held."""
    settle(connection, and_(_v.id == attempt_id, _v.owner_id == owner), attempts)


def release_orphans(connection: Connection, epoch: str, before_id: int | None) -> int:
    """Give back what nobody will settle: held by another process, for no answer that runs; how many.

    `before_id` spares younger ones of processes that may be alive. An open request, perhaps another owner's, is settled
    when its end is written down.
    """
    running = select(_a.id).where(schema.IS_RUNNING, _a.id == _v.answer_id).exists()
    open_ = select(_q.id).where(_q.owner_id == _v.owner_id, _q.first_id == _v.id).exists()
    gone = and_(_v.state == "held", _v.epoch != epoch, ~running, ~open_)
    gone = gone if before_id is None else and_(gone, _v.id < before_id)
    return connection.execute(delete(schema.reservation).where(gone)).rowcount
