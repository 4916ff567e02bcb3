"""Requests that leave without a stored answer: titles, probes, temporary conversations. Nothing that was said is kept.

A row is there from before the request leaves until its end is in the ledger. What a killed process leaves behind gets
a ledger row of unknown outcome and cost: it may have been billed.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, and_, delete, select, update

from lib.ids import now_ms
from lib.ledger import Attempt, ModelRef, Purpose
from lib.store import schema
from lib.store.encoding import from_json, insert_new, storable, to_json
from lib.store.recording import Place, record
from lib.store.reserving import settle_unstored
from lib.store.rollup import counting

_o = schema.open_request.c


class OpenRequest(Struct, frozen=True):
    """A request that is about to leave; `id` is its attempt's."""

    id: int
    ref: ModelRef
    purpose: Purpose = "chat"
    chars_in: int = 0
    max_out_cap: int | None = None


def open_in(connection: Connection, owner: int, request: OpenRequest, epoch: str, conversation_id: int | None) -> None:
    """Note a request, before it leaves."""
    row = {
        "id": request.id,
        "owner_id": owner,
        "first_id": request.id,
        "number": 1,
        "started_ms": now_ms(),
        "chars_in": request.chars_in,
        "purpose": request.purpose,
        "ref": to_json(request.ref),
        "epoch": epoch,
        "max_out_cap": request.max_out_cap,
        "conversation_id": conversation_id,
    }
    insert_new(connection, schema.open_request, row)


def go_on_in(connection: Connection, owner: int, ended: int, next_id: int, number: int) -> None:
    """The attempt `ended` is over; another one of the same request is about to leave."""
    values = {"id": next_id, "number": number, "started_ms": now_ms()}
    here = and_(_o.id == ended, _o.owner_id == owner)
    connection.execute(update(schema.open_request).where(here).values(**values))


def close_in(connection: Connection, owner: int, attempts: tuple[int, ...]) -> None:
    """Their ends are in the ledger."""
    connection.execute(delete(schema.open_request).where(_o.id.in_(attempts), _o.owner_id == owner))


def end_in(connection: Connection, owner: int, first: int) -> None:
    """The request whose first attempt was `first` is over, whichever attempt was to leave next."""
    connection.execute(delete(schema.open_request).where(_o.first_id == first, _o.owner_id == owner))


def end_orphans(connection: Connection, owner: int, epoch: str, before_id: int | None) -> int:
    """Give every request of other processes its row of unknown outcome; `before_id` spares younger ones. How many."""
    lost = and_(_o.owner_id == owner, _o.epoch != storable(epoch))
    lost = lost if before_id is None else and_(lost, _o.id < before_id)
    rows = connection.execute(select(schema.open_request).where(lost).order_by(_o.id)).all()
    change = counting(connection, owner) if rows else None
    for row in rows:
        attempt = _unknown(row)
        place = Place(owner, from_json(row.ref, ModelRef), conversation_id=row.conversation_id)
        if change:
            record(connection, place, attempt, change)
        settle_unstored(connection, owner, row.first_id, (attempt,))
        close_in(connection, owner, (row.id,))
    if change:
        change.apply(connection, owner)
    return len(rows)


def _unknown(row: Row[Any]) -> Attempt:
    ref = from_json(row.ref, ModelRef)
    return Attempt(
        id=row.id,
        number=row.number,
        started_ms=row.started_ms,
        ended_ms=row.started_ms,
        outcome="unknown",
        model_requested=ref.model,
        purpose=row.purpose,
        dialect=ref.dialect,
        chars_in=row.chars_in,
        max_out_cap=row.max_out_cap,
    )
