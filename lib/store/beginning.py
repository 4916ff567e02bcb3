"""The first transaction of an answer: what the user said and the row of the answer, before anything is sent."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, delete, exc, insert, select, update

from lib.errors import AnswerRunning, BadInput, NotFound
from lib.ids import new_id, new_public_id, now_ms
from lib.ledger import Purpose, Turn
from lib.messages import Message, headline
from lib.store import schema
from lib.store.attachments import stop_waiting
from lib.store.batch_marking import Claim, begun, claim, lock_row
from lib.store.budget_rows import Charge
from lib.store.conversations import new_row, one_line, set_active_child
from lib.store.drafts import NEW_CHAT, clear_draft
from lib.store.encoding import insert_new, storable, to_json
from lib.store.parts import drop_unused, store_parts
from lib.store.reserving import Wanted, reserve
from lib.store.rows import Begun, Settings
from lib.store.search_index import index_messages
from lib.store.transcript import message_row

_a, _c, _m, _q = schema.answer.c, schema.conversation.c, schema.message.c, schema.queue_item.c
_AUTO_TITLE_CHARS = 60


class Start(Struct, frozen=True):
    """One call of `begin`: ids are made once, so that running it again after a lost commit finds its own work."""

    owner: int
    turn: Turn
    epoch: str
    answer_id: int
    attempt_id: int
    purpose: Purpose
    chars_in: int
    max_out_cap: int | None
    from_queue: str | None
    at_ms: int
    clears_draft: bool = False
    media_in: int = 0
    batch_row: tuple[str, str] | None = None
    charge: Charge = Charge()


def begin_in(connection: Connection, start: Start) -> Begun:
    """See `Answers.begin`."""
    row = lock_row(connection, start.owner, *start.batch_row) if start.batch_row else None
    if earlier := find_replay(connection, start.owner, start.turn.key, start.answer_id):
        return earlier
    turn = start.turn
    if not turn.parts and turn.parent is None:
        raise BadInput("empty")
    mark = claim(connection, row, turn) if row is not None else None
    conversation, is_new = _conversation(connection, start, mark)
    parent = message_row(connection, start.owner, conversation.id, turn.parent) if turn.parent else None
    if not turn.parts and parent is not None and parent.role != "user":
        raise BadInput("not_a_question", "only a user message can be answered again")
    if start.from_queue is not None:
        _take_from_queue(connection, start.owner, conversation.id, start.from_queue)
    freed = stop_waiting(connection, start.owner, turn.attached)
    if turn.parts:
        asked_id, asked = _add_user_message(connection, start, conversation.id, parent)
    else:
        assert parent is not None
        asked_id, asked = parent.id, parent.public_id
    message_id, message = _add_answer_message(connection, start, conversation.id, asked_id)
    _add_answer(connection, start, conversation.id, message_id)
    found = reserve(connection, _wanted(start, conversation.id, message_id))
    _touch(connection, start, conversation, message_id)
    drop_unused(connection, start.owner, freed)
    if mark:
        begun(connection, mark, conversation.id, message_id)
    if start.clears_draft:
        clear_draft(connection, start.owner, NEW_CHAT if is_new else conversation.id)
    ids = (start.owner, start.answer_id, start.attempt_id)
    return Begun(*ids, conversation.public_id, asked, message, start.at_ms, verdict=found)


def _wanted(start: Start, conversation_id: int, message_id: int) -> Wanted:
    ids = (start.answer_id, conversation_id, message_id)
    return Wanted(start.owner, start.attempt_id, start.turn.ref, start.charge, start.epoch, *ids)


def find_replay(connection: Connection, owner: int, key: str, answer_id: int | None = None) -> Begun | None:
    """The answer that this key began before, if any; `replayed` unless it is the one of this call."""
    parent = schema.message.alias("asked")
    first = select(schema.answer_attempt.c.id).where(schema.answer_attempt.c.answer_id == _a.id)
    query = (
        select(
            _a.id,
            _a.started_ms,
            _c.public_id.label("conversation"),
            _m.public_id.label("message"),
            parent.c.public_id.label("asked"),
            first.order_by(schema.answer_attempt.c.number).limit(1).scalar_subquery().label("attempt"),
        )
        .join(schema.conversation, _c.id == _a.conversation_id)
        .join(schema.message, _m.id == _a.message_id)
        .join(parent, parent.c.id == _m.parent_id)
        .where(_a.owner_id == owner, _a.key == storable(key))
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    replayed = row.id != answer_id
    return Begun(owner, row.id, row.attempt, row.conversation, row.asked, row.message, row.started_ms, replayed)


def _conversation(connection: Connection, start: Start, mark: Claim | None) -> tuple[Row[Any], bool]:
    """The turn's conversation, and whether it was made now because its public id was not taken.

    Locked, so that nothing is added to a branch while another process deletes it. Raises NotFound for a foreign or
    deleted one, and for one that is not the batch row's own.
    """
    public_id = storable(start.turn.conversation)
    query = select(schema.conversation).where(_c.public_id == public_id).with_for_update()
    row = connection.execute(query).one_or_none()
    is_new = row is None
    if row is None:
        if start.turn.parent is not None:
            raise NotFound("conversation")
        ref = start.turn.ref
        settings = Settings(ref.gateway_id, ref.model, ref.dialect, start.turn.params, start.turn.system)
        new = new_row(start.owner, public_id, mark.name if mark else "", settings)
        new |= {"created_ms": start.at_ms, "batch_id": mark.batch_id if mark else None}  # not after its first words
        insert_new(connection, schema.conversation, new)
        row = connection.execute(query).one()
    if row.owner_id != start.owner or row.deleted_ms is not None:
        raise NotFound("conversation")
    if mark and (row.batch_id != mark.batch_id or not (is_new or row.id == mark.conversation_id)):
        raise NotFound("conversation")
    return row, is_new


def _take_from_queue(connection: Connection, owner: int, conversation_id: int, public_id: str) -> None:
    taken = delete(schema.queue_item).where(
        _q.public_id == public_id, _q.owner_id == owner, _q.conversation_id == conversation_id
    )
    if connection.execute(taken).rowcount != 1:
        raise NotFound("queue_item")


def _add_user_message(
    connection: Connection, start: Start, conversation_id: int, parent: Row[Any] | None
) -> tuple[int, str]:
    parts = store_parts(connection, start.owner, start.turn.parts)
    text = storable(Message("user", start.turn.parts).text)
    parent_id = parent.id if parent is not None else None
    added = _add_message(connection, start, conversation_id, parent_id, role="user", parts=parts, text=text)
    index_messages(connection, start.owner, [(added[0], text)])
    return added


def _add_answer_message(connection: Connection, start: Start, conversation_id: int, asked_id: int) -> tuple[int, str]:
    columns = {"role": "assistant", "parts": "[]", "text": "", "ref": to_json(start.turn.ref), "state": "running"}
    columns |= _kept(connection, start, conversation_id, asked_id)
    return _add_message(connection, start, conversation_id, asked_id, **columns)


def _kept(connection: Connection, start: Start, conversation_id: int, asked_id: int) -> dict[str, Any]:
    """What an answer that continues another one begins with. Raises BadInput when that one does not begin so."""
    turn = start.turn
    if turn.continues is None:
        return {}
    earlier, kept = message_row(connection, start.owner, conversation_id, turn.continues), storable(turn.kept)
    if earlier.role != "assistant" or earlier.parent_id != asked_id or earlier.state == "running":
        raise BadInput("not_continuable", "only an ended answer to the same message can be continued")
    if not kept or not earlier.text.startswith(kept):
        raise BadInput("not_continuable", "the kept text is not how the answer began")
    return {"text": kept, "kept_chars": len(kept), "continues_id": earlier.id}


def _add_message(
    connection: Connection, start: Start, conversation_id: int, parent_id: int | None, **columns: Any
) -> tuple[int, str]:
    message_id, public_id = new_id(), new_public_id()
    row = {"id": message_id, "owner_id": start.owner, "conversation_id": conversation_id, "public_id": public_id}
    times = {"created_ms": start.at_ms, "changed_ms": start.at_ms}
    row |= {"parent_id": parent_id, "reasoning": "", "repaired": "[]", **times, **columns}
    connection.execute(insert(schema.message), row)
    set_active_child(connection, start.owner, parent_id, message_id)
    return message_id, public_id


def _add_answer(connection: Connection, start: Start, conversation_id: int, message_id: int) -> None:
    turn = start.turn
    row = {
        "id": start.answer_id,
        "owner_id": start.owner,
        "conversation_id": conversation_id,
        "message_id": message_id,
        "key": storable(turn.key),
        "lane": storable(turn.lane),
        "state": "running",
        "epoch": start.epoch,
        "ref": to_json(turn.ref),
        "params": to_json(turn.params),
        "system": storable(turn.system),
        "purpose": start.purpose,
        "started_ms": start.at_ms,
        "heartbeat_ms": start.at_ms,
        "stop_requested": 0,
    }
    try:
        connection.execute(insert(schema.answer), row)
    except exc.IntegrityError as error:
        raise AnswerRunning("this branch has a running answer") from error
    add_attempt(
        connection, start.owner, start.answer_id, start.attempt_id, 1, start.chars_in, start.max_out_cap, start.media_in
    )


def add_attempt(
    connection: Connection,
    owner: int,
    answer_id: int,
    attempt_id: int,
    number: int,
    chars_in: int,
    max_out_cap: int | None,
    media_in: int = 0,
) -> None:
    """Note that this attempt may be sent from now on."""
    row = {"id": attempt_id, "owner_id": owner, "answer_id": answer_id, "number": number, "started_ms": now_ms()}
    connection.execute(
        insert(schema.answer_attempt), row | {"chars_in": chars_in, "max_out_cap": max_out_cap, "media_in": media_in}
    )


def _touch(connection: Connection, start: Start, conversation: Row[Any], message_id: int) -> None:
    """The conversation now shows this answer; it is named after its first words, or its files, if it has no name."""
    values: dict[str, Any] = {
        "last_ms": start.at_ms,
        "active_id": message_id,
        "n_messages": _c.n_messages + (2 if start.turn.parts else 1),
    }
    if not conversation.title and start.turn.parts:
        title = one_line(headline(start.turn.parts), _AUTO_TITLE_CHARS)
        values |= {"title": title, "title_folded": title.casefold()}
    where = _c.id == conversation.id
    connection.execute(update(schema.conversation).where(where, _c.owner_id == start.owner).values(**values))
