"""The operators of a query as conditions on messages and conversations."""

from __future__ import annotations

import operator
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from lib.search import CostBound, Query
from lib.store import schema
from lib.store.days import start_of, zone_of
from lib.store.encoding import storable
from lib.store.placing import lies_in, placed, unread, wears
from lib.store.rows import Only

_c, _m, _u, _k = schema.conversation.c, schema.message.c, schema.usage_event.c, schema.cost_event.c
Condition = ColumnElement[bool]
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def of_conversation(owner: int, query: Query) -> list[Condition]:
    """What the conversation must be, besides the owner's, not deleted and not hidden in a batch."""
    found = [_c.owner_id == owner, _c.deleted_ms.is_(None), _c.batch_id.is_(None)]
    found += [_c.title_folded.contains(storable(title).casefold(), autoescape=True) for title in query.titles]
    found += [lies_in(owner, name) for name in query.folders] + [wears(owner, name) for name in query.tags]
    pinned, archived = "pinned" in query.states or None, "archived" in query.states or None
    found += placed(owner, Only(pinned=pinned, archived=archived))
    return found + ([unread()] if "unread" in query.states else [])


def of_message(owner: int, query: Query, zone: str) -> list[Condition]:
    """What the message must be, besides the owner's and not deleted. What is asked of an answer also holds for
    the question that it answers. Raises BadInput for an unknown zone."""
    found = [_m.owner_id == owner, _m.deleted_ms.is_(None)]
    found += [_of_answer(owner, lambda m, value=value: _asked(m, value)) for value in query.models]
    found += [_of_answer(owner, lambda m, value=value: _at_variant(m, value)) for value in query.variants]
    found += [_of_answer(owner, lambda m, bound=bound: _costs(owner, m, bound)) for bound in query.costs]
    found += [_HAS[has] for has in query.has]
    if query.after:
        found.append(_m.created_ms >= start_of(query.after, zone_of(zone)))
    if query.before:
        found.append(_m.created_ms < start_of(query.before, zone_of(zone)))
    return found


_HAS: dict[str, Condition] = {
    "image": _m.parts.contains('"type":"image"'),
    "video": _m.parts.contains('"type":"video"'),
    "code": _m.text.contains("```"),
    "reasoning": _m.reasoning != "",
}


def _of_answer(owner: int, holds: Any) -> Condition:
    """It holds for the message itself, or for one of the answers to it."""
    child = schema.message.alias()
    answers = exists().where(
        child.c.conversation_id == _m.conversation_id,
        child.c.parent_id == _m.id,
        child.c.owner_id == owner,
        child.c.deleted_ms.is_(None),
        holds(child.c),
    )
    return or_(and_(_m.role != "user", holds(_m)), and_(_m.role == "user", answers))


def _asked(message: Any, value: str) -> Condition:
    """Between the names of the first and the last of these fields lie the id, base and family of the model."""
    return func.lower(message.ref).like(f'%"model":"%{_in_json(value)}%"dialect":%', escape="/")


def _at_variant(message: Any, value: str) -> Condition:
    return func.lower(message.ref).like(f'%"variant":"{_in_json(value)}"%', escape="/")


def _in_json(value: str) -> str:
    """A value as it stands in JSON, with nothing that LIKE would read as a sign of its own."""
    text = msgspec.json.encode(storable(value).lower()).decode()[1:-1]
    return "".join(f"/{letter}" if letter in "/%_" else letter for letter in text)


def _costs(owner: int, message: Any, bound: CostBound) -> Condition:
    """What its attempts cost together; an unknown cost is neither more nor less than anything."""
    later = schema.cost_event.alias()
    superseded = exists().where(later.c.event_id == _k.event_id, later.c.seq > _k.seq)
    total = (
        select(func.sum(_k.nano))
        .join(schema.usage_event, _u.id == _k.event_id)
        .where(_u.message_id == message.id, _u.owner_id == owner, ~superseded)
        .correlate(message.id.table)
    )
    holds: Condition = _COMPARE[bound.comparison](total.scalar_subquery(), bound.nano)
    return holds
