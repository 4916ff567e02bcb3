"""A conversation as a document: its whole tree with states, costs and attachments, without an id of this database."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, select

from lib.ledger import ModelRef
from lib.messages import Params
from lib.store import schema
from lib.store.conversations import find
from lib.store.encoding import from_json
from lib.store.parts import Media, filled, read_parts
from lib.store.placing import tags_of
from lib.store.transfer_gateways import Gates
from lib.store.transfer_ledger import attempts_of
from lib.transfer.document import AttemptCopy, ConversationCopy, MessageCopy, ModelCopy

_c, _m, _a, _u = schema.conversation.c, schema.message.c, schema.answer.c, schema.usage_event.c
_AS_STORED = ("role", "created_ms", "changed_ms", "text", "reasoning", "state", "error_kind", "error_message")
_AS_STORED_TOO = ("finish_reason", "reasoning_ms", "kept_chars")


def read_copy(
    connection: Connection, owner: int, public_id: str, media: tuple[Media, ...] = ("image", "video")
) -> ConversationCopy:
    """The document of a conversation that is there, with the bytes of these media. Raises NotFound."""
    row = find(connection, owner, public_id)
    gates = Gates(connection, owner)
    messages = _messages(connection, owner, row.id)
    public = {message.id: message.public_id for message in messages}
    attempts, spend = _attempts(connection, owner, row.id, set(public), gates)
    asked = _asked_with(connection, owner, row.id)
    parts = filled(connection, owner, [read_parts(message.parts) for message in messages], media)
    copies = (
        _message(message, parts[at], public, gates, asked.get(message.id), attempts.get(message.id, ()))
        for at, message in enumerate(messages)
    )
    return ConversationCopy(
        id=row.public_id,
        title=row.title,
        title_source=row.title_source,
        folder=_folder(connection, owner, row.folder_id),
        tags=tags_of(connection, owner, [row.id]).get(row.id, ()),
        pinned_ms=row.pinned_ms,
        archived_ms=row.archived_ms,
        created_ms=row.created_ms,
        last_ms=row.last_ms,
        active=public.get(row.active_id),
        messages=tuple(copies),
        model=row.model,
        gateway=gates.copy(row.gateway_id),
        dialect=row.dialect,
        params=from_json(row.params, Params),
        system=row.system,
        spend=spend,
    )


def _folder(connection: Connection, owner: int, folder_id: int | None) -> str:
    f = schema.folder.c
    return connection.scalar(select(f.name).where(f.id == folder_id, f.owner_id == owner)) or ""


def _messages(connection: Connection, owner: int, conversation_id: int) -> list[Row[Any]]:
    """All that are not in the trash; what hangs below a deleted one is deleted with it."""
    here = and_(_m.conversation_id == conversation_id, _m.owner_id == owner, _m.deleted_ms.is_(None))
    return list(connection.execute(select(schema.message).where(here).order_by(_m.id)))


def _asked_with(connection: Connection, owner: int, conversation_id: int) -> dict[int, tuple[Params, str]]:
    query = select(_a.message_id, _a.params, _a.system)
    rows = connection.execute(query.where(_a.conversation_id == conversation_id, _a.owner_id == owner))
    return {row.message_id: (from_json(row.params, Params), row.system) for row in rows}


def _attempts(
    connection: Connection, owner: int, conversation_id: int, messages: set[int], gates: Gates
) -> tuple[dict[int, tuple[AttemptCopy, ...]], tuple[AttemptCopy, ...]]:
    """(the attempts of each message, those that belong to no message that is there)."""
    query = select(schema.usage_event).where(_u.conversation_id == conversation_id, _u.owner_id == owner)
    events = list(connection.execute(query.order_by(_u.id)))
    found: dict[int | None, list[AttemptCopy]] = defaultdict(list)
    for event, copy in zip(events, attempts_of(connection, owner, events, gates), strict=True):
        found[event.message_id if event.message_id in messages else None].append(copy)
    spend = tuple(found.pop(None, ()))
    return {message: tuple(copies) for message, copies in found.items() if message is not None}, spend


def _message(
    row: Row[Any],
    parts: Any,
    public: dict[int, str],
    gates: Gates,
    asked: tuple[Params, str] | None,
    attempts: tuple[AttemptCopy, ...],
) -> MessageCopy:
    ref = from_json(row.ref, ModelRef) if row.ref else None
    return MessageCopy(
        id=row.public_id,
        parent=public.get(row.parent_id),
        shown_child=public.get(row.active_child_id),
        continues=public.get(row.continues_id),
        parts=parts,
        repaired=from_json(row.repaired, tuple[str, ...]),
        model=_model(ref, gates) if ref else None,
        params=asked[0] if asked else None,
        system=asked[1] if asked else "",
        edited=bool(row.edited),
        copied=bool(row.copied),
        attempts=attempts,
        **{name: getattr(row, name) for name in (*_AS_STORED, *_AS_STORED_TOO)},
    )


def _model(ref: ModelRef, gates: Gates) -> ModelCopy:
    gateway = gates.copy(ref.gateway_id)
    return ModelCopy(ref.model, gateway, ref.base, ref.family, ref.variant, ref.dialect, ref.effort)


def read_loose_spend(connection: Connection, owner: int, after: int, limit: int) -> tuple[list[AttemptCopy], int]:
    """Attempts of no conversation that is exported (deleted, temporary, of a batch, probes) from event `after` on, and
    the last id."""
    shown = (_c.deleted_ms.is_(None), _c.batch_id.is_(None))
    there = exists().where(_c.id == _u.conversation_id, _c.owner_id == owner, *shown)
    query = select(schema.usage_event).where(_u.owner_id == owner, _u.id > after, ~there).order_by(_u.id).limit(limit)
    events = list(connection.execute(query))
    return attempts_of(connection, owner, events, Gates(connection, owner)), events[-1].id if events else after
