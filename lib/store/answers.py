"""The life of an answer in the store: begun before anything is sent, kept while it grows, ended exactly once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import Connection, and_, exc, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from lib.errors import AnswerRunning, NotFound
from lib.ids import new_id, now_ms
from lib.ledger import AnswerEnd, Attempt, Purpose, Turn
from lib.messages import Part
from lib.store import schema
from lib.store.beginning import Start, add_attempt, begin_in, find_replay
from lib.store.budget_rows import Charge
from lib.store.database import Database
from lib.store.encoding import storable
from lib.store.ending import answer_rows, finish_in, orphans, unknown_attempt, unrecorded, write_attempts
from lib.store.parts import store_parts
from lib.store.rows import AnswerRow, Begun, KnownAttempt

_a, _m, _c = schema.answer.c, schema.message.c, schema.conversation.c
Estimate = Callable[[AnswerRow, Attempt], Attempt]
Silent = Callable[[Sequence[tuple[int, int]]], Collection[int]]
"""Of senders and the times of their last signs of life (ids, ms): those that have been silent for too long."""


class Answers:
    """Answers being produced. Functions that take an `answer_id` are for the process that produces it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin(
        self,
        owner: int,
        turn: Turn,
        *,
        epoch: str,
        answer_id: int | None = None,
        attempt_id: int | None = None,
        purpose: Purpose = "chat",
        chars_in: int = 0,
        max_out_cap: int | None = None,
        from_queue: str | None = None,
        clears_draft: bool = False,
        media_in: int = 0,
        batch_row: tuple[str, str] | None = None,
        charge: Charge | None = None,
    ) -> Begun:
        """Commit what the user said, the empty answer and its first attempt, before anything is sent.

        The conversation is made when its public id is new. The same `turn.key` again gives the same Begun, with
        `replayed`. `from_queue` removes that queued message in the same transaction, `clears_draft` the draft that
        became this message; the attachments in `turn.attached` stop waiting. With `batch_row`, the public ids of a run
        and a row of its batch, that row is asked about from now on: the conversation is hidden with the batch.

        `charge` is what the answer may cost: held, until its end is written, against the budgets that it falls under;
        `verdict` of the result is the strictest of them.

        Raises AnswerRunning when the conversation's lane has a running answer, NotFound for a foreign, deleted or
        unknown conversation, parent, queue item or stored file, BadInput for an empty turn, and BadInput("run_held")
        or BadInput("row_taken") for a row that may not be asked about, OverBudget when a budget stops it.
        """
        start = Start(
            owner=owner,
            turn=turn,
            epoch=epoch,
            answer_id=answer_id or new_id(),
            attempt_id=attempt_id or new_id(),
            purpose=purpose,
            chars_in=chars_in,
            max_out_cap=max_out_cap,
            from_queue=from_queue,
            at_ms=now_ms(),
            clears_draft=clears_draft,
            media_in=media_in,
            batch_row=batch_row,
            charge=charge or Charge(),
        )
        try:
            return self._db.write(lambda connection: begin_in(connection, start), idempotent=True)
        except AnswerRunning as error:
            if not isinstance(error.__cause__, exc.IntegrityError):
                raise
            earlier = self._db.read(lambda connection: find_replay(connection, owner, turn.key, start.answer_id))
            if earlier is None:  # the unique key that stopped us was 'one running answer'
                raise
            return earlier

    def begun_by(self, owner: int, key: str) -> Begun | None:
        """What an earlier `begin` with this key began, if one did."""
        return self._db.read(lambda connection: find_replay(connection, owner, key))

    def new_attempt(
        self,
        answer_id: int,
        attempt_id: int,
        number: int,
        *,
        chars_in: int = 0,
        max_out_cap: int | None = None,
        media_in: int = 0,
        ended: Attempt | None = None,
    ) -> None:
        """Commit that attempt `number` may be sent; `ended`, the one before it, gets its ledger row at once."""

        def work(connection: Connection) -> None:
            row = connection.execute(select(schema.answer).where(_a.id == answer_id)).one_or_none()
            if row is None:
                raise NotFound("answer")
            add_attempt(connection, row.owner_id, answer_id, attempt_id, number, chars_in, max_out_cap, media_in)
            write_attempts(connection, row, (ended,) if ended else ())

        self._db.write(work)

    def checkpoint(self, answer_id: int, text: str, reasoning: str = "", parts: tuple[Part, ...] = ()) -> bool:
        """Keep the text so far. True means stop: somebody asked, or the answer is no longer ours to produce."""

        def work(connection: Connection) -> bool:
            row = connection.execute(_beat(answer_id)).one_or_none()
            if row is None:
                return True
            values = {"text": storable(text), "reasoning": storable(reasoning), "changed_ms": now_ms()}
            if parts:
                values["parts"] = store_parts(connection, row.owner_id, parts)
            mine = and_(_m.id == row.message_id, _m.owner_id == row.owner_id)
            connection.execute(update(schema.message).where(mine).values(**values))
            return bool(row.stop_requested)

        return self._db.write(work, idempotent=True)

    def heartbeat(self, answer_id: int) -> bool:
        """Say that the answer is alive while nothing arrives. Returns as `checkpoint` does."""

        def work(connection: Connection) -> bool:
            row = connection.execute(_beat(answer_id)).one_or_none()
            return row is None or bool(row.stop_requested)

        return self._db.write(work, idempotent=True)

    def request_stop(self, owner: int, message: str) -> bool:
        """Ask whichever process produces the answer to stop; False when nothing runs there."""
        target = select(_m.id).where(_m.public_id == storable(message), _m.owner_id == owner).scalar_subquery()
        running = and_(_a.message_id == target, _a.owner_id == owner, schema.IS_RUNNING)
        flag = update(schema.answer).where(running).values(stop_requested=1)
        return self._db.write(lambda connection: bool(connection.execute(flag).rowcount), idempotent=True)

    def finish(self, answer_id: int, end: AnswerEnd) -> bool:
        """End the answer: final message, ledger rows, costs, totals and rollup in one transaction.

        True when this call ended it; a later call changes nothing but ledger rows that were still missing.
        """
        finish_id = new_id()
        return self._db.write(lambda connection: finish_in(connection, answer_id, end, finish_id), idempotent=True)

    def running(self, owner: int) -> list[AnswerRow]:
        """This owner's answers in progress, in any process."""
        where = and_(schema.IS_RUNNING, _a.owner_id == owner)
        return self._db.read(lambda connection: answer_rows(connection, where))

    def get(self, owner: int, message: str) -> AnswerRow:
        """The answer behind a message, running or ended, for followers. Raises NotFound."""
        where = and_(_m.public_id == storable(message), _a.owner_id == owner)
        rows = self._db.read(lambda connection: answer_rows(connection, where))
        if not rows:
            raise NotFound("answer")
        return rows[0]

    def sweep(
        self,
        *,
        epoch: str,
        now_ms: int,
        stale_ms: int,
        estimate: Estimate | None = None,
        owner: int | None = None,
        silent: Silent | None = None,
    ) -> list[AnswerRow]:
        """End the answers of dead processes, of one owner or of all, as `interrupted`, with the text they had.

        On SQLite only one process writes, so every running answer of another `epoch` is dead at once; on PostgreSQL
        one without a heartbeat for `stale_ms`, or, as clocks differ and are turned, those that `silent` finds. Each
        attempt in flight gets a ledger row with outcome `unknown`: unpriced, or what `estimate` makes of it. Returns
        the rows that were ended here.
        """
        stale_before = None if self._db.sqlite or silent else now_ms - stale_ms
        found = self._db.read(lambda connection: orphans(connection, epoch, stale_before, owner))
        if silent and not self._db.sqlite:
            dead = silent([(row.answer_id, row.heartbeat_ms) for row in found])
            found = [row for row in found if row.answer_id in dead]
        return [row for row in found if self._interrupt(row, now_ms, estimate)]

    def _interrupt(self, row: AnswerRow, at_ms: int, estimate: Estimate | None) -> bool:
        open_attempts = self._db.read(lambda connection: unrecorded(connection, row))
        end = AnswerEnd(
            state="interrupted",
            text=row.text,
            reasoning=row.reasoning,
            parts=row.parts,
            attempts=tuple(_estimated(row, attempt, at_ms, estimate) for attempt in open_attempts),
        )
        return self.finish(row.answer_id, end)


def _estimated(row: AnswerRow, known: KnownAttempt, at_ms: int, estimate: Estimate | None) -> Attempt:
    attempt = unknown_attempt(row, known, at_ms)
    return estimate(row, attempt) if estimate else attempt


def _beat(answer_id: int) -> ReturningUpdate[Any]:
    running = and_(_a.id == answer_id, schema.IS_RUNNING)
    beat = update(schema.answer).where(running).values(heartbeat_ms=now_ms())
    return beat.returning(_a.stop_requested, _a.message_id, _a.owner_id)
