"""Ledger rows on their way out and in: which attempt of which installation each is, so none is counted twice."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, insert, select, update

from lib.ids import id_at, ms_of, new_id
from lib.ledger import Attempt, ModelRef
from lib.store import schema
from lib.store.costs import AMOUNTS
from lib.store.encoding import bounded, storable
from lib.store.recording import Place, add_to_total, event_row
from lib.store.rollup import Change, fact
from lib.store.transfer_gateways import Gates
from lib.tokens import TokenCount
from lib.transfer.document import AttemptCopy, CostCopy, GatewayCopy, ModelCopy

_u, _k, _c, _i = schema.usage_event.c, schema.cost_event.c, schema.conversation.c, schema.imported_event.c
_COUNTS = TokenCount.__struct_fields__
_SAME = (
    *("number", "started_ms", "ended_ms", "purpose", "outcome", "usage_source", "semantic", "model_reported"),
    *("response_id", "request_id", "http_status", "error_kind", "error_message", "finish_reason", "anomaly"),
    *("first_byte_ms", "first_visible_ms", "duration_ms", "max_out_cap"),
    *("chars_in", "chars_out", "chars_reasoning", "media_in"),
)
_LOW_BITS = (1 << 20) - 1
_BATCH = 500


# --- out ------------------------------------------------------------------------------------------------------------


def attempts_of(connection: Connection, owner: int, events: list[Row[Any]], gates: Gates) -> list[AttemptCopy]:
    """These usage events as documents, with all their costs and the usage as it was sent."""
    found = []
    for at in range(0, len(events), _BATCH):
        batch = events[at : at + _BATCH]
        ids = [event.id for event in batch]
        costs, raw, names = _costs(connection, owner, ids), _raw(connection, owner, ids), _names(connection, owner, ids)
        salt = _salt(connection, owner)
        for event in batch:
            name = names.get(event.id) or _name(salt, event.id)
            found.append(_attempt(event, name, costs[event.id], raw.get(event.id, ""), gates.copy(event.gateway_id)))
    return found


def _attempt(event: Row[Any], name: str, costs: list[CostCopy], raw: str, gateway: GatewayCopy | None) -> AttemptCopy:
    model = ModelCopy(event.model, gateway, event.base, event.family, event.variant, event.dialect, event.effort)
    return AttemptCopy(
        id=name,
        at_ms=ms_of(event.id),
        model=model,
        count=TokenCount(*(getattr(event, column) for column in _COUNTS)),
        usage_raw=raw,
        costs=tuple(costs),
        **{column: getattr(event, column) for column in _SAME},
    )


def _costs(connection: Connection, owner: int, ids: list[int]) -> dict[int, list[CostCopy]]:
    query = select(schema.cost_event).where(_k.owner_id == owner, _k.event_id.in_(ids))
    found: dict[int, list[CostCopy]] = defaultdict(list)
    for row in connection.execute(query.order_by(_k.event_id, _k.seq)):
        same = {name: getattr(row, name) for name in (*AMOUNTS, "kind", "reason", "created_ms", "currency", "source")}
        found[row.event_id].append(CostCopy(**same, cache_price_assumed=bool(row.cache_price_assumed)))
    return found


def _raw(connection: Connection, owner: int, ids: list[int]) -> dict[int, str]:
    raw = schema.usage_raw.c
    query = select(raw.event_id, raw.usage_json).where(raw.owner_id == owner, raw.event_id.in_(ids))
    return {row.event_id: row.usage_json for row in connection.execute(query)}


def _names(connection: Connection, owner: int, ids: list[int]) -> dict[int, str]:
    """The identities that imported events brought with them."""
    query = select(_i.event_id, _i.name).where(_i.owner_id == owner, _i.event_id.in_(ids))
    return {row.event_id: row.name for row in connection.execute(query)}


def _salt(connection: Connection, owner: int) -> str:
    return str(connection.scalar(select(schema.owner.c.public_id).where(schema.owner.c.id == owner)) or "")


def _name(salt: str, event_id: int) -> str:
    """The public identity of an event born here: 128 bits that do not give its id away."""
    digest = hashlib.sha256(f"{salt}/usage_event/{event_id}".encode()).digest()[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


# --- in -------------------------------------------------------------------------------------------------------------


def take_attempts(
    connection: Connection,
    owner: int,
    import_id: int,
    attempts: Iterable[AttemptCopy],
    gates: Gates,
    change: Change,
    *,
    conversation_id: int | None = None,
    message_id: int | None = None,
    answer_id: int | None = None,
) -> int:
    """Write those attempts that the ledger does not have, with their own times; how many.

    One it has, whose conversation was destroyed since or never came along, is tied to the one that comes now.
    """
    count, salt = 0, _salt(connection, owner)
    for copy in attempts:
        place = Place(owner, _ref(copy.model, gates), answer_id, conversation_id, message_id)
        known = _known(connection, owner, salt, copy)
        if known is None:
            _write(connection, place, import_id, copy, change)
            count += 1
        elif conversation_id is not None:
            _tie(connection, place, known, change)
    return count


def _known(connection: Connection, owner: int, salt: str, copy: AttemptCopy) -> int | None:
    """The event that this attempt already is here: imported before, or born here in that millisecond."""
    found = connection.scalar(select(_i.event_id).where(_i.owner_id == owner, _i.name == storable(copy.id)))
    if found is not None:
        return int(found)
    born = select(_u.id).where(_u.owner_id == owner, _u.id >= id_at(copy.at_ms), _u.id < id_at(copy.at_ms + 1))
    return next((int(event) for event in connection.scalars(born) if _name(salt, event) == copy.id), None)


def _write(connection: Connection, place: Place, import_id: int, copy: AttemptCopy, change: Change) -> None:
    event_id = _free_id(connection, copy)
    row = event_row(place, _as_attempt(event_id, copy))
    connection.execute(insert(schema.usage_event), row)
    if copy.usage_raw:
        raw = {"event_id": event_id, "owner_id": place.owner, "usage_json": storable(copy.usage_raw)}
        connection.execute(insert(schema.usage_raw), raw)
    costs = copy.costs or (CostCopy(),)
    rows = [_cost_row(place.owner, event_id, seq, cost) for seq, cost in enumerate(costs, 1)]
    connection.execute(insert(schema.cost_event), rows)
    mark = {"event_id": event_id, "owner_id": place.owner, "import_id": import_id, "name": storable(copy.id)}
    connection.execute(insert(schema.imported_event), mark)
    force = rows[-1]
    change.add(fact(row, force))
    add_to_total(connection, row, force["currency"], force["nano"], 1)


def _free_id(connection: Connection, copy: AttemptCopy) -> int:
    """An id of that millisecond, since ids are the time index of the ledger; the same for the same attempt."""
    low = int.from_bytes(hashlib.sha256(copy.id.encode("utf-8", "replace")).digest()[:3], "big")
    taken = set(connection.scalars(select(_u.id).where(_u.id >= id_at(copy.at_ms), _u.id < id_at(copy.at_ms + 1))))
    while (found := id_at(copy.at_ms) | (low & _LOW_BITS)) in taken:
        low += 1
    return found


def _as_attempt(event_id: int, copy: AttemptCopy) -> Attempt:
    return Attempt(
        id=event_id,
        model_requested=copy.model.model,
        dialect=copy.model.dialect,
        count=copy.count,
        **{name: getattr(copy, name) for name in _SAME},
    )


def _cost_row(owner: int, event_id: int, seq: int, cost: CostCopy) -> dict[str, Any]:
    # A file that says a request cost less than nothing would make room in every budget: that cost is unknown.
    known = cost.nano is None or cost.nano >= 0
    row: dict[str, Any] = {name: bounded(getattr(cost, name)) if known else None for name in AMOUNTS}
    row |= {name: storable(getattr(cost, name)) for name in ("kind", "reason", "currency")}
    row |= {"source": cost.source, "created_ms": bounded(cost.created_ms), "price_version_id": None}
    row |= {"cache_price_assumed": int(cost.cache_price_assumed)}
    return row | {"id": new_id(), "owner_id": owner, "event_id": event_id, "seq": seq}


def _ref(model: ModelCopy, gates: Gates) -> ModelRef:
    gateway = gates.id_of(model.gateway)
    demo = bool(model.gateway and model.gateway.demo)
    return ModelRef(gateway, model.model, model.base, model.family, model.variant, model.dialect, model.effort, demo)


def _tie(connection: Connection, place: Place, event_id: int, change: Change) -> None:
    """Only pointers move, never a figure: the conversation this event belonged to is gone, and here it is again."""
    event = connection.execute(select(schema.usage_event).where(_u.id == event_id).with_for_update()).one()
    if connection.scalar(select(exists().where(_c.id == event.conversation_id, _c.owner_id == place.owner))):
        return
    places = {"conversation_id": place.conversation_id, "message_id": place.message_id, "answer_id": place.answer_id}
    mine = and_(_u.id == event_id, _u.owner_id == place.owner)
    connection.execute(update(schema.usage_event).where(mine).values(**places))
    cost = select(schema.cost_event).where(_k.event_id == event_id, _k.owner_id == place.owner)
    force = connection.execute(cost.order_by(_k.seq.desc()).limit(1)).one()
    tied = dict(event._mapping) | places
    change.add_month(fact(event._mapping, force._mapping), -1)
    change.add_month(fact(tied, force._mapping), 1)
    add_to_total(connection, tied, force.currency, force.nano, 1)


# --- out again ------------------------------------------------------------------------------------------------------


def untake_events(connection: Connection, owner: int, events: list[Row[Any]], change: Change) -> None:
    """Remove imported events, their costs and their part of every sum: these were copies, their originals stay."""
    for event in events:
        cost = select(schema.cost_event).where(_k.event_id == event.id, _k.owner_id == owner)
        force = connection.execute(cost.order_by(_k.seq.desc()).limit(1)).one()
        change.add(fact(event._mapping, force._mapping), -1)
        add_to_total(connection, event._mapping, force.currency, force.nano, -1)
    for at in range(0, len(events), _BATCH):
        ids = [event.id for event in events[at : at + _BATCH]]
        for table, column in _TABLES:
            connection.execute(table.delete().where(column.in_(ids), table.c.owner_id == owner))


_TABLES = (
    (schema.usage_raw, schema.usage_raw.c.event_id),
    (schema.cost_event, _k.event_id),
    (schema.imported_event, _i.event_id),
    (schema.usage_event, _u.id),
)
