"""One branch of a conversation's tree, read in a handful of queries whatever its length."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Row, Select, literal, select

from lib.errors import NotFound
from lib.ledger import MEDIA_IGNORED, ModelRef
from lib.store import schema
from lib.store.costs import latest_costs
from lib.store.encoding import from_json, storable
from lib.store.parts import read_parts
from lib.store.rows import CostLine, StoredMessage, Transcript
from lib.tokens import TokenCount

_c, _m, _u = schema.conversation.c, schema.message.c, schema.usage_event.c
_ALL = 1 << 30
_BATCH = 500


def message_row(connection: Connection, owner: int, conversation_id: int, public_id: str) -> Row[Any]:
    """A message of this conversation. Raises NotFound."""
    query = select(schema.message).where(
        _m.public_id == storable(public_id), _m.owner_id == owner, _m.conversation_id == conversation_id
    )
    row = connection.execute(query.where(_m.deleted_ms.is_(None))).one_or_none()
    if row is None:
        raise NotFound("message")
    return row


def read_transcript(
    connection: Connection, owner: int, conversation_id: int, leaf_id: int | None, last: int | None
) -> Transcript:
    """The messages from the root (or `last` turns back) to `leaf_id`, with versions and costs."""
    if leaf_id is None:
        return Transcript(())
    rows = _from_user(_path(connection, owner, leaf_id, _ALL if last is None else 2 * max(1, last)))
    versions = _versions(connection, owner, conversation_id)
    costs = cost_lines(connection, owner, [row.id for row in rows if row.role == "assistant"])
    messages = [_message(row, versions[row.parent_id], costs.get(row.id)) for row in rows]
    return Transcript(tuple(messages), has_earlier=bool(rows) and rows[0].parent_id is not None)


def _path(connection: Connection, owner: int, leaf_id: int, most: int) -> list[Row[Any]]:
    """At most `most` messages up from the leaf, oldest first, each with its parent's public id."""
    start = select(_m.id, _m.parent_id, literal(1).label("depth")).where(_m.id == leaf_id, _m.owner_id == owner)
    walk = start.cte("walk", recursive=True)
    above = schema.message.alias("above")
    walk = walk.union_all(
        select(above.c.id, above.c.parent_id, walk.c.depth + 1).where(
            above.c.id == walk.c.parent_id, above.c.owner_id == owner, walk.c.depth < most
        )
    )
    return list(connection.execute(_whole().join(walk, walk.c.id == _m.id).order_by(walk.c.depth.desc())))


def _whole() -> Select[Any]:
    """Messages with the public ids of their parent and of the answer they continue."""
    parent, earlier = schema.message.alias("parent"), schema.message.alias("earlier")
    names = (parent.c.public_id.label("parent_public"), earlier.c.public_id.label("continues_public"))
    query = select(schema.message, *names).outerjoin(parent, parent.c.id == _m.parent_id)
    return query.outerjoin(earlier, earlier.c.id == _m.continues_id)


def read_versions(connection: Connection, owner: int, conversation_id: int, of: Row[Any]) -> list[StoredMessage]:
    """The message `of` and its siblings, oldest first, with their costs."""
    here = (_m.conversation_id == conversation_id, _m.owner_id == owner, _m.deleted_ms.is_(None))
    beside = _m.parent_id.is_(None) if of.parent_id is None else _m.parent_id == of.parent_id
    rows = list(connection.execute(_whole().where(*here, beside).order_by(_m.id)))
    costs = cost_lines(connection, owner, [row.id for row in rows])
    ids = [row.public_id for row in rows]
    return [_message(row, ids, costs.get(row.id)) for row in rows]


def branch_rows(connection: Connection, owner: int, leaf_id: int) -> list[Row[Any]]:
    """All messages from the root to `leaf_id`."""
    return _path(connection, owner, leaf_id, _ALL)


def read_message(connection: Connection, owner: int, public_id: str, conversation: str | None) -> StoredMessage:
    """One message of a conversation (None: of any) that is there. Raises NotFound."""
    there = (_m.public_id == storable(public_id), _m.owner_id == owner, _m.deleted_ms.is_(None))
    query = _whole().join(schema.conversation, _c.id == _m.conversation_id).where(*there, _c.deleted_ms.is_(None))
    query = query if conversation is None else query.where(_c.public_id == storable(conversation))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("message")
    found = read_versions(connection, owner, row.conversation_id, row)
    return next(message for message in found if message.public_id == row.public_id)


def _from_user(rows: list[Row[Any]]) -> list[Row[Any]]:
    """Cut a branch that starts in the middle so that it starts with what the user said."""
    if not rows or rows[0].parent_id is None:
        return rows
    start = next((at for at, row in enumerate(rows) if row.role == "user"), 0)
    return rows[start:]


def _versions(connection: Connection, owner: int, conversation_id: int) -> dict[int | None, list[str]]:
    """The public ids of the children of every message, oldest first."""
    query = select(_m.parent_id, _m.public_id).where(
        _m.conversation_id == conversation_id, _m.owner_id == owner, _m.deleted_ms.is_(None)
    )
    found: dict[int | None, list[str]] = defaultdict(list)
    for row in connection.execute(query.order_by(_m.parent_id, _m.id)):
        found[row.parent_id].append(row.public_id)
    return found


def _message(row: Row[Any], versions: list[str], cost: CostLine | None) -> StoredMessage:
    return StoredMessage(
        public_id=row.public_id,
        parent=row.parent_public,
        role=row.role,
        parts=read_parts(row.parts),
        text=row.text,
        reasoning=row.reasoning,
        created_ms=row.created_ms,
        state=row.state,
        error_kind=row.error_kind,
        error_message=row.error_message,
        finish_reason=row.finish_reason,
        repaired=from_json(row.repaired, tuple[str, ...]),
        reasoning_ms=row.reasoning_ms,
        ref=from_json(row.ref, ModelRef) if row.ref else None,
        siblings=tuple(versions) if row.public_id in versions else (*versions, row.public_id),
        cost=cost,
        edited=bool(row.edited),
        copied=bool(row.copied),
        continues=row.continues_public,
        kept_chars=row.kept_chars,
    )


def cost_lines(connection: Connection, owner: int, message_ids: list[int]) -> dict[int, CostLine]:
    """What each of these answers cost, from the ledger."""
    rows: dict[int, list[Row[Any]]] = defaultdict(list)
    for at in range(0, len(message_ids), _BATCH):
        for row in connection.execute(_costs_of(owner, message_ids[at : at + _BATCH])):
            rows[row.message_id].append(row)
    return {message_id: _line(attempts) for message_id, attempts in rows.items()}


def _costs_of(owner: int, message_ids: list[int]) -> Any:
    cost = latest_costs(owner)
    return (
        select(schema.usage_event, *(cost.c[name] for name in _COST_COLUMNS))
        .join(cost, cost.c.event_id == _u.id)
        .where(_u.message_id.in_(message_ids), _u.owner_id == owner)
        .order_by(_u.number, _u.id)
    )


_COST_COLUMNS = ("nano", "currency", "source", "reported_nano", "low_nano", "high_nano")
_COUNTS = TokenCount.__struct_fields__


def _line(attempts: list[Row[Any]]) -> CostLine:
    """Attempts of one answer go to one gateway, so they share the currency of those that have a price."""
    last = attempts[-1]
    priced = [row for row in attempts if row.nano is not None]
    paid = priced[-1] if priced else last
    same = [row for row in priced if row.currency == paid.currency]
    return CostLine(
        count=TokenCount(**{name: _sum(attempts, name) for name in _COUNTS}),
        nano=_sum(same, "nano"),
        currency=paid.currency,
        source=paid.source,
        usage_source=last.usage_source,
        reported_nano=_sum(attempts, "reported_nano"),
        low_nano=_sum(attempts, "low_nano"),
        high_nano=_sum(attempts, "high_nano"),
        n_attempts=len(attempts),
        n_unpriced=len(attempts) - len(priced),
        first_visible_ms=last.first_visible_ms,
        duration_ms=last.duration_ms,
        demo=bool(last.demo),
        media_ignored=any(row.anomaly == MEDIA_IGNORED for row in attempts),
    )


def _sum(rows: list[Row[Any]], name: str) -> int | None:
    known = [value for row in rows if (value := getattr(row, name)) is not None]
    return sum(known) if known else None
