"""Budgets: kept, asked where they stand, and the requests outside stored answers that fall under them."""

from __future__ import annotations

from typing import Any

from msgspec import structs
from sqlalchemy import Connection, Row, insert, select, update

from lib.budgets import Budget, Verdict, checked, window
from lib.errors import NotFound, SettingsError
from lib.ids import id_at, new_id, new_public_id, now_ms
from lib.ledger import ModelRef
from lib.store import schema
from lib.store.budget_rows import Charge, Kept, Override, Standing
from lib.store.budget_sums import used
from lib.store.conversations import find
from lib.store.database import Database
from lib.store.encoding import storable
from lib.store.reserving import ANY_ACTIVE, BUDGETS, Wanted, budget_of, release_orphans, reserve

_b, _o, _v = schema.budget.c, schema.budget_override.c, schema.reservation.c
_UNSETTLED_MS = 6 * 3_600_000
"""A request without a stored answer is not open longer than this."""
KeptList = list[Kept]


class Budgets:
    """The budgets of every owner; each function sees those of one. Demo requests fall under none."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- keeping them -----------------------------------------------------------------------------------------------

    def add(self, owner: int, budget: Budget) -> Kept:
        """Keep a new budget, active at once. `budget.subject` is the public id of its conversation or gateway.

        Raises SettingsError naming the field, NotFound.
        """
        row = {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "active": 1, "created_ms": now_ms()}
        columns = _columns(budget)

        def work(connection: Connection) -> Kept:
            target = {"target_id": _target(connection, owner, budget)}
            connection.execute(insert(schema.budget), row | columns | target)
            return _kept(_one(connection, owner, str(row["public_id"])))

        return self._db.write(work)

    def change(self, owner: int, public_id: str, budget: Budget) -> Kept:
        """Write another budget over it. Raises as `add`."""
        columns = _columns(budget)

        def work(connection: Connection) -> Kept:
            _update(connection, owner, public_id, columns | {"target_id": _target(connection, owner, budget)})
            return _kept(_one(connection, owner, public_id))

        return self._db.write(work)

    def switch(self, owner: int, public_id: str, *, on: bool) -> None:
        """Let it warn and stop, or rest. Raises NotFound."""
        values = {"active": int(on), "changed_ms": now_ms()}
        self._db.write(lambda connection: _update(connection, owner, public_id, values))

    def remove(self, owner: int, public_id: str) -> None:
        """Forget it; the log of overrides stays. Raises NotFound."""
        self._db.write(lambda connection: _update(connection, owner, public_id, {"deleted_ms": now_ms()}))

    def list(self, owner: int) -> KeptList:
        """All of them, the oldest first."""
        return self._db.read(lambda connection: [_kept(row) for row in connection.execute(BUDGETS, {"owner": owner})])

    def get(self, owner: int, public_id: str) -> Kept:
        """Raises NotFound."""
        return self._db.read(lambda connection: _kept(_one(connection, owner, public_id)))

    # --- where they stand -------------------------------------------------------------------------------------------

    def standing(self, owner: int, public_id: str, at_ms: int | None = None) -> Standing:
        """What its window at `at_ms` (default: now) has used. Raises NotFound."""
        at_ms = now_ms() if at_ms is None else at_ms
        return self._db.read(lambda connection: _standing(connection, owner, _one(connection, owner, public_id), at_ms))

    def standings(self, owner: int, at_ms: int | None = None) -> tuple[Standing, ...]:
        """The same of all budgets, the oldest first."""
        at_ms = now_ms() if at_ms is None else at_ms

        def work(connection: Connection) -> tuple[Standing, ...]:
            rows = connection.execute(BUDGETS, {"owner": owner}).all()
            return tuple(_standing(connection, owner, row, at_ms) for row in rows)

        return self._db.read(work)

    def any_active(self, owner: int) -> bool:
        """Whether requests have to be estimated at all."""
        return self._db.read(lambda connection: connection.scalar(ANY_ACTIVE, {"owner": owner}) is not None)

    def overrides(self, owner: int, limit: int = 100) -> tuple[Override, ...]:
        """The messages that were sent over a budget, the newest first."""
        c, m = schema.conversation.c, schema.message.c
        query = (
            select(
                schema.budget_override,
                _b.public_id.label("budget"),
                _b.scope.label("scope"),
                c.public_id.label("conversation"),
                m.public_id.label("message"),
            )
            .join(schema.budget, _b.id == _o.budget_id)
            .outerjoin(schema.conversation, (c.id == _o.conversation_id) & c.deleted_ms.is_(None))
            .outerjoin(schema.message, (m.id == _o.message_id) & m.deleted_ms.is_(None))
            .where(_o.owner_id == owner)
            .order_by(_o.id.desc())
            .limit(limit)
        )
        return self._db.read(lambda connection: tuple(_override(row) for row in connection.execute(query)))

    # --- requests without a stored answer -----------------------------------------------------------------------------

    def reserve(
        self,
        owner: int,
        attempt_id: int,
        ref: ModelRef,
        charge: Charge,
        *,
        epoch: str,
        conversation: str | None = None,
    ) -> Verdict | None:
        """Hold what a title, a probe or a temporary answer may cost, until `ledger.record` settles it.

        Raises OverBudget.
        """

        def work(connection: Connection) -> Verdict | None:
            c = schema.conversation.c
            query = select(c.id).where(c.public_id == storable(conversation or ""), c.owner_id == owner)
            found = connection.scalar(query) if conversation else None
            return reserve(connection, Wanted(owner, attempt_id, ref, charge, epoch, conversation_id=found))

        return self._db.write(work)

    def release(self, owner: int, attempt_id: int) -> None:
        """Give back what was held for a request that was not sent after all."""
        query = _v.id == attempt_id, _v.owner_id == owner, _v.state == "held"
        self._db.write(lambda connection: connection.execute(schema.reservation.delete().where(*query)) and None)

    def forget_uncertain(self, owner: int) -> int:
        """Count nothing any more for requests that ended without a known cost; how many there were."""
        query = schema.reservation.delete().where(_v.owner_id == owner, _v.state == "uncertain")
        return self._db.write(lambda connection: connection.execute(query).rowcount)

    def sweep(self, *, epoch: str, now_ms: int) -> int:
        """Give back what dead processes held, of every owner; their answers must have been swept before. How many."""
        before = None if self._db.sqlite else id_at(now_ms - _UNSETTLED_MS)
        return self._db.write(lambda connection: release_orphans(connection, epoch, before), idempotent=True)


def _standing(connection: Connection, owner: int, row: Row[Any], at_ms: int) -> Standing:
    kept = _kept(row)
    found = used(connection, owner, row, kept.budget, at_ms)
    from_ms, to_ms = window(kept.budget, at_ms)
    return Standing(kept, from_ms, to_ms, found.spent, found.held, found.uncertain, found.n_unpriced)


def _target(connection: Connection, owner: int, budget: Budget) -> int | None:
    """The conversation or gateway that it is for. Raises NotFound."""
    if budget.scope == "conversation":
        return int(find(connection, owner, budget.subject).id)
    if budget.scope != "gateway":
        return None
    g = schema.gateway.c
    mine = g.owner_id == owner, g.public_id == storable(budget.subject), g.deleted_ms.is_(None)
    found = connection.scalar(select(g.id).where(*mine))
    if found is None:
        raise NotFound("gateway")
    return int(found)


def _columns(budget: Budget) -> dict[str, Any]:
    """Raises SettingsError."""
    checked(budget)
    if budget.scope == "gateway" and not budget.subject:
        raise SettingsError("subject", "say which gateway")
    subject = budget.subject if budget.scope in ("conversation", "gateway") else ""
    kept = structs.asdict(structs.replace(budget, subject=storable(subject), currency=storable(budget.currency)))
    del kept["id"]
    return kept | {"changed_ms": now_ms()}


def _update(connection: Connection, owner: int, public_id: str, values: dict[str, Any]) -> None:
    mine = _b.public_id == storable(public_id), _b.owner_id == owner, _b.deleted_ms.is_(None)
    if connection.execute(update(schema.budget).where(*mine).values(**values)).rowcount != 1:
        raise NotFound("budget")


def _one(connection: Connection, owner: int, public_id: str) -> Row[Any]:
    query = BUDGETS.where(_b.public_id == storable(public_id))
    row = connection.execute(query, {"owner": owner}).one_or_none()
    if row is None:
        raise NotFound("budget")
    return row


def _kept(row: Row[Any]) -> Kept:
    return Kept(row.public_id, budget_of(row), bool(row.active), row.created_ms, row.changed_ms)


def _override(row: Row[Any]) -> Override:
    names = [name for name in Override.__struct_fields__ if name not in ("budget", "scope", "conversation", "message")]
    facts = {name: getattr(row, name) for name in names}
    linked = {name: getattr(row, name) for name in ("budget", "scope", "conversation", "message")}
    return Override(**facts, **linked)
