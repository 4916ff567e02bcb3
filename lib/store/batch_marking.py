"""A batch's row is taken in the transaction that begins its answer: whatever dies when, it is never asked twice."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, Select, and_, insert, select, update

from lib.errors import BadInput, NotFound
from lib.ids import now_ms
from lib.ledger import Turn
from lib.store import schema
from lib.store.encoding import storable

_u, _r, _s = schema.batch_run.c, schema.batch_row.c, schema.batch_result.c


class Claim(Struct, frozen=True):
    """A row that one run may ask about now. `conversation_id` is the hidden conversation that it has, if any."""

    owner: int
    batch_id: int
    run_id: int
    row_id: int
    name: str
    conversation_id: int | None


def lock_row(connection: Connection, owner: int, run: str, row: str) -> Row[Any]:
    """What a run has of a row, kept from others until this transaction ends. Raises NotFound."""
    columns = (_s.owner_id, _s.batch_id, _s.run_id, _s.row_id, _s.state, _s.message_id)
    query: Select[Any] = (
        select(*columns, _u.state.label("run_state"), _r.name, _r.conversation_id)
        .join(schema.batch_run, _u.id == _s.run_id)
        .join(schema.batch_row, _r.id == _s.row_id)
        .where(_u.public_id == storable(run), _r.public_id == storable(row), _s.owner_id == owner)
        .with_for_update(of=schema.batch_result)
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        raise NotFound("batch_row")
    return found


def claim(connection: Connection, found: Row[Any], turn: Turn) -> Claim:
    """The right to ask about a locked row.

    Raises BadInput("run_held") when the run is not running, and BadInput("row_taken") unless the row waits, or the
    turn asks once more after the answer that it has.
    """
    if found.run_state != "running":
        raise BadInput("run_held")
    if found.state != "waiting" and not _asks_once_more(connection, found, turn):
        raise BadInput("row_taken")
    return Claim(found.owner_id, found.batch_id, found.run_id, found.row_id, found.name, found.conversation_id)


def _asks_once_more(connection: Connection, found: Row[Any], turn: Turn) -> bool:
    if found.state != "running" or not turn.parts or turn.parent is None:
        return False
    m = schema.message.c
    return connection.scalar(select(m.public_id).where(m.id == found.message_id)) == turn.parent


def begun(connection: Connection, mark: Claim, conversation_id: int, message_id: int) -> None:
    """The row is being asked about, by this answer; its run is alive."""
    here = and_(_s.run_id == mark.run_id, _s.row_id == mark.row_id, _s.owner_id == mark.owner)
    values = {"state": "running", "message_id": message_id, "tries": _s.tries + 1, "cells": "{}", "problems": "[]"}
    connection.execute(update(schema.batch_result).where(here).values(**values))
    row = and_(_r.id == mark.row_id, _r.owner_id == mark.owner)
    connection.execute(update(schema.batch_row).where(row).values(conversation_id=conversation_id))
    run = and_(_u.id == mark.run_id, _u.owner_id == mark.owner)
    connection.execute(update(schema.batch_run).where(run).values(heartbeat_ms=now_ms()))
    tried = {"message_id": message_id, "owner_id": mark.owner, "batch_id": mark.batch_id}
    connection.execute(insert(schema.batch_try), tried | {"run_id": mark.run_id, "row_id": mark.row_id})
