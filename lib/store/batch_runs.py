"""The runs of batches: which rows are still to be asked about, and what came of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, and_, exists, func, insert, select, update

from lib.batch import Result, RowState, Run, RunState
from lib.batch import Row as BatchRow
from lib.errors import NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.ledger import ModelRef
from lib.messages import Params
from lib.store import schema
from lib.store.answers import Silent
from lib.store.batch_results import Spent, read_results, spent_by
from lib.store.database import Database
from lib.store.encoding import from_json, storable, to_json
from lib.store.parts import read_parts

_b, _u, _r, _s, _c, _m, _a = (
    schema.batch.c,
    schema.batch_run.c,
    schema.batch_row.c,
    schema.batch_result.c,
    schema.conversation.c,
    schema.message.c,
    schema.answer.c,
)
_AGAIN: tuple[RowState, ...] = ("failed", "cut", "interrupted", "stopped")


class Waiting(Struct, frozen=True):
    """A row that a run has not asked about. With `asked`, the public id of the user message of an earlier run in
    `row.conversation`, answer that one again; without, send the prompt with the row's parts (in a new conversation
    when `row.conversation` is None)."""

    row: BatchRow
    asked: str | None = None


class BatchRuns:
    """Runs by public ids; each function sees those of one owner.

    A run asks about each row once: `next_waiting` names rows, `Answers.begin(batch_row=(run, row))` takes one of them
    in the transaction that begins its answer, `record_result` says what came of it. What was begun is never handed out
    again, unless `retry` says so.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- runs -------------------------------------------------------------------------------------------------------

    def add_run(
        self,
        owner: int,
        batch: str,
        ref: ModelRef,
        params: Params | None = None,
        *,
        budget_nano: int | None = None,
        currency: str = "USD",
    ) -> Run:
        """A run over the rows that are there now; it is "ready", and every row waits. Raises NotFound."""
        row: dict[str, Any] = {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "created_ms": now_ms()}
        row |= {"ref": to_json(ref), "params": to_json(params or Params()), "state": "ready", "epoch": ""}
        row |= {"budget_nano": budget_nano, "currency": storable(currency), "heartbeat_ms": 0}

        def work(connection: Connection) -> Run:
            batch_id = find_batch(connection, owner, batch).id
            connection.execute(insert(schema.batch_run), row | {"batch_id": batch_id})
            mark = {"run_id": row["id"], "owner_id": owner, "batch_id": batch_id, "message_id": None}
            mark |= {"state": "waiting", "tries": 0, "cells": "{}", "problems": "[]"}
            ids = connection.scalars(select(_r.id).where(_r.batch_id == batch_id, _r.owner_id == owner))
            if marks := [mark | {"row_id": row_id} for row_id in ids]:
                connection.execute(insert(schema.batch_result), marks)
            return read_run(_find_run(connection, owner, row["public_id"]))

        return self._db.write(work)

    def get_run(self, owner: int, run: str) -> Run:
        """Raises NotFound."""
        return self._db.read(lambda connection: read_run(_find_run(connection, owner, run)))

    def batch_of(self, owner: int, run: str) -> str:
        """The batch that a run belongs to. Raises NotFound."""

        def work(connection: Connection) -> str:
            found = _find_run(connection, owner, run)
            query = select(_b.public_id).where(_b.id == found.batch_id, _b.owner_id == owner, _b.deleted_ms.is_(None))
            if (name := connection.scalar(query)) is None:
                raise NotFound("batch")
            return str(name)

        return self._db.read(work)

    def set_run_state(
        self,
        owner: int,
        run: str,
        state: RunState,
        *,
        epoch: str = "",
        only_from: tuple[RunState, ...] | None = None,
    ) -> bool:
        """Set it; False, and nothing changed, when it is in none of the states `only_from`.

        `epoch` names the process that runs it from now on; setting "running" again says that it is alive. A run that
        is not running hands out no row: `Answers.begin` refuses. Raises NotFound.
        """

        def work(connection: Connection) -> bool:
            found = _find_run(connection, owner, run)
            here = [_u.id == found.id, _u.owner_id == owner]
            here += [_u.state.in_(only_from)] if only_from else []
            values: dict[str, Any] = {"state": state}
            values |= {"epoch": epoch, "heartbeat_ms": now_ms()} if state == "running" else {}
            return bool(connection.execute(update(schema.batch_run).where(*here).values(**values)).rowcount)

        return self._db.write(work, idempotent=True)

    def set_budget(self, owner: int, run: str, budget_nano: int | None) -> None:
        """The most that the run may spend in all, in nano-units of its currency. Raises NotFound."""

        def work(connection: Connection) -> None:
            here = (_u.id == _find_run(connection, owner, run).id, _u.owner_id == owner)
            connection.execute(update(schema.batch_run).where(*here).values(budget_nano=budget_nano))

        self._db.write(work, idempotent=True)

    def interrupted_runs(
        self, owner: int, *, epoch: str, now_ms: int, stale_ms: int, silent: Silent | None = None
    ) -> list[Run]:
        """Runs of dead processes, which are "interrupted" from now on. Call it after `Answers.sweep`.

        On SQLite all that another `epoch` ran; on PostgreSQL those that gave no sign for `stale_ms`, or that `silent`
        finds (as in `Answers.sweep`), and have no running answer. Their rows keep their states: what waits still
        waits, what was begun is in `unsettled`.
        """
        stale_before = None if self._db.sqlite else now_ms - stale_ms

        def work(connection: Connection) -> list[Run]:
            dead = [_u.owner_id == owner, _u.state == "running", _u.epoch != storable(epoch)]
            if stale_before is not None:
                alive = exists().where(_s.run_id == _u.id, _a.message_id == _s.message_id, schema.IS_RUNNING)
                dead += [~alive] if silent else [_u.heartbeat_ms < stale_before, ~alive]
            found = list(connection.execute(select(schema.batch_run).where(*dead).order_by(_u.id)))
            if silent and stale_before is not None:
                gone = silent([(row.id, row.heartbeat_ms) for row in found])
                found = [row for row in found if row.id in gone]
            ids = [row.id for row in found]
            connection.execute(update(schema.batch_run).where(_u.id.in_(ids)).values(state="interrupted"))
            return [read_run(_find_run(connection, owner, row.public_id)) for row in found]

        return self._db.write(work, idempotent=True)

    # --- results ----------------------------------------------------------------------------------------------------

    def next_waiting(self, owner: int, run: str, limit: int = 1) -> list[Waiting]:
        """The first rows that this run has not asked about. Raises NotFound."""

        def work(connection: Connection) -> list[Waiting]:
            found = _find_run(connection, owner, run)
            waits = exists().where(_s.row_id == _r.id, _s.run_id == found.id, _s.state == "waiting")
            rows = rows_of(connection, owner, found.batch_id, waits, limit=limit)
            return [Waiting(row, _asked(connection, owner, row)) for row in rows]

        return self._db.read(work)

    def record_result(
        self,
        owner: int,
        run: str,
        row: str,
        *,
        state: RowState,
        values: dict[str, Any] | None = None,
        problems: tuple[str, ...] = (),
        message: str | None = None,
    ) -> bool:
        """What came of a row that was begun; the run is alive.

        With `message` only if that is still its answer, else nothing changes and it is False. Which answer it has,
        and how often it was asked, `Answers.begin` has written. Raises NotFound.
        """
        columns = {"state": state, "cells": to_json(values or {}), "problems": to_json(problems)}

        def work(connection: Connection) -> bool:
            run_id = _find_run(connection, owner, run).id
            row_id = connection.scalar(select(_r.id).where(_r.public_id == storable(row), _r.owner_id == owner))
            here = [_s.run_id == run_id, _s.row_id == row_id, _s.owner_id == owner]
            if connection.scalar(select(_s.state).where(*here)) is None:
                raise NotFound("batch_row")
            if message is not None:
                its = select(_m.id).where(_m.public_id == storable(message), _m.owner_id == owner).scalar_subquery()
                here.append(_s.message_id == its)
            alive = and_(_u.id == run_id, _u.owner_id == owner)
            connection.execute(update(schema.batch_run).where(alive).values(heartbeat_ms=now_ms()))
            return bool(connection.execute(update(schema.batch_result).where(*here).values(**columns)).rowcount)

        return self._db.write(work, idempotent=True)

    def results(self, owner: int, run: str) -> list[Result]:
        """What the run has of every row, in their order. Texts and costs are those of the answers. Raises NotFound."""
        return self._db.read(lambda connection: read_results(connection, owner, _find_run(connection, owner, run).id))

    def result(self, owner: int, run: str, row: str) -> Result:
        """Raises NotFound."""

        def work(connection: Connection) -> Result:
            found = read_results(connection, owner, _find_run(connection, owner, run).id, row)
            if not found:
                raise NotFound("batch_row")
            return found[0]

        return self._db.read(work)

    def unsettled(self, owner: int, run: str) -> list[Result]:
        """Rows that were begun, whose answer has ended, and of which nobody has recorded a result.

        Their `state` is "running" for a whole answer, else the answer's. Raises NotFound.
        """

        def work(connection: Connection) -> list[Result]:
            run_id = _find_run(connection, owner, run).id
            ended = and_(_s.state == "running", ~exists().where(_a.message_id == _s.message_id, schema.IS_RUNNING))
            return read_results(connection, owner, run_id, None, ended)

        return self._db.read(work)

    def retry(
        self, owner: int, run: str, states: tuple[RowState, ...] = _AGAIN, rows: Sequence[str] | None = None
    ) -> int:
        """Let rows in these states (all of them, or of `rows`) wait once more; how many. Raises NotFound."""

        def work(connection: Connection) -> int:
            here = [_s.run_id == _find_run(connection, owner, run).id, _s.owner_id == owner, _s.state.in_(states)]
            here += [_s.state != "running"]
            if rows is not None:
                these = select(_r.id).where(_r.public_id.in_([storable(row) for row in rows]), _r.owner_id == owner)
                here.append(_s.row_id.in_(these))
            return connection.execute(update(schema.batch_result).where(*here).values(state="waiting")).rowcount

        return self._db.write(work, idempotent=True)

    def counts(self, owner: int, run: str) -> dict[RowState, int]:
        """How many rows are in which recorded state. Raises NotFound."""

        def work(connection: Connection) -> dict[RowState, int]:
            here = (_s.run_id == _find_run(connection, owner, run).id, _s.owner_id == owner)
            query = select(_s.state, func.count()).where(*here).group_by(_s.state)
            return {state: int(n) for state, n in connection.execute(query)}

        return self._db.read(work)

    def spent(self, owner: int, run: str) -> list[Spent]:
        """What the ended answers of a run cost, one for each currency. Raises NotFound."""
        return self._db.read(lambda connection: spent_by(connection, owner, _find_run(connection, owner, run).id))


def find_batch(connection: Connection, owner: int, public_id: str, *, also_deleted: bool = False) -> Row[Any]:
    """Raises NotFound."""
    query = select(schema.batch).where(_b.public_id == storable(public_id), _b.owner_id == owner)
    row = connection.execute(query if also_deleted else query.where(_b.deleted_ms.is_(None))).one_or_none()
    if row is None:
        raise NotFound("batch")
    return row


def _find_run(connection: Connection, owner: int, public_id: str) -> Row[Any]:
    query = select(schema.batch_run).where(_u.public_id == storable(public_id), _u.owner_id == owner)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("batch_run")
    return row


def read_run(row: Row[Any]) -> Run:
    """A run as it is handed out."""
    ref, params = from_json(row.ref, ModelRef), from_json(row.params, Params)
    return Run(row.public_id, ref, params, row.state, row.budget_nano, row.currency, row.created_ms)


def rows_of(
    connection: Connection, owner: int, batch_id: int, *conditions: Any, limit: int | None = None
) -> list[BatchRow]:
    """Rows in order. A conversation that was opened is a chat like any other now: its row has none any more."""
    hidden = and_(_c.id == _r.conversation_id, _c.batch_id == batch_id, _c.deleted_ms.is_(None))
    query = select(schema.batch_row, _c.public_id.label("conversation")).outerjoin(schema.conversation, hidden)
    query = query.where(_r.batch_id == batch_id, _r.owner_id == owner, *conditions).order_by(_r.position, _r.id)
    rows = connection.execute(query.limit(limit) if limit is not None else query)
    return [BatchRow(row.public_id, row.position, row.name, read_parts(row.parts), row.conversation) for row in rows]


def _asked(connection: Connection, owner: int, row: BatchRow) -> str | None:
    """The first thing that was said in the row's conversation."""
    if row.conversation is None:
        return None
    first = select(_m.public_id).join(schema.conversation, _c.id == _m.conversation_id)
    first = first.where(_c.public_id == row.conversation, _m.owner_id == owner, _m.parent_id.is_(None))
    return connection.scalar(first.where(_m.role == "user", _m.deleted_ms.is_(None)).order_by(_m.id).limit(1))
