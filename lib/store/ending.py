"""The last transaction of an answer, and the sweep that ends the answers of processes that died."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, and_, select, update

from lib.errors import NotFound
from lib.ids import now_ms
from lib.ledger import AnswerEnd, Attempt, ModelRef
from lib.messages import Params
from lib.store import schema
from lib.store.encoding import from_json, storable, storable_or_none, to_json
from lib.store.parts import read_parts, store_parts
from lib.store.recording import Place, record
from lib.store.reserving import settle_answer
from lib.store.rollup import counting
from lib.store.rows import AnswerRow, KnownAttempt
from lib.store.search_index import index_messages

_a, _c, _m, _t = schema.answer.c, schema.conversation.c, schema.message.c, schema.answer_attempt.c


def finish_in(connection: Connection, answer_id: int, end: AnswerEnd, finish_id: int) -> bool:
    """See `Answers.finish`. `finish_id` tells a second run of one call from another call."""
    values = {"state": end.state, "ended_ms": now_ms(), "finish_id": finish_id}
    running = and_(_a.id == answer_id, schema.IS_RUNNING)
    claimed = connection.execute(update(schema.answer).where(running).values(**values)).rowcount == 1
    row = connection.execute(select(schema.answer).where(_a.id == answer_id)).one_or_none()
    if row is None:
        raise NotFound("answer")
    if claimed:
        _write_message(connection, row, end)
    write_attempts(connection, row, end.attempts)
    if claimed:
        settle_answer(connection, answer_id, end.attempts)
    return claimed or row.finish_id == finish_id


def _write_message(connection: Connection, answer: Row[Any], end: AnswerEnd) -> None:
    at_ms = now_ms()
    values: dict[str, Any] = {
        "state": end.state,
        "text": storable(end.text),
        "reasoning": storable(end.reasoning),
        "parts": store_parts(connection, answer.owner_id, end.parts),
        "error_kind": end.error_kind,
        "error_message": storable_or_none(end.error_message),
        "finish_reason": storable_or_none(end.finish_reason),
        "reasoning_ms": end.reasoning_ms,
        "repaired": to_json(end.repaired),
        "changed_ms": at_ms,
    }
    mine = and_(_m.id == answer.message_id, _m.owner_id == answer.owner_id)
    connection.execute(update(schema.message).where(mine).values(**values))
    index_messages(connection, answer.owner_id, [(answer.message_id, values["text"])])
    here = and_(_c.id == answer.conversation_id, _c.owner_id == answer.owner_id)
    connection.execute(update(schema.conversation).where(here).values(answered_ms=at_ms))


def write_attempts(connection: Connection, answer: Row[Any], attempts: tuple[Attempt, ...]) -> None:
    """Ledger rows for the attempts that have none yet, whoever ended the answer: an attempt is never forgotten."""
    if not attempts:
        return
    ref = from_json(answer.ref, ModelRef)
    place = Place(answer.owner_id, ref, answer.id, answer.conversation_id, answer.message_id)
    change = counting(connection, answer.owner_id)
    for attempt in attempts:
        record(connection, place, attempt, change)
    change.apply(connection, answer.owner_id)


def orphans(
    connection: Connection, epoch: str, stale_before_ms: int | None, owner: int | None = None
) -> list[AnswerRow]:
    """Running answers of other processes: all of them, or those without a heartbeat since `stale_before_ms`."""
    where = and_(schema.IS_RUNNING, _a.epoch != epoch)
    if stale_before_ms is not None:
        where = and_(where, _a.heartbeat_ms < stale_before_ms)
    if owner is not None:
        where = and_(where, _a.owner_id == owner)
    return answer_rows(connection, where)


def unrecorded(connection: Connection, row: AnswerRow) -> tuple[KnownAttempt, ...]:
    """The opened attempts of an answer that the ledger does not have."""
    event = schema.usage_event.c
    ids = [attempt.id for attempt in row.attempts]
    known = set(connection.scalars(select(event.id).where(event.id.in_(ids), event.owner_id == row.owner)))
    return tuple(attempt for attempt in row.attempts if attempt.id not in known)


def unknown_attempt(row: AnswerRow, attempt: KnownAttempt, at_ms: int) -> Attempt:
    """The ledger row of an attempt nobody saw the end of: it may have been billed, so it is unpriced, not free."""
    return Attempt(
        id=attempt.id,
        number=attempt.number,
        started_ms=attempt.started_ms,
        ended_ms=max(attempt.started_ms, min(row.heartbeat_ms, at_ms)),
        outcome="unknown",
        model_requested=row.ref.model,
        purpose=row.purpose,
        dialect=row.ref.dialect,
        chars_in=attempt.chars_in,
        chars_out=max(0, len(row.text) - row.kept_chars),
        chars_reasoning=len(row.reasoning),
        max_out_cap=attempt.max_out_cap,
        media_in=attempt.media_in,
    )


def answer_rows(connection: Connection, where: Any) -> list[AnswerRow]:
    """The answers that match, with their text so far and their attempts."""
    query = (
        select(
            schema.answer,
            _c.public_id.label("conversation"),
            _m.public_id.label("message"),
            *(_m.text, _m.reasoning, _m.parts, _m.error_kind, _m.error_message, _m.kept_chars),
        )
        .join(schema.conversation, _c.id == _a.conversation_id)
        .join(schema.message, _m.id == _a.message_id)
        .where(where)
        .order_by(_a.id)
    )
    rows = connection.execute(query).all()
    attempts = _attempts_of(connection, [row.id for row in rows])
    return [_answer_row(row, attempts.get(row.id, ())) for row in rows]


def _attempts_of(connection: Connection, answer_ids: list[int]) -> dict[int, tuple[KnownAttempt, ...]]:
    found: dict[int, tuple[KnownAttempt, ...]] = {}
    query = select(schema.answer_attempt).where(_t.answer_id.in_(answer_ids))
    for row in connection.execute(query.order_by(_t.number)) if answer_ids else ():
        known = KnownAttempt(row.id, row.number, row.started_ms, row.chars_in, row.max_out_cap, row.media_in)
        found[row.answer_id] = (*found.get(row.answer_id, ()), known)
    return found


def _answer_row(row: Row[Any], attempts: tuple[KnownAttempt, ...]) -> AnswerRow:
    return AnswerRow(
        owner=row.owner_id,
        answer_id=row.id,
        conversation=row.conversation,
        message=row.message,
        state=row.state,
        text=row.text,
        reasoning=row.reasoning,
        parts=read_parts(row.parts),
        ref=from_json(row.ref, ModelRef),
        params=from_json(row.params, Params),
        system=row.system,
        purpose=row.purpose,
        epoch=row.epoch,
        started_ms=row.started_ms,
        heartbeat_ms=row.heartbeat_ms,
        stop_requested=bool(row.stop_requested),
        ended_ms=row.ended_ms,
        error_kind=row.error_kind,
        error_message=row.error_message,
        attempts=attempts,
        kept_chars=row.kept_chars,
    )
