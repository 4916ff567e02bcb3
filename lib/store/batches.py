"""Batches: many files, one prompt, and what each run made of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, func, insert, select, update

from lib.attachments.attachment import Attachment
from lib.batch import Batch, Field
from lib.batch import Row as BatchRow
from lib.errors import BadInput, NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.messages import Part
from lib.store import schema
from lib.store.attachments import stop_waiting
from lib.store.batch_runs import BatchRuns, find_batch, read_run, rows_of
from lib.store.conversations import change, one_line, remembered_leaf, set_active_child
from lib.store.encoding import from_json, storable, to_json
from lib.store.parts import drop_unused, named_in, read_parts, store_parts
from lib.store.shares import end_links
from lib.store.transcript import message_row

_b, _u, _r, _s, _c, _m, _a = (
    schema.batch.c,
    schema.batch_run.c,
    schema.batch_row.c,
    schema.batch_result.c,
    schema.conversation.c,
    schema.message.c,
    schema.answer.c,
)
_NAME_CHARS = 200
_BATCH = 500
Given = Attachment | tuple[str, tuple[Part, ...]]
Listed = list[Batch]
Rows = list[BatchRow]


class Batches(BatchRuns):
    """The batches of every owner; each function sees those of one. All names are public ids."""

    # --- batches ----------------------------------------------------------------------------------------------------

    def create(
        self,
        owner: int,
        name: str,
        prompt: str,
        *,
        fields: tuple[Field, ...] = (),
        system: str = "",
        parallel: int = 3,
    ) -> Batch:
        """A batch without rows. `parallel` rows are asked at the same time (1 to 16)."""
        row: dict[str, Any] = {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "created_ms": now_ms()}
        row |= {"name": one_line(name, _NAME_CHARS), "prompt": storable(prompt), "system": storable(system)}
        row |= {"fields": to_json(fields), "parallel": max(1, min(16, parallel))}

        def work(connection: Connection) -> Batch:
            connection.execute(insert(schema.batch), row)
            return _read_batch(connection, find_batch(connection, owner, row["public_id"]))

        return self._db.write(work)

    def get(self, owner: int, batch: str) -> Batch:
        """With its runs, the oldest first. Raises NotFound, also for a deleted one."""
        return self._db.read(lambda connection: _read_batch(connection, find_batch(connection, owner, batch)))

    def list(self, owner: int, *, deleted: bool = False, limit: int = 100) -> Listed:
        """The newest first."""
        state = _b.deleted_ms.is_not(None) if deleted else _b.deleted_ms.is_(None)
        query = select(schema.batch).where(_b.owner_id == owner, state).order_by(_b.id.desc()).limit(limit)
        return self._db.read(lambda connection: [_read_batch(connection, row) for row in connection.execute(query)])

    def rename(self, owner: int, batch: str, name: str) -> None:
        """Raises NotFound."""

        def work(connection: Connection) -> None:
            found = find_batch(connection, owner, batch)
            values = {"name": one_line(name, _NAME_CHARS)}
            connection.execute(update(schema.batch).where(_b.id == found.id, _b.owner_id == owner).values(**values))

        self._db.write(work, idempotent=True)

    def delete(self, owner: int, batch: str) -> None:
        """Into the trash with its rows' conversations, except those that were opened; what runs is asked to stop.

        What it cost stays. `restore` undoes it for 30 days. Raises NotFound.
        """
        at_ms = now_ms()

        def work(connection: Connection) -> None:
            found = find_batch(connection, owner, batch)
            connection.execute(update(schema.batch).where(_b.id == found.id).values(deleted_ms=at_ms))
            running = and_(_u.batch_id == found.id, _u.owner_id == owner, _u.state == "running")
            connection.execute(update(schema.batch_run).where(running).values(state="stopped"))
            hidden = and_(_c.batch_id == found.id, _c.owner_id == owner, _c.deleted_ms.is_(None))
            ids = list(connection.scalars(select(_c.id).where(hidden)))
            for some in (ids[at : at + _BATCH] for at in range(0, len(ids), _BATCH)):
                _stop_and_hide(connection, owner, some, at_ms)

        self._db.write(work)

    def restore(self, owner: int, batch: str) -> Batch:
        """Out of the trash, with its conversations. Raises NotFound."""

        def work(connection: Connection) -> Batch:
            found = find_batch(connection, owner, batch, also_deleted=True)
            connection.execute(update(schema.batch).where(_b.id == found.id).values(deleted_ms=None))
            with_it = and_(_c.batch_id == found.id, _c.owner_id == owner)
            connection.execute(update(schema.conversation).where(with_it).values(deleted_ms=None))
            return _read_batch(connection, find_batch(connection, owner, batch))

        return self._db.write(work, idempotent=True)

    # --- rows -------------------------------------------------------------------------------------------------------

    def add_rows(self, owner: int, batch: str, given: Sequence[Given]) -> Rows:
        """One row per file at the end: waiting attachments in their chosen form, or names with parts.

        The attachments stop waiting in the same transaction. Those of which nothing can be sent are passed over, and
        stay where they are. Raises NotFound.
        """

        def work(connection: Connection) -> Rows:
            batch_id = find_batch(connection, owner, batch).id
            usable = [each for each in given if _parts_of(each)]
            freed = stop_waiting(connection, owner, [each.public_id for each in usable if isinstance(each, Attachment)])
            last = select(func.max(_r.position)).where(_r.batch_id == batch_id, _r.owner_id == owner)
            start = int(connection.scalar(last) or 0)
            rows = [
                _new_row(connection, owner, batch_id, start + number, each) for number, each in enumerate(usable, 1)
            ]
            if rows:
                connection.execute(insert(schema.batch_row), rows)
            drop_unused(connection, owner, freed)
            return [BatchRow(row["public_id"], row["position"], row["name"], read_parts(row["parts"])) for row in rows]

        return self._db.write(work)

    def rows(self, owner: int, batch: str) -> Rows:
        """In order, parts without bytes. Raises NotFound."""
        return self._db.read(lambda connection: rows_of(connection, owner, find_batch(connection, owner, batch).id))

    def remove_row(self, owner: int, row: str) -> None:
        """Take a file out of a batch that has not been asked about it. Raises NotFound, BadInput("row_taken")."""

        def work(connection: Connection) -> None:
            query = select(schema.batch_row).where(_r.public_id == storable(row), _r.owner_id == owner)
            found = connection.execute(query).one_or_none()
            if found is None:
                raise NotFound("batch_row")
            of_it = and_(_s.row_id == found.id, _s.owner_id == owner)
            if connection.scalar(select(exists().where(of_it, _s.state != "waiting"))):
                raise BadInput("row_taken")
            connection.execute(delete(schema.batch_result).where(of_it))
            connection.execute(delete(schema.batch_row).where(_r.id == found.id, _r.owner_id == owner))
            drop_unused(connection, owner, named_in(found.parts))

        self._db.write(work)

    def open_row(self, owner: int, row: str, run: str | None = None) -> str:
        """Make a row's conversation a normal one, that lists, search and exports show; its public id.

        With `run` it is the one in which that run asked, and it shows that run's answer. Raises NotFound, also when
        nobody has asked yet.
        """

        def work(connection: Connection) -> str:
            conversation_id, message = _asked_in(connection, owner, row, run)
            here = (_c.id == conversation_id, _c.owner_id == owner, _c.deleted_ms.is_(None))
            public_id = connection.scalar(select(_c.public_id).where(*here))
            if conversation_id is None or public_id is None:
                raise NotFound("conversation")
            change(connection, owner, public_id, batch_id=None)
            if message is not None:
                shown = message_row(connection, owner, conversation_id, message)
                set_active_child(connection, owner, shown.parent_id, shown.id)
                change(connection, owner, public_id, active_id=remembered_leaf(connection, owner, shown).id)
            return str(public_id)

        return self._db.write(work, idempotent=True)


def _read_batch(connection: Connection, row: Row[Any]) -> Batch:
    count = select(func.count()).select_from(schema.batch_row)
    runs = select(schema.batch_run).where(_u.batch_id == row.id, _u.owner_id == row.owner_id).order_by(_u.id)
    return Batch(
        public_id=row.public_id,
        name=row.name,
        prompt=row.prompt,
        fields=from_json(row.fields, tuple[Field, ...]),
        system=row.system,
        parallel=row.parallel,
        created_ms=row.created_ms,
        n_rows=int(connection.scalar(count.where(_r.batch_id == row.id, _r.owner_id == row.owner_id)) or 0),
        runs=tuple(read_run(run) for run in connection.execute(runs)),
    )


def _parts_of(given: Given) -> tuple[Part, ...]:
    return given.parts if isinstance(given, Attachment) else given[1]


def _new_row(connection: Connection, owner: int, batch_id: int, position: int, given: Given) -> dict[str, Any]:
    name = given.name if isinstance(given, Attachment) else given[0]
    row = {"id": new_id(), "owner_id": owner, "public_id": new_public_id(), "batch_id": batch_id, "position": position}
    parts = store_parts(connection, owner, _parts_of(given))
    return row | {"name": one_line(name, _NAME_CHARS), "parts": parts, "conversation_id": None}


def _asked_in(connection: Connection, owner: int, row: str, run: str | None) -> tuple[int | None, str | None]:
    """(the conversation, the answer of this run in it)."""
    mine = (_r.public_id == storable(row), _r.owner_id == owner)
    if run is None:
        return connection.scalar(select(_r.conversation_id).where(*mine)), None
    query = select(_m.conversation_id, _m.public_id).join(schema.batch_result, _s.message_id == _m.id)
    query = query.join(schema.batch_row, _r.id == _s.row_id).join(schema.batch_run, _u.id == _s.run_id)
    found = connection.execute(query.where(*mine, _u.public_id == storable(run), _m.deleted_ms.is_(None)))
    return next(((one.conversation_id, one.public_id) for one in found), (None, None))


def _stop_and_hide(connection: Connection, owner: int, conversation_ids: list[int], at_ms: int) -> None:
    these = and_(_c.id.in_(conversation_ids), _c.owner_id == owner)
    connection.execute(update(schema.conversation).where(these).values(deleted_ms=at_ms))
    running = and_(_a.conversation_id.in_(conversation_ids), _a.owner_id == owner, schema.IS_RUNNING)
    connection.execute(update(schema.answer).where(running).values(stop_requested=1))
    end_links(connection, owner, conversation_ids)
